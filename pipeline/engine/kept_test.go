package engine_test

import (
	"context"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
	"github.com/windrow-data/windrow/pipeline/engine"
	"github.com/windrow-data/windrow/sinks/memory"
)

// keeping is a store whose rows expire.
type keeping struct {
	*memory.Store
	kept pipeline.Retention
	err  error
}

func (k *keeping) Retention(context.Context, *pipeline.Table) (pipeline.Retention, error) {
	return k.kept, k.err
}

func TestWindowsPastTheRetentionAreNotReadAndNotMissed(t *testing.T) {
	s := newClocked(0)
	store := &keeping{Store: memory.New(memory.Options{Now: s.now}), kept: pipeline.Retention(2 * 24 * time.Hour)}
	e := s.engine(store)
	expired := 0
	e.Observe = func(ev engine.Event) {
		if ev.Kind == engine.EventExpired {
			expired += ev.Total
		}
	}
	if sum := mustSync(t, e); sum.Committed != 1 || expired != 2 {
		t.Errorf("%d windows were told as expired: %+v", expired, sum)
	}
	first := calendar.InstantOf(time.Date(2025, 9, 9, 0, 0, 0, 0, time.UTC))
	for _, en := range entries(t, store, s.scripted) {
		if en.Window.Start < first {
			t.Errorf("window %s was read", en.Window.Span)
		}
	}
	st, err := e.Status(t.Context())
	if err != nil || st[0].Expired != 2 || st[0].Open != 0 {
		t.Errorf("status %+v, %v", st, err)
	}
	e.Select.From, e.Select.To = "2025-09-07", "2025-09-08"
	if _, err := e.Sync(t.Context()); pipeline.KindOf(err) != pipeline.Invalid {
		t.Errorf("a backfill into expired days: %v", err)
	}
	e.Select.From, e.Select.To = "", ""
	store.err = &pipeline.Error{Op: "read the retention", Kind: pipeline.Unauthorized}
	if _, err := e.Plan(t.Context()); pipeline.KindOf(err) != pipeline.Unauthorized {
		t.Errorf("a retention that cannot be read: %v", err)
	}
}
