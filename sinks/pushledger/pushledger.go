// Package pushledger keeps a send ledger as objects in a directory: one for each time that somebody adds to it.
//
//	keys/1f0c…/00000001.push   the first changes of one key, and which key it is
//	keys/1f0c…/00000002.push   the next ones
//	terms/00000001.push        what the ledger belongs to
//	private/                   the lock, and what is being written
//
// Each object proves itself, and which one it is (package object). It is created once and never changes: of two pushes
// that create the same number one succeeds, and the other reads what it missed. Nothing is summed up: a log ends when its
// campaign does. Start at [Ledger].
package pushledger

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/push"
	"github.com/windrow-data/windrow/sinks/internal/layout"
	"github.com/windrow-data/windrow/sinks/internal/object"
	"github.com/windrow-data/windrow/sinks/internal/process"
	"github.com/windrow-data/windrow/sinks/internal/volume"
)

const (
	keysDir  = "keys"
	termsDir = "terms"

	// Private is the folder of what is not finished, and of a directory's lock.
	Private = layout.PushPrivate

	// longestWrite is more than one change takes, under which a process holds the lock.
	longestWrite = time.Minute
)

var form = object.Form{Word: "windrow-push", Version: 2, Named: 2}

var words = volume.Words{Variable: "WINDROW_PUSH_LEDGER", Again: "push again"}

// Ledger is a [push.Ledger] in a volume. A directory knows by its locks who lives, on whatever machine. Of a bucket's writers
// those of this machine are known.
type Ledger struct{ volume volume.Volume }

// living is what a volume knows of those who write to it.
type living interface {
	Run() string
	Lives(run string) bool
}

var (
	_ push.Ledger  = (*Ledger)(nil)
	_ push.Witness = (*Ledger)(nil)
)

// Options of a Ledger.
type Options struct {
	Now      func() time.Time    // the real clock; nil means time.Now
	Waiting  func(holder string) // told who holds the lock when it has not been free for five seconds; nil: nobody is
	RetryFor time.Duration       // how long a holder is waited for beyond the longest write; 0: as long as the context lives
}

// Open returns the ledger in a directory: ./ledger, /var/lib/ledger or file:///var/lib/ledger. It touches nothing: a
// directory that is missing is an empty ledger, and the first push creates it.
func Open(dir string, o Options) (*Ledger, error) {
	root, err := volume.Root(dir)
	if err != nil {
		return nil, &pipeline.Error{Op: "open the send ledger", Kind: pipeline.Invalid, Err: err, Hint: "name a directory, for example /var/lib/windrow-push"}
	}
	local := volume.NewLocal(root, Private)
	local.Secluded = true
	if o.Now != nil {
		local.Now = o.Now
	}
	local.Patience.Tell = o.Waiting
	if o.RetryFor > 0 {
		local.Patience.Most = longestWrite + o.RetryFor
	}
	return Over(local), nil
}

// Over returns the ledger in a volume that is a place of its own, which the ledger closes.
func Over(v volume.Volume) *Ledger { return &Ledger{volume: v} }

// Close implements [push.Ledger].
func (l *Ledger) Close() error {
	return volume.Classify("close the send ledger", l.volume.Close(), words)
}

// Run implements [push.Witness]. Whoever asks is about to write: a process gets its name in a directory with its first turn
// to write, and a batch without a name would look like a dead process's to others.
func (l *Ledger) Run() string {
	knows, ok := l.volume.(living)
	if !ok {
		return process.Name()
	}
	if knows.Run() == "" {
		_ = l.volume.Update(context.Background(), func(context.Context, bool) error { return nil }) // what is wrong with the place the write will say
	}
	return knows.Run()
}

// Life implements [push.Witness].
func (l *Ledger) Life(_ context.Context, run string) push.Life {
	knows, ok := l.volume.(living)
	switch {
	case !ok:
		return process.Life(run)
	case run != "" && knows.Lives(run):
		return push.Alive
	}
	return push.Dead
}

// dirOf is the folder of a key. Its name is none that the key holds: a hub may be called anything.
func dirOf(k push.Key) (string, error) {
	if k == (push.Key{}) {
		return termsDir, nil
	}
	text, err := json.Marshal(k)
	sum := sha256.Sum256(text)
	return fmt.Sprintf("%s/%x", keysDir, sum[:16]), err
}

func nameOf(dir string, n push.Position) string {
	return fmt.Sprintf("%s/%08d%s", dir, n, layout.PushSuffix)
}

func numberOf(name string) (push.Position, bool) {
	digits, ok := strings.CutSuffix(path.Base(name), layout.PushSuffix)
	n, err := strconv.ParseUint(digits, 10, 64)
	return push.Position(n), ok && err == nil
}

// Read implements [push.Ledger].
func (l *Ledger) Read(ctx context.Context, k push.Key, after push.Position, fold func(push.Change) error) (push.Position, error) {
	const op = "read the send ledger"
	dir, err := dirOf(k)
	last := push.Position(0)
	if err == nil && after == 0 {
		last, err = l.last(ctx, dir)
	}
	for err == nil {
		if err = ctx.Err(); err != nil {
			break
		}
		name := nameOf(dir, after+1)
		var body []byte
		if body, err = l.volume.Read(ctx, name); err != nil {
			break
		}
		var changes []push.Change
		if changes, err = parse(k, name, body); err != nil {
			return after, damaged(op, name, err)
		}
		for _, c := range changes {
			if err := fold(c); err != nil {
				return after, err
			}
		}
		after++
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return after, volume.Classify(op, err, words)
	}
	if after < last {
		return after, damaged(op, nameOf(dir, after+1), errors.New("it is missing, and later ones are there"))
	}
	return after, nil
}

// last is the greatest number in a folder.
func (l *Ledger) last(ctx context.Context, dir string) (last push.Position, err error) {
	names, err := l.volume.List(ctx, dir)
	for _, name := range names {
		if n, ok := numberOf(name); ok {
			last = max(last, n)
		}
	}
	return last, err
}

func damaged(op, name string, err error) error {
	return object.Damaged(op, name, err, "restore the send ledger from a copy; nothing is sent on a guess")
}

// parse reads an object: the key, then the changes.
func parse(k push.Key, name string, body []byte) ([]push.Change, error) {
	var changes []push.Change
	first := true
	err := object.Read(form, name, body, func(_ int, line []byte) error {
		if first {
			first = false
			var of push.Key
			if err := json.Unmarshal(line, &of); err != nil {
				return err
			}
			if of != k {
				return errors.New("it is of another key")
			}
			return nil
		}
		var c push.Change
		if err := json.Unmarshal(line, &c); err != nil {
			return err
		}
		if !c.State.Known() && c.Terms == nil {
			return object.NewerError{What: fmt.Sprintf("it has the state %q, which this version does not know", c.State)}
		}
		changes = append(changes, c)
		return nil
	})
	if err == nil && first {
		err = errors.New("it names no key")
	}
	return changes, err
}

// Append implements [push.Ledger].
func (l *Ledger) Append(ctx context.Context, k push.Key, after push.Position, changes ...push.Change) (push.Position, error) {
	const op = "write the send ledger"
	dir, err := dirOf(k)
	if err != nil {
		return after, volume.Classify(op, err, words)
	}
	name := nameOf(dir, after+1)
	body, _, err := object.Of(form, name, lines(k, changes))
	if err != nil {
		return after, volume.Classify(op, err, words)
	}
	pipeline.Point(ctx, "pushledger.begun")
	err = l.volume.Update(ctx, func(ctx context.Context, _ bool) error {
		if after > 0 {
			before := nameOf(dir, after)
			if v, err := l.volume.Versions(ctx, before); err != nil {
				return err
			} else if v[0] == volume.Absent {
				return damaged(op, before, errors.New("it was there and is missing"))
			}
		}
		return volume.Create(ctx, l.volume, name, body)
	})
	if errors.Is(err, volume.ErrChanged) {
		return after, push.ErrMoved
	}
	if err != nil {
		return after, volume.Classify(op, err, words)
	}
	pipeline.Point(ctx, "pushledger.added")
	return after + 1, nil
}

// lines are what an object holds.
func lines(k push.Key, changes []push.Change) func(yield func(any) bool) {
	return func(yield func(any) bool) {
		if !yield(k) {
			return
		}
		for _, c := range changes {
			if !yield(c) {
				return
			}
		}
	}
}

// Keys implements [push.Ledger].
func (l *Ledger) Keys(ctx context.Context) ([]push.Key, error) {
	const op = "list the send ledger"
	names, err := l.volume.List(ctx, keysDir)
	if err != nil {
		return nil, volume.Classify(op, err, words)
	}
	var keys []push.Key
	seen := map[string]bool{}
	for _, name := range names {
		dir := path.Dir(name)
		if _, ok := numberOf(name); !ok || seen[dir] {
			continue
		}
		seen[dir] = true
		name = nameOf(dir, 1)
		body, err := l.volume.Read(ctx, name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, damaged(op, name, errors.New("it is missing, and later ones are there"))
		}
		if err != nil {
			return nil, volume.Classify(op, err, words)
		}
		k, err := keyOf(name, body)
		if err != nil {
			return nil, damaged(op, name, err)
		}
		keys = append(keys, k)
	}
	slices.SortFunc(keys, push.Key.Compare)
	return keys, nil
}

// keyOf is the key that an object names.
func keyOf(name string, body []byte) (k push.Key, err error) {
	first := true
	err = object.Read(form, name, body, func(_ int, line []byte) error {
		if !first {
			return nil
		}
		first = false
		return json.Unmarshal(line, &k)
	})
	if err == nil {
		var dir string
		if dir, err = dirOf(k); err == nil && dir != path.Dir(name) {
			err = errors.New("it is of another key")
		}
	}
	return k, err
}
