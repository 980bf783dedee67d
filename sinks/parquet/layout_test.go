package parquet

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet/file"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/layout"
)

var testKey = pipeline.StreamKey{Account: "default", Stream: "ucontact.agents"}

// window is a window from an instant in RFC 3339 on.
func window(t testing.TB, zone, start string, length time.Duration) pipeline.Window {
	t.Helper()
	at, err := time.Parse(time.RFC3339, start)
	if err != nil {
		t.Fatal(err)
	}
	return pipeline.Window{Zone: zone, Span: pipeline.Span{Start: pipeline.InstantOf(at), End: pipeline.InstantOf(at.Add(length))}}
}

// agentsRecord has one row per agent.
func agentsRecord(w pipeline.Window, ids ...string) arrow.Record {
	t := pipeline.Activity
	b := array.NewRecordBuilder(memory.DefaultAllocator, t.StageSchema())
	defer b.Release()
	for _, id := range ids {
		for i, c := range t.Columns[pipeline.PathColumns:] {
			switch f := b.Field(i).(type) {
			case *array.StringBuilder:
				if c.Nullable {
					f.AppendNull()
				} else {
					f.Append(id)
				}
			case *array.TimestampBuilder:
				f.Append(arrow.Timestamp(w.Start))
			case *array.Date32Builder:
				f.Append(arrow.Date32FromTime(w.Start.Time()))
			default:
				f.AppendNull()
			}
		}
	}
	return b.NewRecord()
}

// commitAgents commits a window of testKey with one row per agent.
func commitAgents(t testing.TB, ctx context.Context, s pipeline.Store, at int, w pipeline.Window, ids []string, rejects ...pipeline.Reject) pipeline.Result { //nolint:revive // t first, as everywhere
	t.Helper()
	sealed := sealAgents(t, s, at, w, ids, rejects...)
	sealed.Entry.Fingerprint = pipeline.Hash{Lo: uint64(at)}
	return s.Commit(ctx, []pipeline.Sealed{sealed})[0]
}

// sealAgents stages a window of testKey with one row per agent, whose fingerprint is that of any other.
func sealAgents(t testing.TB, s pipeline.Store, at int, w pipeline.Window, ids []string, rejects ...pipeline.Reject) pipeline.Sealed {
	t.Helper()
	st, err := s.Stage(context.Background(), testKey, pipeline.Activity, w)
	if err != nil {
		t.Fatal(err)
	}
	if len(ids) > 0 {
		rec := agentsRecord(w, ids...)
		defer rec.Release()
		if err := st.Append(context.Background(), 0, rec); err != nil {
			t.Fatal(err)
		}
	}
	if err := st.Reject(context.Background(), rejects); err != nil {
		t.Fatal(err)
	}
	if _, err := st.Seal(context.Background()); err != nil {
		t.Fatal(err)
	}
	e := pipeline.Entry{
		Kind: pipeline.EntryCommit, Window: w, SyncID: "run", ReadAt: pipeline.Instant(at), ExtractedAt: pipeline.Instant(at), Settled: true,
		Counts: pipeline.Counts{Rows: int64(len(ids)), Rejected: int64(len(rejects))},
	}
	return pipeline.Sealed{Stage: st, Key: testKey, Table: pipeline.Activity, Entry: e}
}

func mustCommit(t testing.TB, s pipeline.Store, at int, w pipeline.Window, ids []string, rejects ...pipeline.Reject) {
	t.Helper()
	if r := commitAgents(t, context.Background(), s, at, w, ids, rejects...); r.Err != nil || r.Outcome != pipeline.Committed {
		t.Fatalf("outcome %d, %v", r.Outcome, r.Err)
	}
}

// names lists the files beneath a folder of the root.
func (p place) names(t testing.TB, dir string) []string {
	t.Helper()
	var names []string
	for name := range p.tree(t, dir) {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func TestAWindowLiesWhereItsReadersLookForIt(t *testing.T) {
	const day = 24 * time.Hour
	tests := []struct {
		name   string
		window pipeline.Window
		want   string
	}{
		{"a local day west of Greenwich", window(t, "America/Bogota", "2025-09-08T05:00:00Z", day), "date=2025-09-08/20250908T050000Z_20250909T050000Z.parquet"},
		{"a local day east of Greenwich has the local date", window(t, "Asia/Tokyo", "2025-09-07T15:00:00Z", day), "date=2025-09-08/20250907T150000Z_20250908T150000Z.parquet"},
		{"an hour is in the folder of its day", window(t, "Asia/Kolkata", "2025-09-07T18:30:00Z", time.Hour), "date=2025-09-08/20250907T183000Z_20250907T193000Z.parquet"},
		{"a day of 25 hours", window(t, "Europe/Berlin", "2025-10-25T22:00:00Z", 25*time.Hour), "date=2025-10-26/20251025T220000Z_20251026T230000Z.parquet"},
		{"a month is in the folder of its first day", window(t, "UTC", "2025-09-01T00:00:00Z", 30*day), "date=2025-09-01/20250901T000000Z_20251001T000000Z.parquet"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPlace(t)
			mustCommit(t, p.Open(t), 1, tt.window, []string{"ana"}, pipeline.Reject{Row: 1})
			const stream = "/source=ucontact/account=default/stream=ucontact.agents/"
			if got, want := p.names(t, "activity"), []string{"activity" + stream + tt.want}; !slices.Equal(got, want) {
				t.Errorf("the table's files are %q, want %q", got, want)
			}
			if got, want := p.names(t, rejectsDir), []string{rejectsDir + stream + tt.want}; !slices.Equal(got, want) {
				t.Errorf("the rejects' files are %q, want %q", got, want)
			}
		})
	}
}

func TestAFileIsZstdWithARequiredRootAndWithoutPathColumns(t *testing.T) {
	p := newPlace(t)
	mustCommit(t, p.Open(t), 1, window(t, "UTC", "2025-09-08T00:00:00Z", time.Hour), []string{"ana", "bob"})
	r, err := file.OpenParquetFile(filepath.Join(p.root, p.names(t, "activity")[0]), false)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close() //nolint:errcheck // it was read
	root := r.MetaData().Schema.Root()
	if got := root.RepetitionType().String(); got != "required" {
		t.Errorf("the root is %s", got)
	}
	for _, path := range []string{"source", "account", "stream", "date"} {
		if root.FieldIndexByName(path) >= 0 {
			t.Errorf("column %s stands in the path and in the file", path)
		}
	}
	if root.NumFields() != len(pipeline.Activity.Columns)-pipeline.PathColumns {
		t.Errorf("the file has %d columns", root.NumFields())
	}
	col, err := r.MetaData().RowGroup(0).ColumnChunk(root.FieldIndexByName("resource_id"))
	if err != nil {
		t.Fatal(err)
	}
	if got := col.Compression().String(); got != "ZSTD" {
		t.Errorf("pages are compressed by %s", got)
	}
}

func TestDuckDBReadsTheTableAsTheReadmeSays(t *testing.T) {
	p := newPlace(t)
	s := p.Open(t)
	full := window(t, "America/Bogota", "2025-09-08T05:00:00Z", 24*time.Hour)
	lost := window(t, "America/Bogota", "2025-09-09T05:00:00Z", 24*time.Hour)
	mustCommit(t, s, 1, full, []string{"ana", "bob"})
	mustCommit(t, s, 1, lost, []string{"ana"})
	mustCommit(t, s, 2, lost, nil)
	if n := len(p.names(t, "activity")); n != 2 {
		t.Fatalf("%d files; the window that lost its last row has one without rows", n)
	}
	var got string
	query(t, `SELECT source, account, stream, date::VARCHAR, count(*) FROM `+
		fmt.Sprintf("read_parquet('%s/activity/**/*.parquet', hive_partitioning=true, union_by_name=true)", p.root)+` GROUP BY ALL`,
		func(rows *sql.Rows) error {
			var source, account, stream, date string
			var n int
			err := rows.Scan(&source, &account, &stream, &date, &n)
			got += fmt.Sprintln(source, account, stream, date, n)
			return err
		})
	if want := "ucontact default ucontact.agents 2025-09-08 2\n"; got != want {
		t.Errorf("DuckDB reads %q, want %q", got, want)
	}
}

func TestRejectsOfEarlierVersionsAreRead(t *testing.T) {
	p := newPlace(t)
	s := p.Open(t)
	w := window(t, "UTC", "2025-09-08T00:00:00Z", time.Hour)
	stored := pipeline.Reject{Row: 7, At: w.Start.Add(time.Minute), Reason: "id is not digits", Raw: "a;b", Scope: "callcenter:123", Field: "id", Shape: "aa-99"}
	mustCommit(t, s, 5, w, nil, stored)
	read := func() (list []pipeline.WindowReject) {
		for r, err := range s.(pipeline.RejectReader).WindowRejects(t.Context(), testKey, []pipeline.Window{w}) {
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, r)
		}
		return list
	}
	if got, want := read(), []pipeline.WindowReject{{Window: w, Reject: stored}}; !slices.Equal(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	file := filepath.Join(p.root, p.names(t, rejectsDir)[0])
	query(t, fmt.Sprintf(`COPY (SELECT * EXCLUDE (field, shape) FROM read_parquet('%s', hive_partitioning=false)) TO '%s.old' (FORMAT parquet)`, file, file), func(*sql.Rows) error { return nil })
	if err := os.Rename(file+".old", file); err != nil {
		t.Fatal(err)
	}
	stored.Field, stored.Shape = "", ""
	if got, want := read(), []pipeline.WindowReject{{Window: w, Reject: stored}}; !slices.Equal(got, want) {
		t.Errorf("without the columns: got %+v, want %+v", got, want)
	}
}

func TestRejectsKeepTextPositionAndReason(t *testing.T) {
	p := newPlace(t)
	s := p.Open(t)
	w := window(t, "UTC", "2025-09-08T00:00:00Z", time.Hour)
	rejects := []pipeline.Reject{
		{Row: 7, At: pipeline.NoInstant, Reason: "date_started is not a time", Raw: "a;\"b\nc\";ñ"},
		{Row: 9, At: w.Start.Add(time.Minute), Reason: "shape", Raw: "x\xff\xfey", Scope: "callcenter:123"},
	}
	big := strings.Repeat("long row ", 1000)
	for i := range 1000 { // two row groups
		rejects = append(rejects, pipeline.Reject{Row: int64(10 + i), At: pipeline.NoInstant, Reason: "more", Raw: big})
	}
	mustCommit(t, s, 5, w, nil, rejects...)
	if n := len(p.names(t, "activity")); n != 0 {
		t.Errorf("a window with rejects alone has %d files in the table", n)
	}
	var got []string
	query(t, fmt.Sprintf(`SELECT coalesce(scope, '-'), "row", reason, raw, coalesce(epoch_us(row_time), -1), epoch_us(window_start), epoch_us(window_end),
		epoch_us(extracted_at), sync_id FROM read_parquet('%s/%s/**/*.parquet') ORDER BY "row" LIMIT 2`, p.root, rejectsDir), func(rows *sql.Rows) error {
		var scope, reason, raw, sync string
		var row, at, start, end, extracted int64
		err := rows.Scan(&scope, &row, &reason, &raw, &at, &start, &end, &extracted, &sync)
		got = append(got, fmt.Sprint(scope, "|", row, "|", reason, "|", raw, "|", at, "|", start == int64(w.Start), end == int64(w.End), extracted, sync))
		return err
	})
	want := []string{
		"-|7|date_started is not a time|a;\"b\nc\";ñ|-1|true true 5run",
		fmt.Sprintf(`callcenter:123|9|shape|x\xff\xfey|%d|true true 5run`, w.Start.Add(time.Minute)),
	}
	if !slices.Equal(got, want) {
		t.Errorf("the rejects are\n%q\nwant\n%q", got, want)
	}
	var n int
	query(t, fmt.Sprintf(`SELECT count(*) FROM read_parquet('%s/%s/**/*.parquet') WHERE raw = '%s'`, p.root, rejectsDir, big), func(rows *sql.Rows) error {
		return rows.Scan(&n)
	})
	if n != 1000 {
		t.Errorf("%d of 1000 long rejects are there", n)
	}
}

// A ledger that was deleted leaves files that nobody knows.
func TestFilesOfUnknownWindowsGoWhenACommitOverlapsThem(t *testing.T) {
	p := newPlace(t)
	first := window(t, "UTC", "2025-09-08T00:00:00Z", 12*time.Hour)
	second := window(t, "UTC", "2025-09-08T12:00:00Z", 12*time.Hour)
	far := window(t, "UTC", "2025-09-20T00:00:00Z", 12*time.Hour)
	s := p.Open(t)
	for _, w := range []pipeline.Window{first, second, far} {
		mustCommit(t, s, 1, w, []string{"ana"}, pipeline.Reject{Row: 1})
	}
	if err := os.RemoveAll(filepath.Join(p.root, ledgerDir)); err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(p.root, layout.StreamDir("activity", testKey), "date=2025-09-08", "mine.parquet")
	if err := os.WriteFile(own, []byte("the user's own"), 0o600); err != nil {
		t.Fatal(err)
	}
	s = p.Open(t)
	whole := window(t, "UTC", "2025-09-08T00:00:00Z", 24*time.Hour)
	mustCommit(t, s, 2, whole, []string{"bob"})
	const at = "/source=ucontact/account=default/stream=ucontact.agents/"
	if got, want := p.names(t, "activity"), []string{
		"activity" + at + "date=2025-09-08/20250908T000000Z_20250909T000000Z.parquet",
		"activity" + at + "date=2025-09-08/mine.parquet",
		"activity" + at + "date=2025-09-20/20250920T000000Z_20250920T120000Z.parquet",
	}; !slices.Equal(got, want) {
		t.Errorf("the table's files are\n%q\nwant\n%q", got, want)
	}
	if got := p.names(t, rejectsDir); len(got) != 1 {
		t.Errorf("the rejects' files are %q; want those of the far window", got)
	}
	// The same window without rows: its unknown file must not keep the old ones.
	mustCommit(t, s, 3, far, nil)
	n := -1
	query(t, "SELECT count(*) FROM "+strings.Replace(p.table("activity"), "**/", "**/2025092", 1), func(rows *sql.Rows) error { return rows.Scan(&n) })
	if n != 0 {
		t.Errorf("%d rows of an unknown file are left", n)
	}
}
