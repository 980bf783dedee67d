package parquet

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/volume"
)

// written notes in which order a store publishes and removes the objects of a table.
type written struct {
	volume.Volume

	mu    sync.Mutex
	steps []string
}

func (w *written) note(step, name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if span, ok := spanOf(name); ok && strings.HasPrefix(name, pipeline.Activity.Name) {
		w.steps = append(w.steps, step+" "+span.Start.Time().Format("15h"))
	}
}

func (w *written) Draft(ctx context.Context) (volume.Draft, error) {
	d, err := w.Volume.Draft(ctx)
	return writtenDraft{d, w}, err
}

func (w *written) Remove(ctx context.Context, objects ...volume.Object) error {
	for _, o := range objects {
		w.note("remove", o.Name)
	}
	return w.Volume.Remove(ctx, objects...)
}

type writtenDraft struct {
	volume.Draft
	written *written
}

func (d writtenDraft) Publish(ctx context.Context, name string, over volume.Version) error {
	d.written.note("publish", name)
	return d.Draft.Publish(ctx, name, over)
}

// A crash between the two must leave the rows twice, which the next commit repairs, and never not at all.
func TestPromise02_NewRowsAreThereBeforeOldOnesGo(t *testing.T) {
	p := newPlace(t)
	w := &written{Volume: volume.NewLocal(p.root, private)}
	s := open(w, p.root, Options{Now: clock})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	morning := window(t, "UTC", "2025-09-08T01:00:00Z", 6*time.Hour)
	evening := window(t, "UTC", "2025-09-08T07:00:00Z", 15*time.Hour)
	mustCommit(t, s, 1, morning, []string{"ana"})
	mustCommit(t, s, 1, evening, []string{"bob"})
	w.steps = nil
	mustCommit(t, s, 2, window(t, "UTC", "2025-09-08T00:00:00Z", 24*time.Hour), []string{"ana", "bob"})
	if want := []string{"publish 00h", "remove 01h", "remove 07h"}; !slices.Equal(w.steps, want) {
		t.Errorf("the files were touched in the order %q, want %q", w.steps, want)
	}
}
