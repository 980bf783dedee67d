package push

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

const (
	// inARow is how many batches of unknown outcome, or that could not be sent, stop a push.
	inARow = 3
	// plannedAtOnce is how many addresses one change plans, about: a ledger bounds the size of a change.
	plannedAtOnce = 5000

	firstWait, longestWait  = time.Second, 30 * time.Second           // where a vendor answers 429 and does not say
	pollOthers, longestPoll = 200 * time.Millisecond, 5 * time.Second // a look may be a query that is billed
)

// run is a push while it sends.
type run struct {
	*Prepared
	report    Report
	rest      []Entry // contacts that this run has not sent, since others have or since it stopped
	unknown   int     // in a row
	unwritten int     // in a row
}

// errStop ends the walk through the contacts.
var errStop = errors.New("the push stops")

// Send plans the contacts and sends them, batch after batch. The report is true also where there is an error, which is the
// ledger's.
func (r *Prepared) Send(ctx context.Context) (Report, error) {
	s := &run{Prepared: r}
	s.report.Counts = r.Counts
	s.report.Counts.Planned, s.report.Counts.Unknown = 0, 0
	s.rest = r.held
	err := s.plan(ctx)
	if err == nil {
		err = s.batches(ctx)
	} else {
		err = errors.Join(err, s.toSend.items(s.leave))
	}
	return s.end(ctx, err)
}

// plan makes the terms and the plan durable.
func (s *run) plan(ctx context.Context) error {
	p := s.push
	if s.Counts.ToSend+len(s.suppressed) == 0 {
		return ctx.Err()
	}
	if err := s.sender.bind(ctx, p, true); err != nil {
		return err
	}
	suppressed, planned := planning{sender: s.sender, state: Suppressed}, planning{sender: s.sender, state: Planned}
	for _, e := range s.suppressed {
		if err := suppressed.add(ctx, e); err != nil {
			return err
		}
	}
	err := suppressed.flush(ctx)
	if err == nil {
		err = s.toSend.items(func(i item) error { return planned.add(ctx, i.Entry) })
	}
	if err == nil {
		err = planned.flush(ctx)
	}
	pipeline.Point(ctx, "push.planned")
	return err
}

// planning notes contacts, many at once.
type planning struct {
	*sender
	state     State
	some      []Entry
	addresses int
}

func (p *planning) add(ctx context.Context, e Entry) error {
	p.some, p.addresses = append(p.some, e), p.addresses+len(e.IDs)
	if p.addresses < plannedAtOnce {
		return nil
	}
	return p.flush(ctx)
}

func (p *planning) flush(ctx context.Context) error {
	if len(p.some) == 0 {
		return nil
	}
	err := p.plan(ctx, p.state, p.some)
	p.some, p.addresses = p.some[:0], 0
	return err
}

// batches sends the contacts, and collects those that it leaves.
func (s *run) batches(ctx context.Context) error {
	var some []item
	var failed error
	send := func() {
		if err := s.deliver(ctx, some); err != nil {
			failed = err
		}
		some = some[:0]
	}
	err := s.toSend.items(func(i item) error {
		if failed != nil {
			return s.leave(i)
		}
		if some = append(some, i); len(some) == s.push.Batch {
			send()
		}
		return nil
	})
	if len(some) > 0 {
		send()
	}
	if errors.Is(failed, errStop) {
		failed = nil
	}
	return errors.Join(failed, err)
}

func (s *run) leave(i item) error {
	s.rest = append(s.rest, i.Entry)
	return nil
}

// deliver brings one batch to an end: it may be asked to come again. errStop says that no other batch is to be sent.
func (s *run) deliver(ctx context.Context, items []item) error {
	var waited time.Duration
	for try := 0; ; try++ {
		err := s.push.Hub.Wait(ctx)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return s.stop(stopped(err), items)
		}
		b, claimed, err := s.sender.claim(ctx, items)
		next := 0 // of the claimed ones, which are in the order of the items
		for _, i := range items {
			if next < len(claimed) && slices.Equal(claimed[next].IDs, i.IDs) {
				next++
			} else {
				s.rest = append(s.rest, i.Entry)
			}
		}
		if err != nil || len(claimed) == 0 {
			return err
		}
		state, out, err := s.exchange(ctx, b)
		if err != nil {
			s.report.Counts.Unknown += len(claimed)
			return err
		}
		items = slices.Clone(claimed)
		if out.Event != Throttled {
			if err := s.book(b, items, state, out); err != nil || out.Clock == nil {
				return err
			}
			return s.stop(out.Clock, nil)
		}
		if out.Clock != nil {
			s.note(b, state, out)
			return s.stop(out.Clock, items)
		}
		wait := out.RetryAfter
		if wait <= 0 {
			wait = min(firstWait<<min(try, 10), longestWait)
		}
		if waited += wait; waited > s.push.Pace.RetryFor {
			s.note(b, state, out)
			return s.stop(&pipeline.Error{Op: "push", Kind: pipeline.Throttled, RetryAfter: wait,
				Err:  fmt.Errorf("the vendor asks to wait for %s", wait.Round(time.Second)),
				Hint: fmt.Sprintf("longer than the %s of %s; push again after that time", s.push.Pace.RetryFor, s.push.Names.RetryFor)}, items)
		}
		s.tell("throttled by the vendor: waiting for %s", wait.Round(time.Second))
		if err := s.pause(ctx, wait); err != nil {
			s.note(b, state, out)
			return s.stop(stopped(err), items)
		}
	}
}

// exchange lets a request that is under way end when a signal comes, for as long as there is time.
func (s *run) exchange(ctx context.Context, b Batch) (State, Outcome, error) {
	noting := context.WithoutCancel(ctx)
	sending, cancel := context.WithCancel(noting)
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		_ = pipeline.Sleep(sending, s.push.Pace.Grace)
		cancel()
	})()
	return s.sender.exchange(sending, noting, b)
}

// book counts a batch, and decides whether another one is sent.
func (s *run) book(b Batch, items []item, state State, out Outcome) error {
	s.note(b, state, out)
	n := len(items)
	if state != Unknown {
		s.unknown = 0
	}
	if out.Event != NotWritten {
		s.unwritten = 0
	}
	failed := func(kind pipeline.Kind, hint string) error {
		return &pipeline.Error{Op: "push", Kind: kind, Err: errors.New(out.Text), Hint: hint}
	}
	switch state {
	case Sent:
		s.report.Counts.Sent += n
	case Refused:
		s.report.Counts.Refused += n
		s.report.Refused = true
	case Unknown:
		s.report.Counts.Unknown += n
		if s.unknown++; s.unknown == inARow {
			return s.stop(failed(pipeline.Unavailable, fmt.Sprintf("the outcome of %d batches in a row is unknown", inARow)), nil)
		}
	default: // no byte has left, or the vendor wants other credentials
		if out.Event == Unauthorized {
			return s.stop(failed(pipeline.Unauthorized, "the account's token is wrong or revoked, or its user may not use this hub"), items)
		}
		for _, i := range items {
			s.rest = append(s.rest, i.Entry)
		}
		if s.unwritten++; s.unwritten == inARow {
			return s.stop(failed(pipeline.Unavailable, fmt.Sprintf("%d batches in a row could not be sent", inARow)), nil)
		}
	}
	return nil
}

// note takes a batch into the report.
func (s *run) note(b Batch, state State, out Outcome) {
	s.report.Batches = append(s.report.Batches, BatchRecord{ID: b.ID, Number: b.Number, Name: b.Name, State: state, Contacts: len(b.Contacts), Status: out.Status, Note: out.Text})
	s.tell("batch %s, %q: %s %s", b.ID, b.Name, pipeline.Counted(len(b.Contacts), "contact"), state)
}

// stop ends the push; items stay where they are.
func (s *run) stop(why error, items []item) error {
	s.report.Stop = why
	for _, i := range items {
		s.rest = append(s.rest, i.Entry)
	}
	return errStop
}

func stopped(err error) error { return &pipeline.Error{Op: "push", Kind: pipeline.Stopped, Err: err} }

// end waits for what others are sending of this run's contacts, and counts what this run has not sent.
func (s *run) end(ctx context.Context, err error) (Report, error) {
	if err == nil && ctx.Err() == nil && len(s.rest) > 0 {
		if failed := s.awaitOthers(ctx); ctx.Err() == nil { // else a signal ended the wait
			err = failed
		}
	}
	book := s.sender.book
	held := map[*BatchRecord]bool{} // that still hold contacts of this run
	for _, e := range s.rest {
		switch v := book.Verdict(e); {
		case v == MayBeSent:
			s.report.Counts.Unknown++
			for b := range book.sending(e) {
				held[b] = true
			}
		case v == WasSent, v == WasSentOtherwise:
			s.report.Counts.AlreadySent++
		case v == WasRefused:
			s.report.Counts.Refused++
			s.report.Refused = true
		default:
			s.report.Counts.Planned++
		}
	}
	mine := make(map[string]bool, len(s.report.Batches))
	for _, b := range s.report.Batches {
		mine[b.ID] = true
	}
	var before []BatchRecord
	for _, b := range book.Batches() {
		if b.State.Seen() != Unknown || b.State == Sending && !s.sender.sends(b) && !held[b] && s.mayEnd(ctx, b) {
			continue // another push is sending other contacts
		}
		s.report.Unknown++
		if seen := *b; !mine[b.ID] {
			seen.State = Unknown
			before = append(before, seen)
		}
	}
	s.report.Batches = append(before, s.report.Batches...)
	if stop := s.report.Stop; err == nil && stop == nil && ctx.Err() != nil && s.report.Counts.Planned > 0 {
		s.report.Stop = stopped(ctx.Err())
	}
	return s.report, err
}

// awaitOthers waits while other pushes are sending contacts of this run.
func (s *run) awaitOthers(ctx context.Context) error {
	if err := s.sender.catchUp(ctx); err != nil {
		return err
	}
	pause := pollOthers
	for waited := time.Duration(0); waited < s.push.Pace.Others && s.underWay(ctx); waited, pause = waited+pause, min(2*pause, longestPoll) {
		if waited == 0 {
			s.tell("another push is sending some of these contacts; waiting for its outcome, for %s at most", s.push.Pace.Others)
		}
		if err := s.pause(ctx, pause); err != nil {
			return err
		}
		if err := s.sender.catchUp(ctx); err != nil {
			return err
		}
	}
	// Who does not live any more may have ended between the look at the book and the look for him, and noted it before.
	return s.sender.catchUp(ctx)
}

// underWay reports whether a batch with a contact of this run may still end by itself.
func (s *run) underWay(ctx context.Context) bool {
	asked := map[*BatchRecord]bool{}
	for _, e := range s.rest {
		for b := range s.sender.book.sending(e) {
			if !asked[b] && s.mayEnd(ctx, b) {
				return true
			}
			asked[b] = true
		}
	}
	return false
}

// mayEnd reports whether the push that is sending a batch may still note what became of it. One that is out of sight may for
// as long as others are waited for at all.
func (s *run) mayEnd(ctx context.Context, b *BatchRecord) bool {
	life := lifeOf(ctx, s.push.Ledger, b)
	return life == Alive || life == Doubtful && s.push.Now().Sub(b.Since).Abs() < s.push.Pace.Others
}

func (s *run) pause(ctx context.Context, d time.Duration) error {
	if s.push.Pace.Pause != nil {
		return s.push.Pace.Pause(ctx, d)
	}
	return pipeline.Sleep(ctx, d)
}

func (s *run) tell(format string, args ...any) {
	if s.push.Tell != nil {
		s.push.Tell(fmt.Sprintf(format, args...))
	}
}
