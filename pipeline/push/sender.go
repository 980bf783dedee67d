package push

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// sender moves the batches of one key through the machine. It knows the key's log up to a position.
type sender struct {
	ledger Ledger
	hub    Hub
	key    Key
	now    func() time.Time // the real clock
	book   *Book
	at     Position
	nonce  string // names this push among those of its process
}

func newSender(l Ledger, h Hub, k Key, now func() time.Time) *sender {
	return &sender{ledger: l, hub: h, key: k, now: now, book: NewBook(), nonce: "/" + rand.Text()}
}

// run is who sends, in this push's changes alone.
func (s *sender) run() string {
	if w, ok := s.ledger.(Witness); ok {
		return w.Run() + s.nonce
	}
	return s.nonce
}

// sends reports whether this push has begun a batch.
func (s *sender) sends(b *BatchRecord) bool { return strings.HasSuffix(b.Run, s.nonce) }

// lifeOf is what is known of the process that sends a batch.
func lifeOf(ctx context.Context, l Ledger, b *BatchRecord) Life {
	if w, ok := l.(Witness); ok {
		run, _, _ := strings.Cut(b.Run, "/")
		return w.Life(ctx, run)
	}
	return Doubtful
}

// item is a contact on its way.
type item struct {
	Entry
	Payload
	otherwise bool // it was sent with another content, and an operator wants it sent again
}

// catchUp reads what others have added.
func (s *sender) catchUp(ctx context.Context) (err error) {
	s.at, err = s.ledger.Read(ctx, s.key, s.at, s.book.Apply)
	return err
}

// append adds a change behind whatever others add. make sees the book as it is then; no change is none to add.
func (s *sender) append(ctx context.Context, make func() []Change) error {
	for {
		changes := make()
		if len(changes) == 0 {
			return nil
		}
		at, err := s.ledger.Append(ctx, s.key, s.at, changes...)
		if err == nil {
			s.at = at
			for _, c := range changes {
				if err := s.book.Apply(c); err != nil {
					return err
				}
			}
			return nil
		}
		if !errors.Is(err, ErrMoved) {
			return err
		}
		if err := s.catchUp(ctx); err != nil {
			return err
		}
	}
}

// claim makes it durable that a request leaves with those of the items that may still be sent, and returns them. Of two
// pushes at once one wins each contact: the other finds that the log has moved on, and the contacts taken.
func (s *sender) claim(ctx context.Context, items []item) (b Batch, claimed []item, err error) {
	run := s.run()
	err = s.append(ctx, func() []Change {
		if of := s.book.Batch(b.ID); of != nil && s.sends(of) { // it was added, and the store's answer was lost
			return nil
		}
		claimed = claimed[:0]
		entries := make([]Entry, 0, len(items))
		for _, i := range items {
			if v := s.book.Verdict(i.Entry); v == Free || v == WasRefused || v == WasSentOtherwise && i.otherwise {
				claimed, entries = append(claimed, i), append(entries, i.Entry)
			}
		}
		if len(claimed) == 0 {
			return nil
		}
		b = s.key.batch(s.book.NextNumber(), s.at)
		return []Change{{State: Sending, Batch: b.ID, Number: b.Number, Name: b.Name, Run: run, Contacts: entries, At: s.now()}}
	})
	if err != nil || len(claimed) == 0 {
		return Batch{}, nil, err
	}
	for _, i := range claimed {
		b.Contacts = append(b.Contacts, i.Payload)
	}
	return b, claimed, nil
}

// batch is the batch of a number, begun behind a position of the log. Its id is that of no other batch of the ledger.
func (k Key) batch(number int, after Position) Batch {
	b := Batch{ID: fmt.Sprintf("%s-%d", k.short(), after+1), Number: number, Name: strconv.Itoa(number)}
	if k.Delivery == Lists {
		if b.Name = k.Name; number > 1 {
			b.Name = fmt.Sprintf("%s (%d)", k.Name, number)
		}
	}
	return b
}

// short is a name of the key without any letter of it.
func (k Key) short() string {
	text, _ := json.Marshal(k) // strings alone
	sum := sha256.Sum256(text)
	return fmt.Sprintf("%x", sum[:5])
}

// exchange makes the exchange of a batch that is claimed, and notes its outcome. The state is durable where there is no
// error; else the batch counts as unknown until the ledger says otherwise.
func (s *sender) exchange(ctx, noting context.Context, b Batch) (State, Outcome, error) {
	pipeline.Point(ctx, "push.sending")
	out := s.hub.Send(ctx, s.key, b)
	pipeline.Point(ctx, "push.answered")
	state, err := Sending.After(out.Event)
	if err != nil {
		return Unknown, out, err
	}
	err = s.append(noting, func() []Change {
		if of := s.book.Batch(b.ID); of != nil && of.State == state { // it was added, and the store's answer was lost
			return nil
		}
		return []Change{{State: state, Batch: b.ID, At: s.now(), Status: out.Status, Note: out.Text}}
	})
	if err != nil {
		return Unknown, out, err
	}
	pipeline.Point(ctx, "push.noted")
	return state, out, nil
}

// plan notes contacts that are to be sent, or are not to be, where the book does not say so already.
func (s *sender) plan(ctx context.Context, state State, entries []Entry) error {
	return s.append(ctx, func() []Change {
		fresh := make([]Entry, 0, len(entries))
		for _, e := range entries {
			old := s.book.Stands(e)
			if old == "" || old == Planned && state == Suppressed || old == Refused && state == Suppressed || old == Suppressed && state == Planned {
				fresh = append(fresh, e)
			}
		}
		if len(fresh) == 0 {
			return nil
		}
		return []Change{{State: state, Contacts: fresh, At: s.now()}}
	})
}
