package vendorsim

import (
	"cmp"
	"iter"
	"strconv"
	"time"
)

// TextRow is one row of a texts export.
type TextRow struct {
	At          time.Time
	ID          int64
	Target      Target // whose number it went through
	Name, Email string
	Sender      int64 // 0 when the customer wrote
	Internal    bool  // we wrote it
	To, From    string
	Encrypted   string
	Text        string
	MMS         string
	Line        Target
}

// Texts yields the rows of a texts export of t that were sent in [start, end).
func (d Data) Texts(t Target, start, end time.Time) iter.Seq[TextRow] {
	lines, only, _ := linesOf(t)
	return func(yield func(TextRow) bool) {
		for minute := start.UTC().Truncate(time.Minute); minute.Before(end); minute = minute.Add(time.Minute) {
			for i := range lines {
				for _, x := range d.textsOf(&lines[i], minute) {
					if x.At.Before(start) || !x.At.Before(end) || only != 0 && x.Target.ID != only && x.Sender != only {
						continue
					}
					if !yield(x) {
						return
					}
				}
			}
		}
	}
}

func (d Data) textsOf(l *Line, minute time.Time) (rows []TextRow) {
	r, ok := d.at(StreamTexts, l.Target.String(), minute)
	if !ok {
		return nil
	}
	n := r.count(float64(cmp.Or(d.TextsPerDay, 40)) * activity(minute.In(d.DialpadZone)) / 60)
	for i := range n {
		part := time.Duration((float64(i) + r.share()) / float64(n) * float64(time.Minute))
		x := TextRow{At: minute.Add(part.Truncate(time.Microsecond)), ID: r.id(), Target: l.Target, Name: l.Name, Line: l.Target}
		if r.chance(0.3) {
			x.At = x.At.Truncate(time.Second)
		}
		customer := "+52155" + strconv.Itoa(r.between(10_000_000, 10_000_999))
		if r.chance(0.05) {
			customer += ",+5215519999999" // a text to several people
		}
		x.To, x.From = l.Number, customer
		if u := l.Users[r.below(len(l.Users))]; r.chance(0.5) {
			x.Internal, x.Sender, x.To, x.From = true, u.ID, customer, l.Number
			x.Email = u.Email
		}
		switch p := r.share(); {
		case p < 0.3:
			x.Text = awkward(&r)
		case p < 0.9:
			x.Text = "Hola, su pedido " + strconv.Itoa(r.between(1000, 9999)) + " va en camino"
		default:
			x.MMS = "https://dialpad.com/mms/" + strconv.FormatInt(r.id(), 10)
		}
		rows = append(rows, x)
	}
	return rows
}

// TextTotals counts [start, end) of a texts export of t.
func (d Data) TextTotals(t Target, start, end time.Time) (rows, internal int64) {
	for x := range d.Texts(t, start, end) {
		rows++
		if x.Internal {
			internal++
		}
	}
	return rows, internal
}

// VoicemailRow is one row of a voicemails export. It belongs to the entry row
// of a missed call and has its call_id.
type VoicemailRow struct {
	Call          CallRow
	At            time.Time
	Listened      time.Time // zero: nobody has
	ListenedBy    User
	RecordingURL  string
	Transcription string
}

// Voicemails yields the voicemails of t that were left in [start, end).
func (d Data) Voicemails(t Target, start, end time.Time) iter.Seq[VoicemailRow] {
	return func(yield func(VoicemailRow) bool) {
		for c := range d.Calls(t, start.Add(-longest), end) {
			if !c.Voicemail || c.Ended.Before(start) || !c.Ended.Before(end) {
				continue
			}
			if _, ok := d.seedAt(StreamCalls, c.Ended); !ok {
				continue
			}
			r := c.note
			v := VoicemailRow{Call: c, At: c.Ended, RecordingURL: "https://dialpad.com/blob/voicemail/" + strconv.FormatInt(r.id(), 10) + ".mp3"}
			if r.chance(0.8) {
				v.Transcription = awkward(&r)
			}
			late := time.Duration(r.between(1, 48*60)) * time.Minute
			if r.chance(0.6) {
				v.Listened, v.ListenedBy = v.At.Add(7*time.Minute), Users()[r.below(len(Users()))]
				if d.LateListening {
					v.Listened = v.At.Add(late)
				}
			}
			if !yield(v) {
				return
			}
		}
	}
}

// VoicemailTotal counts [start, end) of a voicemails export of t.
func (d Data) VoicemailTotal(t Target, start, end time.Time) (rows int64) {
	for range d.Voicemails(t, start, end) {
		rows++
	}
	return rows
}
