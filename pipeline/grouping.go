package pipeline

import "time"

// groupWindows bounds a group commit where the [Grouping] does not.
const groupWindows = 256

// Grouping says when a group of sealed windows is committed: by a sink whose
// commits are dear, many windows at once. A group closes when one of the bounds
// is reached, and when no window that could join it is under way.
type Grouping struct {
	Windows int           // at most so many windows; 0 means 256
	Bytes   int64         // at so many staged bytes; 0 means any
	After   time.Duration // so long after its first window was sealed; 0 means at once
}

func (g Grouping) windows() int {
	if g.Windows > 0 {
		return g.Windows
	}
	return groupWindows
}

func (g Grouping) full(bytes int64) bool { return g.Bytes > 0 && bytes >= g.Bytes }

// likelyUnchanged reports whether a sealed window will most likely write no
// data: it was read again, and its rows are those that are committed.
func likelyUnchanged(s Sealed, p PlannedWindow) bool {
	switch p.Reason {
	case ReasonProvisional, ReasonLookback, ReasonRefetch:
		return len(p.Supersedes) == 0 && s.Entry.Fingerprint == p.Fingerprint
	}
	return false
}

// parcel is what one extraction hands in for one lane: windows that are
// committed together.
type parcel struct {
	sealed  []Sealed
	places  []int // of the windows in the extraction
	bytes   int64 // staged
	since   time.Time
	taken   bool // out of its lane: to be committed, or dropped by a stop
	results chan []Result
}

func (p *parcel) add(place int, s Sealed) {
	p.sealed = append(p.sealed, s)
	p.places = append(p.places, place)
	p.bytes += s.Entry.Staged
}

// lane is a queue of parcels, oldest first.
type lane struct {
	parcels []*parcel
	windows int
	bytes   int64
}

func (l *lane) put(p *parcel) {
	if len(p.sealed) == 0 {
		return
	}
	l.parcels = append(l.parcels, p)
	l.windows += len(p.sealed)
	l.bytes += p.bytes
}

// deadline is when the oldest parcel has waited long enough. The lane has one.
func (l *lane) deadline(g Grouping) time.Time { return l.parcels[0].since.Add(g.After) }

// due reports whether the lane has a group that waits for nothing more.
func (l *lane) due(g Grouping) bool {
	return len(l.parcels) > 0 && (l.windows >= g.windows() || g.full(l.bytes) || time.Until(l.deadline(g)) <= 0)
}

// take removes the next group, within the bounds but for one large parcel.
// It is empty only if the lane then is.
func (l *lane) take(g Grouping) []*parcel {
	var group []*parcel
	windows, bytes := 0, int64(0)
	for len(l.parcels) > 0 {
		p := l.parcels[0]
		if !p.taken {
			if len(group) > 0 && (windows+len(p.sealed) > g.windows() || g.full(bytes)) {
				break
			}
			p.taken = true
			group = append(group, p)
			windows += len(p.sealed)
			bytes += p.bytes
		}
		l.parcels = l.parcels[1:]
		l.windows -= len(p.sealed)
		l.bytes -= p.bytes
	}
	return group
}
