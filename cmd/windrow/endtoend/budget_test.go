package endtoend

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-data/windrow/connectors"
	"github.com/windrow-data/windrow/connectors/dialpad"
	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
	"github.com/windrow-data/windrow/pipeline/plan"
	"github.com/windrow-data/windrow/sinks/memory"
)

// centre30 is a Dialpad company of 30 call centres, of which the three first have calls, and an engine that reads it. It
// lives in a bubble of its own time.
type centre30 struct {
	*testing.T
	world  *vendorsim.World
	source pipeline.Source
	store  pipeline.Store
}

func newCentre30(t *testing.T) *centre30 {
	t.Helper()
	time.Sleep(time.Until(time.Date(2025, 9, 10, 13, 0, 0, 0, time.UTC))) // 08:00 in Chicago, all of whose days are due
	o := vendorsim.Options{Seed: 7, CallsPerDay: 4, TextsPerDay: 2}
	o.Dialpad.UnknownTargets = true
	world := vendorsim.New(o)
	running, err := world.StartInMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(running.Close)
	transport := running.Transport()
	t.Cleanup(transport.CloseIdleConnections)
	var targets []string
	for _, c := range vendorsim.CallCenters() {
		targets = append(targets, c.String())
	}
	for n := len(targets); n < 30; n++ {
		targets = append(targets, fmt.Sprintf("callcenter:%d", 6_529_000_000_001_000+n))
	}
	set, faults := dialpad.Config{URL: running.DialpadURL, Token: "dialpad-key", Timezone: "America/Chicago", Targets: strings.Join(targets, ",")}.Settings(dialpad.Prefix)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	source, err := dialpad.New(set, connectors.Options{Account: "default", RetryFor: time.Minute, Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	return &centre30{T: t, world: world, source: source, store: memory.New(memory.Options{})}
}

func (c *centre30) engine() *engine.Engine {
	return &engine.Engine{
		Store: c.store, Sources: []pipeline.Source{c.source}, Clock: time.Now, Now: time.Now,
		MaxRejects: engine.RejectLimit{Share: 0.01, Setting: "WINDROW_MAX_REJECTS"}, Health: health, Concurrency: 8,
	}
}

// planned is how many reports the next run orders at most, as plan says.
func (c *centre30) planned() (n int) {
	c.Helper()
	streams, err := c.engine().Plan(c.Context())
	if err != nil {
		c.Fatal(err)
	}
	for _, s := range streams {
		n += s.Requests
	}
	return n
}

// posted is how many reports were ordered since the log was reset. More than 200 in any hour, or one that the vendor
// throttled, fail the test.
func (c *centre30) posted() (n int) {
	c.Helper()
	var at []time.Time
	for _, call := range c.world.Log() {
		if call.Host != "dialpad" || call.Method != "POST" {
			continue
		}
		if call.Status == 429 {
			c.Errorf("a POST at %s was throttled", call.At)
		}
		if at = append(at, call.At); len(at) > 200 && call.At.Sub(at[len(at)-201]) < time.Hour {
			c.Fatalf("more than 200 POSTs in the hour before %s", call.At)
		}
	}
	return len(at)
}

// The numbers stand in deploy/README.md. What reads rows keeps memory for the next run, and a bubble's may not leave it:
// the test has a process of its own.
func TestThirtyCallCentresStayWithinTheQuotaOfReports(t *testing.T) {
	const alone = "WINDROW_TEST_ALONE"
	if os.Getenv(alone) == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), alone+"=1")
		if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
			t.Errorf("%v: %s", err, out)
		}
		return
	}
	synctest.Test(t, func(t *testing.T) {
		c := newCentre30(t)
		c.firstMonthAndANight()
		c.store = memory.New(memory.Options{})
		c.interrupted()
		c.store = memory.New(memory.Options{})
		c.aDayOfCsatFirst()
	})
}

func (c *centre30) firstMonthAndANight() {
	for _, night := range []struct {
		says    string
		reports int
		hours   float64
	}{
		{"the first 30 days, csat day by day", 1140, 5.1},
		{"a night, csat with a date", 270, 1.1},
	} {
		planned, waited := c.planned(), atomic.Bool{}
		c.world.ResetLog()
		e, began := c.engine(), time.Now()
		e.Observe = func(v engine.Event) {
			if strings.Contains(v.Text, "the quota of 200/1h reports is used up") {
				waited.Store(true)
			}
		}
		if sum, err := e.Sync(c.Context()); err != nil || sum.Exit != 0 {
			c.Fatalf("%s: exit %d, %v: %s", night.says, sum.Exit, err, failures(sum))
		}
		took := time.Since(began)
		if posted := c.posted(); planned != night.reports || posted > planned {
			c.Errorf("%s: %d reports planned, %d ordered, want %d", night.says, planned, posted, night.reports)
		}
		if took.Hours() > night.hours || !waited.Load() {
			c.Errorf("%s: took %s; the wait was told: %v", night.says, took, waited.Load())
		}
		time.Sleep(24*time.Hour - took)
	}
}

// interrupted: what does not fit into a run stays due, and the next run goes on; what was read is not ordered again. By then
// the header of csat has been seen to have a date, so that one report of each centre serves the days that are left, as far as
// they lie side by side: which of them the vendor has answered by then is the scheduler's affair.
func (c *centre30) interrupted() {
	c.world.ResetLog()
	ctx, stop := context.WithTimeout(c.Context(), 90*time.Minute)
	defer stop()
	sum, err := c.engine().Sync(ctx)
	if sum.Exit != pipeline.ExitStopped && pipeline.KindOf(err) != pipeline.Stopped {
		c.Fatalf("exit %d, %v", sum.Exit, err)
	}
	if posted := c.posted(); posted != 400 {
		c.Errorf("%d reports ordered within an hour and a half", posted)
	}
	left := c.planned()
	if runs := c.runsOfDays(); left != 30*runs || left >= 1140-400 {
		c.Errorf("%d reports planned for %d runs of days", left, runs)
	}
	sum, err = c.engine().Sync(c.Context())
	if err != nil || sum.Exit != 0 {
		c.Fatalf("exit %d, %v: %s", sum.Exit, err, failures(sum))
	}
	if posted := c.posted(); posted > 400+left || c.planned() != 0 {
		c.Errorf("%d reports planned after the first run and %d after the second; %d ordered by both", left, c.planned(), posted)
	}
}

// runsOfDays is how many runs of days side by side are due, over all streams.
func (c *centre30) runsOfDays() (n int) {
	c.Helper()
	streams, err := c.engine().Plan(c.Context())
	if err != nil {
		c.Fatal(err)
	}
	for _, s := range streams {
		for i, w := range s.Windows {
			if i == 0 || s.Windows[i-1].Window.End != w.Window.Start {
				n++
			}
		}
	}
	return n
}

func (c *centre30) aDayOfCsatFirst() {
	c.world.ResetLog()
	e := c.engine()
	e.Streams, e.Select = []pipeline.StreamID{"dialpad.csat"}, plan.Selection{From: "2025-09-11", To: "2025-09-11"}
	if sum, err := e.Sync(c.Context()); err != nil || sum.Exit != 0 {
		c.Fatalf("exit %d, %v: %s", sum.Exit, err, failures(sum))
	}
	if day, month := c.posted(), c.planned(); day != 30 || month != 270 {
		c.Errorf("%d reports for a day of csat, and then %d for the month", day, month)
	}
}

// csat is asked day by day until its header is seen to have a date, and day by day again where that is gone and meant.
func TestCsatIsAskedForSeveralDaysOnceItsHeaderHasADate(t *testing.T) {
	s := newSite(t)
	ordered := func(e *engine.Engine, exit int) (posts int, sum pipeline.Summary) {
		t.Helper()
		s.world.ResetLog()
		if sum = s.run(e); sum.Exit != exit {
			t.Fatalf("exit %d, want %d: %s", sum.Exit, exit, failures(sum))
		}
		return s.world.Count("dialpad", "POST", ""), sum
	}
	expect := func(says string, e *engine.Engine, exit, want int) pipeline.Summary {
		t.Helper()
		posts, sum := ordered(e, exit)
		if posts != want {
			t.Errorf("%s: %d reports, want %d", says, posts, want)
		}
		return sum
	}
	const rows = `SELECT local_date, scope, event_id, score, text, started_at FROM {events} WHERE stream = 'dialpad.csat' ORDER BY ALL`
	var headers []string
	csat := func() *engine.Engine {
		e := s.engine("dialpad.csat")
		e.Observe = func(v engine.Event) {
			if v.Kind == engine.EventNewFields {
				headers = append(headers, v.Text)
			}
		}
		return e
	}
	expect("three days of two centres, nothing known", csat(), 0, 6)
	byDay := s.query(rows)
	s.world.Advance(4 * time.Hour)
	e := csat()
	e.Select.Refetch = true
	expect("the same, with a date", e, 0, 2)
	sameLines(t, s.query(rows), byDay)
	s.world.Advance(20 * time.Hour)
	expect("the next night", csat(), 0, 2)
	sameLines(t, headers, []string{"call_id, date_started, question, response, timezone"}) // told once
	headers = nil
	s.world.Set(func(o *vendorsim.Options) { o.Dialpad.CSV.ExtraColumns = []string{"queue"} })
	s.world.Advance(24 * time.Hour)
	expect("a column more", csat(), 0, 2)
	sameLines(t, headers, []string{"queue"})
	s.world.Set(func(o *vendorsim.Options) { o.Dialpad.CSV.ExtraColumns = nil })

	// The vendor drops the date: no row can be told from another day's.
	s.world.Set(func(o *vendorsim.Options) { o.Dialpad.CSV.DropColumn = "date_started" })
	s.world.Advance(24 * time.Hour)
	sum := expect("without the date", csat(), 3, 2)
	if said := failures(sum); !strings.Contains(said, "date is blank in a report of several windows; WINDROW_ON_DRIFT=warn asks for each by itself") {
		t.Errorf("it says %s", said)
	}
	s.world.Advance(4 * time.Hour)
	e = csat()
	e.Health.DriftWarns = true
	sum = expect("without the date, which is meant", e, 0, 6)
	if w := streamOf(t, sum, "dialpad.csat").Warnings; len(w) == 0 || !strings.Contains(w[0].Message, "the header lacks date…") {
		t.Errorf("warnings %v", w)
	}
	s.world.Advance(20 * time.Hour)
	expect("the night after that", csat(), 0, 6)
}

func TestAUnitInWhichRecordingsWouldLastForDaysFailsTheWindowAndNamesTheOthers(t *testing.T) {
	s := newSite(t)
	s.env["WINDROW_DIALPAD_RECORDING_UNIT"] = "minutes"
	s.world.Set(func(o *vendorsim.Options) { o.Dialpad.CSV.Milliseconds = true })
	sum := s.sync("dialpad.recordings")
	if said := failures(sum); sum.Exit != 3 || !strings.Contains(said, "WINDROW_DIALPAD_RECORDING_UNIT is minutes, in which recordings would last for more than a day: seconds or milliseconds may fit") {
		t.Errorf("exit %d: %s", sum.Exit, said)
	}
	s.env["WINDROW_DIALPAD_RECORDING_UNIT"] = "milliseconds"
	s.mustSync("dialpad.recordings")
}

// Where nobody has said the unit, numbers that rule one out are told of once a run, and nothing fails.
func TestAUnitThatNumbersRuleOutIsToldWhereNoneIsSet(t *testing.T) {
	for _, c := range []struct {
		says, stream string
		milliseconds bool
		want         []string
	}{
		{"recordings in minutes", "dialpad.recordings", false, nil},
		{"recordings in milliseconds", "dialpad.recordings", true, []string{"a recording's duration is above 86400, so that its unit is neither minutes nor seconds: " +
			"they stay in extras until WINDROW_DIALPAD_RECORDING_UNIT says it, and milliseconds may fit"}},
		{"operators in seconds", "chattonic.operators", false, []string{"an operator was online for more than 1500 in a window of 1d, so that the unit is not minutes: " +
			"the times stay in extras until WINDROW_CHATTONIC_DURATION_UNIT says it, and seconds may fit"}},
	} {
		t.Run(c.says, func(t *testing.T) {
			s := newSite(t, func(o *vendorsim.Options) { o.Dialpad.CSV.Milliseconds = c.milliseconds })
			e := s.engine(c.stream)
			var told []string
			e.Observe = func(ev engine.Event) {
				if ev.Kind == engine.EventUnit {
					told = append(told, ev.Text)
				}
			}
			s.mustRun(e)
			if !slices.Equal(told, c.want) {
				t.Errorf("told %q, want %q", told, c.want)
			}
			measure := map[string]string{"dialpad.recordings": "SELECT count(talk_seconds) FROM {events}", "chattonic.operators": "SELECT count(login_seconds) FROM {activity}"}[c.stream]
			if n := s.query(measure); n[0] != "0" {
				t.Errorf("%s rows have a time in seconds", n[0])
			}
		})
	}
}
