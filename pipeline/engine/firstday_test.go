package engine_test

import (
	"context"
	"slices"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

// beginning gives a scripted stream another FROM.
type beginning struct {
	*scripted
	from string
}

func (b beginning) Streams() []pipeline.Stream {
	streams := b.scripted.Streams()
	streams[0].From = b.from
	return streams
}

// recorder keeps the calls of Record.
type recorder struct {
	pipeline.Store
	calls [][]string // "kind day" of each entry
}

func (r *recorder) Record(ctx context.Context, k pipeline.StreamKey, entries ...pipeline.Entry) error {
	call := make([]string, len(entries))
	for i, e := range entries {
		call[i] = string(e.Kind) + " " + e.Window.Start.Time().Format("2006-01-02")
	}
	r.calls = append(r.calls, call)
	return r.Store.Record(ctx, k, entries...)
}

func TestASyncRecordsTheFirstDayWhereTheLastOneHadAnother(t *testing.T) {
	s := newScripted(said(map[string]string{"company": ""}))
	_, store := newEngine(t, s)
	r := &recorder{Store: store}
	for _, step := range []struct {
		name, from string
		bound      string // --from
		want       []string
	}{
		{"the first sync records both in one call", "2025-09-07", "", []string{"origin 2025-08-11", "first 2025-09-07"}},
		{"the same FROM again", "2025-09-07", "", nil},
		{"a later FROM", "2025-09-08", "", []string{"first 2025-09-08"}},
		{"a backfill moves nothing", "2025-09-08", "2025-09-01", nil},
		{"an earlier FROM", "2025-08-01", "", []string{"first 2025-08-01"}},
		{"FROM is removed", "", "", []string{"first 2025-08-11"}},
		{"and stays so", "", "", nil},
		{"FROM is the origin's day", "2025-08-11", "", nil},
	} {
		e := engineOn(r, s)
		e.Sources = []pipeline.Source{beginning{s, step.from}}
		e.Select.From = step.bound
		r.calls = nil
		if _, err := e.Plan(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Status(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(r.calls) > 0 {
			t.Fatalf("%s: plan and status recorded %v", step.name, r.calls)
		}
		mustSync(t, e)
		if got := slices.Concat(r.calls...); len(r.calls) > 1 || !slices.Equal(got, step.want) {
			t.Errorf("%s: recorded %v, want %v in one call", step.name, r.calls, step.want)
		}
	}
}

func TestASyncWithoutFromRecordsTheOriginAlone(t *testing.T) {
	s := newScripted(said(map[string]string{"company": ""}))
	_, store := newEngine(t, s)
	r := &recorder{Store: store}
	e := engineOn(r, s)
	e.Sources = []pipeline.Source{beginning{s, ""}}
	mustSync(t, e)
	if got := slices.Concat(r.calls...); !slices.Equal(got, []string{"origin 2025-08-11"}) {
		t.Errorf("recorded %v", got)
	}
}
