package endtoend

import (
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/windrow-data/windrow/cmd/windrow/internal/killtest"
	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/sinktest/soak"
)

// told is the history of a warehouse, without what differs from run to run: a line each.
func (s *site) told(t *testing.T, root string) (lines []string) {
	t.Helper()
	store := openRoot(t, root)
	for r, err := range store.(pipeline.HistoryReader).History(t.Context(), nil, pipeline.Span{Start: pipeline.NoInstant, End: math.MaxInt64}) {
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintln(r.Kind, r.Key, r.Window, r.AfterSettle, r.RowsBefore, r.RowsAfter, r.MeasuresJSON()))
	}
	return lines
}

// A commit that replaces other rows is killed wherever that can be done; the next run's history is that of one that nobody
// killed.
func TestAChangeThatIsKilledAtAnyNamedPointIsToldOnce(t *testing.T) {
	s := smallKillSite(t, newSite)
	s.streams = []pipeline.StreamID{"ucontact.agents", "dialpad.texts"}
	if err := s.spawn(s.root, trueClock).Wait(); err != nil {
		t.Fatal(err)
	}
	s.world.Set(func(o *vendorsim.Options) { o.Seed++ })
	s.world.SetNow(s.world.Now().Add(4 * time.Hour)) // Dialpad answers from its cache before
	copied := func(t *testing.T) string {
		root := folder(t)
		if err := os.CopyFS(root, os.DirFS(s.root)); err != nil {
			t.Fatal(err)
		}
		return root
	}
	trace, whole := filepath.Join(t.TempDir(), "trace"), copied(t)
	if err := s.spawn(whole, trueClock, refetch, childTrace+"="+trace).Wait(); err != nil {
		t.Fatal(err)
	}
	want, passes := s.told(t, whole), killtest.Passes(t, trace)
	if len(want) < 3 || passes["parquet.history-written"] == 0 {
		t.Fatalf("the sync that was not killed tells %q, and passes %v", want, passes)
	}
	points := slices.Sorted(maps.Keys(passes))
	soak.Sweep(t, len(points), []string{"first pass", "last pass"}, func(t *testing.T, point, way int) {
		root, name, pass := copied(t), points[point-1], 1
		if way == 1 {
			pass = passes[name]
		}
		err := s.spawn(root, trueClock, refetch, fmt.Sprintf("%s=%s#%d", childPoint, name, pass)).Wait()
		if pass == 1 && !killtest.Killed(err) {
			t.Fatalf("%s: the sync was not killed: %v", name, err)
		}
		if err := s.spawn(root, trueClock, refetch).Wait(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := s.told(t, root); !slices.Equal(got, want) {
			t.Errorf("killed at %s, the history is\n%q\nwant\n%q", name, got, want)
		}
	})
}
