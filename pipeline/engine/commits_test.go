package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
	"github.com/windrow-data/windrow/pipeline/plan"
	"github.com/windrow-data/windrow/sinks/memory"
)

// billing is a store that notes its Commit calls and what became of its stages.
type billing struct {
	*memory.Store
	mu      sync.Mutex
	commits [][]pipeline.Result
	tables  []int // of each Commit
	sealed  int
	aborted int
}

type billedStage struct {
	pipeline.Stage
	on *billing
}

func (s *billedStage) Seal(ctx context.Context) (int64, error) {
	s.on.mu.Lock()
	s.on.sealed++
	s.on.mu.Unlock()
	return s.Stage.Seal(ctx)
}

func (s *billedStage) Abort() error {
	s.on.mu.Lock()
	s.on.aborted++
	s.on.mu.Unlock()
	return s.Stage.Abort()
}

func (b *billing) Stage(ctx context.Context, k pipeline.StreamKey, t *pipeline.Table, w pipeline.Window) (pipeline.Stage, error) {
	s, err := b.Store.Stage(ctx, k, t, w)
	return &billedStage{s, b}, err
}

func (b *billing) Commit(ctx context.Context, sealed []pipeline.Sealed) []pipeline.Result {
	own := slices.Clone(sealed)
	tables := make(map[*pipeline.Table]bool)
	for i := range own {
		own[i].Stage = own[i].Stage.(*billedStage).Stage
		tables[own[i].Table] = true
	}
	results := b.Store.Commit(ctx, own)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.commits, b.tables = append(b.commits, results), append(b.tables, len(tables))
	return results
}

// shaped is a scripted source whose stream a test alters.
type shaped struct {
	*scripted
	shape func(*pipeline.Stream)
}

func (s shaped) Streams() []pipeline.Stream {
	list := s.scripted.Streams()
	s.shape(&list[0])
	return list
}

// counts is a format of lines "time number" for the table activity.
type counts struct{ lines }

func (counts) Decode(_ *pipeline.Meta, c pipeline.Chunk, into *pipeline.Batch) error {
	for line := range bytes.Lines(c.Data) {
		var at string
		var n int64
		if _, err := fmt.Sscan(string(line), &at, &n); err != nil {
			return err
		}
		t, err := time.Parse(time.RFC3339, at)
		if err != nil {
			return err
		}
		for _, name := range []string{"resource_type", "resource_id", "channel", "timezone"} {
			into.String(pipeline.Activity.Index(name), "any")
		}
		into.Instant(pipeline.Activity.Index("interval_start"), pipeline.InstantOf(t))
		into.Instant(pipeline.Activity.Index("interval_end"), pipeline.InstantOf(t.Add(time.Hour)))
		into.Int(pipeline.Activity.Index("answered"), n)
		into.EndRow(pipeline.InstantOf(t), pipeline.Hash{})
	}
	return nil
}

// daily answers with a row in each window.
func daily(_ context.Context, r pipeline.Request, yield func(string) error) error {
	var b strings.Builder
	for _, w := range r.Windows {
		fmt.Fprintf(&b, "%s 1\n", w.Start.Add(10*time.Hour))
	}
	return yield(b.String())
}

// bothTables are sources of a stream of each table, whose windows are asked one by one.
func bothTables() (events *scripted, sources []pipeline.Source) {
	events = newScripted(daily)
	events.apart = true
	activity := newScripted(daily)
	activity.key.Stream, activity.apart = "ucontact.agents", true
	return events, []pipeline.Source{events, shaped{activity, func(s *pipeline.Stream) {
		s.Table, s.Format = pipeline.Activity, counts{}
	}}}
}

// newBilling is an engine whose groups the clock closes after an hour, which no test has.
func newBilling(t *testing.T, g pipeline.Grouping, sources ...pipeline.Source) (*engine.Engine, *billing) {
	t.Helper()
	running := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, running) })
	store := &billing{Store: memory.New(memory.Options{})}
	t.Cleanup(func() { _ = store.Close() })
	e := engineOn(store, nil)
	e.Sources, e.Group = sources, g
	e.Group.After = time.Hour
	return e, store
}

// runPromptly runs within a time far below that of a group.
func runPromptly(t *testing.T, ctx context.Context, e *engine.Engine) pipeline.Summary {
	t.Helper()
	type end struct {
		sum pipeline.Summary
		err error
	}
	ended := make(chan end, 1)
	go func() {
		sum, err := e.Sync(ctx)
		ended <- end{sum, err}
	}()
	select {
	case got := <-ended:
		if got.err != nil {
			t.Fatal(got.err)
		}
		return got.sum
	case <-time.After(time.Minute):
		t.Fatal("the run waits for the clock, or for ever")
		panic("unreachable")
	}
}

func TestARunThatChangesNoDataMakesOneCommit(t *testing.T) {
	events, sources := bothTables()
	e, store := newBilling(t, pipeline.Grouping{}, sources...)
	if sum := runPromptly(t, t.Context(), e); sum.Exit != pipeline.ExitDone || sum.Streams[0].Committed != 3 || sum.Streams[1].Committed != 3 {
		t.Fatalf("%+v", sum)
	}
	for _, refetch := range []pipeline.Grouping{{}, {Windows: 2}} {
		store.commits, store.tables = nil, nil
		e.Select.Refetch = true
		e.Group.Windows = refetch.Windows
		sum := runPromptly(t, t.Context(), e)
		if sum.Streams[0].Unchanged != 3 || sum.Streams[1].Unchanged != 3 || len(store.commits) != 1 || store.tables[0] != 2 {
			t.Errorf("%d commits over %v tables: %+v", len(store.commits), store.tables, sum.Streams)
		}
	}
	// One window changes: the others ride along with it.
	store.commits = nil
	events.answer = func(ctx context.Context, r pipeline.Request, yield func(string) error) error {
		if r.Span.Start.Time().Day() == 8 {
			return yield("2025-09-08T11:00:00Z other\n")
		}
		return daily(ctx, r, yield)
	}
	if sum := runPromptly(t, t.Context(), e); sum.Streams[0].Committed != 1 || sum.Streams[0].Unchanged != 2 || len(store.commits) != 1 || len(store.commits[0]) != 6 {
		t.Errorf("%d commits: %+v", len(store.commits), sum.Streams)
	}
}

func TestManyWindowsAreCommittedInFewGroups(t *testing.T) {
	s := newScripted(daily)
	s.apart = true
	e, store := newBilling(t, pipeline.Grouping{Windows: 256}, shaped{s, func(s *pipeline.Stream) { s.From = noon.AddDate(0, 0, -600).Format(time.DateOnly) }})
	sum := runPromptly(t, t.Context(), e)
	if sum.Streams[0].Committed != 600 || len(store.commits) > 4 {
		t.Errorf("%d commits: %+v", len(store.commits), sum.Streams)
	}
	for _, c := range store.commits {
		if len(c) > 256 {
			t.Errorf("a commit of %d windows", len(c))
		}
	}
}

func TestNoJobHoldsUpTheOthersHoweverItEnds(t *testing.T) {
	for says, fail := range map[string]func() error{
		"refused":      func() error { return errRefused },
		"unauthorized": func() error { return &pipeline.Error{Op: "ask", Kind: pipeline.Unauthorized, Err: errors.New("no")} },
		"panicked":     func() error { panic("at the disco") },
	} {
		t.Run(says, func(t *testing.T) {
			events, sources := bothTables()
			events.answer = func(ctx context.Context, r pipeline.Request, yield func(string) error) error {
				return fail()
			}
			e, store := newBilling(t, pipeline.Grouping{}, sources...)
			sum := runPromptly(t, t.Context(), e)
			if sum.Streams[0].Failed != 3 || sum.Streams[1].Committed != 3 || len(store.commits) != 1 {
				t.Errorf("%d commits: %+v", len(store.commits), sum)
			}
		})
	}
}

func TestAnObserverThatPanicsHoldsNobodyUp(t *testing.T) {
	events, sources := bothTables()
	events.answer = func(context.Context, pipeline.Request, func(string) error) error { return errRefused }
	e, store := newBilling(t, pipeline.Grouping{}, sources...)
	e.Observe = func(ev engine.Event) {
		if ev.Kind == engine.EventFailed {
			panic("at the disco")
		}
	}
	ended := make(chan any, 1)
	go func() {
		defer func() { ended <- recover() }()
		_, _ = e.Sync(t.Context())
	}()
	select {
	case p := <-ended:
		if p == nil || len(store.commits) != 1 || len(store.commits[0]) != 3 {
			t.Errorf("panic %v, commits %v", p, store.commits)
		}
	case <-time.After(time.Minute):
		t.Fatal("the run waits for a job that panicked")
	}
}

func TestStagedBytesCloseAGroup(t *testing.T) {
	committed := make(chan struct{})
	s := newScripted(nil)
	s.apart = true
	s.answer = func(ctx context.Context, r pipeline.Request, yield func(string) error) error {
		if r.Span.Start.Time().Day() == 9 {
			<-committed // what came before
		}
		return daily(ctx, r, yield)
	}
	e, store := newBilling(t, pipeline.Grouping{Bytes: 1}, s)
	var once sync.Once
	e.Observe = func(ev engine.Event) {
		if ev.Kind == engine.EventCommitted {
			once.Do(func() { close(committed) })
		}
	}
	if sum := runPromptly(t, t.Context(), e); sum.Streams[0].Committed != 3 || len(store.commits) < 2 {
		t.Errorf("%d commits: %+v", len(store.commits), sum)
	}
}

func TestPromise14_AStopDropsWhatWaitsForItsGroup(t *testing.T) {
	events, sources := bothTables()
	e, store := newBilling(t, pipeline.Grouping{}, sources...)
	runPromptly(t, t.Context(), e)
	store.commits, store.sealed, store.aborted = nil, 0, 0

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	e.Select.Refetch = true
	events.answer = func(ctx context.Context, r pipeline.Request, yield func(string) error) error {
		switch r.Span.Start.Time().Day() {
		case 7: // still asks when the signal comes
			<-ctx.Done()
			return ctx.Err()
		case 8: // brings other rows
			return yield("")
		}
		return daily(ctx, r, yield)
	}
	var mu sync.Mutex
	passed := 0
	sum := runPromptly(t, pipeline.WithPoints(ctx, func(name string) {
		mu.Lock()
		defer mu.Unlock()
		if name == "engine.sealed" {
			if passed++; passed == 5 {
				cancel()
			}
		}
	}), e)
	if sum.Exit != pipeline.ExitStopped || len(store.commits) != 0 || sum.Streams[0].Unchanged+sum.Streams[0].Failed+sum.Streams[1].Unchanged+sum.Streams[1].Failed != 0 {
		t.Errorf("%d commits: %+v", len(store.commits), sum)
	}
	if store.sealed != 5 || store.aborted != 6 { // and the one that was never sealed
		t.Errorf("%d stages sealed, %d aborted", store.sealed, store.aborted)
	}
}

// metered is a store that says what it bills.
type metered struct {
	*billing
	recorded []pipeline.Receipt // in the runs
}

func (m *metered) Receipt() pipeline.Receipt {
	return pipeline.Receipt{QueryJobs: len(m.commits) + len(m.recorded)}
}

func (m *metered) Estimate(context.Context, []pipeline.PlannedStream) (pipeline.Estimate, error) {
	return pipeline.Estimate{}, nil
}

func (m *metered) AppendRun(ctx context.Context, s pipeline.Summary) error {
	if s.Finished() {
		m.recorded = append(m.recorded, *s.Receipt)
	}
	return m.billing.AppendRun(ctx, s)
}

func TestARunCarriesTheReceiptOfASinkThatBills(t *testing.T) {
	_, sources := bothTables()
	e, store := newBilling(t, pipeline.Grouping{}, sources...)
	if sum := runPromptly(t, t.Context(), e); sum.Receipt != nil {
		t.Errorf("a sink that does not bill gave %+v", sum.Receipt)
	}
	bills := &metered{billing: store}
	e.Store = bills
	e.Select.Refetch = true
	if sum := runPromptly(t, t.Context(), e); sum.Receipt == nil || sum.Receipt.QueryJobs != 3 || bills.recorded[0].QueryJobs != 2 {
		t.Errorf("the receipt is %+v, in the record %+v", sum.Receipt, bills.recorded)
	}
	e.Select = plan.Selection{From: "2025-09-01", To: "2025-09-02"}
	if sum, err := e.Waive(t.Context(), "lost"); err != nil || sum.Receipt == nil || sum.Receipt.QueryJobs != 4 || bills.recorded[1].QueryJobs != 3 {
		t.Errorf("the waiver's receipt is %+v, in the record %+v, %v", sum.Receipt, bills.recorded, err)
	}
}
