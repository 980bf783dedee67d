package memory

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/windrow-data/windrow/pipeline/push"
)

// PushLedger is a [push.Ledger] that goes with the process. It is for tests, and for trying out.
type PushLedger struct {
	mu   sync.Mutex
	logs map[push.Key][]push.Change
}

var _ push.Ledger = (*PushLedger)(nil)

// NewPushLedger returns an empty ledger.
func NewPushLedger() *PushLedger { return &PushLedger{logs: map[push.Key][]push.Change{}} }

// Read implements [push.Ledger].
func (l *PushLedger) Read(ctx context.Context, k push.Key, after push.Position, fold func(push.Change) error) (push.Position, error) {
	if err := ctx.Err(); err != nil {
		return after, err
	}
	l.mu.Lock()
	log := l.logs[k]
	l.mu.Unlock()
	for _, c := range log[min(int(after), len(log)):] { //nolint:gosec // a position that this ledger gave
		if err := fold(copied(c)); err != nil {
			return after, err
		}
		after++
	}
	return after, nil
}

// Append implements [push.Ledger].
func (l *PushLedger) Append(ctx context.Context, k push.Key, after push.Position, changes ...push.Change) (push.Position, error) {
	if err := ctx.Err(); err != nil {
		return after, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	log := l.logs[k]
	if int(after) != len(log) { //nolint:gosec // as above
		return after, push.ErrMoved
	}
	for _, c := range changes {
		log = append(log, copied(c))
	}
	l.logs[k] = log
	return push.Position(len(log)), nil
}

// copied shares nothing that a reader or a writer may change.
func copied(c push.Change) push.Change {
	c.Contacts = slices.Clone(c.Contacts)
	for i, e := range c.Contacts {
		c.Contacts[i].IDs = slices.Clone(e.IDs)
	}
	return c
}

// Keys implements [push.Ledger].
func (l *PushLedger) Keys(context.Context) ([]push.Key, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	keys := slices.SortedFunc(maps.Keys(l.logs), push.Key.Compare)
	return slices.DeleteFunc(keys, func(k push.Key) bool { return k == push.Key{} }), nil
}

// Close implements [push.Ledger].
func (l *PushLedger) Close() error { return nil }
