package engine_test

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

// changes is a format of lines "time agent state": changes of an agent's state, as events.
type changes struct{ lines }

func (changes) Decode(_ *pipeline.Meta, c pipeline.Chunk, into *pipeline.Batch) error {
	for line := range strings.Lines(string(c.Data)) {
		fields := strings.Fields(line)
		at, err := time.Parse(time.RFC3339, fields[0])
		if err != nil {
			into.Reject(pipeline.Reject{Row: 1, At: pipeline.NoInstant, Reason: "no time", Raw: line})
			continue
		}
		into.String(pipeline.Events.Index("kind"), "duty_status")
		into.String(pipeline.Events.Index("timezone"), "UTC")
		into.String(pipeline.Events.Index("event_id"), "1")
		into.String(pipeline.Events.Index("agent_id"), fields[1])
		into.String(pipeline.Events.Index("status"), fields[2])
		into.EndRow(pipeline.InstantOf(at), pipeline.Hash{})
	}
	return nil
}

func (c changes) Lenient() pipeline.Format { return c }

// change is one change of state.
type change struct {
	agent string
	at    pipeline.Instant
	state string
}

// timeInState reduces changes of state to the time in each state, by agent and window.
type timeInState struct {
	changes []change
	weight  int // bytes that a change is said to take
}

func (r *timeInState) Add(_ *pipeline.Meta, b *pipeline.Batch) error {
	agent, state := pipeline.Events.Index("agent_id"), pipeline.Events.Index("status")
	for i := range b.Rows() {
		r.changes = append(r.changes, change{string(b.TextAt(agent, i)), b.Times[i], string(b.TextAt(state, i))})
	}
	return nil
}

func (r *timeInState) Bytes() int { return r.weight * len(r.changes) }

func (r *timeInState) Reduce(w pipeline.Window, into *pipeline.Batch) (read int64, err error) {
	slices.SortFunc(r.changes, func(a, b change) int {
		return cmp.Or(cmp.Compare(a.agent, b.agent), cmp.Compare(a.at, b.at), cmp.Compare(a.state, b.state))
	})
	r.changes = slices.Compact(r.changes)
	for i, c := range r.changes {
		end := w.End
		if i+1 < len(r.changes) && r.changes[i+1].agent == c.agent {
			end = min(end, r.changes[i+1].at)
		}
		if w.Has(c.at) {
			read++
		}
		if start := max(c.at, w.Start); start < end {
			text := func(name, v string) { into.String(pipeline.Activity.Index(name), v) }
			text("resource_type", "user")
			text("resource_id", c.agent)
			text("channel", "all")
			text("timezone", "UTC")
			text("status", c.state)
			into.Instant(pipeline.Activity.Index("interval_start"), start)
			into.Instant(pipeline.Activity.Index("interval_end"), w.End)
			into.Float(pipeline.Activity.Index("status_seconds"), end.Sub(start).Seconds())
			into.EndRow(start, pipeline.Hash{})
		}
	}
	return read, nil
}

// reduced is a source of one stream of activity that is made of changes of state.
type reduced struct {
	*scripted
	weight int
}

func (s reduced) Streams() []pipeline.Stream {
	list := s.scripted.Streams()
	list[0].Table = pipeline.Activity
	list[0].Reduction = &pipeline.Reduction{
		Decoded: pipeline.Events,
		New:     func([]pipeline.Window) pipeline.Reducer { return &timeInState{weight: s.weight} },
	}
	return list
}

// Plan asks for the day before too: the state at the day's beginning was set then.
func (s reduced) Plan(stream pipeline.Stream, due []pipeline.Window) []pipeline.Extraction {
	plan := s.scripted.Plan(stream, due)
	for _, x := range plan {
		for i := range x.Requests {
			x.Requests[i].Span.Start = x.Requests[i].Span.Start.Add(-24 * time.Hour)
		}
	}
	return plan
}

func newReduced(weight int, texts map[string]string, scopes ...string) reduced {
	s := newScripted(said(texts), scopes...)
	s.format, s.apart = changes{}, true
	s.key.Stream = "dialpad.onduty_time"
	return reduced{s, weight}
}

func TestAReductionMakesRowsOfSeveralSourceRows(t *testing.T) {
	// Two centres tell the same change of agent 1; a chunk ends in the middle.
	s := newReduced(100, map[string]string{
		"callcenter:1": "2025-09-07T22:00:00Z 1 available\n--\n2025-09-08T02:00:00Z 1 busy\n2025-09-08T06:30:00Z 2 busy\n",
		"callcenter:2": "2025-09-08T03:00:00Z 1 available\n2025-09-08T02:00:00Z 1 busy\n",
	}, "callcenter:1", "callcenter:2")
	e, store := newEngine(t, s.scripted)
	e.Sources = []pipeline.Source{s}
	sum := mustSync(t, e)

	var got []string
	for _, row := range store.Rows(s.key) {
		if row["local_date"] == "2025-09-08" {
			got = append(got, fmt.Sprintf("%s %s %s", row["resource_id"], row["status"], row["status_seconds"]))
		}
	}
	slices.Sort(got)
	want := []string{"1 available 7200", "1 available 75600", "1 busy 3600", "2 busy 63000"}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	// 1 + 3 distinct changes on the 7th and the 8th, and none on the 9th.
	if sum.Read != 4 || sum.Rejected != 0 || sum.Outside != 0 || sum.Duplicate != 0 {
		t.Errorf("%+v", sum)
	}
	e.Select.Refetch = true
	if again := mustSync(t, e); again.Unchanged != sum.Committed || again.Committed != 0 {
		t.Errorf("the same source rows gave other rows: %+v", again)
	}
}

func TestRejectsOfAReducedStreamCountAsAnywhere(t *testing.T) {
	s := newReduced(100, map[string]string{"company": "2025-09-08T02:00:00Z 1 busy\n2025-09-08T03:00:00Z 1 free\nsoon 1 busy\n"})
	e, _ := newEngine(t, s.scripted)
	e.Sources, e.MaxRejects.Share = []pipeline.Source{s}, 0.5
	e.Select.From, e.Select.To = "2025-09-08", "2025-09-08"
	if sum := mustSync(t, e); sum.Rejected != 1 || sum.Read != 3 {
		t.Errorf("%+v", sum)
	}
}

func TestAReducerThatKeepsTooMuchFailsItsWindowsAlone(t *testing.T) {
	s := newReduced(9<<20, map[string]string{"company": "2025-09-08T02:00:00Z 1 busy\n2025-09-08T03:00:00Z 1 available\n"})
	e, _ := newEngine(t, s.scripted)
	calls := newScripted(said(map[string]string{"company": "2025-09-08T02:00:00Z a\n"}))
	e.Sources = []pipeline.Source{s, calls}
	sum, err := e.Sync(t.Context())
	if err != nil || sum.Exit != pipeline.ExitFailed {
		t.Fatalf("exit %d, %v", sum.Exit, err)
	}
	if f := sum.Streams[0]; f.Failed != 3 || f.Errors[0].ErrorKind != "too_heavy" || sum.Streams[1].Committed != 3 {
		t.Errorf("%+v", sum.Streams)
	}
}

// stray makes a row outside of its window.
type stray struct{}

func (stray) Reduce(w pipeline.Window, into *pipeline.Batch) (int64, error) {
	w.Span = calendar.Span{Start: w.End, End: w.End.Add(time.Hour)}
	return (&timeInState{changes: []change{{"1", w.Start, "busy"}}}).Reduce(w, into)
}

type strayed struct{ reduced }

func (s strayed) Streams() []pipeline.Stream {
	list := s.reduced.Streams()
	list[0].Reduction.New = func([]pipeline.Window) pipeline.Reducer { return stray{} }
	return list
}

func (stray) Add(*pipeline.Meta, *pipeline.Batch) error { return nil }
func (stray) Bytes() int                                { return 0 }

func TestAReducedRowOutsideOfItsWindowIsAFaultOfTheReducer(t *testing.T) {
	s := strayed{newReduced(1, map[string]string{"company": "2025-09-08T02:00:00Z 1 busy\n"})}
	e, store := newEngine(t, s.scripted)
	e.Sources = []pipeline.Source{s}
	if sum, err := e.Sync(t.Context()); err != nil || sum.Exit != pipeline.ExitFailed || len(store.Rows(s.key)) > 0 {
		t.Errorf("%+v, %v", sum, err)
	}
}
