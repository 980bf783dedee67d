package push

import (
	"slices"
	"time"
)

// Book is what the log of one key says: where each contact stands, and each batch.
type Book struct {
	entries []record
	heads   map[Digest]int32 // of each address the newest of its links
	links   []link           // of each address the records that have it
	batches []*BatchRecord   // in the order of their first changes
	byID    map[string]*BatchRecord
	last    time.Time
}

// record is one set of addresses.
type record struct {
	Entry
	state State
	batch *BatchRecord // the last that carried it; nil: none
	sent  *Digest      // the content that the vendor has accepted; nil: none
}

type link struct{ record, next int32 }

const noLink = -1

// BatchRecord is where a batch stands.
type BatchRecord struct {
	ID       string
	Number   int
	Name     string
	State    State
	Contacts int
	Since    time.Time // of its first change
	Status   int
	Note     string
	Run      string

	members []int32
}

// NewBook returns the book of a key that has no log.
func NewBook() *Book { return &Book{heads: map[Digest]int32{}, byID: map[string]*BatchRecord{}} }

// Apply folds a change in.
func (b *Book) Apply(c Change) error {
	if c.At.After(b.last) {
		b.last = c.At
	}
	if c.Batch == "" {
		for _, e := range c.Contacts {
			if r := &b.entries[b.recordOf(e)]; r.state.MaySend() || r.state == Suppressed || r.state == "" {
				r.state = c.State
			}
		}
		return nil
	}
	of := b.byID[c.Batch]
	if of == nil {
		of = &BatchRecord{ID: c.Batch, Number: c.Number, Name: c.Name, Run: c.Run, Contacts: len(c.Contacts), Since: c.At}
		of.members = make([]int32, 0, len(c.Contacts))
		for _, e := range c.Contacts {
			i := b.recordOf(e)
			of.members = append(of.members, i)
			b.entries[i].batch, b.entries[i].Content = of, e.Content
		}
		b.byID[c.Batch], b.batches = of, append(b.batches, of)
	}
	of.State, of.Status, of.Note = c.State, c.Status, c.Note
	for _, i := range of.members {
		b.entries[i].follow(of)
	}
	return nil
}

// follow puts the record where the batch stands. What the vendor has accepted once stays sent, whatever becomes of a
// later try with another content.
func (r *record) follow(of *BatchRecord) {
	if of.State == Sent {
		content := r.Content
		r.sent = &content
	}
	switch {
	case r.batch != of && of.State != Sent:
	case r.sent != nil && (of.State.MaySend() || of.State == Sent):
		r.state = Sent
	default:
		r.state = of.State
	}
}

// recordOf is the index of the record of a set of addresses, which is made if there is none.
func (b *Book) recordOf(e Entry) int32 {
	if i := b.find(e.IDs); i != noLink {
		return i
	}
	i := int32(len(b.entries)) //nolint:gosec // a push has no 2³¹ contacts
	b.entries = append(b.entries, record{Entry: e})
	for _, id := range e.IDs {
		next, ok := b.heads[id]
		if !ok {
			next = noLink
		}
		b.heads[id] = int32(len(b.links)) //nolint:gosec // as above
		b.links = append(b.links, link{record: i, next: next})
	}
	return i
}

func (b *Book) find(ids []Digest) int32 {
	if len(ids) == 0 {
		return noLink
	}
	for r := range b.having(ids[0]) {
		if slices.Equal(b.entries[r].IDs, ids) {
			return r
		}
	}
	return noLink
}

// having yields the records that have an address.
func (b *Book) having(id Digest) func(yield func(int32) bool) {
	return func(yield func(int32) bool) {
		at, ok := b.heads[id]
		for ; ok && at != noLink; at = b.links[at].next {
			if !yield(b.links[at].record) {
				return
			}
		}
	}
}

// sending yields the batches under way that carry an address of the contact.
func (b *Book) sending(e Entry) func(yield func(*BatchRecord) bool) {
	return func(yield func(*BatchRecord) bool) {
		for _, id := range e.IDs {
			for i := range b.having(id) {
				if r := &b.entries[i]; r.state == Sending && !yield(r.batch) {
					return
				}
			}
		}
	}
}

// Verdict is what the book says of a contact that somebody wants to send.
type Verdict uint8

const (
	// Free: no address of the contact was sent, or may have been.
	Free Verdict = iota
	// WasRefused: free, and the vendor has refused the contact before.
	WasRefused
	// WasSent: an address was sent.
	WasSent
	// WasSentOtherwise: an address was sent, with another content.
	WasSentOtherwise
	// MayBeSent: the outcome of an address is unknown.
	MayBeSent
)

// Verdict judges a contact by each of its addresses.
func (b *Book) Verdict(e Entry) Verdict {
	sent, same := false, false
	for _, id := range e.IDs {
		for i := range b.having(id) {
			switch r := &b.entries[i]; r.state.Seen() {
			case Unknown:
				return MayBeSent
			case Sent:
				sent, same = true, same || r.sent != nil && *r.sent == e.Content
			}
		}
	}
	switch i := b.find(e.IDs); {
	case sent && !same:
		return WasSentOtherwise
	case sent:
		return WasSent
	case i != noLink && b.entries[i].state == Refused:
		return WasRefused
	}
	return Free
}

// Stands is the state of exactly this set of addresses; empty where the book does not have it.
func (b *Book) Stands(e Entry) State {
	if i := b.find(e.IDs); i != noLink {
		return b.entries[i].state
	}
	return ""
}

// Batches are the batches in the order in which they were begun. They are the book's own.
func (b *Book) Batches() []*BatchRecord { return b.batches }

// Batch is the batch of that id, or nil.
func (b *Book) Batch(id string) *BatchRecord { return b.byID[id] }

// NextNumber is the number of the next batch: behind all that a person may find in the portal.
func (b *Book) NextNumber() int {
	n := 1
	for _, of := range b.batches {
		if of.State != Planned {
			n = max(n, of.Number+1)
		}
	}
	return n
}

// Counts are contacts by state. A sum of them is every contact that was ever to be sent under the key.
type Counts struct{ Planned, Sent, Refused, Suppressed, Unknown int }

// Counts counts the contacts. One that is not sent, and will not be since one of its addresses went another way, is the
// other's.
func (b *Book) Counts() (c Counts) {
	for _, r := range b.entries {
		state := r.state.Seen()
		if state != Sent && state != Unknown {
			if v := b.Verdict(r.Entry); v != Free && v != WasRefused {
				continue
			}
		}
		switch state {
		case Planned:
			c.Planned++
		case Sent:
			c.Sent++
		case Refused:
			c.Refused++
		case Suppressed:
			c.Suppressed++
		case Unknown:
			c.Unknown++
		}
	}
	return c
}

// Last is the time of the newest change; zero where there is none.
func (b *Book) Last() time.Time { return b.last }
