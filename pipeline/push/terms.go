package push

import (
	"context"
	"errors"
	"fmt"

	"github.com/windrow-data/windrow/pipeline"
)

// Bind compares the terms of a push with those that the ledger belongs to, and notes them where the ledger has none yet and
// note is set. The error is of kind Invalid where the ledger belongs to others: under another key or country everybody
// would look new, and be sent again.
func (s *sender) bind(ctx context.Context, p *Push, note bool) error {
	key, country := p.Hasher.Key(), p.Country
	t := sender{ledger: s.ledger, now: s.now, book: NewBook()}
	var known terms
	fold := func(c Change) error { known.fold(c, s.key); return nil }
	for {
		at, err := s.ledger.Read(ctx, Key{}, t.at, fold)
		if err != nil {
			return err
		}
		t.at = at
		if err := known.judge(s.key, p); err != nil || !note {
			return err
		}
		missing := known.missing(s.key, key, country)
		if missing == nil {
			return nil
		}
		for _, m := range missing {
			m := Change{At: s.now(), Terms: &m}
			if at, err = s.ledger.Append(ctx, Key{}, t.at, m); err != nil {
				break
			}
			t.at = at
			known.fold(m, s.key)
		}
		if err != nil && !errors.Is(err, ErrMoved) {
			return err
		}
	}
}

// terms are those that count for one hub.
type terms struct {
	key     *Digest
	country *string
}

func (t *terms) fold(c Change, k Key) {
	switch {
	case c.Terms == nil:
	case c.Terms.Key != nil:
		t.key = c.Terms.Key
	case c.Terms.Account == k.Account && c.Terms.Hub == k.Hub:
		t.country = &c.Terms.Country
	}
}

func (t *terms) judge(k Key, p *Push) error {
	const op = "compare with the send ledger"
	switch {
	case t.key != nil && *t.key != p.Hasher.Key():
		return &pipeline.Error{Op: op, Kind: pipeline.Invalid, Err: fmt.Errorf("the ledger was written under another %s, and under this one everybody would be sent again", p.Names.Key),
			Hint: "set the key that it was written under; if that is lost, let " + p.Names.Ledger + " name a new directory, and push no contact again that was sent"}
	case t.country != nil && *t.country != p.Country:
		had := "without " + p.Names.Country
		if *t.country != "" {
			had = "with " + p.Names.Country + " " + *t.country
		}
		return &pipeline.Error{Op: op, Kind: pipeline.Invalid, Err: fmt.Errorf("the hub %q was pushed to %s, and otherwise the same numbers would be sent again", k.Hub, had),
			Hint: "push " + had}
	}
	return nil
}

func (t *terms) missing(k Key, key Digest, country string) (missing []Terms) {
	if t.key == nil {
		missing = append(missing, Terms{Key: &key})
	}
	if t.country == nil {
		missing = append(missing, Terms{Account: k.Account, Hub: k.Hub, Country: country})
	}
	return missing
}
