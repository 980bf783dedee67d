package engine_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
	"github.com/windrow-data/windrow/pipeline/engine"
	"github.com/windrow-data/windrow/sinks/memory"
)

// clocked is a source of days that have a row each hour until the true present. Its own clock may be wrong.
type clocked struct {
	*scripted
	truth time.Time
	wrong time.Duration // that the machine's clock is ahead
	from  string        // FROM
	says  error         // what a check is told

	checked int
}

func (s *clocked) Check(context.Context) error {
	s.checked++
	return s.says
}

func (s *clocked) Streams() []pipeline.Stream {
	list := s.scripted.Streams()
	list[0].From = s.from
	return list
}

func (s *clocked) now() time.Time { return s.truth.Add(s.wrong) }

func (s *clocked) Fetch(ctx context.Context, r pipeline.Request, _ pipeline.Env, yield func(pipeline.Body) error) error {
	var text strings.Builder
	for at := r.Span.Start.Time(); at.Before(r.Span.End.Time()) && at.Before(s.truth); at = at.Add(time.Hour) {
		fmt.Fprintf(&text, "%s %s\n", at.Format(time.RFC3339), at.Format("0215"))
	}
	return yield(pipeline.Body{
		Meta: pipeline.Meta{Request: r, Span: r.Span, ExtractedAt: pipeline.InstantOf(s.now()), ReadAt: pipeline.InstantOf(s.now())},
		Open: func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader(text.String())), nil
		},
	})
}

func (s *clocked) engine(store pipeline.Store) *engine.Engine {
	e := engineOn(store, s.scripted)
	e.Sources, e.Clock, e.Now = []pipeline.Source{s}, s.now, s.now
	return e
}

func newClocked(wrong time.Duration) *clocked {
	s := &clocked{scripted: newScripted(nil), truth: time.Date(2025, 9, 10, 6, 0, 0, 0, time.UTC), wrong: wrong, from: "2025-09-07"}
	s.apart = true
	return s
}

// A machine's clock is wrong for one night, then right for thirteen. No day is lost, whichever way the clock was wrong.
func TestANightWithAWrongClockLosesNoDay(t *testing.T) {
	for _, wrong := range []time.Duration{-30 * 24 * time.Hour, -26 * time.Hour, -time.Hour, 5 * time.Hour, 26 * time.Hour, 240 * time.Hour, 30 * 24 * time.Hour} {
		s := newClocked(wrong)
		store := memory.New(memory.Options{Now: s.now})
		for night := range 14 {
			if night == 1 {
				s.wrong = 0
			}
			if _, err := s.engine(store).Sync(t.Context()); err != nil {
				t.Fatal(err)
			}
			status, err := s.engine(store).Status(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if mark := status[0].Watermark; night > 0 && mark != nil && *mark > calendar.InstantOf(s.truth) {
				t.Fatalf("%v: in night %d the watermark %v is ahead of the present", wrong, night, mark)
			}
			s.truth = s.truth.Add(24 * time.Hour)
		}
		rows := map[string]int{}
		for _, row := range store.Rows(s.key) {
			rows[row["local_date"]]++
		}
		for day := time.Date(2025, 9, 7, 0, 0, 0, 0, time.UTC); day.Before(time.Date(2025, 9, 23, 0, 0, 0, 0, time.UTC)); day = day.AddDate(0, 0, 1) {
			if n := rows[day.Format(time.DateOnly)]; n != 24 {
				t.Errorf("%v: %s has %d of 24 rows", wrong, day.Format(time.DateOnly), n)
			}
		}
		status, err := s.engine(store).Status(t.Context())
		if err != nil || status[0].Watermark == nil || *status[0].Watermark != calendar.InstantOf(time.Date(2025, 9, 23, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("%v: %+v, %v", wrong, status, err)
		}
	}
}

// The first sync's clock is wrong and FROM is not set. The first true sync puts the first day where it would itself have
// begun; a first day that is too early stays, and so does a true one.
func TestAFirstSyncWithAWrongClockHidesNoDay(t *testing.T) {
	for _, c := range []struct {
		wrong []time.Duration // of the first nights; true afterwards
		first string
	}{
		{[]time.Duration{0}, "2025-08-11"},
		{[]time.Duration{0, 30 * 24 * time.Hour}, "2025-08-11"},
		{[]time.Duration{30 * 24 * time.Hour}, "2025-08-12"},
		{[]time.Duration{30 * 24 * time.Hour, 10 * 24 * time.Hour}, "2025-08-13"},
		{[]time.Duration{26 * time.Hour}, "2025-08-12"},
		{[]time.Duration{-30 * 24 * time.Hour}, "2025-07-12"},
	} {
		s := newClocked(0)
		s.from = ""
		store := memory.New(memory.Options{Now: s.now})
		for night := range 5 {
			if s.wrong = 0; night < len(c.wrong) {
				s.wrong = c.wrong[night]
			}
			if _, err := s.engine(store).Sync(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.truth = s.truth.Add(24 * time.Hour)
		}
		plans, err := s.engine(store).Plan(t.Context())
		if err != nil || len(plans) != 1 {
			t.Fatalf("%v, %v", plans, err)
		}
		if p := plans[0]; p.First.String() != c.first+"T00:00:00Z" || p.Moved || p.Origin != calendar.NoInstant || len(p.Holes) > 0 {
			t.Errorf("%v: the first day is %v (moved %v, to record %v, holes %v)", c.wrong, p.First, p.Moved, p.Origin, p.Holes)
		}
		rows := map[string]bool{}
		for _, row := range store.Rows(s.key) {
			rows[row["local_date"]] = true
		}
		if !rows[c.first] {
			t.Errorf("%v: %s was never read", c.wrong, c.first)
		}
	}
}

func TestWindowsOfAWrongClockAreNamedOnce(t *testing.T) {
	s := newClocked(240 * time.Hour)
	store := memory.New(memory.Options{Now: s.now})
	if _, err := s.engine(store).Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.wrong = 0
	e := s.engine(store)
	var dated []pipeline.Entry
	e.Observe = func(ev engine.Event) {
		if ev.Kind == engine.EventDated {
			dated = append(dated, ev.Dated...)
		}
	}
	if states, err := e.Status(t.Context()); err != nil || len(states) != 1 || len(states[0].Dated) != 13 {
		t.Errorf("the status names %v, %v", states, err)
	}
	if _, err := e.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(dated) != 13 || dated[0].Window.Start.String() != "2025-09-07T00:00:00Z" {
		t.Errorf("%d windows are named: %v", len(dated), dated)
	}
}

// A machine is so far behind that nothing is due by its clock. It would end well every night, with nothing read.
func TestARunWithoutAnythingDueComparesTheClockAllTheSame(t *testing.T) {
	s := newClocked(-30 * 24 * time.Hour)
	store := &writes{Store: memory.New(memory.Options{Now: s.now})}
	for _, c := range []struct {
		says error
		kind pipeline.Kind
		exit int
	}{
		{errClock, pipeline.ClockWrong, pipeline.ExitInternal},
		{&pipeline.Error{Op: "ask", Kind: pipeline.Unavailable, Err: errors.New("nobody is there")}, pipeline.Internal, pipeline.ExitDone},
		{nil, pipeline.Internal, pipeline.ExitDone},
	} {
		s.says, s.checked, store.calls = c.says, 0, nil
		sum, err := s.engine(store).Sync(t.Context())
		if sum.Exit != c.exit || pipeline.KindOf(err) != c.kind || s.checked != 1 {
			t.Errorf("%v: exit %d, %v, asked %d times", c.says, sum.Exit, err, s.checked)
		}
		if got := strings.Join(store.calls, " "); c.says == errClock && got != "begin end" {
			t.Errorf("written by a wrong clock: %s", got)
		}
	}
}

// Of two readings the later one wins, though its machine's clock is far behind.
func TestTheLedgersOrderDecidesWhichReadingIsNewer(t *testing.T) {
	s := newClocked(0)
	store := memory.New(memory.Options{Now: s.now})
	if _, err := s.engine(store).Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.wrong = -time.Hour
	s.truth = s.truth.Add(30 * time.Minute)
	e := s.engine(store)
	e.Select.Refetch = true
	sum, err := e.Sync(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := sum.Streams[0]; got.Yielded != 0 || got.Unchanged != 3 {
		t.Errorf("%+v", got)
	}
	l, err := store.Ledger(t.Context(), s.key)
	if err != nil {
		t.Fatal(err)
	}
	orders := []uint64{}
	for w := range l.Windows(calendar.NoInstant) {
		orders = append(orders, w.Order)
	}
	if !slices.Equal(orders, []uint64{2, 2, 2}) {
		t.Errorf("orders %v", orders)
	}
}

// A run is planned, and then another one commits. Whether that excuses a failure of the first is not for a clock to
// say.
func TestPromise07_NoClockExcusesAFailure(t *testing.T) {
	s := newClocked(240 * time.Hour)
	store := memory.New(memory.Options{Now: s.now})
	if _, err := s.engine(store).Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.wrong = 0
	s.truth = s.truth.Add(24 * time.Hour)
	failing := engineOn(store, newScripted(func(context.Context, pipeline.Request, func(string) error) error { return errRefused }))
	failing.Clock, failing.Now = s.now, s.now
	sum, err := failing.Sync(t.Context())
	if err != nil || sum.Exit != pipeline.ExitFailed || sum.Streams[0].Failed != 4 || sum.Streams[0].Yielded != 0 {
		t.Errorf("exit %d, %v: %+v", sum.Exit, err, sum.Streams)
	}
}
