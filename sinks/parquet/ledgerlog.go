package parquet

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/object"
	"github.com/windrow-data/windrow/sinks/internal/volume"
)

const (
	// compactEvery is the number of objects after which a snapshot sums them up. The snapshot of a long history is written
	// only when the new entries are a part of it (compactShare), or when the objects are as many as a reader should have
	// to read (mostObjects).
	compactEvery = 32
	compactShare = 8
	mostObjects  = 128

	// mostBehind is how many objects a writer may fall behind between two looks at the log, where nobody is kept out.
	mostBehind = 1024
)

// ledgerLog is the ledger of one stream as numbered objects in a folder:
//
//	00000033.jsonl               the entries of one commit
//	00000032.snapshot.jsonl.zst  the sum of the objects 1 to 32
//
// Each proves itself, and which one it is; see package object. One that does not is an error of kind Damaged, never "nothing there".
// An object is created once and never changes: of two writers that create the same number one succeeds, and the other
// reads what it missed. Reading takes the newest snapshot and every object after it. Objects that a snapshot covers are
// removed in any order, for nobody looks at them again.
//
// The folded ledger stays in memory, so that a commit reads only what other processes have added. mu guards everything.
type ledgerLog struct {
	volume volume.Volume
	dir    string

	mu       sync.Mutex
	ledger   *pipeline.Ledger
	last     int // number of the newest object that is folded in
	snapshot int // number of the newest snapshot seen
	summed   int // entries in that snapshot, when this process has read or written it
	added    int // entries folded in since
	lines    lineReader
	orphans  orphans
	others   others
}

// others is what other writers have added to a log since a moment.
type others struct {
	watched bool
	entries []pipeline.Entry // folded in since
	unknown bool             // a snapshot took the place of objects that were never read
}

func newLedgerLog(v volume.Volume, dir string) *ledgerLog {
	return &ledgerLog{volume: v, dir: dir, ledger: pipeline.NewLedger()}
}

// listing is what a folder of the log holds.
type listing struct {
	objects   map[int]string // number → name
	snapshots map[int]string
	last      int // the greatest number of an object
	snapshot  int // the greatest number of a snapshot
}

// numberOf is the number of an object of the log that is called so.
func numberOf(base, suffix string) (n int, ok bool) {
	digits, ok := strings.CutSuffix(base, suffix)
	n, err := strconv.Atoi(digits)
	return n, ok && err == nil
}

func (l *ledgerLog) list(ctx context.Context) (listing, error) {
	ls := listing{objects: map[int]string{}, snapshots: map[int]string{}}
	names, err := l.volume.List(ctx, l.dir)
	if err != nil {
		return ls, err
	}
	for _, name := range names {
		base := path.Base(name)
		if n, ok := numberOf(base, snapshotSuffix); ok {
			ls.snapshots[n] = name
			ls.snapshot = max(ls.snapshot, n)
		} else if n, ok := numberOf(base, lineSuffix); ok {
			ls.objects[n] = name
			ls.last = max(ls.last, n)
		}
	}
	return ls, nil
}

// errMoved says that the folder changed between listing and reading it.
var errMoved = errors.New("an object of the ledger is missing")

// refresh folds in what was added since the last look. Readers hold no lock, so a listing may miss a new object, or
// name an object that was removed meanwhile. Then refresh looks again. A gap that stays is damage, and an error.
func (l *ledgerLog) refresh(ctx context.Context) error {
	var err error
	for range 5 {
		if err = ctx.Err(); err != nil {
			return err
		}
		if err = l.look(ctx); !errors.Is(err, errMoved) && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return l.damaged(l.dir, err)
}

func (l *ledgerLog) look(ctx context.Context) error {
	ls, err := l.list(ctx)
	if err != nil {
		return err
	}
	if end := max(ls.last, ls.snapshot); ls.snapshot > l.last || end < l.last {
		// First look, long absence, or a folder that somebody has replaced.
		l.ledger, l.last, l.summed, l.added = pipeline.NewLedger(), 0, 0, 0
		l.others.unknown = true
		if ls.snapshot > 0 {
			body, err := l.volume.Read(ctx, ls.snapshots[ls.snapshot])
			if err != nil {
				return err
			}
			if l.summed, err = l.fold(ls.snapshots[ls.snapshot], body); err != nil {
				return err
			}
			l.last = ls.snapshot
		}
	}
	l.snapshot = ls.snapshot
	var names []string
	for n := l.last + 1; n <= ls.last; n++ {
		name, ok := ls.objects[n]
		if !ok {
			return fmt.Errorf("%w: number %d", errMoved, n)
		}
		names = append(names, name)
	}
	return l.readAll(ctx, names, func(name string, body []byte) error {
		n, err := l.fold(name, body)
		if err != nil {
			return err
		}
		l.added += n
		l.last++
		return nil
	})
}

// readAhead is how many objects are asked for at once: a store answers each after a while.
const readAhead = 16

// readAll hands the contents of objects to each, in order.
func (l *ledgerLog) readAll(ctx context.Context, names []string, each func(name string, body []byte) error) error {
	type answer struct {
		body []byte
		err  error
	}
	var asked sync.WaitGroup
	defer asked.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make([]chan answer, len(names))
	ask := func(i int) {
		if i >= len(names) {
			return
		}
		answers[i] = make(chan answer, 1)
		asked.Go(func() {
			body, err := l.volume.Read(ctx, names[i])
			answers[i] <- answer{body, err}
		})
	}
	for i := range min(readAhead, len(names)) {
		ask(i)
	}
	for i, name := range names {
		a := <-answers[i]
		if a.err != nil {
			return a.err
		}
		ask(i + readAhead)
		if err := each(name, a.body); err != nil {
			return err
		}
	}
	return nil
}

// fold applies the entries of one object or snapshot, and returns their number. If the object is damaged, everything
// that was folded is forgotten, and the next refresh reads it again.
func (l *ledgerLog) fold(name string, body []byte) (n int, err error) {
	n, err = l.lines.foldObject(name, body, l.ledger, func(e pipeline.Entry) {
		if l.others.watched && !l.others.unknown {
			l.others.entries = append(l.others.entries, e)
		}
	})
	if err != nil {
		l.ledger, l.last = pipeline.NewLedger(), 0
		return n, l.damaged(name, err)
	}
	return n, nil
}

// damaged is the error of a log that cannot be read whole, with the remedy.
func (l *ledgerLog) damaged(name string, err error) error {
	return object.Damaged("read the ledger", name, err, "restore the folder "+l.dir+" from a copy; or remove it and the stream's files in the tables, and every window is read again")
}

// watch begins to collect what other writers add, from the entries that are folded in now.
func (l *ledgerLog) watch() { l.others = others{watched: true} }

// unwatch ends the collection.
func (l *ledgerLog) unwatch() { l.others = others{} }

// append creates the next object, from entries that follow from all that is folded in. If another writer was faster the
// error is [volume.ErrChanged], and if the caller is alone, an error that tells of a writer without the lock. After an
// error the object may or may not exist: refresh again.
func (l *ledgerLog) append(ctx context.Context, entries []pipeline.Entry, alone bool) error {
	name := path.Join(l.dir, fmt.Sprintf("%08d%s", l.last+1, lineSuffix))
	body, _, err := object.Of(ledgerForm, name, slices.Values(entries))
	if err != nil {
		return err
	}
	err = volume.Create(ctx, l.volume, name, body)
	if alone && errors.Is(err, volume.ErrChanged) {
		return fmt.Errorf("%s: %w: another process writes without the lock", name, fs.ErrExist)
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		l.ledger.Apply(e)
	}
	l.last++
	l.added += len(entries)
	return nil
}

// record appends entries that hold whatever other writers add before them.
func (l *ledgerLog) record(ctx context.Context, entries []pipeline.Entry, alone bool) error {
	for n := 1; ; n++ {
		if err := l.refresh(ctx); err != nil {
			return err
		}
		err := l.append(ctx, entries, alone)
		if !errors.Is(err, volume.ErrChanged) || n == patience {
			return err
		}
		if err := pause(ctx, n); err != nil {
			return err
		}
	}
}

// due reports whether enough has come since the last snapshot.
func (l *ledgerLog) due() bool {
	objects := l.last - l.snapshot
	return objects >= mostObjects || objects >= compactEvery && l.added*compactShare >= l.summed
}

// compact writes a snapshot when enough has come since the last one, and removes what it covers. A failure costs
// nothing but the room: the objects are still there, and the next commit tries again.
//
// A writer that is not alone leaves the newest of the covered objects: another writer, who has not seen the snapshot,
// may be about to create the object after the last one that he read, and must find that number taken.
func (l *ledgerLog) compact(ctx context.Context, alone bool) {
	if !l.due() {
		return
	}
	name := path.Join(l.dir, fmt.Sprintf("%08d%s", l.last, snapshotSuffix))
	body, err := snapshotOf(name, l.ledger)
	if err != nil {
		return
	}
	err = volume.Create(ctx, l.volume, name, body)
	if err != nil && !errors.Is(err, volume.ErrChanged) {
		return
	}
	l.snapshot, l.summed, l.added = l.last, l.ledger.Len(), 0
	pipeline.Point(ctx, "parquet.snapshot-written")
	ls, err := l.list(ctx)
	if err != nil {
		return
	}
	kept := 0
	if !alone {
		kept = mostBehind
	}
	var covered []volume.Object
	for n, name := range ls.objects {
		if n <= l.snapshot-kept {
			covered = append(covered, volume.Object{Name: name, Version: volume.Any})
		}
	}
	for n, name := range ls.snapshots {
		if n < l.snapshot {
			covered = append(covered, volume.Object{Name: name, Version: volume.Any})
		}
	}
	_ = l.volume.Remove(ctx, covered...)
	pipeline.Point(ctx, "parquet.snapshot-pruned")
}
