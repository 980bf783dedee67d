package staging

import (
	"errors"
	"fmt"
	"slices"

	"github.com/windrow-data/windrow/pipeline"
)

// Verdict is what one commit has to do.
type Verdict struct {
	// Outcome is Committed when the window's data are to be replaced, Unchanged when only the ledger is to be told and the
	// sink, which looks, holds what the ledger says, Yielded when nothing is to be done, Failed when a newer reading was
	// interrupted.
	Outcome pipeline.Outcome
	// Entry is the commit's entry, complete but for CommittedAt and, unless
	// Unchanged, HasData.
	Entry pipeline.Entry
	// Replaces lists what the sink holds, or may hold, and must not hold beside
	// the window: windows of other bounds or of another zone.
	Replaces []pipeline.Window
	// MayHold says that the sink holds something for the window itself, or may hold something: nobody knows what it holds
	// for a window whose commit has begun and not ended.
	MayHold bool
}

// errInterrupted fails a reading that is too old to be committed while the newer reading is not whole. The window stays
// open, which nobody may overlook.
var errInterrupted = errors.New("the commit of a newer reading was interrupted; the window must be read again")

// Judge decides what the commit e has to do, from what the ledger knows. It is pure.
func Judge(l *pipeline.Ledger, e pipeline.Entry) Verdict {
	v := Verdict{Outcome: pipeline.Committed, Entry: e}
	v.Entry.Kind, v.Entry.Unchanged, v.Entry.Supersedes, v.Entry.Bytes = pipeline.EntryCommit, false, nil, 0
	if l.Yields(e) {
		if l.Dirty(e.Window.Span) {
			return Verdict{Outcome: pipeline.Failed}
		}
		return Verdict{Outcome: pipeline.Yielded}
	}
	v.MayHold = l.Dirty(e.Window.Span)
	for _, k := range l.Overlapping(e.Window.Span) {
		if k.Window.Span == e.Window.Span {
			v.MayHold = v.MayHold || k.HasData
		} else if !slices.Contains(v.Entry.Supersedes, k.Window) {
			v.Entry.Supersedes = append(v.Entry.Supersedes, k.Window)
		}
		if k.Window != e.Window && !slices.Contains(v.Replaces, k.Window) {
			v.Replaces = append(v.Replaces, k.Window)
		}
	}
	live, ok := l.Live(e.Window.Span)
	if ok && len(v.Replaces) == 0 && sameRows(live, e) {
		v.Outcome, v.Entry.Unchanged, v.Entry.HasData, v.Entry.Bytes = pipeline.Unchanged, true, live.HasData, live.Bytes
	}
	return v
}

// Rewrite turns an unchanged window into one whose data are to be replaced: the sink looked, and does not hold what the
// ledger says. What it does hold is unknown.
func (v *Verdict) Rewrite() {
	v.Outcome, v.MayHold = pipeline.Committed, true
	v.Entry.Unchanged, v.Entry.Bytes = false, 0
}

// sameRows reports whether the rows of the reading e are those committed in live.
func sameRows(live, e pipeline.Entry) bool {
	return live.Fingerprint == e.Fingerprint && live.RejectsHash == e.RejectsHash &&
		live.Counts.Rows == e.Counts.Rows && live.Counts.Rejected == e.Counts.Rejected
}

// fits reports why a sealed stage of window w, with so many rows and rejects, is not what the entry says, if so.
func fits(e pipeline.Entry, w pipeline.Window, rows, rejected int64) error {
	switch {
	case e.Window != w:
		return errors.New("the entry is another window's")
	case rows != e.Counts.Rows || rejected != e.Counts.Rejected:
		return fmt.Errorf("%d rows and %d rejects are staged, the entry says %d and %d",
			rows, rejected, e.Counts.Rows, e.Counts.Rejected)
	}
	return nil
}
