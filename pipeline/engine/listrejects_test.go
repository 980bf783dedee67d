package engine_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
)

// listed are the rejects that the engine tells: the window's day, f for failed, the row and its text.
func listed(t *testing.T, e *engine.Engine) (list []string) {
	t.Helper()
	err := e.Rejects(t.Context(), func(r engine.ListedReject) error {
		state := "c"
		if r.Failed {
			state = "f"
		}
		list = append(list, fmt.Sprintf("%s%s %d %s", r.Window.Start.Time().Format("02"), state, r.Row, r.Raw))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// report has a row on each of the three days, and more.
func report(more ...string) map[string]string {
	text := "2025-09-07T10:00:00Z a\n2025-09-08T10:00:00Z b\n2025-09-09T10:00:00Z c\n"
	for _, line := range more {
		text += line + "\n"
	}
	return map[string]string{"company": text}
}

func TestG_RejectsOfCommittedAndOfFailedWindowsAreListed(t *testing.T) {
	answer := report("at 2025-09-08T11:00:00Z x", "odd")
	s := newScripted(said(answer))
	e, _ := newEngine(t, s)
	e.MaxRejects.Share = 0.5
	if got := listed(t, e); got != nil {
		t.Errorf("of a sink that has nothing: %q", got)
	}
	mustSync(t, e)
	committed := []string{"07c 5 odd", "08c 4 at 2025-09-08T11:00:00Z x"}
	if got := listed(t, e); !slices.Equal(got, committed) {
		t.Errorf("committed: %q", got)
	}
	// The windows are read again, and the report is refused as a whole: what is committed stays, and both are told.
	answer["company"] = report("at 2025-09-09T11:00:00Z y", "odd", "odder", "at 2025-09-09T12:00:00Z z")["company"]
	e.Select.Refetch, e.MaxRejects.Share = true, 0.1
	sum, err := e.Sync(t.Context())
	if err != nil || sum.Streams[0].Failed != 3 {
		t.Fatalf("%+v, %v", sum, err)
	}
	// A window without any reject may be that of the undated ones, where it has no row; here each has one.
	failed := []string{"07f 5 odd", "07f 6 odder", "09f 4 at 2025-09-09T11:00:00Z y", "09f 7 at 2025-09-09T12:00:00Z z"}
	if got := listed(t, e); !slices.Equal(got, append(slices.Clone(committed), failed...)) {
		t.Errorf("both: %q", got)
	}
	e.Select.From, e.Select.To = "2025-09-09", "2025-09-09"
	if got := listed(t, e); !slices.Equal(got, failed[2:]) {
		t.Errorf("of a day: %q", got)
	}
	e.Select.From, e.Select.To = "", ""
	// The failure is forgotten once the window is read.
	answer["company"] = report()["company"]
	mustSync(t, e)
	if got := listed(t, e); got != nil {
		t.Errorf("afterwards: %q", got)
	}
	e.Streams = []pipeline.StreamID{"dialpad.texts"}
	if err := e.Rejects(t.Context(), func(engine.ListedReject) error { return nil }); pipeline.KindOf(err) != pipeline.Invalid || !strings.Contains(err.Error(), "the sink has: dialpad.calls") {
		t.Errorf("a stream that is not there: %v", err)
	}
}

func TestG_AWindowThatMayHoldTheUndatedRejectsShowsThem(t *testing.T) {
	s := newScripted(said(map[string]string{"company": "2025-09-07T10:00:00Z a\n2025-09-08T10:00:00Z b\nodd\n"}))
	e, _ := newEngine(t, s)
	e.MaxRejects.Share = 0.5
	sum, err := e.Sync(t.Context())
	if err != nil || sum.Streams[0].Failed != 1 || sum.Streams[0].Committed != 2 {
		t.Fatalf("%+v, %v", sum, err)
	}
	if got := listed(t, e); !slices.Equal(got, []string{"07c 3 odd", "09f 3 odd"}) {
		t.Errorf("%q", got)
	}
	if text := sum.Streams[0].Errors[0].Message; !strings.Contains(text, "the first is row 3: no time") {
		t.Error(text)
	}
}

func TestG_TheRecordOfARunKeepsFewRejectsAndShortOnes(t *testing.T) {
	long := strings.Repeat("ü", 3000)
	var days []string
	for range 25 {
		days = append(days, long)
	}
	s := newScripted(said(map[string]string{"company": strings.Join(days, "\n") + "\n"}))
	s.apart = true
	e, store := newEngine(t, s)
	e.Select.From, e.Select.To = "2025-06-01", "2025-09-09"
	sum, err := e.Sync(t.Context())
	if err != nil || sum.Streams[0].Failed < 90 {
		t.Fatalf("%+v, %v", sum, err)
	}
	bytes, most, few := 0, 0, 0
	for run, err := range store.Runs(t.Context(), pipeline.NoInstant, 0) {
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range run.Streams[0].Errors {
			for _, r := range w.Rejects {
				if bytes += len(r.Raw); len(r.Raw) > 1<<10 || len(r.Raw) < 1000 || !strings.HasPrefix(long, r.Raw) {
					t.Fatalf("%d bytes of a row are kept", len(r.Raw))
				}
			}
			if most = max(most, len(w.Rejects)); len(w.Rejects) == 3 {
				few++
			}
		}
	}
	if most != pipeline.ShownRejects || few == 0 || bytes > 128<<10 || bytes < 64<<10 {
		t.Errorf("%d rejects of a window, %d windows with few, %d bytes", most, few, bytes)
	}
}

// What the table holds of a window in doubt is unknown, and so are its rejects.
func TestG_AWindowInDoubtShowsNoRejects(t *testing.T) {
	s := newScripted(said(report("odd")))
	e, store := newEngine(t, s)
	e.MaxRejects.Share = 0.5
	mustSync(t, e)
	if got := listed(t, e); len(got) != 1 {
		t.Fatalf("%q", got)
	}
	first := entries(t, store, s)[0]
	first.Kind = pipeline.EntryReopen
	if err := store.Record(t.Context(), s.key, first); err != nil {
		t.Fatal(err)
	}
	if got := listed(t, e); got != nil {
		t.Errorf("%q", got)
	}
}

// only is a store that can show no reject.
type only struct{ pipeline.Store }

func TestASinkThatShowsNoRejectsSaysSo(t *testing.T) {
	e, store := newEngine(t, newScripted(said(nil)))
	e.Store = only{store}
	if err := e.Rejects(t.Context(), nil); !errors.Is(err, engine.ErrNoRejects) {
		t.Error(err)
	}
}
