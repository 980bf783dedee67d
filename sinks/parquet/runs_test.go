package parquet

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/volumetest"
)

func runAt(i int) pipeline.Summary {
	at := pipeline.InstantOf(clock()) + pipeline.Instant(i)*60_000_000
	return pipeline.Summary{SyncID: pipeline.SyncID(fmt.Sprintf("run-%04d", i)), StartedAt: at, FinishedAt: at + 1, Exit: 3,
		Streams: []pipeline.StreamSummary{{Stream: "dialpad.calls", Account: "default", Failed: 1, Errors: []pipeline.WindowError{{ErrorKind: "malformed"}}}}}
}

// runsOf are the ids of all runs since the i-th.
func runsOf(t *testing.T, s pipeline.Store, since pipeline.Instant) (ids []pipeline.SyncID, err error) {
	t.Helper()
	for r, err := range s.(pipeline.RunReader).Runs(context.Background(), since) {
		if err != nil {
			return ids, err
		}
		ids = append(ids, r.SyncID)
	}
	return ids, nil
}

func TestRunsOfSeveralProcessesArePackedAndNoneIsLostOrDoubled(t *testing.T) {
	ctx := context.Background()
	for name, open := range map[string]func(p place, b bucketPlace) pipeline.Store{
		"a directory": func(p place, _ bucketPlace) pipeline.Store { return p.Open(t) },
		"a bucket":    func(_ place, b bucketPlace) pipeline.Store { return b.Open(t) },
	} {
		t.Run(name, func(t *testing.T) {
			p, b := newPlace(t), bucketPlace{volumetest.NewBucket()}
			const processes, runs = 4, mostRuns
			var wg sync.WaitGroup
			for n := range processes {
				s := open(p, b)
				wg.Go(func() {
					for i := range runs {
						if err := s.AppendRun(ctx, runAt(n*runs+i)); err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			ids, err := runsOf(t, open(p, b), pipeline.NoInstant)
			if err != nil || len(ids) != processes*runs {
				t.Fatalf("%d runs, %v", len(ids), err)
			}
			for i, id := range ids {
				if id != runAt(i).SyncID {
					t.Fatalf("run %d is %s", i, id)
				}
			}
			late, err := runsOf(t, open(p, b), runAt(250).StartedAt)
			if err != nil || len(late) != processes*runs-250 {
				t.Errorf("%d late runs, %v", len(late), err)
			}
		})
	}
}

func TestARecordOfARunThatIsDamagedIsRefusedByNameAndStopsNoRun(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	s := p.Open(t)
	for i := range mostRuns + 2 {
		if err := s.AppendRun(ctx, runAt(i)); err != nil {
			t.Fatal(err)
		}
	}
	single, packed := p.names(t, runsDir)[0], p.names(t, packsDir)[0]
	damage(t, filepath.Join(p.root, single), func(what string) {
		ids, err := runsOf(t, s, pipeline.NoInstant)
		if pipeline.KindOf(err) != pipeline.Damaged || !strings.Contains(err.Error(), single) || !strings.HasSuffix(err.Error(), ")") {
			t.Fatalf("%s: %v, %v", what, ids, err)
		}
	})
	whole, err := os.ReadFile(filepath.Join(p.root, packed))
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		if err := os.WriteFile(filepath.Join(p.root, packed), whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := runsOf(t, s, pipeline.NoInstant); pipeline.KindOf(err) != pipeline.Damaged || !strings.Contains(err.Error(), packed) {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
	if err := s.Check(ctx); pipeline.KindOf(err) != pipeline.Damaged {
		t.Errorf("check: %v", err)
	}
	if ids, err := runsOf(t, s, runAt(mostRuns+1).StartedAt); err != nil || len(ids) != 1 {
		t.Errorf("the newest run: %v, %v", ids, err)
	}
	if err := s.AppendRun(ctx, runAt(mostRuns+3)); err != nil {
		t.Error(err)
	}
}

func TestTheRecordsOfAnEarlierVersionAreReadAndPacked(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	if err := os.MkdirAll(filepath.Join(p.root, runsDir), 0o750); err != nil {
		t.Fatal(err)
	}
	for i := range mostRuns {
		const earlier = "{\n  \"sync_id\": \"run-%04d\",\n  \"exit\": 3,\n  \"started_at\": \"2025-10-02T%02d:%02d:00Z\",\n  \"finished_at\": \"2025-10-02T02:00:00Z\"\n}\n"
		name := fmt.Sprintf("run-%04d.json", i)
		if err := os.WriteFile(filepath.Join(p.root, runsDir, name), fmt.Appendf(nil, earlier, i, i/60, i%60), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := p.Open(t)
	for i := range 2 {
		if ids, err := runsOf(t, s, pipeline.NoInstant); err != nil || len(ids) != mostRuns+i {
			t.Fatalf("%v, %v", ids, err)
		}
		if err := s.AppendRun(ctx, runAt(mostRuns+i)); err != nil {
			t.Fatal(err)
		}
	}
	if names := p.names(t, runsDir); len(names) != 1 || !strings.HasSuffix(names[0], runSuffix) {
		t.Errorf("left are %q", names)
	}
}
