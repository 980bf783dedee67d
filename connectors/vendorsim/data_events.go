package vendorsim

import (
	"iter"
	"strconv"
	"time"
)

// OnDutyRow is one change of an agent's duty status.
type OnDutyRow struct {
	At                           time.Time
	ID                           int64
	User                         User
	Center                       Target
	Availability, Status, Reason string
}

// OnDuty yields the status changes of t's agents in [start, end): per agent
// and working hour one round through the statuses.
func (d Data) OnDuty(t Target, start, end time.Time) iter.Seq[OnDutyRow] {
	lines, only, _ := linesOf(t)
	return func(yield func(OnDutyRow) bool) {
		for hour := start.UTC().Truncate(time.Hour); hour.Before(end); hour = hour.Add(time.Hour) {
			if h := hour.In(d.DialpadZone).Hour(); h < 8 || h > 18 {
				continue
			}
			for _, l := range lines {
				if l.Target.Kind != "callcenter" {
					continue
				}
				for _, u := range l.Users {
					if (only == 0 || u.ID == only) && !d.round(l, u, hour, start, end, yield) {
						return
					}
				}
			}
		}
	}
}

func (d Data) round(l Line, u User, hour, start, end time.Time, yield func(OnDutyRow) bool) bool {
	r, ok := d.at(StreamOnDuty, l.Target.String()+u.Email, hour)
	if !ok {
		return true
	}
	statuses := []string{"available", "occupied", "occupied-end", "wrapup", "wrapup-end", "unavailable", "busy"}
	at := hour
	for i := range r.between(2, len(statuses)) {
		at = at.Add(time.Duration(r.between(60, 600)) * time.Second)
		row := OnDutyRow{At: at, ID: r.id(), User: u, Center: l.Target, Status: statuses[i], Availability: "available"}
		if statuses[i] == "unavailable" {
			row.Availability, row.Reason = "unavailable", "Lunch, long"
		}
		if at.Before(start) || !at.Before(end) {
			continue
		}
		if !yield(row) {
			return false
		}
		// The company's second centre tells some changes of whoever works for the first too.
		if row.Center == CallCenters()[0] && r.chance(0.2) {
			row.Center = CallCenters()[1]
			if !yield(row) {
				return false
			}
		}
	}
	return true
}

// Disposition is one row of a dispositions export: what an agent noted of a
// call. Some calls have two.
type Disposition struct {
	Call       CallRow // the entry row
	User       User
	Code, Note string
}

// Dispositions yields the notes on t's calls that began in [start, end).
func (d Data) Dispositions(t Target, start, end time.Time) iter.Seq[Disposition] {
	codes := []string{"Sale~New", "Sale~Renewal", "Complaint", "", "Other~\"VIP\", urgent"}
	return func(yield func(Disposition) bool) {
		for c := range d.Calls(t, start, end) {
			if !c.IsEntry() || c.Connected.IsZero() {
				continue
			}
			r := c.note
			for n := 1 + r.count(0.1); n > 0; n-- {
				x := Disposition{Call: c, User: Users()[r.below(len(Users()))], Code: codes[r.below(len(codes))]}
				if r.chance(0.4) {
					x.Note = awkward(&r)
				}
				if !yield(x) {
					return
				}
			}
		}
	}
}

// Recordings yields the recorded calls of t that began in [start, end), with
// the addresses of their recordings; a long call has two.
func (d Data) Recordings(t Target, start, end time.Time) iter.Seq2[CallRow, string] {
	return func(yield func(CallRow, string) bool) {
		for c := range d.Calls(t, start, end) {
			if !c.Recorded || !c.IsEntry() {
				continue
			}
			r := c.note
			for n := 1 + int(c.Talk/1000); n > 0; n-- {
				if !yield(c, "https://dialpad.com/blob/adminrecording/"+strconv.FormatInt(r.id(), 10)+".mp3") {
					return
				}
			}
		}
	}
}

// Survey is one answer of a customer after a call. A survey with a follow-up
// question has two rows.
type Survey struct {
	Call     CallRow
	Response string
}

// Surveys yields the answers about t's calls that began in [start, end).
func (d Data) Surveys(t Target, start, end time.Time) iter.Seq[Survey] {
	return func(yield func(Survey) bool) {
		for c := range d.Calls(t, start, end) {
			r := c.note
			if !c.IsEntry() || !c.Answered || !r.chance(0.3) {
				continue
			}
			if !yield(Survey{c, strconv.Itoa(r.between(1, 5))}) {
				return
			}
			if r.chance(0.3) && !yield(Survey{c, awkward(&r)}) {
				return
			}
		}
	}
}

// ScreenShares yields the legs of t's calls that began in [start, end) on which the agent showed a screen, for as long as
// they talked.
func (d Data) ScreenShares(t Target, start, end time.Time) iter.Seq[CallRow] {
	return func(yield func(CallRow) bool) {
		for c := range d.Calls(t, start, end) {
			if !c.IsEntry() && c.note.state%10 == 0 && !yield(c) {
				return
			}
		}
	}
}
