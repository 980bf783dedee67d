package dialpad

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// dutyTime makes the time in each duty status of the changes of status: a row for
// each agent, local day and status.
//
// An agent's changes count in the order of their time, whatever the centre; of
// those at one instant the greatest record_id is the last. The status at a day's
// beginning is that of the last change on the day before, and no earlier one; the
// last status lasts until the day ends, or was read. Time before the first known status is not
// counted. A status that ends in -end says what is over and not what began: what
// follows it is unknown.
var dutyTime = &pipeline.Reduction{
	Decoded: pipeline.Events,
	New: func([]pipeline.Window) pipeline.Reducer {
		return &dutyReducer{texts: map[string]int32{}}
	},
}

const unknownDuty = "unknown"

// Columns that the reducer reads, and those that it fills.
var (
	dutyAgent   = pipeline.Events.Index("resource_id")
	dutyCalled  = pipeline.Events.Index("resource_name")
	dutyWritten = pipeline.Events.Index("resource_email")
	dutyStatus  = pipeline.Events.Index("status")

	activityName    = pipeline.Activity.Index("resource_name")
	activityEmail   = pipeline.Activity.Index("resource_email")
	activityZone    = pipeline.Activity.Index("timezone")
	activityStatus  = pipeline.Activity.Index("status")
	activitySeconds = pipeline.Activity.Index("status_seconds")
)

// dutyChange is one change of an agent's status. Texts are numbers of the reducer's.
type dutyChange struct {
	at                                 pipeline.Instant
	agent, status, record, name, email int32
}

// dutyReducer is the [pipeline.Reducer] of [dutyTime].
type dutyReducer struct {
	changes []dutyChange
	texts   map[string]int32 // their numbers
	list    []string         // by number
	bytes   int              // of the texts
	ordered bool
	seconds map[int32]time.Duration // of one agent's day, by status
	read    pipeline.Meta           // of the earliest reading: an open day ends with it
}

// number keeps a text once.
func (d *dutyReducer) number(text []byte) int32 {
	if n, ok := d.texts[string(text)]; ok {
		return n
	}
	n := int32(len(d.list))
	own := string(text)
	d.texts[own] = n
	d.list = append(d.list, own)
	d.bytes += len(own) + 64 // about what a map and a list take beside it
	return n
}

// Add implements [pipeline.Reducer].
func (d *dutyReducer) Add(m *pipeline.Meta, b *pipeline.Batch) error {
	if d.read.ExtractedAt == 0 || m.ExtractedAt < d.read.ExtractedAt {
		d.read = *m
	}
	for i := range b.Rows() {
		d.changes = append(d.changes, dutyChange{
			at: b.Times[i], agent: d.number(b.TextAt(dutyAgent, i)), status: d.number(lasting(b.TextAt(dutyStatus, i))),
			record: d.number(bytes.TrimLeft(b.TextAt(eventID, i), "0")), name: d.number(b.TextAt(dutyCalled, i)), email: d.number(b.TextAt(dutyWritten, i)),
		})
	}
	d.ordered = false
	return nil
}

// lasting is the status that lasts from a change on.
func lasting(said []byte) []byte {
	said = bytes.ToLower(bytes.TrimSpace(said))
	if len(said) == 0 || bytes.HasSuffix(said, []byte("-end")) {
		return []byte(unknownDuty)
	}
	return said
}

// Bytes implements [pipeline.Reducer].
func (d *dutyReducer) Bytes() int { return 32*cap(d.changes) + d.bytes }

// order sorts the changes by agent and time, and leaves one of those that tell
// the same.
func (d *dutyReducer) order() {
	if d.ordered {
		return
	}
	text := func(a, b int32) int {
		if a == b {
			return 0
		}
		return strings.Compare(d.list[a], d.list[b])
	}
	record := func(a, b int32) int { return cmp.Or(cmp.Compare(len(d.list[a]), len(d.list[b])), text(a, b)) }
	slices.SortFunc(d.changes, func(a, b dutyChange) int {
		return cmp.Or(text(a.agent, b.agent), cmp.Compare(a.at, b.at), text(a.status, b.status), record(b.record, a.record), text(a.name, b.name), text(a.email, b.email))
	})
	d.changes = slices.CompactFunc(d.changes, func(a, b dutyChange) bool { return a.agent == b.agent && a.at == b.at && a.status == b.status })
	slices.SortFunc(d.changes, func(a, b dutyChange) int {
		return cmp.Or(text(a.agent, b.agent), cmp.Compare(a.at, b.at), record(a.record, b.record), text(a.status, b.status))
	})
	d.ordered = true
}

// Reduce implements [pipeline.Reducer].
func (d *dutyReducer) Reduce(w pipeline.Window, into *pipeline.Batch) (read int64, err error) {
	loc, err := w.Location()
	if err != nil {
		return 0, err
	}
	d.order()
	days := daysOf(w.Span, loc)
	for from := 0; from < len(d.changes); {
		to := from + 1
		for to < len(d.changes) && d.changes[to].agent == d.changes[from].agent {
			to++
		}
		for day := days.first; day <= days.last; day++ {
			before, today := dayRange{day - 1, day - 1}.span(loc), dayRange{day, day}.span(loc)
			today.End = d.read.IntervalEnd(today)
			d.reduceDay(d.changes[from:to], before.Start, today, w, into)
		}
		from = to
	}
	for _, c := range d.changes {
		if w.Has(c.at) {
			read++
		}
	}
	return read, nil
}

// reduceDay appends the rows of one agent's day. since is the beginning of the day before.
func (d *dutyReducer) reduceDay(changes []dutyChange, since pipeline.Instant, day pipeline.Span, w pipeline.Window, into *pipeline.Batch) {
	find := func(t pipeline.Instant) int {
		i, _ := slices.BinarySearchFunc(changes, t, func(c dutyChange, t pipeline.Instant) int { return cmp.Compare(c.at, t) })
		return i
	}
	first, end := find(since), find(day.End)
	if first = max(first, find(day.Start)-1); first == end {
		return // nothing is known of the day
	}
	if d.seconds == nil {
		d.seconds = map[int32]time.Duration{}
	}
	clear(d.seconds)
	var order []int32
	for i := first; i < end; i++ {
		until := day.End
		if i+1 < end {
			until = changes[i+1].at
		}
		lasted := until.Sub(max(changes[i].at, day.Start))
		if lasted <= 0 {
			continue
		}
		status := changes[i].status
		if d.seconds[status] == 0 {
			order = append(order, status)
		}
		d.seconds[status] += lasted
	}
	for _, status := range order {
		into.String(activityType, "user")
		into.String(activityChannel, "all")
		d.set(into, activityID, changes[first].agent)
		d.set(into, activityName, changes[end-1].name)
		d.set(into, activityEmail, changes[end-1].email)
		d.set(into, activityStatus, status)
		into.Float(activitySeconds, d.seconds[status].Seconds())
		into.String(activityZone, w.Zone)
		into.Instant(activityStart, day.Start)
		into.Instant(activityEnd, day.End)
		into.EndRow(max(day.Start, w.Start), pipeline.Hash{})
	}
}

// set sets a column to a text, unless that is blank.
func (d *dutyReducer) set(into *pipeline.Batch, col int, text int32) {
	if v := d.list[text]; v != "" {
		into.String(col, v)
	}
}
