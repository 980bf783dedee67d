package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
	"github.com/windrow-data/windrow/pipeline/plan"
)

// Verification is what [Engine.Verify] is asked for. The engine's Streams and Select narrow it.
type Verification struct {
	Depth  pipeline.Depth
	Repair bool
	// Catalogue is every stream of this program, configured or not: it says in which table the rows of a stream lie.
	Catalogue []pipeline.Stream
	// Tell is told every difference as it is found, in the order of streams and windows; a repair of it is still to come.
	Tell func(pipeline.StreamKey, pipeline.Difference) error
}

// VerifiedStream sums up what was found of one stream.
type VerifiedStream struct {
	Stream    pipeline.StreamID  `json:"stream"`
	Account   pipeline.AccountID `json:"account"`
	Windows   int                `json:"windows"` // that were compared
	Open      int                `json:"open"`    // their content is unknown, and a sync reads them: not compared
	Expired   int                `json:"expired"` // past the retention of the table: not compared
	Different int                `json:"different"`
	Extra     int                `json:"extra"`    // objects of no window
	Reopened  int                `json:"reopened"` // by a repair
	Removed   int                `json:"removed"`  // extra objects, by a repair
}

// Verified is the outcome of a verification.
type Verified struct {
	Streams []VerifiedStream
	Foreign int
	Damaged error // of streams whose ledger cannot be read
}

// Exit is the exit code: 0 where the tables are as the ledger says. Extra objects that a repair has removed are no
// difference any more, windows that it has reopened are one until a sync has read them.
func (v Verified) Exit() int {
	e := pipeline.Ending{Damaged: v.Damaged != nil, Failed: v.Foreign > 0}
	for _, s := range v.Streams {
		e.Failed = e.Failed || s.Different > 0 || s.Extra > s.Removed
	}
	return e.Exit()
}

// ErrNotVerifiable says that a store cannot compare its tables with its ledger.
var ErrNotVerifiable = errors.New("this kind of sink cannot be compared with its ledger yet")

// Verify compares the tables with the ledgers, of every stream of which the store has a ledger or data. No source is asked.
func (e *Engine) Verify(ctx context.Context, v Verification) (out Verified, err error) {
	verifier, ok := e.Store.(pipeline.Verifier)
	if !ok {
		return out, &pipeline.Error{Op: "verify", Kind: pipeline.Invalid, Err: ErrNotVerifiable}
	}
	wants, err := e.Select.Wants()
	if err != nil {
		return out, err
	}
	keys, err := e.verifiable(ctx)
	if err != nil {
		return out, err
	}
	var damaged []error
	for _, k := range keys {
		s := streamVerification{Engine: e, Verification: v, verifier: verifier, key: k, wants: wants}
		found, err := s.run(ctx)
		if pipeline.KindOf(err) == pipeline.Damaged {
			damaged = append(damaged, err)
			continue
		}
		if err != nil {
			return out, err
		}
		out.Streams = append(out.Streams, found)
	}
	out.Damaged = errors.Join(damaged...)
	if lister, ok := e.Store.(pipeline.StrangerLister); ok && len(e.Streams) == 0 && e.Select == (plan.Selection{FromName: e.Select.FromName, ToName: e.Select.ToName}) {
		for stranger, err := range lister.Strangers(ctx) {
			if err != nil {
				return out, err
			}
			out.Foreign++
			d := pipeline.Difference{Kind: pipeline.DiffForeign, Object: stranger.Name, Expected: "no file of others", Found: "a file that is not Windrow's"}
			if err := v.Tell(pipeline.StreamKey{}, d); err != nil {
				return out, err
			}
		}
	}
	return out, nil
}

// verifiable lists the chosen streams of which the store has anything, by name.
func (e *Engine) verifiable(ctx context.Context) ([]pipeline.StreamKey, error) {
	keys, err := e.Store.Streams(ctx)
	if err != nil {
		return nil, err
	}
	if sweeper, ok := e.Store.(pipeline.Sweeper); ok {
		holders, err := sweeper.Holders(ctx)
		if err != nil {
			return nil, err
		}
		keys = append(keys, holders...)
	}
	return e.chosen(keys)
}

// chosen are those of the streams that the store has which the engine's choice names, by name; without a choice all.
func (e *Engine) chosen(keys []pipeline.StreamKey) ([]pipeline.StreamKey, error) {
	slices.SortFunc(keys, func(a, b pipeline.StreamKey) int {
		return cmp.Or(cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Account, b.Account))
	})
	keys = slices.Compact(keys)
	for _, id := range e.Streams {
		if !slices.ContainsFunc(keys, func(k pipeline.StreamKey) bool { return k.Stream == id }) {
			var names []string
			for _, k := range keys {
				names = append(names, string(k.Stream))
			}
			hint := "the sink has none yet"
			if len(names) > 0 {
				hint = "the sink has: " + strings.Join(slices.Compact(names), ", ")
			}
			if near := pipeline.Nearest(string(id), names); near != "" {
				hint = "did you mean " + near + "? " + hint
			}
			return nil, &pipeline.Error{Op: "select streams", Kind: pipeline.Invalid, Err: fmt.Errorf("%s: the sink has no such stream", id), Hint: hint}
		}
	}
	if len(e.Streams) == 0 {
		return keys, nil
	}
	return slices.DeleteFunc(keys, func(k pipeline.StreamKey) bool { return !slices.Contains(e.Streams, k.Stream) }), nil
}

// streamVerification is the verification of one stream.
type streamVerification struct {
	*Engine
	Verification
	verifier pipeline.Verifier
	key      pipeline.StreamKey
	wants    func(calendar.Window) bool

	found  VerifiedStream
	last   calendar.Window  // the last window that was told
	reopen []pipeline.Entry // to be recorded
}

// reopenGroup is how many windows are reopened at once.
const reopenGroup = 256

func (s *streamVerification) run(ctx context.Context) (VerifiedStream, error) {
	s.found = VerifiedStream{Stream: s.key.Stream, Account: s.key.Account}
	i := slices.IndexFunc(s.Catalogue, func(of pipeline.Stream) bool { return of.Key.Stream == s.key.Stream })
	if i < 0 || s.Catalogue[i].Table == nil {
		s.found.Different++
		return s.found, s.Tell(s.key, pipeline.Difference{Kind: pipeline.DiffUnknown, Object: string(s.key.Stream),
			Expected: "a stream of this program", Found: "a ledger or data of a stream that this version does not know"})
	}
	of := s.Catalogue[i]
	l, err := s.Store.Ledger(ctx, s.key)
	if err != nil {
		return s.found, err
	}
	kept, err := s.kept(ctx, []sourceStream{{Stream: of}})
	if err != nil {
		return s.found, err
	}
	wants := func(w calendar.Window) bool {
		return s.wants(w) && !kept[of.Table].Expired(w, kept[of.Table].Now)
	}
	s.count(l, wants)
	how := pipeline.Verification{Depth: s.Depth, Wants: wants}
	if f, ok := of.Format.(pipeline.SnapshotFormat); ok {
		how.Snapshot = f.Snapshot
	}
	for d, err := range s.verifier.Verify(ctx, s.key, of.Table, l, how) {
		if err == nil {
			err = s.note(ctx, d)
		}
		if err != nil {
			return s.found, err
		}
	}
	if err := s.record(ctx); err != nil {
		return s.found, err
	}
	if sweeper, ok := s.Store.(pipeline.Sweeper); ok && s.Repair && s.found.Extra > 0 {
		removed, err := sweeper.Sweep(ctx, s.key, of.Table)
		s.found.Removed = len(removed)
		return s.found, err
	}
	return s.found, nil
}

// count counts the windows that are compared and those that are not.
func (s *streamVerification) count(l *pipeline.Ledger, wants func(calendar.Window) bool) {
	doubt := l.InDoubt()
	for e := range l.Windows(calendar.NoInstant) {
		switch {
		case !s.wants(e.Window):
		case !wants(e.Window):
			s.found.Expired++
		case calendar.Touches(doubt, e.Window.Span):
			s.found.Open++
		default:
			s.found.Windows++
		}
	}
	covered := l.Cover(calendar.NoInstant)
	for _, e := range l.Begun() { // a first commit that never ended is among no windows
		if wants(e.Window) && !calendar.Touches(covered, e.Window.Span) {
			s.found.Open++
		}
	}
}

// note books a difference, tells it, and remembers what is to be reopened.
func (s *streamVerification) note(ctx context.Context, d pipeline.Difference) error {
	if err := s.Tell(s.key, d); err != nil {
		return err
	}
	if d.Kind == pipeline.DiffExtra {
		s.found.Extra++
		return nil
	}
	if d.Window == s.last {
		return nil // its other object
	}
	s.last = d.Window
	s.found.Different++
	if !s.Repair {
		return nil
	}
	s.reopen = append(s.reopen, pipeline.Entry{
		Kind: pipeline.EntryReopen, Window: d.Window, SyncID: d.Entry.SyncID, Order: d.Entry.Order, ReadAt: d.Entry.ReadAt,
		HasData: d.Entry.HasData, Note: fmt.Sprintf("%s: %s, and not %s: %s", d.Kind, d.Found, d.Expected, d.Object),
	})
	if len(s.reopen) < reopenGroup {
		return nil
	}
	return s.record(ctx)
}

// record reopens the windows that are to be.
func (s *streamVerification) record(ctx context.Context) error {
	if len(s.reopen) == 0 {
		return nil
	}
	if err := s.Store.Record(ctx, s.key, s.reopen...); err != nil {
		return err
	}
	s.found.Reopened += len(s.reopen)
	s.reopen = s.reopen[:0]
	return nil
}

// sweep removes what belongs to no window, of the streams of a run: what an older copy of a ledger, or somebody's hand, has
// left beside them. Streams whose ledger cannot be read are left alone, and so are those of which a window failed: where a
// ledger was lost, new rows come before old ones go.
func (r *run) sweep(ctx context.Context, plans []plannedStream) error {
	sweeper, ok := r.Store.(pipeline.Sweeper)
	if !ok {
		return nil
	}
	for _, p := range plans {
		if r.streams[p.Stream.Key].Failed > 0 {
			continue
		}
		removed, err := sweeper.Sweep(ctx, p.Stream.Key, p.Stream.Table)
		if len(removed) > 0 {
			r.observe(Event{Kind: EventSwept, Stream: p.Stream.Key, Total: len(removed), Text: strings.Join(removed[:min(len(removed), shownRemoved)], ", ")})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// shownRemoved is how many removed objects are told by name.
const shownRemoved = 10
