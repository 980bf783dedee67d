package parquet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/parquet/internal/files"
)

// compactEvery is the number of objects after which their sum is written as one.
const compactEvery = 32

// ledgerLog is the ledger of one stream as numbered objects in a folder:
//
//	00000033.jsonl            the entries of one commit, a JSON object each
//	00000032.snapshot.jsonl.zst  the sum of the objects 1 to 32
//
// An object is created once, by whoever holds the lock, and never changes.
// Reading takes the newest snapshot and every object after it. Objects that a
// snapshot covers are removed in any order, for nobody looks at them again.
//
// The folded ledger stays in memory, so that a commit reads only what other
// processes have added. mu guards everything.
type ledgerLog struct {
	files files.Files
	dir   string

	mu       sync.Mutex
	ledger   *pipeline.Ledger
	last     int // number of the last object that is folded in
	snapshot int // number of the newest snapshot seen
	// stray holds the files of windows that the ledger does not know, by name; nil until looked for.
	stray map[string]pipeline.Span
}

func newLedgerLog(f files.Files, dir string) *ledgerLog {
	return &ledgerLog{files: f, dir: dir, ledger: pipeline.NewLedger()}
}

// listing is what a folder of the log holds.
type listing struct {
	objects   map[int]string // number → name
	snapshots map[int]string
	last      int // the greatest number of an object
	snapshot  int // the greatest number of a snapshot
}

func (l *ledgerLog) list(ctx context.Context) (listing, error) {
	ls := listing{objects: map[int]string{}, snapshots: map[int]string{}}
	names, err := l.files.List(ctx, l.dir)
	if err != nil {
		return ls, err
	}
	for _, name := range names {
		base := path.Base(name)
		if digits, ok := strings.CutSuffix(base, snapshotSuffix); ok {
			if n, err := strconv.Atoi(digits); err == nil {
				ls.snapshots[n] = name
				ls.snapshot = max(ls.snapshot, n)
			}
		} else if digits, ok := strings.CutSuffix(base, lineSuffix); ok {
			if n, err := strconv.Atoi(digits); err == nil {
				ls.objects[n] = name
				ls.last = max(ls.last, n)
			}
		}
	}
	return ls, nil
}

// errMoved says that the folder changed between listing and reading it.
var errMoved = errors.New("an object of the ledger is missing")

// refresh folds in what was added since the last look. Readers hold no lock,
// so a listing may miss a new object or name one that was removed meanwhile:
// then it looks again. A gap that stays is damage, and an error.
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
	return fmt.Errorf("%s: %w; restore the folder from a copy, or remove it to read every window again", l.dir, err)
}

func (l *ledgerLog) look(ctx context.Context) error {
	ls, err := l.list(ctx)
	if err != nil {
		return err
	}
	if end := max(ls.last, ls.snapshot); ls.snapshot > l.last || end < l.last {
		// First look, long absence, or a folder that somebody has replaced.
		l.ledger, l.last = pipeline.NewLedger(), 0
		if ls.snapshot > 0 {
			if err := l.fold(ctx, ls.snapshots[ls.snapshot]); err != nil {
				return err
			}
			l.last = ls.snapshot
		}
	}
	l.snapshot = ls.snapshot
	for l.last < ls.last {
		name, ok := ls.objects[l.last+1]
		if !ok {
			return fmt.Errorf("%w: number %d", errMoved, l.last+1)
		}
		if err := l.fold(ctx, name); err != nil {
			return err
		}
		l.last++
	}
	return nil
}

// fold applies the entries of one object or snapshot, all or none.
func (l *ledgerLog) fold(ctx context.Context, name string) error {
	body, err := l.files.Read(ctx, name)
	if err != nil {
		return err
	}
	var r io.Reader = bytes.NewReader(body)
	if strings.HasSuffix(name, snapshotSuffix) {
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		defer z.Close()
		r = z
	}
	var entries []pipeline.Entry
	for d := json.NewDecoder(r); ; {
		var e pipeline.Entry
		if err := d.Decode(&e); err == io.EOF {
			break
		} else if err != nil {
			return fmt.Errorf("%s is damaged: %w", name, err)
		}
		entries = append(entries, e)
	}
	for _, e := range entries {
		l.ledger.Apply(e)
	}
	return nil
}

// append creates the next object. The caller holds the lock and has refreshed
// under it. After an error the object may or may not exist: refresh again.
func (l *ledgerLog) append(ctx context.Context, entries []pipeline.Entry) error {
	body, err := lines(entries)
	if err != nil {
		return err
	}
	name := path.Join(l.dir, fmt.Sprintf("%08d%s", l.last+1, lineSuffix))
	if err := l.files.Create(ctx, name, body); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%w: another process writes without the lock", err)
		}
		return err
	}
	for _, e := range entries {
		l.ledger.Apply(e)
	}
	l.last++
	return nil
}

func lines(entries []pipeline.Entry) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	for _, e := range entries {
		if err := enc.Encode(e); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// compact writes a snapshot when enough objects have come since the last one,
// and removes what it covers. A failure costs nothing but the room: the
// objects are still there, and the next commit tries again.
func (l *ledgerLog) compact(ctx context.Context) {
	if l.last-l.snapshot < compactEvery {
		return
	}
	plain, err := lines(l.ledger.Entries())
	if err != nil {
		return
	}
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return
	}
	defer z.Close() //nolint:errcheck // EncodeAll leaves nothing to flush
	name := path.Join(l.dir, fmt.Sprintf("%08d%s", l.last, snapshotSuffix))
	err = l.files.Create(ctx, name, z.EncodeAll(plain, nil))
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return
	}
	l.snapshot = l.last
	pipeline.Point(ctx, "parquet.snapshot-written")
	ls, err := l.list(ctx)
	if err != nil {
		return
	}
	var covered []string
	for n, name := range ls.objects {
		if n <= l.snapshot {
			covered = append(covered, name)
		}
	}
	for n, name := range ls.snapshots {
		if n < l.snapshot {
			covered = append(covered, name)
		}
	}
	_ = l.files.Remove(ctx, covered...)
	pipeline.Point(ctx, "parquet.snapshot-pruned")
}
