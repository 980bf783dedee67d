package engine

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

// logbook is a sink that notes each Commit and gives every window a result of its own.
type logbook struct {
	pipeline.Sink // nothing else is asked of it
	meet          func(windows []int)
	endless       bool // a commit ends only with its context

	mu      sync.Mutex
	commits [][]int
}

func (s *logbook) Commit(ctx context.Context, sealed []pipeline.Sealed) []pipeline.Result {
	var windows []int
	var results []pipeline.Result
	for _, w := range sealed {
		windows = append(windows, int(w.Entry.Window.Start))
		results = append(results, pipeline.Result{Outcome: pipeline.Committed, Entry: w.Entry})
	}
	s.mu.Lock()
	s.commits = append(s.commits, windows)
	s.mu.Unlock()
	if s.meet != nil {
		s.meet(windows)
	}
	if s.endless {
		<-ctx.Done()
		return abortAll(sealed, ctx.Err())
	}
	return results
}

// said are the commits so far, each as its windows.
func (s *logbook) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return fmt.Sprint(s.commits)
}

// dropped is a stage that counts how often it was aborted.
type dropped struct {
	pipeline.Stage
	mu sync.Mutex
	n  int
}

func (d *dropped) Abort() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.n++
	return nil
}

// sealedAt is window n, of ten staged bytes.
func sealedAt(n int) pipeline.Sealed {
	at := calendar.Instant(n)
	return pipeline.Sealed{Stage: &dropped{}, Entry: pipeline.Entry{Window: calendar.Window{Span: calendar.Span{Start: at, End: at + 1}}, Staged: 10, Fingerprint: pipeline.Hash{Lo: uint64(n)}}}
}

// office is a committer under test and the jobs that it serves.
type office struct {
	*committer
	sink *logbook
	ctx  context.Context
	jobs sync.WaitGroup

	mu       sync.Mutex
	answered map[int]pipeline.Result
}

func open(ctx context.Context, g pipeline.Grouping, jobs int) (o *office, wait func()) {
	sink := &logbook{}
	o = &office{committer: newCommitter(sink, g), sink: sink, ctx: ctx, answered: make(map[int]pipeline.Result)}
	end := o.start(ctx, jobs)
	return o, func() { o.jobs.Wait(); end() }
}

// hand lets a job hand in windows and leave; those in quiet are read again and equal.
func (o *office) hand(windows []int, quiet ...int) (sealed []pipeline.Sealed) {
	planned := make(map[calendar.Window]pipeline.PlannedWindow)
	for _, n := range windows {
		s := sealedAt(n)
		sealed = append(sealed, s)
		if slices.Contains(quiet, n) {
			planned[s.Entry.Window] = pipeline.PlannedWindow{Window: s.Entry.Window, Reason: pipeline.ReasonLookback, Fingerprint: s.Entry.Fingerprint}
		}
	}
	o.jobs.Go(func() {
		defer o.jobDone()
		for i, r := range o.commit(o.ctx, sealed, planned) {
			o.mu.Lock()
			o.answered[windows[i]] = r
			o.mu.Unlock()
		}
	})
	synctest.Wait()
	return sealed
}

// results is how many windows have theirs, each the right one.
func (o *office) results(t *testing.T) int {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	for n, r := range o.answered {
		if r.Err == nil && r.Entry.Window.Start != calendar.Instant(n) {
			t.Errorf("window %d has the result of %d", n, r.Entry.Window.Start)
		}
	}
	return len(o.answered)
}

func (o *office) expect(t *testing.T, commits string, results int) {
	t.Helper()
	synctest.Wait()
	if got := o.sink.said(); got != commits || o.results(t) != results {
		t.Errorf("commits %s and %d results, want %s and %d", got, o.results(t), commits, results)
	}
}

func TestAGroupIsHeldOpenUntilItsFirstWindowHasWaitedLongEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, wait := open(t.Context(), pipeline.Grouping{After: time.Minute}, 4)
		defer wait()
		defer o.jobDone() // a job that is under way throughout
		o.hand([]int{1})
		time.Sleep(40 * time.Second)
		o.hand([]int{2})
		time.Sleep(20*time.Second - 1)
		o.expect(t, "[]", 0)
		time.Sleep(time.Nanosecond)
		o.expect(t, "[[1 2]]", 2)
		o.hand([]int{3})
		time.Sleep(time.Minute - 1)
		o.expect(t, "[[1 2]]", 2)
		time.Sleep(time.Nanosecond)
		o.expect(t, "[[1 2] [3]]", 3)
	})
}

func TestAGroupClosesAtItsBoundsAndWhenNothingMoreCanCome(t *testing.T) {
	for _, c := range []struct {
		says   string
		bounds pipeline.Grouping
		hands  [][]int
		before string // while a job is under way
		after  string // when it has left without windows
	}{
		{"so many windows", pipeline.Grouping{Windows: 2}, [][]int{{1}, {2}, {3}}, "[[1 2]]", "[[1 2] [3]]"},
		{"so many bytes", pipeline.Grouping{Bytes: 15}, [][]int{{1}, {2}, {3}}, "[[1 2]]", "[[1 2] [3]]"},
		{"256 windows by default", pipeline.Grouping{}, [][]int{{1}, {2}, {3}}, "[]", "[[1 2 3]]"},
		{"the windows of one extraction stay together", pipeline.Grouping{Windows: 3}, [][]int{{1, 2}, {3, 4}}, "[[1 2]]", "[[1 2] [3 4]]"},
		{"also when they are more than a group", pipeline.Grouping{Windows: 2}, [][]int{{1, 2, 3}}, "[[1 2 3]]", "[[1 2 3]]"},
	} {
		t.Run(c.says, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c.bounds.After = time.Hour
				o, wait := open(t.Context(), c.bounds, len(c.hands)+1)
				defer wait()
				n, before := 0, time.Now()
				for _, windows := range c.hands {
					o.hand(windows)
					n += len(windows)
				}
				if got := o.sink.said(); got != c.before {
					t.Errorf("commits %s, want %s", got, c.before)
				}
				o.jobDone()
				o.expect(t, c.after, n)
				if time.Since(before) != 0 {
					t.Error("the run waited for the clock")
				}
			})
		})
	}
}

func TestWhatComesDuringACommitFormsTheNextGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, wait := open(t.Context(), pipeline.Grouping{Windows: 3}, 7)
		defer wait()
		defer o.jobDone()
		o.sink.meet = func([]int) { time.Sleep(time.Second) }
		o.hand([]int{1}) // held by nothing
		for _, windows := range [][]int{{2}, {3, 4}, {5, 6}, {7}, {8}} {
			o.hand(windows)
		}
		o.expect(t, "[[1]]", 0)
		time.Sleep(time.Second)
		o.expect(t, "[[1] [2 3 4]]", 1)
		time.Sleep(time.Second)
		o.expect(t, "[[1] [2 3 4] [5 6 7]]", 4)
		time.Sleep(2 * time.Second)
		o.expect(t, "[[1] [2 3 4] [5 6 7] [8]]", 8)
	})
}

func TestWhatComesDuringACommitIsBoundInBytesToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, wait := open(t.Context(), pipeline.Grouping{After: time.Hour, Bytes: 20}, 6)
		defer wait()
		defer o.jobDone()
		o.sink.meet = func([]int) { time.Sleep(time.Second) }
		for _, windows := range [][]int{{1, 2}, {3}, {4}, {5}, {6}} {
			o.hand(windows)
		}
		time.Sleep(3 * time.Second)
		o.expect(t, "[[1 2] [3 4] [5 6]]", 6)
	})
}

func TestEqualWindowsWaitForTheLastGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, wait := open(t.Context(), pipeline.Grouping{After: time.Minute, Windows: 2}, 5)
		defer wait()
		o.hand([]int{1}, 1)
		o.hand([]int{2, 3, 4}, 2, 4) // of both queues: answered when both are done
		time.Sleep(time.Hour)
		o.expect(t, "[[3]]", 0)
		o.hand([]int{5})
		o.hand([]int{6})
		o.expect(t, "[[3] [5 6]]", 2)
		o.hand([]int{7})
		o.expect(t, "[[3] [5 6] [7 1 2 4]]", 7)
	})
}

func TestManyEqualBytesDoNotWaitForTheLastGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, wait := open(t.Context(), pipeline.Grouping{After: time.Hour, Bytes: 30}, 5)
		defer wait()
		defer o.jobDone()
		o.hand([]int{1, 2}, 1, 2)
		o.hand([]int{3})
		o.expect(t, "[]", 0)
		o.hand([]int{4}, 4)
		o.expect(t, "[[3 1 2 4]]", 4) // what is there goes along
		o.hand([]int{5}, 5)
		o.expect(t, "[[3 1 2 4]]", 4)
	})
}

func TestOnlyEqualWindowsThatAreReadAgainWaitInTheQuietLane(t *testing.T) {
	s := sealedAt(1)
	same, other := s.Entry.Fingerprint, pipeline.Hash{Lo: 2}
	for _, c := range []struct {
		says    string
		planned pipeline.PlannedWindow
		want    bool
	}{
		{"provisional", pipeline.PlannedWindow{Reason: pipeline.ReasonProvisional, Fingerprint: same}, true},
		{"lookback", pipeline.PlannedWindow{Reason: pipeline.ReasonLookback, Fingerprint: same}, true},
		{"refetch", pipeline.PlannedWindow{Reason: pipeline.ReasonRefetch, Fingerprint: same}, true},
		{"other rows", pipeline.PlannedWindow{Reason: pipeline.ReasonLookback, Fingerprint: other}, false},
		{"in doubt", pipeline.PlannedWindow{Reason: pipeline.ReasonFailed, Fingerprint: same}, false},
		{"new", pipeline.PlannedWindow{Reason: pipeline.ReasonNew, Fingerprint: same}, false},
		{"superseding", pipeline.PlannedWindow{Reason: pipeline.ReasonRefetch, Fingerprint: same, Supersedes: []calendar.Window{{}}}, false},
	} {
		if got := likelyUnchanged(s, c.planned); got != c.want {
			t.Errorf("%s: %v", c.says, got)
		}
	}
}

func TestAStopReleasesWhoeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		o, wait := open(ctx, pipeline.Grouping{After: time.Hour, Windows: 2}, 7)
		o.sink.meet = func([]int) { time.Sleep(time.Second) }
		started := time.Now()
		begun := o.hand([]int{1, 2})
		waiting := o.hand([]int{3, 4, 5}, 4)
		waiting = append(waiting, o.hand([]int{6}, 6)...)
		for n := 7; n <= 9; n++ {
			waiting = append(waiting, o.hand([]int{n})...)
		}
		stop()
		o.expect(t, "[[1 2]]", 7) // at once, although the commit goes on
		for _, s := range waiting {
			if n := s.Stage.(*dropped).n; n != 1 {
				t.Errorf("the stage of %d was aborted %d times", s.Entry.Window.Start, n)
			}
		}
		for n := 3; n <= 9; n++ {
			if r := o.answered[n]; r.Outcome != pipeline.Failed || r.Err != context.Canceled {
				t.Errorf("window %d: %+v", n, r)
			}
		}
		o.jobDone()
		wait()
		o.expect(t, "[[1 2]]", 9)
		if took := time.Since(started); took != time.Second {
			t.Errorf("the run ended after %s", took)
		}
		if s := begun[0].Stage.(*dropped); o.answered[1].Err != nil || s.n != 0 {
			t.Errorf("the commit that had begun: %+v, aborted %d times", o.answered[1], s.n)
		}
	})
}

func TestPromise14_ACommitThatHasBegunMayGoOnForFiveSecondsAfterASignal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		o, wait := open(ctx, pipeline.Grouping{}, 1)
		o.sink.endless = true
		o.hand([]int{1})
		time.Sleep(time.Hour) // nothing bounds it before the signal
		o.expect(t, "[[1]]", 0)
		stop()
		time.Sleep(5*time.Second - 1)
		o.expect(t, "[[1]]", 0)
		time.Sleep(time.Nanosecond)
		o.expect(t, "[[1]]", 1)
		wait()
		if r := o.answered[1]; r.Outcome != pipeline.Failed || r.Err != context.Canceled {
			t.Errorf("%+v", r)
		}
	})
}

func TestWhatIsHandedInAfterAStopIsAborted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		o, wait := open(ctx, pipeline.Grouping{}, 1)
		stop()
		sealed := o.hand([]int{1})
		wait()
		sealed = append(sealed, sealedAt(2)) // taken before the stop
		results := o.commitUnlessStopped(ctx, sealed[1:])
		if results[0].Err != context.Canceled || sealed[1].Stage.(*dropped).n != 1 {
			t.Errorf("%+v", results)
		}
		if o.sink.said() != "[]" || o.answered[1].Err != context.Canceled || sealed[0].Stage.(*dropped).n != 1 {
			t.Errorf("commits %s, result %+v", o.sink.said(), o.answered[1])
		}
	})
}

func TestASinkThatPanicsFailsItsWindowsAndHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o, wait := open(t.Context(), pipeline.Grouping{After: time.Hour, Windows: 2}, 3)
		o.sink.meet = func(windows []int) {
			if len(windows) == 2 {
				panic("at the disco")
			}
		}
		broken := o.hand([]int{1, 2})
		o.jobDone()
		o.hand([]int{3})
		wait()
		if o.answered[1].Outcome != pipeline.Failed || pipeline.KindOf(o.answered[2].Err) != pipeline.Internal || o.answered[3].Err != nil || broken[1].Stage.(*dropped).n != 1 {
			t.Errorf("%+v", o.answered)
		}
	})
}

func TestAQueueSkipsWhatAStopHasTaken(t *testing.T) {
	var q commitQueue
	for n := range 4 {
		p := &commitRequest{taken: n != 2}
		p.add(0, sealedAt(n))
		q.put(p)
	}
	if group := q.take(pipeline.Grouping{Windows: 1}); len(group) != 1 || group[0].sealed[0].Entry.Window.Start != 2 {
		t.Errorf("the group is %+v", group)
	}
	if group := q.take(pipeline.Grouping{Windows: 1}); len(group) != 0 || len(q.requests) != 0 || q.windows != 0 || q.bytes != 0 {
		t.Errorf("the group is %+v, left is %+v", group, q)
	}
}
