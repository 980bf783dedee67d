package vendorsim

import (
	"cmp"
	"iter"
	"slices"
	"time"
)

// CallStats are the counts of a calls stats export for one row: a target's
// day, a user's day, or a group's range.
type CallStats struct {
	Name, Email, Kind string // Kind is the row's type: user, call_center, department
	ID                int64  // 0 with group_by=date

	All, Inbound, Outbound, Internal       int64
	Answered, Missed, Abandoned, Voicemail int64
	ShortAbandoned                         int64
	ServiceLevel, RingNoAnswer             int64
	OutboundConnected, TransferredOut      int64
	Talk, Hold, Ringing, InQueue, Wrapup   Minutes
	InboundMinutes, OutboundMinutes        Minutes
	InSystem, ToAnswer                     Minutes
}

// AHT and ASA are means in minutes, as the vendor defines them roughly.
func (s CallStats) AHT() Minutes { return mean(s.Talk+s.Hold+s.Wrapup, s.Answered+s.OutboundConnected) }
func (s CallStats) ASA() Minutes { return mean(s.ToAnswer, s.Answered) }

func mean(sum Minutes, n int64) Minutes {
	if n == 0 {
		return 0
	}
	return sum / Minutes(n)
}

func (s *CallStats) add(c CallRow) {
	s.All++
	if c.Direction == "outbound" {
		s.Outbound++
		s.OutboundMinutes += c.Talk
		if !c.Connected.IsZero() {
			s.OutboundConnected++
		}
	} else {
		s.Inbound++
		s.InboundMinutes += c.Talk
	}
	if c.Answered {
		s.Answered++
	}
	if c.Category == "missed" {
		s.Missed++
	}
	if c.Category == "abandoned" {
		s.Abandoned++
		if c.InQueue < 50 { // half a minute
			s.ShortAbandoned++
		}
	}
	if c.Voicemail {
		s.Voicemail++
	}
	if c.ServiceLevel {
		s.ServiceLevel++
	}
	if c.hasCategory("ring_no_answer") {
		s.RingNoAnswer++
	}
	if c.TransferredTo != "" {
		s.TransferredOut++
	}
	s.Talk += c.Talk
	s.Hold += c.Hold
	s.Ringing += c.Ringing
	s.InQueue += c.InQueue
	s.Wrapup += c.Wrapup
	s.InSystem += c.InSystem
	s.ToAnswer += c.ToAnswer
}

// CallStatsByDate is the one row of a local day [start, end) with
// group_by=date: entry rows count, legs do not. An idle day is all zeros.
func (d Data) CallStatsByDate(t Target, start, end time.Time) (s CallStats) {
	for c := range d.Calls(t, start, end) {
		if c.IsEntry() || t.Kind == "user" {
			s.add(c)
		}
	}
	return s
}

// CallStatsByUser are the rows of a local day [start, end) with group_by=user:
// one per person with a leg, and one of type call_center or department for the
// group itself. Some people have two rows on a day, as was seen at the vendor.
func (d Data) CallStatsByUser(t Target, start, end time.Time) []CallStats {
	return d.statsBy(d.Calls(t, start, end), true)
}

// CallStatsByGroup are the rows of a range with group_by=group, which has no
// dates: one per call centre or department.
func (d Data) CallStatsByGroup(t Target, start, end time.Time) []CallStats {
	rows := d.statsBy(d.Calls(t, start, end), false)
	return slices.DeleteFunc(rows, func(s CallStats) bool { return s.Kind == "user" })
}

func (d Data) statsBy(calls iter.Seq[CallRow], split bool) []CallStats {
	type key struct {
		id   int64
		part int
	}
	rows := map[key]*CallStats{}
	for c := range calls {
		k := key{id: c.Target.ID}
		_, kind := c.Target.rowKinds()
		if kind == "user" && split && c.Started.Unix()/3600%24 >= 18 && c.Target.ID%3 == 0 {
			k.part = 1 // a user with a second row on the day
		}
		if rows[k] == nil {
			rows[k] = &CallStats{ID: k.id, Name: c.Name, Email: c.Email, Kind: kind}
		}
		rows[k].add(c)
	}
	var keys []key
	for k := range rows {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b key) int {
		if c := cmp.Compare(a.id, b.id); c != 0 {
			return c
		}
		return a.part - b.part
	})
	all := make([]CallStats, 0, len(keys))
	for _, k := range keys {
		all = append(all, *rows[k])
	}
	return all
}

// SumStats adds rows up, as a test does that compares tables with totals.
func SumStats(rows []CallStats) (sum CallStats) {
	for _, s := range rows {
		sum.All += s.All
		sum.Inbound += s.Inbound
		sum.Outbound += s.Outbound
		sum.Internal += s.Internal
		sum.Answered += s.Answered
		sum.Missed += s.Missed
		sum.Abandoned += s.Abandoned
		sum.ShortAbandoned += s.ShortAbandoned
		sum.Voicemail += s.Voicemail
		sum.ServiceLevel += s.ServiceLevel
		sum.RingNoAnswer += s.RingNoAnswer
		sum.OutboundConnected += s.OutboundConnected
		sum.TransferredOut += s.TransferredOut
		sum.Talk += s.Talk
		sum.Hold += s.Hold
		sum.Ringing += s.Ringing
		sum.InQueue += s.InQueue
		sum.Wrapup += s.Wrapup
		sum.InboundMinutes += s.InboundMinutes
		sum.OutboundMinutes += s.OutboundMinutes
		sum.InSystem += s.InSystem
		sum.ToAnswer += s.ToAnswer
	}
	return sum
}

// DayStats is CallStatsByUser for a whole local day of the data's own zone.
func (d Data) DayStats(t Target, day time.Time) []CallStats {
	start := startOfDay(day, d.DialpadZone)
	return d.CallStatsByUser(t, start, addDays(start, 1, d.DialpadZone))
}
