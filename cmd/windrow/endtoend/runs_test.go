package endtoend

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
	"github.com/windrow-data/windrow/sinks/sinktest/soak"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// dialpadDay is a day of September 2025 in Dialpad's zone.
func (s *site) dialpadDay(day int) (start, end time.Time) {
	zone, err := time.LoadLocation(s.env["WINDROW_DIALPAD_TIMEZONE"])
	if err != nil {
		s.Fatal(err)
	}
	return vendorsim.Day(2025, 9, day, zone)
}

func TestPromise02_EveryRequestFailsOnceAndTheNextRunReachesTheSameTables(t *testing.T) {
	s := killSite(t)
	s.mustRun(s.skewed(0))
	want, seed := s.past(), soak.Seed(t)
	kinds := []vendorsim.FaultKind{vendorsim.FaultReset, vendorsim.FaultLost, vendorsim.FaultCut}
	soak.Sweep(t, len(s.world.Log()), []string{"reset", "lost", "cut"}, func(t *testing.T, request, kind int) {
		one := s.empty(t)
		s.world.ResetLog()
		s.world.ClearFaults()
		s.world.FailNthWith(request, kinds[kind])
		random := rand.New(rand.NewPCG(seed, uint64(request*len(kinds)+kind)))
		by := skew(random)
		if sum := one.run(one.skewed(by)); sum.Exit != 0 && sum.Exit != 3 {
			t.Fatalf("%s off: exit %d: %s", by, sum.Exit, failures(sum))
		}
		s.world.ClearFaults()
		last := one.skewed(0)
		last.Select.Refetch = one.loseSome(random) != ""
		one.mustRun(last)
		sameRows(t, one.past(), want)
	})
}

func TestPromise03_AFailedWindowStaysOpenAndTheOthersGoOn(t *testing.T) {
	onEither(t, func(t *testing.T, newSite siteMaker) {
		s := newSite(t)
		second, third := s.ucontactDay(8), s.ucontactDay(9)
		s.world.Inject(vendorsim.Fault{Host: "ucontact", Kind: vendorsim.FaultStatus, Code: 400, Times: -1, Match: func(r *http.Request) bool {
			return strings.Contains(r.URL.Query().Get("initialdate"), second.UTC().Format(time.DateTime)[:10]+" 06:00:00")
		}})
		sum := s.sync("ucontact.agents")
		if st := streamOf(t, sum, "ucontact.agents"); sum.Exit != 3 || st.Committed != 2 || st.Failed != 1 {
			t.Fatalf("exit %d, %+v", sum.Exit, st)
		}
		st := s.status("ucontact.agents")
		if st.Watermark == nil || !st.Watermark.Time().Equal(second) || st.Open != 1 || st.Settled != 2 {
			t.Fatalf("watermark %v, open %d, settled %d; the hole begins at %v", st.Watermark, st.Open, st.Settled, second)
		}
		plan, err := s.engine("ucontact.agents").Plan(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if w := plan[0].Windows[0]; w.Reason != pipeline.ReasonFailed || !w.Window.Start.Time().Equal(second) {
			t.Fatalf("planned first: %+v", w)
		}
		s.world.ClearFaults()
		s.mustSync("ucontact.agents")
		if st := s.status("ucontact.agents"); st.Watermark == nil || !st.Watermark.Time().Equal(third.AddDate(0, 0, 1)) || st.Open != 0 {
			t.Fatalf("the hole is filled, but: %+v", st)
		}
	})
}

// ucontactDay is the start of a day of September 2025 in Mexico City, UTC-6.
func (s *site) ucontactDay(day int) time.Time {
	zone, err := time.LoadLocation(s.env["WINDROW_UCONTACT_TIMEZONE"])
	if err != nil {
		s.Fatal(err)
	}
	start, _ := vendorsim.Day(2025, 9, day, zone)
	return start
}

func TestPromise03_AHoleThatCannotCloseIsWaivedByAWord(t *testing.T) {
	onEither(t, func(t *testing.T, newSite siteMaker) {
		s := newSite(t)
		s.world.Inject(vendorsim.Fault{Host: "chattonic", Path: "/api/v1/acme/stats/operator", Kind: vendorsim.FaultStatus, Code: 404, Times: 1})
		if sum := s.sync("chattonic.operators"); sum.Exit != 3 {
			t.Fatalf("exit %d", sum.Exit)
		}
		calls := len(s.world.Log())
		e := s.engine("chattonic.operators")
		e.Select.From, e.Select.To = "2025-09-07", "2025-09-09"
		sum, err := e.Waive(t.Context(), "the vendor deleted the day")
		if err != nil || sum.Exit != 0 {
			t.Fatalf("exit %d: %v", sum.Exit, err)
		}
		if n := len(s.world.Log()); n != calls {
			t.Errorf("a waiver made %d calls", n-calls)
		}
		st := s.status("chattonic.operators")
		if st.Waived != 1 || st.Open != 0 || st.Settled != 2 || st.Watermark == nil {
			t.Fatalf("%+v", st)
		}
		if n := streamOf(t, s.mustSync("chattonic.operators"), "chattonic.operators"); n.Failed != 0 {
			t.Fatalf("%+v", n)
		}
	})
}

func TestPromise07_TwoRunsAtOnceEqualOne(t *testing.T) {
	onEveryKind(t, func(t *testing.T, newSite siteMaker) {
		s := killSiteOn(t, newSite)
		reference := s.empty(t)
		if err := reference.spawn(reference.root, trueClock).Wait(); err != nil {
			t.Fatal(err)
		}
		want, seed := reference.past(), soak.Seed(t)
		for round := range 2 {
			random := rand.New(rand.NewPCG(seed, uint64(round)))
			s.empty(t).runTwo(random, want)
		}
	})
}

// runTwo runs two syncs at once, one of them on a machine whose clock is off, takes some of the data, and compares what a
// last sync makes of it.
func (s *site) runTwo(random *rand.Rand, want []string) {
	s.Helper()
	by := skews[1+random.IntN(len(skews)-1)] // for a machine that is a month behind nothing is due
	meet := newMeeting(s.T, "the first run", "the second run")
	one := s.spawn(s.root, trueClock, meet.serve("the first run"))
	two := s.spawn(s.root, childSkew+"="+by.String(), meet.serve("the second run"))
	if err := one.Wait(); err != nil {
		s.Fatalf("the first run: %v", err)
	}
	if err := two.Wait(); err != nil && by.Abs() < 24*time.Hour {
		s.Fatalf("the second run, %s off: %v", by, err)
	}
	meet.over()
	last := []string{trueClock}
	if s.loseSome(random) != "" {
		last = append(last, refetch)
	}
	if err := s.spawn(s.root, last...).Wait(); err != nil {
		s.Fatalf("the run after them, one of which was %s off: %v", by, err)
	}
	sameRows(s.T, s.past(), want)
}

func TestPromise07_TwoRunsInOneProcess(t *testing.T) {
	onEither(t, func(t *testing.T, newSite siteMaker) {
		s := newSite(t)
		engines := map[string]*engine.Engine{"the first run": s.engine(), "the second run": s.engine()}
		meet := newMeeting(t, slices.Collect(maps.Keys(engines))...)
		var wg sync.WaitGroup
		for name, e := range engines {
			wg.Go(func() {
				sum, err := e.Sync(pipeline.WithPoints(t.Context(), meet.sealed(name)))
				if err != nil || sum.Exit != 0 {
					t.Errorf("exit %d: %v %s", sum.Exit, err, failures(sum))
				}
			})
		}
		wg.Wait()
		meet.over()
		got := s.contents()
		alone := s.empty(t)
		alone.mustSync()
		sameRows(t, got, alone.contents())
	})
}

func TestPromise08_CommittedWindowsKeepTheirBoundsUnderNewSettings(t *testing.T) {
	onEither(t, func(t *testing.T, newSite siteMaker) {
		s := newSite(t)
		streams := []string{"ucontact.agents", "ucontact.campaigns", "chattonic.operators", "dialpad.calls", "dialpad.texts", "dialpad.voicemails"}
		s.mustSync(streams...)
		before := s.contents()
		s.rezone("America/New_York", "7d")
		s.refetch(streams...)
		after := make(map[string]bool)
		for _, row := range s.contents() {
			after[row] = true
		}
		for _, row := range before {
			if !after[row] {
				t.Fatalf("a committed row changed: %s", row)
			}
		}
		s.nothingTwice()
	})
}

func TestPromise08_AWindowOfOtherBoundsIsReplacedNeverDoubled(t *testing.T) {
	onEither(t, func(t *testing.T, newSite siteMaker) {
		s := newSite(t)
		s.mustSync()
		hours := s.query("SELECT stream, count(DISTINCT interval_start) FROM {activity} WHERE stream LIKE 'ucontact.%' GROUP BY 1 ORDER BY 1")
		// Half an hour off every grid: no seam can be asked for as it stands.
		s.rezone("Asia/Kolkata", "1d")
		s.env["WINDROW_UCONTACT_GROUPNUM"] = "60"
		for range 3 {
			s.refetch("ucontact.agents", "ucontact.campaigns", "chattonic.operators", "dialpad.calls", "dialpad.calls_stats", "dialpad.texts", "dialpad.voicemails")
			s.nothingTwice()
		}
		plans, err := s.engine("ucontact.agents", "dialpad.calls_stats").Plan(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range plans {
			for _, hole := range p.Holes {
				if hole.Length() >= 24*time.Hour {
					t.Errorf("%s lost %s", p.Stream.Key, hole)
				}
			}
		}
		if got := s.query("SELECT stream, count(DISTINCT interval_start) FROM {activity} WHERE stream LIKE 'ucontact.%' GROUP BY 1 ORDER BY 1"); len(got) != len(hours) {
			t.Errorf("hours before %v, after %v", hours, got)
		}
	})
}

// rezone moves every account to another zone and window length.
func (s *site) rezone(zone, window string) {
	for _, v := range []string{"UCONTACT", "CHATTONIC", "DIALPAD"} {
		s.env["WINDROW_"+v+"_TIMEZONE"] = zone
		s.env["WINDROW_"+v+"_WINDOW"] = window
	}
}

// nothingTwice fails where two windows brought the same thing.
func (s *site) nothingTwice() {
	s.Helper()
	for _, text := range []string{
		`SELECT stream, event_id, scope, count(*) FROM {events} WHERE stream IN ('dialpad.calls', 'dialpad.texts') GROUP BY ALL HAVING count(*) > 1`,
		`SELECT a.stream, a.resource_id, a.channel, a.interval_start, b.interval_start FROM {activity} a JOIN {activity} b
			ON a.stream = b.stream AND a.resource_id = b.resource_id AND a.channel = b.channel AND a.scope IS NOT DISTINCT FROM b.scope
			AND a.interval_start < b.interval_end AND b.interval_start < a.interval_end AND a.window_start <> b.window_start`,
	} {
		if twice := s.query(text); len(twice) > 0 {
			s.Fatalf("%d rows stand twice: %s", len(twice), twice[0])
		}
	}
}

func TestPromise08_ChangedSettingsAreNamedNotActedOn(t *testing.T) {
	onEither(t, func(t *testing.T, newSite siteMaker) {
		s := newSite(t)
		s.mustSync("ucontact.agents")
		s.env["WINDROW_UCONTACT_AGENTS"] = "Agent1,Agent2"
		s.world.Advance(5 * 24 * time.Hour)
		e := s.engine("ucontact.agents")
		e.Select.From, e.Select.To = "2025-09-11", "2025-09-11"
		var warned [][]pipeline.Window
		e.Observe = func(ev engine.Event) {
			if ev.Kind == engine.EventChanged {
				warned = append(warned, ev.Changed)
			}
		}
		if sum := s.run(e); sum.Exit != 0 {
			t.Fatal(failures(sum))
		}
		if len(warned) != 1 || len(warned[0]) != 3 {
			t.Fatalf("warnings: %v", warned)
		}
		if got := s.query("SELECT count(DISTINCT resource_id) FROM {activity} WHERE date <= '2025-09-09'"); got[0] != "3" {
			t.Fatalf("%s agents are left in the committed windows", got[0])
		}
	})
}

func TestPromise11_WorkAlreadyDoneIsNotWaitedFor(t *testing.T) {
	onEither(t, func(t *testing.T, newSite siteMaker) {
		s := newSite(t, func(o *vendorsim.Options) { o.Dialpad.Limits.Posts = 200 })
		s.env["WINDROW_DIALPAD_TARGETS"] = vendorsim.CallCenters()[0].String()
		s.env["WINDROW_DIALPAD_POLL_FIRST"] = "1h" // nobody could wait for that
		ctx, cancel := context.WithCancel(t.Context())
		e := s.engine("dialpad.texts")
		e.Observe = func(ev engine.Event) {
			if ev.Kind == engine.EventWaiting {
				cancel() // the run ends between POST and download
			}
		}
		if sum, err := e.Sync(ctx); err != nil || sum.Exit != pipeline.ExitStopped {
			t.Fatalf("exit %d: %v", sum.Exit, err)
		}
		s.mustSync("dialpad.texts")
		if posts := s.world.Count("dialpad", "POST", "/api/v2/stats"); posts != 2 {
			t.Fatalf("%d POSTs, want the one that was cut short and the one that found it done", posts)
		}
	})
}

func TestPromise11_ASimultaneousRunsQuotaIsWaitedOutVisibly(t *testing.T) {
	s := newSite(t)
	s.env["WINDROW_DIALPAD_TARGETS"] = vendorsim.CallCenters()[0].String()
	s.world.Inject(vendorsim.Fault{Host: "dialpad", Method: "POST", Kind: vendorsim.FaultStatus, Code: 429, Times: 1, Style: vendorsim.RetryAfterSeconds, RetryAfter: time.Second})
	e := s.engine("dialpad.texts")
	var mu sync.Mutex
	var waits bytes.Buffer
	e.Observe = func(ev engine.Event) {
		if ev.Kind == engine.EventWaiting {
			mu.Lock()
			defer mu.Unlock()
			fmt.Fprintln(&waits, ev.Text)
		}
	}
	if sum := s.run(e); sum.Exit != 0 {
		t.Fatal(failures(sum))
	}
	if waits.Len() == 0 {
		t.Fatal("nobody was told of the wait")
	}
}

func TestPromise14_AStoppedRunKeepsWhatIsCommitted(t *testing.T) {
	onEither(t, func(t *testing.T, newSite siteMaker) {
		s := newSite(t)
		s.group = pipeline.Grouping{Windows: 2, After: time.Millisecond} // of BigQuery: production's would commit all at the end
		ctx, cancel := context.WithCancel(t.Context())
		e := s.engine()
		var once sync.Once
		e.Concurrency = 1
		e.Observe = func(ev engine.Event) {
			if ev.Kind == engine.EventCommitted {
				once.Do(cancel)
			}
		}
		started := time.Now()
		sum, err := e.Sync(ctx)
		if err != nil || sum.Exit != pipeline.ExitStopped {
			t.Fatalf("exit %d: %v", sum.Exit, err)
		}
		if took := time.Since(started); took > 8*time.Second {
			t.Fatalf("it took %v to stop", took)
		}
		committed := 0
		for _, st := range sum.Streams {
			committed += st.Committed
		}
		if committed == 0 || len(s.contents()) == 0 {
			t.Fatalf("%d windows committed, %d rows", committed, len(s.contents()))
		}
		s.group = pipeline.Grouping{}
		s.mustSync()
		whole := s.empty(t)
		whole.mustSync()
		sameRows(t, s.contents(), whole.contents())
	})
}

func TestRefusedCredentialsGiveExitFourWhateverElseHappened(t *testing.T) {
	s := newSite(t)
	s.env["WINDROW_UCONTACT_TOKEN"] = "wrong"
	sum := s.sync()
	if sum.Exit != pipeline.ExitUnauthorized {
		t.Fatalf("exit %d", sum.Exit)
	}
	if st := streamOf(t, sum, "dialpad.calls"); st.Failed != 0 || st.Committed == 0 {
		t.Fatalf("another source suffered: %+v", st)
	}
}
