package bigquery

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/job"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
)

func TestALostAnswerNeverDoublesRows(t *testing.T) {
	for _, kind := range []bigquerytest.JobKind{bigquerytest.Load, bigquerytest.Script} {
		for _, fault := range bigquerytest.TransientFaults() {
			t.Run(fmt.Sprintf("%s of a %s", fault, kind), func(t *testing.T) {
				p := newPlace(t)
				s := p.open(t, p.options())
				mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 1, "old"))
				broken := p.server.Inject(bigquerytest.Rule{Match: bigquerytest.OnJobs(kind), Fault: fault})
				mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 2, 0, "ana", "bob"), seal(t, s, dayWindow(1), 2, 1, "cy"))
				if broken.Broke() == 0 {
					t.Error("nothing was broken")
				}
				p.holds(t, "ana", "bob", "cy")
				if n := p.logged(t); n != 3 {
					t.Errorf("the log has %d commits, want 3", n)
				}
				if n := len(p.query(t, statement.RejectsTable, "SELECT reason FROM contact_centre._windrow_rejects")); n != 1 {
					t.Errorf("there are %d rejects, want 1", n)
				}
			})
		}
	}
}

func TestAFailedJobsIdIsBurnt(t *testing.T) {
	p := newPlace(t)
	s := p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 0, "old"))
	// Insertion 1 starts a job that fails, 2 finds its id taken, 3 starts the next, which fails too.
	p.server.Inject(bigquerytest.Rule{Match: bigquerytest.OnJobs(bigquerytest.Script), Fault: bigquerytest.JobConflict, Times: 3})
	before := len(p.server.Jobs())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 2, 0, "new"))
	ids := map[string]bool{}
	failed, loads := 0, 0
	for _, j := range p.server.Jobs()[before:] {
		if ids[j.ID] {
			t.Errorf("two jobs are named %s", j.ID)
		}
		ids[j.ID] = true
		if j.Kind == bigquerytest.Load {
			loads++
		}
		if j.Kind == bigquerytest.Script && j.Failed() {
			failed++
		}
	}
	if failed != 2 || loads != 1 {
		t.Errorf("%d scripts failed and %d loads ran; want 2 and 1", failed, loads)
	}
	p.holds(t, "new")
}

func TestRefusalsAreNamedAndLeaveTheWindowOpen(t *testing.T) {
	tests := []struct {
		fault bigquerytest.Fault
		kind  pipeline.Kind
		hint  string
	}{
		{bigquerytest.Forbidden, pipeline.Unauthorized, "BigQuery Data Editor"},
		{bigquerytest.Unauthorized, pipeline.Unauthorized, "BigQuery Job User"},
		{bigquerytest.QuotaExceeded, pipeline.Throttled, "next run"},
		{bigquerytest.JobQuotaExceeded, pipeline.Throttled, "next run"},
	}
	for _, tt := range tests {
		t.Run(tt.fault.String(), func(t *testing.T) {
			p := newPlace(t)
			s := p.open(t, p.options())
			mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 0, "old"))
			p.server.Inject(bigquerytest.Rule{Match: bigquerytest.OnJobs(bigquerytest.Script), Fault: tt.fault, Times: -1})
			r := mustCommit(t, s, pipeline.Failed, seal(t, s, dayWindow(0), 2, 0, "new"))[0]
			var e *pipeline.Error
			if !errors.As(r.Err, &e) || e.Kind != tt.kind || !strings.Contains(e.Hint, tt.hint) || e.Stream != agents.Stream || e.Window != dayWindow(0).Span {
				t.Errorf("%v", r.Err)
			}
			p.holds(t, "old")
			p.server.Heal()
			mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 3, 0, "new"))
			p.holds(t, "new")
		})
	}
}

// A verdict may rest on what the ledger said long ago: the guard in the
// transaction leaves the window out, and it is judged anew.
func TestACommitThatTheVerdictDidNotKnowIsNotOverrun(t *testing.T) {
	tests := []struct {
		name     string
		mine     int // the reading of the store whose ledger is out of date
		ids      []string
		outcome  pipeline.Outcome
		want     []string
		rejected int
	}{
		{"an older reading yields", 5, []string{"stale"}, pipeline.Yielded, []string{"other"}, 1},
		{"a newer one replaces", 9, []string{"newer"}, pipeline.Committed, []string{"newer"}, 0},
		{"one that would have been unchanged is written", 9, []string{"ana"}, pipeline.Committed, []string{"ana"}, 0},
		{"one that is unchanged now is not", 9, []string{"other"}, pipeline.Committed, []string{"other"}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPlace(t)
			s, other := p.open(t, p.options()), p.open(t, p.options())
			mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 0, "ana"))
			mustCommit(t, other, pipeline.Committed, seal(t, other, dayWindow(0), 7, 1, "other"))
			mustCommit(t, s, tt.outcome, seal(t, s, dayWindow(0), tt.mine, 0, tt.ids...))
			p.holds(t, tt.want...)
			if n := len(p.query(t, statement.RejectsTable, "SELECT reason FROM contact_centre._windrow_rejects")); n != tt.rejected {
				t.Errorf("there are %d rejects, want %d", n, tt.rejected)
			}
		})
	}
}

func TestJobsWithoutStatisticsAreNoTrouble(t *testing.T) {
	p := newPlace(t)
	p.server.HideStatistics(true)
	s := p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 1, "ana"))
	p.holds(t, "ana")
	if r := s.Receipt(); r.BytesBilled != 0 || r.BytesStaged != 0 || r.LoadJobs != 2 || r.QueryJobs == 0 {
		t.Errorf("the receipt without statistics is %+v", r)
	}
}

func TestABadWindowIsFoundByHalving(t *testing.T) {
	p := newPlace(t)
	s := p.open(t, p.options())
	var group []pipeline.Sealed
	for d := range 5 {
		group = append(group, seal(t, s, dayWindow(d), 1, 0, fmt.Sprint("agent ", d)))
	}
	// A file that is no Parquet beyond its footer: BigQuery refuses the load that holds it.
	bad := group[3].Stage.(*stage)
	if _, err := bad.rows.file.WriteAt(make([]byte, 64), 4); err != nil {
		t.Fatal(err)
	}
	for i, r := range s.Commit(context.Background(), group) {
		if want := i == 3; (r.Outcome == pipeline.Failed) != want || (r.Err != nil) != want {
			t.Errorf("day %d: outcome %d, %v", i, r.Outcome, r.Err)
		}
	}
	p.holds(t, "agent 0", "agent 1", "agent 2", "agent 4")
}

func TestUnchangedWindowsStartNoJobThatWritesTheDataTable(t *testing.T) {
	p := newPlace(t)
	s := p.open(t, p.options())
	again := func(n int) []pipeline.Sealed {
		return []pipeline.Sealed{seal(t, s, dayWindow(0), n, 0, "ana"), seal(t, s, dayWindow(1), n, 1), seal(t, s, dayWindow(2), n, 0)}
	}
	mustCommit(t, s, pipeline.Committed, again(1)...)
	before := len(p.server.Jobs())
	mustCommit(t, s, pipeline.Unchanged, again(2)...)
	var kinds []string
	for _, j := range p.server.Jobs()[before:] {
		kinds = append(kinds, string(j.Kind))
		for _, name := range j.Writes {
			if name == "contact_centre.activity" || name == "contact_centre._windrow_rejects" {
				t.Errorf("job %s touches %s:\n%s", j.ID, name, j.SQL)
			}
		}
	}
	if got := strings.Join(kinds, " "); got != "select script select" {
		t.Errorf("three unchanged windows took the jobs %s", got)
	}
}

func TestAGroupTakesOneLoadAndOneTransaction(t *testing.T) {
	p := newPlace(t)
	s := p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 0, "old"))
	before := len(p.server.Jobs())
	var group []pipeline.Sealed
	for d := range 60 {
		group = append(group, seal(t, s, dayWindow(d), 2, 0, fmt.Sprint("agent ", d), "x"))
	}
	mustCommit(t, s, pipeline.Committed, group...)
	var kinds []string
	for _, j := range p.server.Jobs()[before:] {
		kinds = append(kinds, string(j.Kind))
		if j.Kind != bigquerytest.Script {
			continue
		}
		if j.Partitions > 60 {
			t.Errorf("60 days modified %d partitions", j.Partitions)
		}
		if len(j.Writes) == 0 || j.Writes[0] != "contact_centre._windrow_turn" || !strings.HasPrefix(j.SQL, "BEGIN TRANSACTION;\nDELETE FROM ") {
			t.Errorf("the transaction does not replace the row of the fence first:\n%.200s", j.SQL)
		}
	}
	if got := strings.Join(kinds, " "); got != "select load script select" { // the first for the sums of the rows that go
		t.Errorf("60 windows took the jobs %s", got)
	}
	if n := p.logged(t); n != 61 {
		t.Errorf("the log has %d commits, want 61", n)
	}
}

// The DELETE must find the fence's row also in the first commit of all, or two
// first commits at once would not conflict.
func TestTheFenceHasARowBeforeTheFirstCommit(t *testing.T) {
	p := newPlace(t)
	for range 2 {
		s := p.open(t, p.options())
		if err := s.dataset.ensure(context.Background()); err != nil {
			t.Fatal(err)
		}
		if rows := p.query(t, statement.FenceTable, "SELECT batch FROM contact_centre._windrow_turn"); len(rows) != 1 {
			t.Errorf("the fence has %d rows", len(rows))
		}
	}
	s := p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 0, "ana"))
	if rows := p.query(t, statement.FenceTable, "SELECT batch FROM contact_centre._windrow_turn"); len(rows) != 1 || rows[0][0] == "none" {
		t.Errorf("the fence is %v after a commit", rows)
	}
}

// The staging table of a load that was done is gone: what BigQuery says of the
// old job proves nothing.
func TestALoadWhoseTableIsGoneIsRepeated(t *testing.T) {
	p := newPlace(t)
	func() {
		s := p.open(t, p.options())
		window := seal(t, s, dayWindow(0), 1, 0, "ana")
		ctx := pipeline.WithPoints(context.Background(), func(name string) {
			if name == "bigquery.loaded" {
				panic("killed")
			}
		})
		defer func() { _ = recover() }()
		s.Commit(ctx, []pipeline.Sealed{window})
	}()
	if len(p.server.Jobs()) == 0 {
		t.Fatal("nothing was loaded")
	}
	for _, j := range p.server.Jobs() {
		if j.Kind == bigquerytest.Load {
			_ = p.client(t).Table(strings.TrimPrefix(j.Writes[0], "contact_centre.")).Delete(context.Background())
		}
	}
	s := p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 0, "ana"))
	p.holds(t, "ana")
}

func TestTheWatermarksViewAgreesWithTheLedger(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	s := p.open(t, p.options())
	first := dayWindow(0).Start
	if err := s.Record(ctx, agents, pipeline.Entry{Kind: pipeline.EntryOrigin, Window: pipeline.Window{Span: pipeline.Span{Start: first, End: first}}}); err != nil {
		t.Fatal(err)
	}
	agree := func(step string) {
		t.Helper()
		l, err := s.Ledger(ctx, agents)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := p.server.Query(ctx, "test-project", "SELECT watermark FROM contact_centre._windrow_watermarks")
		if err != nil || len(rows) != 1 {
			t.Fatalf("%s: %v, %v", step, rows, err)
		}
		got := pipeline.NoInstant
		if rows[0][0] != nil {
			got = at(rows[0][0])
		}
		if want := l.Watermark(first); got != want {
			t.Errorf("%s: the view says %s, the ledger %s", step, got, want)
		}
	}
	agree("nothing is committed")
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(1), 1, 0, "b"))
	agree("the first day is a hole")
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 0, "a"), seal(t, s, dayWindow(3), 1, 0, "d"))
	agree("the third day is a hole")
	if err := s.Record(ctx, agents, pipeline.Entry{Kind: pipeline.EntryWaive, Window: dayWindow(2), ReadAt: readAt(1), Note: "deleted"}); err != nil {
		t.Fatal(err)
	}
	agree("it is waived")
	provisional := seal(t, s, dayWindow(1), 2, 0, "b", "c")
	provisional.Entry.Settled = false
	mustCommit(t, s, pipeline.Committed, provisional)
	agree("the second day is provisional again")
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(1), 3, 0, "b"))
	agree("and settled")
	if err := s.Record(ctx, agents, pipeline.Entry{Kind: pipeline.EntryReopen, Window: dayWindow(1), ReadAt: readAt(3), Note: "no rows"}); err != nil {
		t.Fatal(err)
	}
	agree("it is reopened")
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(1), 4, 0, "b"))
	agree("and read again")
}

// What a machine wrote whose clock was ahead settles nothing while it lies in the future: by the view as by the program.
func TestTheWatermarksViewTrustsNoCommitThatIsDatedInTheFuture(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	read := readAt(1).Time()
	s := p.openAt(t, read.Add(time.Hour))
	first := dayWindow(0).Start
	if err := s.Record(ctx, agents, pipeline.Entry{Kind: pipeline.EntryOrigin, Window: pipeline.Window{Span: pipeline.Span{Start: first, End: first}}}); err != nil {
		t.Fatal(err)
	}
	ahead := seal(t, s, dayWindow(1), 1, 0, "bob")
	ahead.Entry.ReadAt = ahead.Entry.ReadAt.Add(40 * 24 * time.Hour)
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 0, "ana"), ahead, seal(t, s, dayWindow(2), 1, 0, "cy"))
	l, err := s.Ledger(ctx, agents)
	if err != nil {
		t.Fatal(err)
	}
	marks := map[pipeline.Instant]bool{}
	for _, after := range []time.Duration{0, 30 * 24 * time.Hour, 40*24*time.Hour - 6*time.Minute, 40*24*time.Hour - 4*time.Minute, 50 * 24 * time.Hour} {
		now := read.Add(max(after, time.Hour)) // the commits themselves took place
		p.server.SetNow(func() time.Time { return now })
		rows, err := p.server.Query(ctx, "test-project", "SELECT watermark FROM contact_centre._windrow_watermarks")
		if err != nil || len(rows) != 1 {
			t.Fatalf("%v, %v", rows, err)
		}
		trusted, _ := l.Trusted(pipeline.InstantOf(now.Add(5*time.Minute)), calendarEnd)
		if got, want := at(rows[0][0]), trusted.Watermark(first); got != want {
			t.Errorf("after %v the view says %s, the trusted ledger %s", after, got, want)
		} else {
			marks[got] = true
		}
	}
	if !marks[dayWindow(0).End] || !marks[dayWindow(2).End] {
		t.Errorf("the watermark was at %v", marks)
	}
}

// calendarEnd is later than every origin.
const calendarEnd = pipeline.Instant(1 << 62)

// Two INSERTs at once may take the same seq: the later one is the last then, for
// the ledger and for the view.
func TestOfFirstDaysWithTheSamePlaceInTheLogTheLaterCounts(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	s := p.open(t, p.options())
	entry := func(kind pipeline.EntryKind, day int) pipeline.Entry {
		start := dayWindow(day).Start
		return pipeline.Entry{Kind: kind, Window: pipeline.Window{Span: pipeline.Span{Start: start, End: start}}}
	}
	if err := s.Record(ctx, agents, entry(pipeline.EntryOrigin, 5), entry(pipeline.EntryFirst, 3)); err != nil {
		t.Fatal(err)
	}
	for _, day := range []int{4, 2} {
		l, err := statement.NewLine(agents, entry(pipeline.EntryFirst, day))
		if err != nil {
			t.Fatal(err)
		}
		same := strings.Replace(s.sql.AddEntries([]statement.Line{l}), "[\n(1,", "[\n(0,", 1) // the greatest seq, not one more
		if err := s.jobs.Write(ctx, "windrow_record_"+job.Nonce(), same); err != nil {
			t.Fatal(err)
		}
	}
	if rows, err := p.server.Query(ctx, "test-project", "SELECT DISTINCT seq FROM contact_centre._windrow_ledger WHERE kind = 'first'"); err != nil || len(rows) != 1 {
		t.Fatalf("%v, %v", rows, err)
	}
	l, err := p.open(t, p.options()).Ledger(ctx, agents)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := l.First()
	rows, err := p.server.Query(ctx, "test-project", "SELECT first_day FROM contact_centre._windrow_watermarks")
	if err != nil || len(rows) != 1 {
		t.Fatalf("%v, %v", rows, err)
	}
	if got := at(rows[0][0]); got != want || want != dayWindow(2).Start {
		t.Errorf("the view's first day is %s, the ledger's %s", got, want)
	}
}
