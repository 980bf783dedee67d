package push

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// Summary is where a push stands.
type Summary struct {
	Key    Key
	Counts Counts
	Last   time.Time // of its newest change
}

// Summaries tells of every push that want lets through, in the order of [Ledger.Keys].
func Summaries(ctx context.Context, l Ledger, want func(Key) bool) ([]Summary, error) {
	var all []Summary
	err := eachBook(ctx, l, want, func(k Key, b *Book, _ Position) error {
		all = append(all, Summary{Key: k, Counts: b.Counts(), Last: b.Last()})
		return nil
	})
	return all, err
}

// UnknownBatch is a batch that waits for an operator's word.
type UnknownBatch struct {
	Key Key
	BatchRecord
}

// UnknownBatches are all batches whose outcome is unknown, those of a dead run among them.
func UnknownBatches(ctx context.Context, l Ledger) ([]UnknownBatch, error) {
	var all []UnknownBatch
	err := eachBook(ctx, l, func(Key) bool { return true }, func(k Key, b *Book, _ Position) error {
		for _, of := range unknownOf(b) {
			all = append(all, UnknownBatch{Key: k, BatchRecord: of})
		}
		return nil
	})
	return all, err
}

func eachBook(ctx context.Context, l Ledger, want func(Key) bool, take func(Key, *Book, Position) error) error {
	keys, err := l.Keys(ctx)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if !want(k) {
			continue
		}
		b := NewBook()
		at, err := l.Read(ctx, k, 0, b.Apply)
		if err != nil {
			return err
		}
		if err := take(k, b, at); err != nil {
			return err
		}
	}
	return nil
}

// Resolve notes an operator's word on a batch whose outcome is unknown, and returns the batch as it stands then. Errors of
// kind Invalid say why there is nothing to resolve.
func Resolve(ctx context.Context, l Ledger, id string, word Event, reason string, now time.Time) (UnknownBatch, error) {
	if word != OperatorSent && word != OperatorNotSent {
		return UnknownBatch{}, fmt.Errorf("push: %s is no operator's word", word)
	}
	for {
		var found UnknownBatch
		var noted error
		err := eachBook(ctx, l, func(k Key) bool { return strings.HasPrefix(id, k.short()+"-") }, func(k Key, b *Book, at Position) error {
			of := b.Batch(id)
			if of == nil {
				return nil
			}
			state, err := resolved(ctx, l, of, word)
			if err != nil {
				return err
			}
			_, noted = l.Append(ctx, k, at, Change{State: state, Batch: id, At: now, Status: of.Status, Note: reason})
			found = UnknownBatch{Key: k, BatchRecord: *of}
			found.State = state
			return noted
		})
		switch {
		case errors.Is(err, ErrMoved):
		case err != nil:
			return UnknownBatch{}, err
		case found.ID == "":
			return UnknownBatch{}, unresolvable("no batch is called %q", id)
		default:
			return found, nil
		}
	}
}

// resolved is the state of a batch behind the operator's word.
func resolved(ctx context.Context, l Ledger, of *BatchRecord, word Event) (State, error) {
	if of.State == Sending && lifeOf(ctx, l, of) == Alive {
		return "", unresolvable("the push that sends the batch %q is still running, and will note the outcome itself", of.ID)
	}
	state, err := of.State.Seen().After(word)
	if err != nil {
		return "", unresolvable("the outcome of the batch %q is known: it is %s", of.ID, of.State)
	}
	return state, nil
}

func unresolvable(format string, args ...any) error {
	return &pipeline.Error{Op: "resolve", Kind: pipeline.Invalid, Err: fmt.Errorf(format, args...)}
}
