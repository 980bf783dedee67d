package engine

import (
	"context"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

// prefetchTurns is how many turns before its own a body is opened at the earliest.
// Where two turns outlast the round trip to the vendor, that is not waited for;
// a body opened earlier waits for longer, and after prefetchedFor is opened anew.
const prefetchTurns = 2

// sequencer lets the requests of one extraction be read in their configured
// order, where rows of an earlier one decide about rows of a later one.
type sequencer struct {
	ended []chan struct{} // by request; nil when order does not matter
	near  []chan struct{} // by request: closed when its turn is not far
	ahead int             // turns from now that are not far

	mu       sync.Mutex
	answered []bool // by request
	over     int    // how many are done
	called   int    // how many of near are closed
}

// newSequencer is for n requests. most bounds the bodies that a run opens ahead.
func newSequencer(n int, ordered bool, most int) *sequencer {
	s := &sequencer{ahead: min(most, prefetchTurns)}
	if ordered {
		s.ended, s.near, s.answered = channels(n), channels(n), make([]bool, n)
	}
	return s
}

func channels(n int) []chan struct{} {
	all := make([]chan struct{}, n)
	for i := range all {
		all[i] = make(chan struct{})
	}
	return all
}

// waitNear tells that request i has an answer, and returns when its turn is
// near: few turns away, and not behind a request without an answer, which may
// still take long.
func (s *sequencer) waitNear(ctx context.Context, i int) error {
	s.mu.Lock()
	s.answered[i] = true
	s.call()
	s.mu.Unlock()
	return waitFor(ctx, s.near[i])
}

// call closes near for those whose turn is not far any more. mu is held.
func (s *sequencer) call() {
	for s.called < len(s.near) && s.called <= s.over+s.ahead && (s.called == 0 || s.answered[s.called-1]) {
		close(s.near[s.called])
		s.called++
	}
}

// wait returns when every request before i is done.
func (s *sequencer) wait(ctx context.Context, i int) error {
	if s.ended == nil || i == 0 {
		return nil
	}
	return waitFor(ctx, s.ended[i-1])
}

func waitFor(ctx context.Context, c <-chan struct{}) error {
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// done ends the turn of i, which has waited for its own.
func (s *sequencer) done(i int) {
	if s.ended == nil {
		return
	}
	close(s.ended[i])
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = max(s.over, i+1) // the next one's end may have come first
	s.call()
}

// knownFields are the fields that a stream is known to have while a run reads it. Each window is held against the stream's
// last committed window with rows as it is then: windows count in the order of their time, whichever answer comes first.
//
// That window may be a later one, as where earlier days are read for the first time. What a header lacks is gone all the same, for it is
// of the day when the report was made. Rows without a header may be older than a field that later ones have: they lack
// nothing that no window up to theirs had. And a document of an archive is not held against what was read after it.
type knownFields struct {
	last pipeline.Entry                       // of the ledger, with rows; zero where there is none
	had  map[pipeline.Fields]calendar.Instant // by set of fields: the first window of the ledger that had it

	ended []chan struct{} // by turn: its windows are judged, or will not be

	mu   sync.Mutex
	over []bool         // by turn
	read []windowFields // of this run's windows with rows, by their start
}

// windowFields are those of a window that is about to be committed.
type windowFields struct {
	start  calendar.Instant
	fields pipeline.Fields
}

// knownOf are the fields that the ledger knows, for a stream with so many extractions.
func knownOf(l *pipeline.Ledger, settings string, extractions int) *knownFields {
	last, _ := l.LastWithRows(settings)
	return &knownFields{last: last, had: l.FieldSets(settings), ended: channels(extractions), over: make([]bool, extractions)}
}

// await returns when the windows of all turns before are judged.
func (k *knownFields) await(ctx context.Context, turn int) error {
	for _, before := range k.ended[:turn] {
		if err := waitFor(ctx, before); err != nil {
			return err
		}
	}
	return nil
}

// end ends a turn; again it does nothing.
func (k *knownFields) end(turn int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.over[turn] {
		k.over[turn] = true
		close(k.ended[turn])
	}
}

// add notes the fields of a window that is about to be committed.
func (k *knownFields) add(fields pipeline.Fields, start calendar.Instant) {
	if fields == "" {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	at, _ := slices.BinarySearchFunc(k.read, start, func(w windowFields, start calendar.Instant) int { return int(min(max(w.start-start, -1), 1)) })
	k.read = slices.Insert(k.read, at, windowFields{start, fields})
}

// earlierFields are those that a window is held against.
type earlierFields struct {
	pipeline.Fields
	known *knownFields
	at    calendar.Instant // of the window
	later bool             // they are of a later window
}

// before are the fields that a window which begins at at and was read at readAt is held against.
func (k *knownFields) before(at, readAt calendar.Instant) earlierFields {
	k.mu.Lock()
	defer k.mu.Unlock()
	last := k.last.Window.Start
	for _, w := range slices.Backward(k.read) {
		if w.start < at && (w.start >= last || last >= at) {
			return earlierFields{Fields: w.fields}
		}
	}
	later := at < last
	if later && readAt < k.last.ReadAt {
		return earlierFields{}
	}
	return earlierFields{k.last.Fields, k, at, later}
}

// expects reports whether the window should have a field of that name.
func (e earlierFields) expects(name string, header bool) bool {
	if !e.Has(name) || !e.later || header {
		return e.Has(name)
	}
	for fields, first := range e.known.had {
		if first <= e.at && fields.Has(name) {
			return true
		}
	}
	return false
}

// lacks reports whether a window with rows lacks a field of the mapping, so that what others have decides about it.
func (w *openWindow) lacks() bool {
	return w.counts.Rows > 0 && slices.ContainsFunc(w.fields.Health, func(h pipeline.FieldHealth) bool { return !h.There })
}

// prefetchedFor is how long a body may stay open before it is read: a server does
// not wait for ever for its reader.
const prefetchedFor = 10 * time.Second

// prefetch opens the body of request i shortly before its turn, so that the
// way to the vendor is not waited for in every turn. No row is read yet. Where
// order does not matter, or enough are open, it leaves the body as it was.
// drop is called when the body was read or is not wanted any more.
func (r *run) prefetch(ctx context.Context, s *sequencer, i int, b pipeline.Body) (_ pipeline.Body, drop func(), err error) {
	drop = func() {}
	if s.ended == nil {
		return b, drop, nil
	}
	if err := s.waitNear(ctx, i); err != nil || i == 0 {
		return b, drop, err
	}
	select {
	case <-ctx.Done():
		return b, drop, ctx.Err()
	case <-s.ended[i-1]: // it is its turn
		return b, drop, nil
	case r.prefetchSlots <- struct{}{}:
	}
	ctx, cancel := context.WithCancelCause(ctx)
	body, err := b.Open(ctx)
	if err != nil {
		cancel(nil)
		<-r.prefetchSlots
		return b, drop, &brokenBody{err}
	}
	o := &prefetched{body: body, at: r.Now(), now: r.Now, again: b.Open, cancel: cancel}
	b.Open = o.open
	return b, func() { o.close(); cancel(nil); <-r.prefetchSlots }, nil
}

// prefetched is a body that was opened before its turn. It belongs to one goroutine.
type prefetched struct {
	body  io.ReadCloser // nil once it was taken
	at    time.Time
	now   func() time.Time
	again func(context.Context) (io.ReadCloser, error)
	// cancel ends the context that the body was opened with.
	cancel context.CancelCauseFunc
}

// open hands the body over, or asks again when it has waited for too long.
func (o *prefetched) open(ctx context.Context) (io.ReadCloser, error) {
	if body := o.body; body != nil && o.now().Sub(o.at) <= prefetchedFor {
		o.body = nil
		context.AfterFunc(ctx, func() { o.cancel(context.Cause(ctx)) }) // who reads may have refused it
		return body, nil
	}
	o.close()
	return o.again(ctx)
}

// close drops a body that nobody took.
func (o *prefetched) close() {
	if o.body != nil {
		o.body.Close() //nolint:errcheck // nothing of it was read
		o.body = nil
	}
}
