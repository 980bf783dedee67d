package vendorsim

import (
	"slices"
	"time"
)

// quarter is the finest interval of the interval data.
const quarter = 15 * time.Minute

// Data computes what the vendors know. It is a value: the same Data gives the
// same rows for ever, and tests use it to work out what a sync must arrive at.
// [World.Data] is the servers' own.
type Data struct {
	Seed                                     uint64
	UContactZone, ChatTonicZone, DialpadZone *time.Location // whose working hours count
	CallsPerDay, TextsPerDay                 int
	LateListening                            bool
	// Edits change the past: later ones go before earlier ones.
	Edits []Edit
}

// Edit replaces what happened in [From, To): by other data, or by nothing.
type Edit struct {
	Stream   string // one of the Stream… constants; empty: all
	From, To time.Time
	Seed     uint64 // the seed of the other data
	Vanish   bool   // or: nothing happened after all
}

// The names under which data is seeded and edited. Everything of Dialpad that
// hangs on a call (stats, voicemails, recordings, …) follows StreamCalls.
const (
	StreamAgents    = "ucontact.agents"
	StreamCampaigns = "ucontact.campaigns"
	StreamOperators = "chattonic.operators"
	StreamDashboard = "chattonic.dashboard"
	StreamNPS       = "chattonic.nps"
	StreamCalls     = "dialpad.calls"
	StreamTexts     = "dialpad.texts"
	StreamOnDuty    = "dialpad.onduty"
)

// at begins the sequence of one resource and time; ok is false where an edit
// made everything vanish.
func (d Data) at(stream, resource string, t time.Time) (r random, ok bool) {
	seed, ok := d.seedAt(stream, t)
	if !ok {
		return random{}, false
	}
	return sequence(keyed(seed, stream, resource), t), true
}

func (d Data) seedAt(stream string, t time.Time) (seed uint64, ok bool) {
	for _, e := range slices.Backward(d.Edits) {
		if (e.Stream == "" || e.Stream == stream) && !t.Before(e.From) && t.Before(e.To) {
			return e.Seed, !e.Vanish
		}
	}
	return d.Seed, true
}

// constant begins a sequence that belongs to a resource whatever the time.
func (d Data) constant(stream, resource string) random {
	return random{keyed(d.Seed, stream, resource, "constant")}
}

// hourShare is the share of a working day's volume in each local hour. Nights
// are not empty, so that the hour which a DST change repeats has rows too.
var hourShare = [24]float64{
	.02, .02, .01, .004, .004, .008, .012, .03, .07, .10, .11, .10,
	.08, .07, .08, .09, .08, .06, .035, .02, .01, .005, .005, .005,
}

// activity is the share of a working day's volume in the local hour of t.
func activity(local time.Time) float64 {
	s := hourShare[local.Hour()]
	if wd := local.Weekday(); local.Hour() >= 6 && (wd == time.Saturday || wd == time.Sunday) {
		s *= 0.3
	}
	return s
}

// quarters calls f with the start of every quarter hour that begins in [start, end).
func quarters(start, end time.Time, f func(time.Time)) {
	q := start.UTC().Truncate(quarter)
	if q.Before(start) {
		q = q.Add(quarter)
	}
	for ; q.Before(end); q = q.Add(quarter) {
		f(q)
	}
}

// Day returns the instants at which a local day begins and ends; it lasts 23,
// 24 or 25 hours.
func Day(year int, month time.Month, day int, zone *time.Location) (start, end time.Time) {
	return time.Date(year, month, day, 0, 0, 0, 0, zone), time.Date(year, month, day+1, 0, 0, 0, 0, zone)
}

// startOfDay is the first instant of t's local day.
func startOfDay(t time.Time, zone *time.Location) time.Time {
	y, m, d := t.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, zone)
}

// addDays is the start of the local day n days after the one that begins at start.
func addDays(start time.Time, n int, zone *time.Location) time.Time {
	y, m, d := start.In(zone).Date()
	return time.Date(y, m, d+n, 0, 0, 0, 0, zone)
}
