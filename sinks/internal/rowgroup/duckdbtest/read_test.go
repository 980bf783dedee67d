// Package duckdbtest_test proves that DuckDB reads what the row-group encoder writes. It is a package of its own
// because linking DuckDB takes longer than all other tests of the encoder together.
package duckdbtest_test

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	_ "github.com/duckdb/duckdb-go/v2"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/rowgroup"
)

// record has rows from..from+n-1 of the events table as a sink gets it. The
// columns of each third row are null where they may be, and queued_at is null
// in all of them. pad stands behind the texts of each fifth row.
func record(from, n int, pad string) arrow.Record {
	schema := pipeline.Events.StageSchema()
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for i := from; i < from+n; i++ {
		pad := pad
		if i%5 != 1 {
			pad = ""
		}
		for c, field := range schema.Fields() {
			if field.Nullable && (i%3 == 2 || field.Name == "queued_at") {
				b.Field(c).AppendNull()
				continue
			}
			switch f := b.Field(c).(type) {
			case *array.StringBuilder:
				f.Append(fmt.Sprintf("%s ñ日🎉 %d", field.Name, i) + pad)
			case *array.BinaryDictionaryBuilder:
				if err := f.AppendString(fmt.Sprintf("%s ñ日🎉 %d", field.Name, i) + pad); err != nil {
					panic(err)
				}
			case *array.TimestampBuilder:
				f.Append(arrow.Timestamp(1757310000_000000 + int64(i)*1_000_001))
			case *array.Date32Builder:
				f.Append(20339)
			case *array.Float64Builder:
				f.Append(float64(i) / 4)
			case *array.BooleanBuilder:
				f.Append(i%2 == 0)
			case *array.Int64Builder:
				f.Append(int64(i))
			case *array.ListBuilder:
				f.Append(true)
				for j := range i % 4 {
					f.ValueBuilder().(*array.StringBuilder).Append(fmt.Sprintf("tag %d", j) + pad)
				}
			default:
				panic(fmt.Sprintf("no value for %T", f))
			}
		}
	}
	return b.NewRecord()
}

type group struct {
	seq, from, n int
	pad          string
}

func writeFile(t *testing.T, groups ...group) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "window.parquet")
	w, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := rowgroup.NewFile(w, pipeline.Events.StageSchema())
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range groups {
		rec := record(g.from, g.n, g.pad)
		rg, err := rowgroup.Encode(rec)
		rec.Release()
		if err == nil {
			err = f.Add(g.seq, rg)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(f.Close(), w.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func query(t *testing.T, q string, args ...any) []any {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	rows, err := db.QueryContext(t.Context(), q, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			t.Error(err)
		}
	}()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	out := make([]any, len(names))
	into := make([]any, len(names))
	for i := range out {
		into[i] = &out[i]
	}
	if !rows.Next() {
		t.Fatalf("no row: %v", rows.Err())
	}
	if err := rows.Scan(into...); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestDuckDBReadsGroupsInTheOrderOfTheirPlaces(t *testing.T) {
	path := writeFile(t, group{9, 1500, 1500, ""}, group{2, 0, 1499, ""}, group{5, 1499, 1, ""})
	// Row i of the file must be the i-th row made, in every column.
	got := query(t, `
		SELECT count(*), min(n = file_row_number), count(channel), count(queued_at),
			min(channel IS NOT DISTINCT FROM if(n % 3 = 2, NULL, 'channel ñ日🎉 ' || n)),
			min(extras IS NOT DISTINCT FROM if(n % 3 = 2, NULL, 'extras ñ日🎉 ' || n)),
			min(talk_seconds IS NOT DISTINCT FROM if(n % 3 = 2, NULL, n / 4)),
			min(is_entry IS NOT DISTINCT FROM if(n % 3 = 2, NULL, n % 2 = 0)),
			min(len(tags) IS NOT DISTINCT FROM if(n % 3 = 2, NULL, n % 4)),
			min(epoch_us(started_at) IS NOT DISTINCT FROM if(n % 3 = 2, NULL, 1757310000000000 + n * 1000001)),
			max(list_last(tags)), max(local_date)::VARCHAR
		FROM (SELECT *, split_part(event_id, ' ', 3)::BIGINT AS n FROM read_parquet(?, file_row_number = true))`, path)
	want := []any{int64(3000), true, int64(2000), int64(0), true, true, true, true, true, true, "tag 2", "2025-09-08"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("DuckDB read %v\nwant %v", got, want)
	}
	got = query(t, `SELECT count(DISTINCT row_group_id), max(compression) FROM parquet_metadata(?)`, path)
	if want := []any{int64(3), "ZSTD"}; !reflect.DeepEqual(got, want) {
		t.Errorf("DuckDB sees groups and compression %v, want %v", got, want)
	}
}

func TestDuckDBSkipsGroupsByTheirStatistics(t *testing.T) {
	path := writeFile(t, group{1, 100, 100, ""}, group{0, 0, 100, ""})
	tests := []struct {
		where string
		rows  int64
	}{
		{"started_at > make_timestamptz(1757310000000000 + 199 * 1000001)", 0},
		{"started_at = make_timestamptz(1757310000000000 + 199 * 1000001)", 1},
		{"started_at < make_timestamptz(1757310000000000 + 3 * 1000001)", 2}, // rows 0 and 1: row 2 has no time
		{"channel = 'channel ñ日🎉 120'", 1},
		{"talk_seconds = 24.75", 1},
		{"talk_seconds = 25", 1},
		{"talk_seconds IS NULL", 66},
	}
	for _, tt := range tests {
		if got := query(t, "SELECT count(*) FROM read_parquet(?) WHERE "+tt.where, path); got[0] != tt.rows {
			t.Errorf("%v rows where %s, want %d", got[0], tt.where, tt.rows)
		}
	}
}

func TestDuckDBReadsLongTexts(t *testing.T) {
	const padded = 1 << 20
	path := writeFile(t, group{1, 0, 7, ""}, group{2, 7, 20, strings.Repeat(" x", padded/2)})
	got := query(t, `
		SELECT count(*), min(n = file_row_number),
			min(channel IS NOT DISTINCT FROM if(n % 3 = 2, NULL, 'channel ñ日🎉 ' || n || pad)),
			min(extras IS NOT DISTINCT FROM if(n % 3 = 2, NULL, 'extras ñ日🎉 ' || n || pad)),
			min(list_last(tags) IS NOT DISTINCT FROM if(n % 3 = 2 OR n % 4 = 0, NULL, 'tag ' || (n % 4 - 1) || pad)),
			min(talk_seconds IS NOT DISTINCT FROM if(n % 3 = 2, NULL, n / 4))
		FROM (SELECT *, split_part(event_id, ' ', 3)::BIGINT AS n, if(n > 7 AND n % 5 = 1, repeat(' x', ?), '') AS pad FROM read_parquet(?, file_row_number = true))`,
		padded/2, path)
	if want := []any{int64(27), true, true, true, true, true}; !reflect.DeepEqual(got, want) {
		t.Errorf("DuckDB read %v\nwant %v", got, want)
	}
}

func TestDuckDBReadsAFileWithoutRows(t *testing.T) {
	path := writeFile(t)
	if got := query(t, `SELECT count(*), count(event_id) FROM read_parquet(?)`, path); !reflect.DeepEqual(got, []any{int64(0), int64(0)}) {
		t.Errorf("DuckDB counts %v, want none", got)
	}
	got := query(t, `SELECT string_agg(column_type, ',' ORDER BY column_name) FROM (DESCRIBE SELECT event_id, is_entry, local_date, started_at, tags, talk_seconds FROM read_parquet('`+path+`'))`)
	if want := "VARCHAR,BOOLEAN,DATE,TIMESTAMP WITH TIME ZONE,VARCHAR[],DOUBLE"; got[0] != want {
		t.Errorf("DuckDB sees the types %v, want %s", got[0], want)
	}
	got = query(t, `SELECT decode(value) FROM parquet_kv_metadata(?) WHERE decode(key) = 'windrow.columns'`, path)
	if s, _ := got[0].(string); len(s) < 1000 {
		t.Errorf("the file's column metadata is %q", got[0])
	}
}
