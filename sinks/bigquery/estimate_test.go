package bigquery

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
)

// planOf plans n windows of some days each, of a stream that is new or not.
func planOf(k pipeline.StreamKey, fresh bool, n, each int) pipeline.PlannedStream {
	table := pipeline.Activity
	if k.Stream.Source() == calls.Stream.Source() {
		table = pipeline.Events
	}
	p := pipeline.PlannedStream{StreamPlan: pipeline.StreamPlan{Stream: pipeline.Stream{Key: k, Table: table}, Origin: pipeline.NoInstant}}
	if fresh {
		p.Origin = dayWindow(0).Start
	}
	for i := range n {
		w := dayWindow(i * each)
		w.End = w.Start.Add(time.Duration(each) * 24 * time.Hour)
		p.Windows = append(p.Windows, pipeline.PlannedWindow{Window: w})
	}
	return p
}

func sixStreams(n, each int) (plan []pipeline.PlannedStream) {
	for _, name := range []pipeline.StreamID{"ucontact.agents", "ucontact.campaigns", "chattonic.operators", "dialpad.calls", "dialpad.texts", "dialpad.voicemails"} {
		plan = append(plan, planOf(pipeline.StreamKey{Account: "default", Stream: name}, true, n, each))
	}
	return plan
}

const MiB = 1 << 20

func TestAnEstimateCountsJobsAndBytesAndNamesQuotas(t *testing.T) {
	tests := []struct {
		name           string
		plan           []pipeline.PlannedStream
		cap            int64
		loads, queries int
		billed         int64
		warnings       []string // what each has
	}{
		{"no streams", nil, 0, 0, 2, 10 * MiB, nil},
		{"six streams with nothing to read", sixStreams(0, 1), 0, 0, 6 + 2 + 6, 130 * MiB, nil},
		{"a stream with nothing to read and another first day", []pipeline.PlannedStream{{StreamPlan: pipeline.StreamPlan{Stream: pipeline.Stream{Key: agents, Table: pipeline.Activity}, Origin: pipeline.NoInstant, Moved: true}}}, 0, 0, 1 + 2 + 1, 30 * MiB, nil},
		{"a night of one stream", []pipeline.PlannedStream{planOf(agents, false, 3, 1)}, 0, 1, 1 + 3 + 2, (20 + 90) * MiB, nil},
		// 2,190 windows are five groups, each of both tables.
		{"a year of six streams", sixStreams(365, 1), 0, 10, 6 + 3 + 6 + 20, (130 + 10*90) * MiB, nil},
		// 10,958 windows are 22 groups of one table.
		{"thirty years", []pipeline.PlannedStream{planOf(agents, true, 10958, 1)}, 0, 22, 1 + 3 + 1 + 44, (30 + 22*90) * MiB,
			[]string{"10958 of 10000 partitions, which are days, of table activity; begin with a later day: --from"}},
		{"windows of ten years", []pipeline.PlannedStream{planOf(agents, false, 2, 3653)}, 0, 2, 1 + 3 + 4, (20 + 2*90) * MiB,
			[]string{"3653 of 4000 partitions that one job of table activity may modify; split the span by --from and --to"}},
		{"a low cap", []pipeline.PlannedStream{planOf(agents, false, 3, 1)}, 90 * MiB, 1, 6, 110 * MiB, []string{"WINDROW_BIGQUERY_MAX_BYTES_BILLED"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPlace(t)
			o := p.options()
			if tt.cap > 0 {
				o.MaxBytesBilled = tt.cap
			}
			got, err := p.open(t, o).Estimate(context.Background(), tt.plan)
			if err != nil {
				t.Fatal(err)
			}
			if got.LoadJobs != tt.loads || got.QueryJobs != tt.queries || got.BytesBilled != tt.billed {
				t.Errorf("%d loads, %d queries, %d MiB; want %d, %d, %d", got.LoadJobs, got.QueryJobs, got.BytesBilled/MiB, tt.loads, tt.queries, tt.billed/MiB)
			}
			if len(got.Warnings) != len(tt.warnings) || got.Warnings == nil {
				t.Fatalf("warnings %q", got.Warnings)
			}
			for i, want := range tt.warnings {
				if !strings.Contains(got.Warnings[i], want) {
					t.Errorf("warning %q lacks %q", got.Warnings[i], want)
				}
			}
			if n := len(p.server.Jobs()); n != 0 {
				t.Errorf("an estimate ran %d jobs", n)
			}
		})
	}
}

func TestAQuotaIsNamedOnceFromFourFifthsOn(t *testing.T) {
	e := estimate{warned: make(map[string]bool)}
	for _, used := range []float64{79_999, 80_000, 90_000} {
		e.warn(used, 100_000, "load jobs", "split")
	}
	if got := e.bill.Warnings; len(got) != 1 || got[0] != "the plan comes to 80000 of 100000 load jobs; split" {
		t.Errorf("warnings %q", got)
	}
}

func TestAnEstimateIsWhatTheCommitThenTakes(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	s := p.open(t, p.options())
	first := []pipeline.Sealed{}
	plan := []pipeline.PlannedStream{planOf(agents, false, 4, 1), planOf(calls, false, 4, 1)}
	for d := range 4 {
		first = append(first, sealOf(t, s, agents, dayWindow(d), 1, 0, "ana"), sealOf(t, s, calls, dayWindow(d), 1, 0, "c"))
	}
	mustCommit(t, s, pipeline.Committed, first...)
	if err := s.AppendRun(ctx, pipeline.Summary{SyncID: "run-1"}); err != nil {
		t.Fatal(err)
	}
	estimate, err := s.Estimate(ctx, plan)
	if err != nil {
		t.Fatal(err)
	}
	before := s.Receipt()
	run := pipeline.Begun("run-2", pipeline.CommandSync, readAt(2))
	if err := s.AppendRun(ctx, run); err != nil {
		t.Fatal(err)
	}
	var again []pipeline.Sealed
	for d := range 4 {
		agent, call := "bob", "c1"
		if d == 3 { // unchanged
			agent, call = "ana", "c"
		}
		again = append(again, sealOf(t, s, agents, dayWindow(d), 2, 0, agent), sealOf(t, s, calls, dayWindow(d), 2, 0, call))
	}
	for _, k := range []pipeline.StreamKey{agents, calls} {
		if _, err := s.Ledger(ctx, k); err != nil {
			t.Fatal(err)
		}
	}
	for i, r := range s.Commit(ctx, again) {
		if want := map[bool]pipeline.Outcome{false: pipeline.Committed, true: pipeline.Unchanged}[i >= 6]; r.Outcome != want {
			t.Errorf("window %d: outcome %d, want %d (%v)", i, r.Outcome, want, r.Err)
		}
	}
	run.FinishedAt = readAt(3)
	if err := s.AppendRun(ctx, run); err != nil {
		t.Fatal(err)
	}
	after := s.Receipt()
	loads, queries, billed := after.LoadJobs-before.LoadJobs, after.QueryJobs-before.QueryJobs, after.BytesBilled-before.BytesBilled
	if estimate.LoadJobs != loads || estimate.QueryJobs != queries || estimate.BytesBilled != billed {
		t.Errorf("estimated %+v; it took %d loads, %d queries, %d bytes", estimate, loads, queries, billed)
	}
}

func TestReceiptsStandInTheLedgerAndAreNoEntries(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	s := p.open(t, p.options())
	if err := s.dataset.ensure(ctx); err != nil {
		t.Fatal(err)
	}
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 0, "ana"), seal(t, s, dayWindow(2), 1, 0, "cy"), sealOf(t, s, calls, dayWindow(0), 1, 0, "c"))
	before := len(p.server.Jobs())
	if err := s.AppendRun(ctx, pipeline.Summary{SyncID: "run-1", Receipt: &pipeline.Receipt{}}); err != nil {
		t.Fatal(err)
	}
	if got := p.kinds(before); got != "dml dml" {
		t.Errorf("a run with data was recorded by the jobs %s", got)
	}
	rows := p.query(t, statement.LedgerTable, "SELECT r.batch, r.jobs, r.bytes_billed, r.slot_ms, r.window_start, r.window_end, r.sync_id, "+
		"(SELECT COUNT(*) FROM contact_centre._windrow_ledger AS c WHERE c.batch = r.batch AND c.kind = 'commit') "+
		"FROM contact_centre._windrow_ledger AS r WHERE r.kind = 'receipt' ORDER BY r.window_end DESC")
	if len(rows) != 2 {
		t.Fatalf("two groups have the receipts %v", rows)
	}
	for i, r := range rows {
		if r[1] != int64(3) || r[2] != int64(90*MiB) || r[3].(int64) <= 0 || r[6] != "run-1" || r[7] != int64(2-i) || at(r[4]) != dayWindow(0).Start || at(r[5]) != dayWindow(2-2*i).End {
			t.Errorf("receipt %v", r)
		}
	}
	if l, err := p.open(t, p.options()).Ledger(ctx, agents); err != nil || len(l.Entries()) != 2 {
		t.Errorf("the ledger has %d entries, %v", len(l.Entries()), err)
	}
	if keys, err := s.Streams(ctx); err != nil || len(keys) != 2 {
		t.Errorf("the streams are %v, %v", keys, err)
	}
	mustCommit(t, s, pipeline.Unchanged, seal(t, s, dayWindow(0), 2, 0, "ana"))
	before = len(p.server.Jobs())
	if err := s.AppendRun(ctx, pipeline.Summary{SyncID: "run-2"}); err != nil {
		t.Fatal(err)
	}
	for _, j := range p.server.Jobs()[before:] {
		if j.Kind != bigquerytest.DML || !slices.Equal(j.Writes, []string{"contact_centre._windrow_runs"}) {
			t.Errorf("a run without data was recorded by a %s of %v", j.Kind, j.Writes)
		}
	}
}

// What failed to be recorded is recorded by the next try, once.
func TestReceiptsOutliveARecordThatFails(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	s := p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 0, "ana"))
	p.server.Inject(bigquerytest.Rule{Match: bigquerytest.OnJobs(bigquerytest.DML), Fault: bigquerytest.Forbidden})
	run := pipeline.Summary{SyncID: "run-1"}
	if err := s.AppendRun(ctx, run); pipeline.KindOf(err) != pipeline.Unauthorized {
		t.Errorf("%v", err)
	}
	for range 2 {
		if err := s.AppendRun(ctx, run); err != nil {
			t.Fatal(err)
		}
	}
	if rows := p.query(t, statement.LedgerTable, "SELECT batch FROM contact_centre._windrow_ledger WHERE kind = 'receipt'"); len(rows) != 1 {
		t.Errorf("%d receipts of one batch", len(rows))
	}
	if rows := p.query(t, statement.RunsTable, "SELECT sync_id FROM contact_centre._windrow_runs"); len(rows) != 1 {
		t.Errorf("%d records of one run", len(rows))
	}
}

func TestEachJobIsOnTheReceiptOnce(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	s := p.open(t, p.options())
	p.server.Inject(bigquerytest.Rule{Match: bigquerytest.OnJobs(bigquerytest.Script), Fault: bigquerytest.JobBackendError, Times: 2})
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 0, "ana"))
	if _, err := s.Ledger(ctx, agents); err != nil {
		t.Fatal(err)
	}
	var want pipeline.Receipt
	for _, j := range p.server.Jobs() {
		if j.Kind == bigquerytest.Load {
			want.LoadJobs++
		} else {
			want.QueryJobs++
		}
		want.BytesStaged += j.UploadedBytes
		want.BytesBilled += j.BytesBilled
		want.SlotMillis += j.SlotMillis
	}
	if got := s.Receipt(); got != want || want.LoadJobs == 0 || want.BytesBilled == 0 {
		t.Errorf("the receipt is %+v, the jobs used %+v", got, want)
	}
}
