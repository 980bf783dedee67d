package push

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Sender sends the batches of one push.
type Sender struct {
	Ledger Ledger
	Hub    Hub
	Key    Key
	Now    func() time.Time // the real clock
}

// ErrTaken ends a Send of contacts that another push, or an earlier one, has sent or may have sent.
var ErrTaken = errors.New("contacts of the batch are sent, or may be, under this key")

// Send carries one batch through the machine: it claims the contacts, notes that the request leaves, makes the exchange
// and notes its outcome. The state that it returns is durable. An error says that the ledger could not be written: the
// batch then counts as unknown until the ledger says otherwise.
func (s *Sender) Send(ctx context.Context, b Batch) (State, error) {
	if err := s.begin(ctx, b); err != nil {
		return Planned, err
	}
	outcome := s.Hub.Send(ctx, s.Key, b)
	state, err := Sending.After(outcome.Event)
	if err != nil {
		return Unknown, err
	}
	// The exchange has happened, whatever became of ctx.
	if err := s.append(context.WithoutCancel(ctx), Change{Batch: b.ID, State: state, At: s.Now(), Note: outcome.Text}); err != nil {
		return Unknown, err
	}
	return state, nil
}

// begin makes it durable that the request leaves, where no contact of the batch was sent before. Of two pushes at once
// one wins: the other finds that the ledger has moved, and the contacts taken.
func (s *Sender) begin(ctx context.Context, b Batch) error {
	for {
		changes, end, err := s.Ledger.Read(ctx, s.Key)
		if err != nil {
			return err
		}
		ids := b.ids()
		if taken := States(changes); slices.ContainsFunc(ids, func(id ContactID) bool {
			state, known := taken[id]
			return known && !state.MaySend()
		}) {
			return ErrTaken
		}
		_, err = s.Ledger.Append(ctx, s.Key, end, Change{Batch: b.ID, State: Sending, Contacts: ids, At: s.Now()})
		if !errors.Is(err, ErrMoved) {
			return err
		}
	}
}

// ids are the addresses of the batch's contacts.
func (b Batch) ids() (ids []ContactID) {
	for _, c := range b.Contacts {
		ids = append(ids, c.IDs...)
	}
	return ids
}

// append adds a change behind whatever others have added.
func (s *Sender) append(ctx context.Context, c Change) error {
	for {
		_, end, err := s.Ledger.Read(ctx, s.Key)
		if err != nil {
			return err
		}
		if _, err = s.Ledger.Append(ctx, s.Key, end, c); !errors.Is(err, ErrMoved) {
			return err
		}
	}
}

// States is the state of every contact that the changes name, as a stranger sees it. A contact that several batches
// named stands where the last of them does.
func States(changes []Change) map[ContactID]State {
	states := make(map[ContactID]State)
	members := make(map[string][]ContactID)
	for _, c := range changes {
		if len(c.Contacts) > 0 {
			members[c.Batch] = c.Contacts
		}
		for _, id := range members[c.Batch] {
			states[id] = c.State.Seen()
		}
	}
	return states
}

// Resolve notes an operator's word on a batch whose outcome is unknown.
func Resolve(ctx context.Context, l Ledger, k Key, batch string, word Event, reason string, now time.Time) error {
	if word != OperatorSent && word != OperatorNotSent {
		return fmt.Errorf("push: %s is no operator's word", word)
	}
	changes, end, err := l.Read(ctx, k)
	if err != nil {
		return err
	}
	i := len(changes) - 1
	for ; i >= 0 && changes[i].Batch != batch; i-- {
	}
	if i < 0 {
		return fmt.Errorf("push: no batch %q under this key", batch)
	}
	state, err := changes[i].State.After(word)
	if err != nil {
		return err
	}
	_, err = l.Append(ctx, k, end, Change{Batch: batch, State: state, At: now, Note: reason})
	return err
}
