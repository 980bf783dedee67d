package pipeline

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// logbook is a sink that notes each Commit and gives every window a result of its own.
type logbook struct {
	Sink // nothing else is asked of it
	meet func(windows []int)

	mu      sync.Mutex
	commits [][]int
}

func (s *logbook) Commit(_ context.Context, sealed []Sealed) []Result {
	var windows []int
	var results []Result
	for _, w := range sealed {
		windows = append(windows, int(w.Entry.Window.Start))
		results = append(results, Result{Outcome: Committed, Entry: w.Entry})
	}
	s.mu.Lock()
	s.commits = append(s.commits, windows)
	s.mu.Unlock()
	if s.meet != nil {
		s.meet(windows)
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
	Stage
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
func sealedAt(n int) Sealed {
	at := Instant(n)
	return Sealed{Stage: &dropped{}, Entry: Entry{Window: Window{Span: Span{at, at + 1}}, Staged: 10, Fingerprint: Hash{Lo: uint64(n)}}}
}

// office is a committer under test and the jobs that it serves.
type office struct {
	*committer
	sink *logbook
	ctx  context.Context
	jobs sync.WaitGroup

	mu       sync.Mutex
	answered map[int]Result
}

func open(ctx context.Context, g Grouping, jobs int) (o *office, wait func()) {
	sink := &logbook{}
	o = &office{committer: newCommitter(sink, g), sink: sink, ctx: ctx, answered: make(map[int]Result)}
	end := o.start(ctx, jobs)
	return o, func() { o.jobs.Wait(); end() }
}

// hand lets a job hand in windows and leave; those in quiet are read again and equal.
func (o *office) hand(windows []int, quiet ...int) (sealed []Sealed) {
	planned := make(map[Window]PlannedWindow)
	for _, n := range windows {
		s := sealedAt(n)
		sealed = append(sealed, s)
		if slices.Contains(quiet, n) {
			planned[s.Entry.Window] = PlannedWindow{Window: s.Entry.Window, Reason: ReasonLookback, Fingerprint: s.Entry.Fingerprint}
		}
	}
	o.jobs.Go(func() {
		defer o.leave()
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
		if r.Err == nil && r.Entry.Window.Start != Instant(n) {
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
		o, wait := open(t.Context(), Grouping{After: time.Minute}, 4)
		defer wait()
		defer o.leave() // a job that is under way throughout
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
		bounds Grouping
		hands  [][]int
		before string // while a job is under way
		after  string // when it has left without windows
	}{
		{"so many windows", Grouping{Windows: 2}, [][]int{{1}, {2}, {3}}, "[[1 2]]", "[[1 2] [3]]"},
		{"so many bytes", Grouping{Bytes: 15}, [][]int{{1}, {2}, {3}}, "[[1 2]]", "[[1 2] [3]]"},
		{"256 windows by default", Grouping{}, [][]int{{1}, {2}, {3}}, "[]", "[[1 2 3]]"},
		{"the windows of one extraction stay together", Grouping{Windows: 3}, [][]int{{1, 2}, {3, 4}}, "[[1 2]]", "[[1 2] [3 4]]"},
		{"also when they are more than a group", Grouping{Windows: 2}, [][]int{{1, 2, 3}}, "[[1 2 3]]", "[[1 2 3]]"},
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
				o.leave()
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
		o, wait := open(t.Context(), Grouping{Windows: 3}, 7)
		defer wait()
		defer o.leave()
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
		o, wait := open(t.Context(), Grouping{After: time.Hour, Bytes: 20}, 6)
		defer wait()
		defer o.leave()
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
		o, wait := open(t.Context(), Grouping{After: time.Minute, Windows: 2}, 5)
		defer wait()
		o.hand([]int{1}, 1)
		o.hand([]int{2, 3, 4}, 2, 4) // of both lanes: answered when both are done
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
		o, wait := open(t.Context(), Grouping{After: time.Hour, Bytes: 30}, 5)
		defer wait()
		defer o.leave()
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
	same, other := s.Entry.Fingerprint, Hash{Lo: 2}
	for _, c := range []struct {
		says    string
		planned PlannedWindow
		want    bool
	}{
		{"provisional", PlannedWindow{Reason: ReasonProvisional, Fingerprint: same}, true},
		{"lookback", PlannedWindow{Reason: ReasonLookback, Fingerprint: same}, true},
		{"refetch", PlannedWindow{Reason: ReasonRefetch, Fingerprint: same}, true},
		{"other rows", PlannedWindow{Reason: ReasonLookback, Fingerprint: other}, false},
		{"in doubt", PlannedWindow{Reason: ReasonFailed, Fingerprint: same}, false},
		{"new", PlannedWindow{Reason: ReasonNew, Fingerprint: same}, false},
		{"superseding", PlannedWindow{Reason: ReasonRefetch, Fingerprint: same, Supersedes: []Window{{}}}, false},
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
		o, wait := open(ctx, Grouping{After: time.Hour, Windows: 2}, 7)
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
			if r := o.answered[n]; r.Outcome != Failed || r.Err != context.Canceled {
				t.Errorf("window %d: %+v", n, r)
			}
		}
		o.leave()
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

func TestWhatIsHandedInAfterAStopIsAborted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		o, wait := open(ctx, Grouping{}, 1)
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
		o, wait := open(t.Context(), Grouping{After: time.Hour, Windows: 2}, 3)
		o.sink.meet = func(windows []int) {
			if len(windows) == 2 {
				panic("at the disco")
			}
		}
		broken := o.hand([]int{1, 2})
		o.leave()
		o.hand([]int{3})
		wait()
		if o.answered[1].Outcome != Failed || KindOf(o.answered[2].Err) != Internal || o.answered[3].Err != nil || broken[1].Stage.(*dropped).n != 1 {
			t.Errorf("%+v", o.answered)
		}
	})
}

func TestALaneSkipsWhatAStopHasTaken(t *testing.T) {
	var l lane
	for n := range 4 {
		p := &parcel{taken: n != 2}
		p.add(0, sealedAt(n))
		l.put(p)
	}
	if group := l.take(Grouping{Windows: 1}); len(group) != 1 || group[0].sealed[0].Entry.Window.Start != 2 {
		t.Errorf("the group is %+v", group)
	}
	if group := l.take(Grouping{Windows: 1}); len(group) != 0 || len(l.parcels) != 0 || l.windows != 0 || l.bytes != 0 {
		t.Errorf("the group is %+v, left is %+v", group, l)
	}
}
