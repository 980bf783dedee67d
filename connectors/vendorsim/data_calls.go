package vendorsim

import (
	"cmp"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Minutes is a duration as Dialpad's files have it: hundredths of a minute.
type Minutes int64

func minutesOf(d time.Duration) Minutes { return Minutes(d * 100 / time.Minute) }

// String has two decimals at most: 2.86 is 172 seconds.
func (m Minutes) String() string { return strconv.FormatFloat(float64(m)/100, 'f', -1, 64) }

// Seconds is what a reader of the file makes of it.
func (m Minutes) Seconds() float64 { return float64(m) / 100 * 60 }

// CallRow is one row of a calls export: the entry row of a group call, the leg
// of an agent, or a direct call. Zero times and ids are blank cells.
type CallRow struct {
	CallID, MasterID, EntryID                          int64
	Started, FirstRang, Queued, Rang, Connected, Ended time.Time
	Category, Categories, Direction                    string
	External, Internal                                 string
	Target                                             Target // whose row it is
	Name, Email                                        string
	Line                                               Target // whose call it is
	Office                                             int64
	Recorded, Voicemail                                bool
	TransferredTo                                      string
	Device, Availability                               string
	Talk, Hold, Ringing, InQueue, Wrapup               Minutes
	InSystem, ToAnswer                                 Minutes
	Answered, ServiceLevel                             bool
	note                                               random // what hangs on the call goes on from here
}

// IsEntry reports whether counting the row counts the call.
func (c CallRow) IsEntry() bool { return c.EntryID == 0 || c.EntryID == c.CallID }

// longest is how long after its call's first instant a leg can start.
const longest = 20 * time.Minute

// Calls yields the rows of a calls export of t whose date_started lies in
// [start, end), about in order of time. A call's legs have their own starts, so
// midnight may part them from their entry row.
func (d Data) Calls(t Target, start, end time.Time) iter.Seq[CallRow] {
	lines, only, _ := linesOf(t)
	return func(yield func(CallRow) bool) {
		var rows []CallRow
		minute := start.UTC().Truncate(time.Minute).Add(-longest)
		for ; minute.Before(end); minute = minute.Add(time.Minute) {
			rows = rows[:0]
			for i := range lines {
				rows = d.callsOf(rows, &lines[i], minute)
			}
			if len(lines) > 1 {
				slices.SortStableFunc(rows, func(a, b CallRow) int { return a.Started.Compare(b.Started) })
			}
			for _, c := range rows {
				if only != 0 && c.Target.ID != only || c.Started.Before(start) || !c.Started.Before(end) {
					continue
				}
				if _, ok := d.seedAt(StreamCalls, c.Started); !ok {
					continue // the leg of a call from before the time that vanished
				}
				if !yield(c) {
					return
				}
			}
		}
	}
}

// callsOf appends the rows of the calls that reach a line within one minute.
func (d Data) callsOf(rows []CallRow, l *Line, minute time.Time) []CallRow {
	r, ok := d.at(StreamCalls, l.Target.String(), minute)
	if !ok {
		return rows
	}
	volume := float64(cmp.Or(d.CallsPerDay, 120))
	if l.Target.Kind == "user" {
		volume *= 0.2
	}
	n := r.count(volume * activity(minute.In(d.DialpadZone)) / 60)
	for i := range n {
		part := time.Duration((float64(i) + r.share()) / float64(n) * float64(time.Minute))
		started := minute.Add(part.Truncate(time.Microsecond))
		if r.chance(0.1) {
			started = started.Truncate(time.Second) // then the file has no fraction
		}
		rows = call(rows, l, started, &r)
	}
	return rows
}

// call appends the rows of one call that begins at started.
func call(rows []CallRow, l *Line, started time.Time, r *random) []CallRow {
	entry := CallRow{
		CallID: r.id(), Started: started, Target: l.Target, Name: l.Name, Line: l.Target, Office: l.Office,
		Direction: "inbound", Internal: l.Number, Availability: "open",
		External: "+52155" + strconv.Itoa(r.between(10_000_000, 10_000_999)),
		Device:   []string{"android", "web_app", "desktop_app", ""}[r.below(4)],
	}
	entry.MasterID = entry.CallID
	entry.note = random{r.next()}
	u := l.Users[r.below(len(l.Users))]
	if l.Target.Kind == "user" {
		entry.Name, entry.Email = u.Name, u.Email
		if r.chance(0.5) {
			entry.EntryID = entry.CallID // a direct call names itself as its entry point
		}
	}
	wait := time.Duration(r.between(2, 90)) * time.Second
	ring := time.Duration(r.between(3, 25)) * time.Second
	talk := time.Duration(r.between(10, 900))*time.Second + 137*time.Millisecond
	hold := time.Duration(max(0, r.between(-60, 90))) * time.Second
	wrap := time.Duration(r.between(0, 120)) * time.Second

	switch x := r.share(); {
	case x < 0.25:
		entry.Direction, entry.Category, entry.Categories = "outbound", "outgoing", "outbound,outbound_connected,user_initiated"
		wait = 0
		entry.connect(started, 0, ring, talk, hold, wrap)
	case x < 0.80:
		entry.Category, entry.Categories = "incoming", "inbound,answered,human_agent"
		entry.connect(started, wait, ring, talk, hold, wrap)
		entry.ServiceLevel = wait+ring <= 30*time.Second
		entry.ToAnswer = minutesOf(wait + ring)
	case x < 0.90:
		entry.Category, entry.Categories = "abandoned", "inbound,abandoned,unanswered"
		entry.give(started, wait)
	default:
		entry.Category, entry.Categories = "missed", "inbound,missed,unanswered"
		entry.give(started, wait)
		if x >= 0.95 {
			entry.Voicemail = true
			entry.Categories += ",voicemail"
		}
	}
	if l.Target.Kind == "user" {
		return append(rows, entry)
	}
	return legs(append(rows, entry), entry, l, u, r, wait, ring)
}

// connect fills a call that somebody answered.
func (c *CallRow) connect(at time.Time, wait, ring, talk, hold, wrap time.Duration) {
	if wait > 0 {
		c.Queued = at.Add(time.Second)
		c.InQueue = minutesOf(wait)
	}
	c.FirstRang = at.Add(wait)
	c.Rang = c.FirstRang
	c.Connected = c.Rang.Add(ring)
	c.Ended = c.Connected.Add(talk + hold)
	c.Ringing, c.Talk, c.Hold, c.Wrapup = minutesOf(ring), minutesOf(talk), minutesOf(hold), minutesOf(wrap)
	c.InSystem = minutesOf(c.Ended.Sub(at))
	c.Answered, c.Recorded = c.Direction == "inbound", talk > time.Minute
}

// give fills a call that nobody answered.
func (c *CallRow) give(at time.Time, wait time.Duration) {
	c.Queued, c.Ended = at.Add(time.Second), at.Add(wait+time.Second)
	c.InQueue = minutesOf(wait)
	c.InSystem = minutesOf(wait + time.Second)
}

// legs appends the rows of the agents who rang: each has its own call_id and
// names the entry row.
func legs(rows []CallRow, entry CallRow, l *Line, u User, r *random, wait, ring time.Duration) []CallRow {
	if entry.Category == "abandoned" {
		return rows
	}
	if entry.Direction == "inbound" && r.chance(0.2) {
		other := l.Users[r.below(len(l.Users))]
		leg := agentLeg(entry, other, r)
		leg.Started = entry.Started.Add(wait / 2)
		leg.Rang, leg.Ended = leg.Started, leg.Started.Add(ring)
		leg.Ringing = minutesOf(ring)
		leg.Category, leg.Categories = "missed", "inbound,unanswered,ring_no_answer"
		rows = append(rows, leg)
	}
	if entry.Connected.IsZero() {
		return rows
	}
	leg := agentLeg(entry, u, r)
	leg.Started, leg.Queued = entry.Rang, time.Time{}
	leg.Rang, leg.Connected, leg.Ended = entry.Rang, entry.Connected, entry.Ended
	leg.Category, leg.Categories = entry.Category, entry.Categories
	leg.Talk, leg.Hold, leg.Ringing, leg.Wrapup = entry.Talk, entry.Hold, entry.Ringing, entry.Wrapup
	leg.InSystem = minutesOf(leg.Ended.Sub(leg.Started))
	leg.Answered, leg.Recorded = entry.Answered, entry.Recorded
	if r.chance(0.12) {
		leg.TransferredTo = awkward(r)
		leg.Categories += ",transferred_out"
	}
	return append(rows, leg)
}

func agentLeg(entry CallRow, u User, r *random) CallRow {
	return CallRow{
		CallID: r.id(), MasterID: entry.CallID, EntryID: entry.CallID, Line: entry.Line, Office: entry.Office,
		Target: Target{"user", u.ID}, Name: u.Name, Email: u.Email,
		Direction: entry.Direction, External: entry.External, Internal: u.Number,
		Device: entry.Device, Availability: "open", note: random{r.next()},
	}
}

// awkward is free text as people write it: quotes, commas, line breaks, other scripts.
func awkward(r *random) string {
	return []string{
		"+1 (312) 555-0199", "Ana \"La Jefa\" Ruiz,\next. 5", "línea 1\r\nlínea 2", "😀 gracias, \"ok\"", "日本語、テスト",
		`C:\path\"x"`, " leading and trailing ", "a,b,,c", "\"", "=SUM(A1:A2)", "tab\tand\u202fnarrow space", "مرحبا",
	}[r.below(12)]
}

// CallTotals sum a calls export.
type CallTotals struct {
	Rows, Entries       int64
	Talk, Hold, Ringing Minutes
	InQueue, Wrapup     Minutes
}

// CallTotals sums [start, end) of a calls export of t.
func (d Data) CallTotals(t Target, start, end time.Time) (sum CallTotals) {
	for c := range d.Calls(t, start, end) {
		sum.Rows++
		if c.IsEntry() {
			sum.Entries++
		}
		sum.Talk += c.Talk
		sum.Hold += c.Hold
		sum.Ringing += c.Ringing
		sum.InQueue += c.InQueue
		sum.Wrapup += c.Wrapup
	}
	return sum
}

// hasCategory reports whether the comma list holds the token.
func (c CallRow) hasCategory(token string) bool {
	return slices.Contains(strings.Split(c.Categories, ","), token)
}
