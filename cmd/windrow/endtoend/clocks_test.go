package endtoend

import (
	"math/rand/v2"
	"time"

	"github.com/windrow-data/windrow/connectors"
	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
	"github.com/windrow-data/windrow/pipeline/engine"
)

const (
	// childSkew is how far the clock of a process is from the vendors'. Unset, the process plans by the vendors' clock
	// and has the machine's own beside it, as with --as-of; set, it has one clock for both.
	childSkew = "ENDTOEND_SKEW"
	// childRefetch makes a process read settled windows again.
	childRefetch = "ENDTOEND_REFETCH"
)

// trueClock and refetch are what the last process of a trial is told.
const (
	trueClock = childSkew + "=0s"
	refetch   = childRefetch + "=yes"
)

// skews are what a machine's clock may be off by.
var skews = []time.Duration{-30 * 24 * time.Hour, -24 * time.Hour, -2 * time.Hour, 0, 2 * time.Hour, 24 * time.Hour, 30 * 24 * time.Hour}

func skew(random *rand.Rand) time.Duration { return skews[random.IntN(len(skews))] }

// clocks are the two of a process that begins at at: the one that plans, which stands, and the machine's.
func clocks(at time.Time, skew string) (plans, real func() time.Time, err error) {
	if skew == "" {
		return func() time.Time { return at }, time.Now, nil
	}
	by, err := time.ParseDuration(skew)
	if err != nil {
		return nil, nil, err
	}
	began := time.Now()
	at = at.Add(by)
	return func() time.Time { return at }, func() time.Time { return at.Add(time.Since(began)) }, nil
}

// clockless vendors send no Date, as behind a proxy that takes it off: with one the first answer ends a run whose clock
// is off, and nothing is left to prove.
func clockless(o *vendorsim.Options) { o.NoDate = true }

// skewed is the site's engine on a machine whose clock is off.
func (s *site) skewed(by time.Duration, streams ...string) *engine.Engine {
	s.Helper()
	e := s.engine(streams...)
	plans, real, err := clocks(s.world.Now(), by.String())
	if err != nil {
		s.Fatal(err)
	}
	e.Clock, e.Now = plans, real
	e.Sources = s.sources(plans, func(o *connectors.Options) { o.Now = real })
	e.Store = openRootAt(s.T, s.root, real)
	return e
}

// past is the state of a warehouse without what a wrong clock may leave in it: windows that have not ended, when a stream
// was first synced, and snapshots, which are kept or not by when they were taken, and stay as they were committed. Whether
// a window without rows had some once does not count either.
func (s *site) past() []string {
	s.Helper()
	now := calendar.InstantOf(s.world.Now())
	const snapshots = `{"totalUsers":null,"totalMessagesReceived":null,"totalMessagesSent":null,"pending":null,"progress":null,` +
		`"queryInProgress":null,"queryPending":null,"status":null,"lastConnection":null}`
	rows := contentsOf(s.T, s.root, "window_end <= TIMESTAMPTZ '"+now.String()+"'", func(c pipeline.Column) string {
		switch {
		case c.Aggregation == pipeline.Snapshot:
			return ""
		case c.Name == "extras":
			return `CASE WHEN extras IS NOT NULL THEN json_merge_patch(extras::JSON, '` + snapshots + `')::VARCHAR END AS extras`
		}
		return `"` + c.Name + `"`
	})
	return append(rows, ledgersOf(s.T, s.root, func(e *pipeline.Entry) bool {
		e.ExtractedAt, e.HasData = 0, false
		return e.Kind != pipeline.EntryOrigin && e.Kind != pipeline.EntryFirst && e.Kind != pipeline.EntryUnplaced && e.Window.End <= now
	})...)
}
