package bigquerytest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/bigquery"
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/iterator"

	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
)

const project = "acme-1"

type bench struct {
	t      *testing.T
	ctx    context.Context
	server *bigquerytest.Server
	client *bigquery.Client
}

// newBench starts a server that holds the dataset d with the tables activity and ledger.
func newBench(t *testing.T) *bench {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	s, err := bigquerytest.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	c, err := bigquery.NewClient(ctx, project, s.Options()...)
	if err != nil {
		t.Fatal(err)
	}
	c.Location = "EU"
	t.Cleanup(func() { _ = c.Close() })
	b := &bench{t, ctx, s, c}
	b.must(c.Dataset("d").Create(ctx, &bigquery.DatasetMetadata{Location: "EU"}))
	b.must(c.Dataset("d").Table("activity").Create(ctx, &bigquery.TableMetadata{
		Schema:           schema(),
		TimePartitioning: &bigquery.TimePartitioning{Type: bigquery.DayPartitioningType, Field: "local_date"},
		Clustering:       &bigquery.Clustering{Fields: []string{"id"}},
		Description:      "rows",
	}))
	b.must(c.Dataset("d").Table("ledger").Create(ctx, &bigquery.TableMetadata{Schema: bigquery.Schema{
		{Name: "entry", Type: bigquery.StringFieldType, Required: true}, {Name: "at", Type: bigquery.TimestampFieldType},
	}}))
	return b
}

func schema() bigquery.Schema {
	return bigquery.Schema{
		{Name: "id", Type: bigquery.StringFieldType, Required: true},
		{Name: "local_date", Type: bigquery.DateFieldType, Required: true},
		{Name: "at", Type: bigquery.TimestampFieldType},
		{Name: "n", Type: bigquery.IntegerFieldType},
		{Name: "tags", Type: bigquery.StringFieldType, Repeated: true},
	}
}

func (b *bench) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// file is a Parquet file with one row per id, all of one day.
func (b *bench) file(day time.Time, ids ...string) []byte {
	b.t.Helper()
	rec := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.BinaryTypes.String},
		{Name: "local_date", Type: arrow.FixedWidthTypes.Date32},
		{Name: "at", Type: &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}, Nullable: true},
		{Name: "n", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "tags", Type: arrow.ListOfField(arrow.Field{Name: "element", Type: arrow.BinaryTypes.String, Nullable: true}), Nullable: true},
	}, nil))
	defer rec.Release()
	for i, id := range ids {
		rec.Field(0).(*array.StringBuilder).Append(id)
		rec.Field(1).(*array.Date32Builder).Append(arrow.Date32FromTime(day))
		rec.Field(2).(*array.TimestampBuilder).Append(arrow.Timestamp(day.UnixMicro() + 7))
		rec.Field(3).(*array.Int64Builder).Append(int64(i))
		rec.Field(4).(*array.ListBuilder).Append(true)
		rec.Field(4).(*array.ListBuilder).ValueBuilder().(*array.StringBuilder).Append("tag of " + id)
	}
	r := rec.NewRecord()
	defer r.Release()
	var out bytes.Buffer
	w, err := pqarrow.NewFileWriter(r.Schema(), &out, parquet.NewWriterProperties(parquet.WithRootRepetition(parquet.Repetitions.Required)), pqarrow.NewArrowWriterProperties())
	b.must(err)
	b.must(w.Write(r))
	b.must(w.Close())
	return out.Bytes()
}

func (b *bench) load(table, id string, file []byte, change ...func(*bigquery.Loader, *bigquery.ReaderSource)) error {
	b.t.Helper()
	src := bigquery.NewReaderSource(bytes.NewReader(file))
	src.SourceFormat = bigquery.Parquet
	src.Schema = schema()
	src.ParquetOptions = &bigquery.ParquetOptions{EnableListInference: true}
	l := b.client.Dataset("d").Table(table).LoaderFrom(src)
	l.JobID = id
	for _, f := range change {
		f(l, src)
	}
	j, err := l.Run(b.ctx)
	if err != nil {
		return err
	}
	return b.wait(j)
}

func (b *bench) wait(j *bigquery.Job) error {
	b.t.Helper()
	st, err := j.Wait(b.ctx)
	if err != nil {
		return err
	}
	return st.Err()
}

func (b *bench) run(id, sql string) error {
	b.t.Helper()
	j, err := b.submit(id, sql)
	if err != nil {
		return err
	}
	return b.wait(j)
}

func (b *bench) submit(id, sql string) (*bigquery.Job, error) {
	q := b.client.Query(sql)
	q.JobID = id
	return q.Run(b.ctx)
}

// ids are the ids of the rows of activity, in order.
func (b *bench) ids() string {
	b.t.Helper()
	rows, err := b.server.Query(b.ctx, project, "SELECT id FROM `d.activity` ORDER BY id")
	b.must(err)
	var all []string
	for _, r := range rows {
		all = append(all, r[0].(string))
	}
	return strings.Join(all, " ")
}

func replace(stage, day, entry string) string {
	return fmt.Sprintf("BEGIN TRANSACTION;\n"+
		"MERGE `acme-1.d.activity` AS T USING `acme-1.d.%s` AS S ON FALSE\n"+
		"WHEN NOT MATCHED BY SOURCE AND T.local_date BETWEEN DATE '%s' AND DATE '%s' THEN DELETE\n"+
		"WHEN NOT MATCHED BY TARGET THEN INSERT (id, local_date, at, n, tags) VALUES (S.id, S.local_date, S.at, S.n, S.tags);\n"+
		"INSERT INTO `acme-1.d.ledger` (entry, at) VALUES ('%s', TIMESTAMP '2025-01-01 00:00:00+00');\n"+
		"COMMIT TRANSACTION;", stage, day, day, entry)
}

var (
	monday  = time.Date(2025, 9, 8, 0, 0, 0, 0, time.UTC)
	tuesday = monday.AddDate(0, 0, 1)
)

// reason is BigQuery's reason of an error, of a call or of a job.
func reason(err error) string {
	var api *googleapi.Error
	var job *bigquery.Error
	switch {
	case errors.As(err, &api) && len(api.Errors) > 0:
		return api.Errors[0].Reason
	case errors.As(err, &job):
		return job.Reason
	case err != nil:
		return err.Error()
	}
	return ""
}

func TestALoadAndAMergeScriptReplaceADayAtomically(t *testing.T) {
	b := newBench(t)
	b.must(b.load("s1", "load-1", b.file(monday, "a", "b")))
	b.must(b.run("merge-1", replace("s1", "2025-09-08", "one")))
	b.must(b.load("s2", "load-2", b.file(tuesday, "t")))
	b.must(b.run("merge-2", replace("s2", "2025-09-09", "two")))
	b.must(b.load("s3", "load-3", b.file(monday, "c")))
	b.must(b.run("merge-3", replace("s3", "2025-09-08", "three")))
	if got := b.ids(); got != "c t" {
		t.Errorf("activity holds %q, want c t", got)
	}
	it, err := b.client.Query("SELECT id, at, n, tags, local_date FROM `acme-1.d.activity` WHERE local_date = DATE '2025-09-08'").Read(b.ctx)
	b.must(err)
	var row []bigquery.Value
	b.must(it.Next(&row))
	if want := fmt.Sprint([]any{"c", monday.Add(7 * time.Microsecond), 0, []any{"tag of c"}, "2025-09-08"}); fmt.Sprint(row) != want {
		t.Errorf("row %v, want %v", row, want)
	}
	if err := it.Next(&row); !errors.Is(err, iterator.Done) {
		t.Errorf("after the row: %v", err)
	}
	bad := strings.Replace(replace("s1", "2025-09-08", "four"), "ledger` (entry,", "ledger` (nonsense,", 1)
	if got := reason(b.run("merge-4", bad)); got != "invalidQuery" {
		t.Errorf("a script with an unknown column fails with %q", got)
	}
	if got := b.ids(); got != "c t" {
		t.Errorf("after a failed script activity holds %q, want c t", got)
	}
	st, err := b.client.JobFromID(b.ctx, "merge-3")
	b.must(err)
	q, ok := st.LastStatus().Statistics.Details.(*bigquery.QueryStatistics)
	if !ok || q.TotalBytesBilled != 20<<20 || q.SlotMillis == 0 {
		t.Errorf("statistics %+v, want 20 MiB billed for two tables read", q)
	}
	if n := b.server.CountJobs("d.activity"); n[bigquerytest.Script] != 4 || n[bigquerytest.Load] != 0 {
		t.Errorf("jobs on activity %v", n)
	}
}

func TestTwoTransactionsOnOneTableConflict(t *testing.T) {
	b := newBench(t)
	b.must(b.load("s1", "load-1", b.file(monday, "a")))
	b.must(b.load("s2", "load-2", b.file(tuesday, "b")))
	b.server.Inject(bigquerytest.Rule{Match: func(c bigquerytest.Call) bool { return c.JobID == "slow" }, Polls: 3})
	slow, err := b.submit("slow", replace("s1", "2025-09-08", "one"))
	b.must(err)
	b.must(b.run("fast", replace("s2", "2025-09-09", "two")))
	err = b.wait(slow)
	if reason(err) != "invalidQuery" || !strings.Contains(err.Error(), "Transaction is aborted due to concurrent update against table acme-1:d.activity") {
		t.Errorf("the slower transaction ended with %v", err)
	}
	if got := b.ids(); got != "b" {
		t.Errorf("activity holds %q, want b", got)
	}
}

func TestALostAnswerLeavesAJobToAttachTo(t *testing.T) {
	for _, fault := range []bigquerytest.Fault{bigquerytest.LostAfter, bigquerytest.UnavailableAfter} {
		t.Run(fault.String(), func(t *testing.T) {
			b := newBench(t)
			b.server.Inject(bigquerytest.Rule{Match: bigquerytest.OnJobs(bigquerytest.Load), Fault: fault})
			file := b.file(monday, "a")
			if err := b.load("s1", "load-1", file); err == nil {
				t.Fatal("the lost answer was no error")
			}
			err := b.load("s1", "load-1", file)
			if reason(err) != "duplicate" {
				t.Fatalf("the repeat ended with %v, want 409 duplicate", err)
			}
			j, err := b.client.JobFromIDLocation(b.ctx, "load-1", "EU")
			b.must(err)
			b.must(b.wait(j))
			n, err := b.server.Query(b.ctx, project, "SELECT COUNT(*) FROM `d.s1`")
			b.must(err)
			if n[0][0] != int64(1) {
				t.Errorf("the stage holds %v rows, want 1", n[0][0])
			}
		})
	}
}

func TestAFailedJobBurnsItsID(t *testing.T) {
	b := newBench(t)
	b.server.Inject(bigquerytest.Rule{Match: bigquerytest.OnJobs(bigquerytest.Load), Fault: bigquerytest.JobBackendError})
	if got := reason(b.load("s1", "load-1", b.file(monday, "a"))); got != "backendError" {
		t.Errorf("the job failed with %q", got)
	}
	if got := reason(b.load("s1", "load-1", b.file(monday, "a"))); got != "duplicate" {
		t.Errorf("its id again: %q", got)
	}
	b.must(b.load("s1", "load-1-1", b.file(monday, "a")))
}

func TestLoadsThatWouldLoseDataAreRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*bigquery.Loader, *bigquery.ReaderSource)
		want   string
	}{
		"a file with a column that the schema lacks": {func(_ *bigquery.Loader, s *bigquery.ReaderSource) { s.Schema = s.Schema[:4] }, "tags is not in the table's schema"},
		"a list without list inference":              {func(_ *bigquery.Loader, s *bigquery.ReaderSource) { s.ParquetOptions = nil }, "without enableListInference"},
		"a column of another type":                   {func(_ *bigquery.Loader, s *bigquery.ReaderSource) { s.Schema[3].Type = bigquery.FloatFieldType }, "does not match the target"},
		"a JSON column":                              {func(_ *bigquery.Loader, s *bigquery.ReaderSource) { s.Schema[0].Type = bigquery.JSONFieldType }, "does not match the target"},
		"another location":                           {func(l *bigquery.Loader, _ *bigquery.ReaderSource) { l.Location = "US" }, "not found in location US"},
		"a table that must exist":                    {func(l *bigquery.Loader, _ *bigquery.ReaderSource) { l.CreateDisposition = bigquery.CreateNever }, "Not found: Table"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			err := b.load("s1", "load-1", b.file(monday, "a"), c.change)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
