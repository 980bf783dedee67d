package parquet

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/layout"
	"github.com/windrow-data/windrow/sinks/internal/rowgroup"
)

// historyColumns are those of the contract, in its order.
var historyColumns = []string{
	"kind", "sync_id", "source", "account", "stream", "window_start", "window_end", "read_at", "previous_read_at", "after_settle",
	"rows_before", "rows_after", "measures", "error_kind", "hint", "unreadable", "warning",
}

// historyQuery is what a user writes to read the history.
func (p place) historyQuery() string {
	return fmt.Sprintf("read_parquet('%s/%s/**/*.parquet', union_by_name=true)", p.root, historyDir)
}

// measured stages some rows in each of the groups, whose columns hold whatever may be in them.
func measured(t *testing.T, s pipeline.Store, k pipeline.StreamKey, table *pipeline.Table, w pipeline.Window, at, groups, rows int, r *rand.Rand) pipeline.Sealed {
	t.Helper()
	ctx := context.Background()
	st, err := s.Stage(ctx, k, table, w)
	if err != nil {
		t.Fatal(err)
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, table.StageSchema())
	defer b.Release()
	for seq := range groups {
		for range rows {
			for _, f := range b.Fields() {
				switch f := f.(type) {
				case *array.StringBuilder:
					f.Append(strings.Repeat("x", r.IntN(40)))
				case *array.Int64Builder:
					if r.IntN(4) == 0 {
						f.AppendNull()
					} else {
						f.Append(r.Int64N(1000))
					}
				case *array.Float64Builder:
					f.Append(math.Round(r.Float64()*1e6) / 1000)
				case *array.TimestampBuilder:
					f.AppendTime(w.Start.Time())
				case *array.Date32Builder:
					f.Append(1)
				default:
					f.AppendNull()
				}
			}
		}
		rec := b.NewRecord()
		err := st.Append(ctx, seq, rec)
		rec.Release()
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := st.Seal(ctx); err != nil {
		t.Fatal(err)
	}
	n := int64(groups * rows)
	return pipeline.Sealed{Stage: st, Key: k, Table: table, Entry: pipeline.Entry{
		Kind: pipeline.EntryCommit, Window: w, SyncID: pipeline.SyncID(fmt.Sprint("run-", at)), ReadAt: pipeline.Instant(at * 1_000_000), Settled: at%2 == 0,
		Counts: pipeline.Counts{Read: n, Rows: n}, Fingerprint: pipeline.Hash{Lo: uint64(at)},
	}}
}

// sumsByDuckDB are the rows of a table and the sums of its counts and durations, as DuckDB adds them up.
func (p place) sumsByDuckDB(t *testing.T, table *pipeline.Table) (rows int64, sums map[string]float64) {
	t.Helper()
	sums = make(map[string]float64)
	var columns []string
	for _, c := range table.Columns { // what a reader of the data dictionary takes for additive
		if c.Aggregation == "sum" {
			columns = append(columns, c.Name)
		}
	}
	text := "SELECT count(*)"
	for _, c := range columns {
		text += ", coalesce(sum(" + c + "), 0)::DOUBLE"
	}
	query(t, text+" FROM "+p.table(table.Name), func(r *sql.Rows) error {
		into := []any{&rows}
		values := make([]float64, len(columns))
		for i := range values {
			into = append(into, &values[i])
		}
		err := r.Scan(into...)
		for i, c := range columns {
			sums[c] = values[i]
		}
		return err
	})
	return rows, sums
}

func TestDuckDBReadsTheHistoryAndItTellsWhatTheTablesHeld(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for table, stream := range map[*pipeline.Table]pipeline.StreamID{pipeline.Activity: "ucontact.agents", pipeline.Events: "dialpad.calls"} {
		p := newPlace(t)
		s := p.Open(t)
		k := pipeline.StreamKey{Account: "mx", Stream: stream}
		day := window(t, "UTC", "2025-09-30T00:00:00Z", 24*time.Hour)
		type state struct {
			rows int64
			sums map[string]float64
		}
		var states []state
		for at, size := range [][2]int{{3, 500}, {1, 20}, {0, 0}, {20, 1500}} { // the last file is larger than what is read at once
			for _, result := range s.Commit(context.Background(), []pipeline.Sealed{measured(t, s, k, table, day, at+1, size[0], size[1], r)}) {
				if result.Outcome != pipeline.Committed {
					t.Fatalf("%+v", result)
				}
			}
			rows, sums := p.sumsByDuckDB(t, table)
			states = append(states, state{rows, sums})
		}
		if err := s.Record(context.Background(), k, pipeline.Entry{Kind: pipeline.EntryFail, Window: day, SyncID: "run-9", ReadAt: 9, ErrorKind: "cut_short", Note: "secret words"}); err != nil {
			t.Fatal(err)
		}
		var columns []string
		query(t, "DESCRIBE SELECT * FROM "+p.historyQuery(), func(r *sql.Rows) error {
			var name string
			var rest [5]any
			err := r.Scan(&name, &rest[0], &rest[1], &rest[2], &rest[3], &rest[4])
			columns = append(columns, name)
			return err
		})
		if !reflect.DeepEqual(columns, historyColumns) {
			t.Errorf("the history has the columns %q, want %q", columns, historyColumns)
		}
		n := 0
		query(t, `SELECT sync_id, source, account, stream, epoch_us(window_start), epoch_us(read_at), epoch_us(previous_read_at), after_settle, rows_before, rows_after, measures
			FROM `+p.historyQuery()+` WHERE kind = 'changed' ORDER BY read_at`, func(r *sql.Rows) error {
			var sync, source, account, in, text string
			var start, read, previous, before, after int64
			var settled bool
			if err := r.Scan(&sync, &source, &account, &in, &start, &read, &previous, &settled, &before, &after, &text); err != nil {
				return err
			}
			n++
			was, is := states[n-1], states[n]
			if sync != fmt.Sprint("run-", n+1) || source != string(stream.Source()) || account != "mx" || in != string(stream) || start != int64(day.Start) ||
				read != int64(n+1)*1_000_000 || previous != int64(n)*1_000_000 || settled != (n%2 == 0) || before != was.rows || after != is.rows {
				t.Errorf("change %d: %s %s %s %s %d %d %d %v %d → %d", n, sync, source, account, in, start, read, previous, settled, before, after)
			}
			var measures map[string][2]float64
			if err := json.Unmarshal([]byte(text), &measures); err != nil {
				return err
			}
			for name := range was.sums {
				b, a := was.sums[name], is.sums[name]
				m, told := measures[name]
				if told != (b != a) || told && (math.Abs(m[0]-b) > 1e-6 || math.Abs(m[1]-a) > 1e-6) {
					t.Errorf("change %d: %s is told as %v (%v), the table had %v and %v", n, name, m, told, b, a)
				}
				delete(measures, name)
			}
			if len(measures) > 0 {
				t.Errorf("change %d tells of %v as well", n, measures)
			}
			return nil
		})
		if n != len(states)-1 {
			t.Errorf("%d changes, want %d", n, len(states)-1)
		}
		query(t, "SELECT count(*) FROM "+p.historyQuery()+` WHERE kind = 'failed' AND error_kind = 'cut_short' AND hint <> '' AND after_settle IS NULL
			AND rows_before IS NULL AND rows_after IS NULL AND measures IS NULL AND previous_read_at IS NULL`, func(r *sql.Rows) error {
			var failed int
			if err := r.Scan(&failed); err != nil || failed != 1 {
				t.Errorf("%d failures, %v", failed, err)
			}
			return nil
		})
	}
}

func TestHistoryOutlivesTheLedgersCompactions(t *testing.T) {
	ctx := context.Background()
	p := inMemory(t)
	s := p.Open(t).(*Store)
	r := rand.New(rand.NewPCG(3, 4))
	day := window(t, "UTC", "2025-09-08T00:00:00Z", 24*time.Hour)
	s.Commit(ctx, []pipeline.Sealed{measured(t, s, testKey, pipeline.Activity, day, 1, 1, 10, r)})
	begun := measured(t, s, testKey, pipeline.Activity, day, 2, 1, 4, r)
	commitDying(pipeline.WithPoints(ctx, func(point string) {
		if point == "parquet.data-renamed" {
			panic(dead{})
		}
	}), s, []pipeline.Sealed{begun})
	compactions := func() {
		l := newLedgerLog(p.mount(), layout.StreamDir(ledgerDir, testKey))
		if err := l.refresh(ctx); err != nil {
			t.Fatal(err)
		}
		first := pipeline.Entry{Kind: pipeline.EntryFirst, Window: pipeline.Window{Span: pipeline.Span{Start: 1, End: 1}, Zone: "UTC"}}
		for n := 0; n < 100; {
			if err := l.append(ctx, []pipeline.Entry{first}, true); err != nil {
				t.Fatal(err)
			}
			if l.due() {
				n++
			}
			l.compact(ctx, true)
		}
	}
	compactions() // what the open begin has noted of the sums outlives them as well
	s = p.Open(t).(*Store)
	for _, result := range s.Commit(ctx, []pipeline.Sealed{measured(t, s, testKey, pipeline.Activity, day, 3, 2, 6, r)}) {
		if result.Outcome != pipeline.Committed {
			t.Fatalf("%+v", result)
		}
	}
	compactions()
	var rows []pipeline.HistoryRow
	for r, err := range p.Open(t).(*Store).History(ctx, nil, pipeline.Span{End: pipeline.InstantOf(clock())}) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	if len(rows) != 1 || rows[0].SyncID != "run-3" || rows[0].RowsBefore != 10 || rows[0].RowsAfter != 12 || len(rows[0].Measures) < 10 {
		t.Fatalf("the history tells %+v", rows)
	}
	for name, m := range rows[0].Measures {
		if m[0] <= 0 || m[1] <= 0 {
			t.Errorf("%s: %v", name, m)
		}
	}
}

// Files of earlier versions have no columns of what could not be read and of warnings; what they tell stays.
func TestAHistoryOfAnEarlierVersionIsReadAndAddedTo(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	day := window(t, "UTC", "2025-09-08T00:00:00Z", 24*time.Hour)
	s := p.Open(t).(*Store)
	s.Commit(ctx, []pipeline.Sealed{staged(t, s, 1, day, []string{"ana"}, 0)})
	s.Commit(ctx, []pipeline.Sealed{staged(t, s, 2, day, []string{"bob"}, 0)})
	name := historyFile(testKey, day.Start)
	rows, err := s.readHistory(ctx, new(rowgroup.Scanner), name)
	if err != nil || len(rows) != 1 {
		t.Fatal(rows, err)
	}
	rec := historyRecord(rows)
	defer rec.Release()
	earlier := arrow.NewSchema(historySchema.Fields()[:unreadableColumn], nil)
	cut := array.NewRecord(earlier, rec.Columns()[:unreadableColumn], rec.NumRows())
	defer cut.Release()
	d, err := s.build(ctx, earlier, func(file *rowgroup.File) error {
		group, err := rowgroup.Encode(cut)
		if err != nil {
			return err
		}
		return file.Add(0, group)
	})
	if err != nil {
		t.Fatal(err)
	}
	seen, err := s.volume.Versions(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(d.Publish(ctx, name, seen[0]), d.Discard()); err != nil {
		t.Fatal(err)
	}
	s = p.Open(t).(*Store)
	if got, err := s.readHistory(ctx, new(rowgroup.Scanner), name); err != nil || !reflect.DeepEqual(got, rows) {
		t.Errorf("read: %+v, %v", got, err)
	}
	again := staged(t, s, 3, day, []string{"cy"}, 0)
	again.Entry.Unreadable = pipeline.FieldCounts{"talk_duration": 1}
	s.Commit(ctx, []pipeline.Sealed{again})
	if got, err := s.readHistory(ctx, new(rowgroup.Scanner), name); err != nil || len(got) != 2 || !reflect.DeepEqual(got[:1], rows) || got[1].Unreadable["talk_duration"] != 1 {
		t.Errorf("added to: %+v, %v", got, err)
	}
}

func TestADamagedHistoryIsNamedWithTheRemedy(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	day := window(t, "UTC", "2025-09-08T00:00:00Z", 24*time.Hour)
	s := p.Open(t)
	s.Commit(ctx, []pipeline.Sealed{staged(t, s, 1, day, []string{"ana"}, 0)})
	s.Commit(ctx, []pipeline.Sealed{staged(t, s, 2, day, []string{"bob"}, 0)})
	file := filepath.Join(p.root, filepath.FromSlash(historyFile(testKey, day.Start)))
	body, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, damaged := range map[string][]byte{"empty": nil, "cut": body[:len(body)/2], "other": []byte(strings.Repeat("x", len(body)))} {
		if err := os.WriteFile(file, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		var last error
		for _, err := range p.Open(t).(*Store).History(ctx, nil, day.Span) {
			last = err
		}
		if last == nil || pipeline.KindOf(last) != pipeline.Damaged || !strings.Contains(last.Error(), historyFile(testKey, day.Start)) || !strings.Contains(last.Error(), "restore it") {
			t.Errorf("%s: reading says %v", name, last)
		}
		if err := p.Open(t).Check(ctx); err == nil || last == nil || err.Error() != last.Error() {
			t.Errorf("%s: check says %v", name, err)
		}
		s := p.Open(t)
		for _, r := range s.Commit(ctx, []pipeline.Sealed{staged(t, s, 3, day, []string{"cy"}, 0)}) {
			if r.Outcome != pipeline.Failed || pipeline.KindOf(r.Err) != pipeline.Damaged {
				t.Errorf("%s: a commit that has something to add: %+v", name, r)
			}
		}
	}
	if err := os.WriteFile(file, body, 0o600); err != nil {
		t.Fatal(err)
	}
	s = p.Open(t)
	if err := s.Check(ctx); err != nil {
		t.Error(err)
	}
	for _, r := range s.Commit(ctx, []pipeline.Sealed{staged(t, s, 4, day, []string{"cy"}, 0)}) {
		if r.Outcome != pipeline.Committed {
			t.Errorf("restored: %+v", r)
		}
	}
}
