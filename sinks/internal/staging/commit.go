package staging

import (
	"errors"
	"fmt"

	"github.com/windrow-data/windrow/pipeline"
)

// Staged is a sink's own type of stage. It embeds a [*Stage].
type Staged interface {
	pipeline.Stage
	// Counts returns the rows and the rejects that were collected. It is called under the stage's lock and must not take
	// it again.
	Counts() (rows, rejected int64)
	shared() *Stage
}

// Pending is one window on its way through a commit.
type Pending[S Staged] struct {
	pipeline.Sealed
	Verdict
	// Stage is Sealed.Stage, of the sink's own type.
	Stage S
	// Result is where the window's outcome goes. It says Failed until somebody decides.
	Result *pipeline.Result

	classify Classify
}

// Admit returns the windows that a commit may go on with, in order, and a place for the result of every window. The
// result of a window that is refused is Failed, with an error of kind Internal: its stage is another store's, another
// stream's or table's, or not sealed; its entry does not count what the stage counted; or it overlaps another window of
// its stream in the same commit.
//
// The caller settles every admitted window, and calls [Release] when the commit is over.
func Admit[S Staged](owner any, classify Classify, windows []pipeline.Sealed) ([]pipeline.Result, []*Pending[S]) {
	results := make([]pipeline.Result, len(windows))
	admitted := make([]*Pending[S], 0, len(windows))
	for i, w := range windows {
		p := &Pending[S]{Sealed: w, Result: &results[i], classify: classify}
		if err := p.check(owner, admitted); err != nil {
			p.Fail("commit", &pipeline.Error{Op: "commit", Kind: pipeline.Internal, Err: err})
			continue
		}
		*p.Result = pipeline.Result{Outcome: pipeline.Failed}
		admitted = append(admitted, p)
	}
	return results, admitted
}

// check refuses what the engine must not ask for.
func (p *Pending[S]) check(owner any, others []*Pending[S]) error {
	st, ok := p.Sealed.Stage.(S)
	if !ok {
		return errForeign
	}
	if s := st.shared(); s.owner != owner || s.Key != p.Key || s.Table != p.Table {
		return errForeign
	}
	p.Stage = st
	for _, o := range others {
		if o.Key == p.Key && o.Sealed.Entry.Window.Overlaps(p.Sealed.Entry.Window.Span) {
			return fmt.Errorf("another window of the same commit overlaps it: %s", o.Sealed.Entry.Window.Span)
		}
	}
	return st.shared().ready(p.Sealed.Entry, st.Counts)
}

var errForeign = errors.New("the stage belongs to another store, stream or table")

// Judge decides what the commit has to do, from what the ledger knows now. It settles a window that yields, whose newer
// reading was interrupted, or that is another tenant's, and reports whether the window is still open.
func (p *Pending[S]) Judge(l *pipeline.Ledger) (open bool) {
	if noted := l.Owner(); noted.Contradicts(p.Owner) {
		p.Fail("commit", pipeline.OfOther(noted, p.Owner))
		return false
	}
	p.Verdict = Judge(l, p.Sealed.Entry)
	switch p.Outcome {
	case pipeline.Yielded:
		*p.Result = pipeline.Result{Outcome: pipeline.Yielded}
	case pipeline.Failed:
		p.Fail("commit", errInterrupted)
	default:
		return true
	}
	return false
}

// NoteOwner adds to entries the one that notes the window's owner, where known, which the ledger and the entries tell,
// says less; known then says it.
func (p *Pending[S]) NoteOwner(entries []pipeline.Entry, known *pipeline.Owner) []pipeline.Entry {
	both := known.And(p.Owner)
	if both == *known {
		return entries
	}
	*known = both
	return append(entries, pipeline.Entry{Kind: pipeline.EntryOwner, SyncID: p.Sealed.Entry.SyncID, Note: string(both)})
}

// Fail settles the window: it stays open in the ledger's sense, and the next run reads it again.
func (p *Pending[S]) Fail(op string, err error) {
	err = pipeline.Locate(p.classify(op, err), p.Key.Stream, p.Sealed.Entry.Window.Span)
	*p.Result = pipeline.Result{Outcome: pipeline.Failed, Err: err}
}

// Done settles the window with the entry that the ledger has of it.
func (p *Pending[S]) Done(e pipeline.Entry) {
	*p.Result = pipeline.Result{Outcome: pipeline.Committed, Entry: e}
	if e.Unchanged {
		p.Result.Outcome = pipeline.Unchanged
	}
}

// Release ends the stages of all windows of a commit, as [pipeline.Sink] promises. What a stage cannot remove now goes
// with the store that made it.
func Release(windows []pipeline.Sealed) {
	for _, w := range windows {
		if w.Stage != nil {
			_ = w.Stage.Abort()
		}
	}
}
