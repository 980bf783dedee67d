package push_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/sourcegraph/conc"

	"github.com/windrow-data/windrow/pipeline/push"
)

// ledger keeps changes in memory. It dies before or after an append, on demand.
type ledger struct {
	mu      sync.Mutex
	changes []push.Change
	die     func(n int, after bool) bool // may be nil
	appends int
}

var errDied = errors.New("the process died")

func (l *ledger) Read(context.Context, push.Key) ([]push.Change, push.Position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.changes), push.Position(len(l.changes)), nil
}

func (l *ledger) Append(_ context.Context, _ push.Key, after push.Position, changes ...push.Change) (push.Position, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if int(after) != len(l.changes) {
		return 0, push.ErrMoved
	}
	l.appends++
	if l.die != nil && l.die(l.appends, false) {
		return 0, errDied
	}
	l.changes = append(l.changes, changes...)
	if l.die != nil && l.die(l.appends, true) {
		return 0, errDied
	}
	return push.Position(len(l.changes)), nil
}

// hub counts what it has accepted.
type hub struct {
	mu       sync.Mutex
	accepted map[push.ContactID]int
	answer   func() push.Event // what the sender hears
	takes    func(push.Event) bool
}

func newHub(answer func() push.Event) *hub {
	return &hub{accepted: map[push.ContactID]int{}, answer: answer, takes: func(e push.Event) bool { return e == push.Accepted || e == push.Uncertain }}
}

func (h *hub) Wait(ctx context.Context) error { return ctx.Err() }

func (h *hub) Send(_ context.Context, _ push.Key, b push.Batch) push.Outcome {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := h.answer()
	if h.takes(e) {
		for _, c := range b.Contacts {
			for _, id := range c.IDs {
				h.accepted[id]++
			}
		}
	}
	return push.Outcome{Event: e, Text: "the vendor's text"}
}

func sender(l push.Ledger, h push.Hub) *push.Sender {
	return &push.Sender{Ledger: l, Hub: h, Key: push.Key{Account: "mx", Hub: "sales", Delivery: push.Leads, Name: "september"}, Now: time.Now}
}

func batch(n int) push.Batch {
	a, b := push.ContactID(fmt.Sprint("a", n)), push.ContactID(fmt.Sprint("b", n))
	return push.Batch{ID: fmt.Sprintf("batch %d", n), Contacts: []push.Payload{{IDs: []push.ContactID{a}}, {IDs: []push.ContactID{b}}}}
}

func TestEveryOutcomeOfAnExchangeHasItsState(t *testing.T) {
	for _, c := range []struct {
		event push.Event
		want  push.State
		again bool
	}{
		{push.Accepted, push.Sent, false},
		{push.Unauthorized, push.Planned, true},
		{push.Declined, push.Refused, true},
		{push.NotWritten, push.Planned, true},
		{push.Throttled, push.Planned, true},
		{push.Uncertain, push.Unknown, false},
	} {
		l, h := &ledger{}, newHub(func() push.Event { return c.event })
		state, err := sender(l, h).Send(t.Context(), batch(1))
		if err != nil || state != c.want || push.States(l.changes)["a1"] != c.want {
			t.Errorf("%s: %s, %v; the ledger says %v", c.event, state, err, push.States(l.changes))
		}
		if l.changes[0].State != push.Sending {
			t.Errorf("%s: the ledger begins with %v", c.event, l.changes[0])
		}
		_, err = sender(l, h).Send(t.Context(), batch(1))
		if again := !errors.Is(err, push.ErrTaken); again != c.again {
			t.Errorf("%s: sent again: %v, %v", c.event, again, err)
		}
	}
}

func TestTheStatusOfAnAnswerSaysWhatBecameOfTheBatch(t *testing.T) {
	for code, want := range map[int]push.Event{
		200: push.Accepted, 204: push.Accepted, 301: push.Uncertain, 400: push.Declined, 401: push.Unauthorized, 403: push.Unauthorized, 404: push.Declined,
		408: push.Uncertain, 425: push.Uncertain, 429: push.Throttled, 499: push.Declined, 500: push.Uncertain, 503: push.Uncertain, 100: push.Uncertain,
	} {
		if got := push.OfStatus(code); got != want {
			t.Errorf("%d: %s, want %s", code, got, want)
		}
	}
}

// A process dies before or after each write of the ledger; then the same push runs again.
func TestNoContactIsAcceptedTwiceWhereverTheProcessDies(t *testing.T) {
	for n := 1; n <= 4; n++ {
		for _, after := range []bool{false, true} {
			l, h := &ledger{}, newHub(func() push.Event { return push.Accepted })
			l.die = func(at int, behind bool) bool { return at == n && behind == after }
			for i := range 2 {
				_, _ = sender(l, h).Send(t.Context(), batch(i)) // dies somewhere
			}
			l.die = nil
			for i := range 2 {
				_, _ = sender(l, h).Send(t.Context(), batch(i)) // refused where the contacts are taken
			}
			states := push.States(l.changes)
			for i := range 2 {
				for _, c := range batch(i).Contacts {
					id := c.IDs[0]
					if times := h.accepted[id]; times > 1 {
						t.Errorf("dying at %d, %v: %s was accepted %d times", n, after, id, times)
					} else if states[id] != push.Sent && states[id] != push.Unknown || states[id] == push.Sent && times == 0 {
						t.Errorf("dying at %d, %v: %s is %q and was accepted %d times", n, after, id, states[id], times)
					}
				}
			}
		}
	}
}

func TestOfTwoPushesAtOnceOneWinsEachContact(t *testing.T) {
	l, h := &ledger{}, newHub(func() push.Event { return push.Accepted })
	var all conc.WaitGroup
	for range 8 {
		all.Go(func() {
			for i := range 20 {
				if _, err := sender(l, h).Send(t.Context(), batch(i)); err != nil && !errors.Is(err, push.ErrTaken) {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	for id, times := range h.accepted {
		if times != 1 {
			t.Errorf("%s was accepted %d times", id, times)
		}
	}
	if len(h.accepted) != 40 {
		t.Errorf("%d contacts were accepted", len(h.accepted))
	}
}

func TestAnOperatorsWordEndsAnUnknownOutcome(t *testing.T) {
	l, h := &ledger{}, newHub(func() push.Event { return push.Uncertain })
	s := sender(l, h)
	if state, err := s.Send(t.Context(), batch(1)); state != push.Unknown || err != nil {
		t.Fatal(state, err)
	}
	if err := push.Resolve(t.Context(), l, s.Key, "batch 1", push.Accepted, "seen", time.Now()); err == nil {
		t.Error("an answer of the vendor passed as an operator's word")
	}
	if err := push.Resolve(t.Context(), l, s.Key, "batch 9", push.OperatorSent, "seen", time.Now()); err == nil {
		t.Error("a batch that does not exist was resolved")
	}
	if err := push.Resolve(t.Context(), l, s.Key, "batch 1", push.OperatorNotSent, "not in the portal", time.Now()); err != nil {
		t.Fatal(err)
	}
	h.answer = func() push.Event { return push.Accepted }
	if state, err := s.Send(t.Context(), batch(1)); state != push.Sent || err != nil {
		t.Error(state, err)
	}
	if err := push.Resolve(t.Context(), l, s.Key, "batch 1", push.OperatorNotSent, "no", time.Now()); err == nil {
		t.Error("a batch that is sent was resolved as not sent")
	}
}

func TestASendingOfADeadRunIsUnknownToEverybody(t *testing.T) {
	l, h := &ledger{}, newHub(func() push.Event { return push.Accepted })
	l.die = func(at int, behind bool) bool { return at == 2 && !behind }
	if state, err := sender(l, h).Send(t.Context(), batch(1)); state != push.Unknown || !errors.Is(err, errDied) {
		t.Error(state, err)
	}
	if got := push.States(l.changes)["a1"]; got != push.Unknown {
		t.Errorf("%q", got)
	}
	l.die = nil
	if err := push.Resolve(t.Context(), l, sender(l, h).Key, "batch 1", push.OperatorSent, "in the portal", time.Now()); err != nil {
		t.Error(err)
	}
}
