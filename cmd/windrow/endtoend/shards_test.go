package endtoend

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/windrow-data/windrow/connectors"
	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
	"github.com/windrow-data/windrow/pipeline/plan"
)

// streamWindow is a window of one stream.
type streamWindow struct {
	stream pipeline.StreamKey
	window pipeline.Window
}

// shard returns the engine of one of n tasks, with a store and sources of its own.
func (s *site) shard(i, n int) *engine.Engine {
	s.Helper()
	e := s.engine()
	e.Sources = s.sources(s.world.Now, func(o *connectors.Options) { o.Task, o.Tasks = strconv.Itoa(i), n })
	e.Shard = plan.Shard{Index: i, Count: n}
	return e
}

// planOf lists what an engine would read, and by how many requests.
func (s *site) planOf(e *engine.Engine) (windows []streamWindow, requests int) {
	s.Helper()
	plans, err := e.Plan(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	for _, p := range plans {
		requests += p.Requests
		for _, w := range p.Windows {
			windows = append(windows, streamWindow{p.Stream.Key, w.Window})
		}
	}
	return windows, requests
}

// questions counts the requests for statistics, and fails where one was made twice.
func (s *site) questions() int {
	s.Helper()
	asked := map[string]int{}
	for _, c := range s.world.Log() {
		report := c.Host == "dialpad" && c.Method == "POST"
		if report || c.Host == "ucontact" || strings.Contains(c.Path, "/stats/") && c.Host == "chattonic" {
			asked[c.Method+" "+c.Path+"?"+c.RawQuery+" "+string(c.Body)]++
		}
	}
	for q, n := range asked {
		if n > 1 {
			s.Errorf("asked %d times: %s", n, q)
		}
	}
	return len(asked)
}

// syncTogether runs the engines at once; the one of that index is stopped at
// its first commit. Each reads its first document when all have come to theirs.
func (s *site) syncTogether(engines []*engine.Engine, stopped int) []pipeline.Summary {
	s.Helper()
	sums := make([]pipeline.Summary, len(engines))
	var names []string
	for i := range engines {
		names = append(names, fmt.Sprint("task ", i))
	}
	meet := newMeeting(s.T, names...)
	var wg sync.WaitGroup
	for i, e := range engines {
		ctx, cancel := context.WithCancel(s.Context())
		defer cancel()
		want := pipeline.ExitDone
		if i == stopped {
			want, e.Concurrency = pipeline.ExitStopped, 1
		}
		e.Observe = func(ev engine.Event) {
			switch {
			case ev.Kind == engine.EventReading:
				meet.arrive(names[i])
			case ev.Kind == engine.EventCommitted && i == stopped:
				cancel()
			}
		}
		wg.Go(func() {
			var err error
			if sums[i], err = e.Sync(ctx); err != nil || sums[i].Exit != want {
				s.Errorf("task %d: exit %d, %v %s", i, sums[i].Exit, err, failures(sums[i]))
			}
		})
	}
	wg.Wait()
	meet.over()
	return sums
}

// months is a site with small days, from that day to the 9th of September.
func months(t *testing.T, from string) *site {
	s := newSite(t, func(o *vendorsim.Options) { o.CallsPerDay, o.TextsPerDay = 8, 4 })
	s.from = from
	return s
}

func TestPromise07_TasksThatShareARunReachTheTablesOfOneAlsoWhenATaskIsKilled(t *testing.T) {
	const tasks = 3
	s := months(t, "2025-08-24")
	owner, mine, requests := map[streamWindow]int{}, [tasks][]streamWindow{}, [tasks]int{}
	engines := make([]*engine.Engine, tasks)
	killed, all := 0, 0
	for i := range engines {
		engines[i] = s.shard(i, tasks)
		mine[i], requests[i] = s.planOf(engines[i])
		for _, w := range mine[i] {
			owner[w] = i
		}
		all += requests[i]
		if len(mine[i]) > len(mine[killed]) {
			killed = i
		}
	}
	whole, _ := s.planOf(s.engine())
	if sum := len(mine[0]) + len(mine[1]) + len(mine[2]); len(owner) != len(whole) || sum != len(whole) || min(len(mine[0]), len(mine[1]), len(mine[2])) == 0 {
		t.Fatalf("the tasks plan %d + %d + %d windows of %d", len(mine[0]), len(mine[1]), len(mine[2]), len(whole))
	}

	s.world.ResetLog()
	sums := s.syncTogether(engines, killed)
	if asked := s.questions(); asked > all || asked < all-requests[killed] {
		t.Errorf("%d questions, want %d without what the killed task did not come to ask", asked, all)
	}
	posts := s.world.Count("dialpad", "POST", "")

	again := s.shard(killed, tasks)
	left, missing := s.planOf(again)
	if len(left) == 0 || len(left) == len(mine[killed]) {
		t.Fatalf("%d of the %d windows of the killed task are left: it was not stopped midway", len(left), len(mine[killed]))
	}
	s.world.ResetLog()
	sums = append(sums, s.run(again))
	if last := sums[tasks]; last.Exit != pipeline.ExitDone {
		t.Fatalf("the second attempt: exit %d %s", last.Exit, failures(last))
	}
	if asked := s.questions(); asked != missing {
		t.Errorf("the second attempt asked %d questions, want %d", asked, missing)
	}
	posts += s.world.Count("dialpad", "POST", "")

	s.committedByOwners(owner, func(w streamWindow, id pipeline.SyncID) bool {
		return id == sums[owner[w]].SyncID || owner[w] == killed && id == sums[tasks].SyncID
	})
	s.noted(posts, tasks)
	alone := &site{T: t, world: s.world, root: t.TempDir(), from: s.from, env: s.env}
	alone.mustSync()
	sameRows(t, s.contents(), alone.contents())
}

// committedByOwners fails unless the ledger holds each of the windows, and
// nothing else, by a run that is right.
func (s *site) committedByOwners(owner map[streamWindow]int, right func(streamWindow, pipeline.SyncID) bool) {
	s.Helper()
	store := s.engine().Store
	keys, err := store.Streams(s.Context())
	if err != nil {
		s.Fatal(err)
	}
	committed := 0
	for _, k := range keys {
		l, err := store.Ledger(s.Context(), k)
		if err != nil {
			s.Fatal(err)
		}
		for _, e := range l.Entries() {
			if e.Kind != pipeline.EntryCommit {
				continue
			}
			w := streamWindow{k, e.Window}
			if _, planned := owner[w]; !planned || !right(w, e.SyncID) {
				s.Errorf("%s %s of task %d was committed by run %s", k, e.Window, owner[w], e.SyncID)
			}
			committed++
		}
	}
	if committed != len(owner) {
		s.Errorf("%d windows are committed, want %d", committed, len(owner))
	}
}

// noted fails unless the journal has a note of each POST, and all are of a task.
// A note whose POST the kill kept back is one more.
func (s *site) noted(posts, tasks int) {
	s.Helper()
	notes, err := s.engine().Store.Since(s.Context(), pipeline.TenantKey{Source: "dialpad", Account: "default"}, time.Time{})
	if err != nil {
		s.Fatal(err)
	}
	named := slices.DeleteFunc(slices.Clone(notes), func(n pipeline.Note) bool {
		return !strings.Contains(n.Text, fmt.Sprintf(" of %d ", tasks))
	})
	if posts == 0 || len(notes) < posts || len(named) != len(notes) {
		s.Errorf("%d POSTs, %d notes, %d of them of a task", posts, len(notes), len(named))
	}
}

// A report that serves the days of a month is ordered once, by the task that
// owns the month, and never split between two.
func TestSharedReportsStayWholeAmongTasks(t *testing.T) {
	const tasks, targets, touched = 3, 2, 3
	s := months(t, "2025-07-25")
	var engines []*engine.Engine
	windows := map[pipeline.StreamID]int{}
	for i := range tasks {
		e := s.shard(i, tasks)
		e.Streams = []pipeline.StreamID{"dialpad.calls", "dialpad.texts", "dialpad.voicemails", "dialpad.calls_stats"}
		engines = append(engines, e)
		mine, _ := s.planOf(e)
		for _, w := range mine {
			windows[w.stream.Stream]++
		}
	}
	s.world.ResetLog()
	s.syncTogether(engines, -1)
	s.questions()
	posts, downloads := s.world.Count("dialpad", "POST", ""), s.world.Count("download", "GET", "")
	if most := len(windows) * touched * targets; len(windows) != 4 || windows["dialpad.calls"] < 40 || posts > most || posts < len(windows)*targets*2 || downloads != posts {
		t.Errorf("%v windows took %d POSTs and %d downloads, want at most one for each month and target: %d", windows, posts, downloads, most)
	}
}
