package parquet

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/layout"
	"github.com/windrow-data/windrow/sinks/internal/volume"
)

// Options of a Store.
type Options struct {
	// Now is the real clock, for CommittedAt and the wait for the lock; nil means time.Now.
	Now func() time.Time
	// Waiting is told who holds the lock of the directory, in words, when it has not been free for five seconds; nil: nobody
	// is told. It must not block.
	Waiting func(holder string)
	// RetryFor is how long a holder of the lock is waited for beyond the longest commit; then the error is of kind
	// [pipeline.Locked]. 0: as long as the context lives.
	RetryFor time.Duration
}

// longestCommit is more than the commit of a group takes, under which a process holds the lock.
const longestCommit = 5 * time.Minute

// Store is a volume of Parquet files. See [pipeline.Store] for what its methods promise.
type Store struct {
	volume volume.Volume
	root   string
	now    func() time.Time

	mu      sync.Mutex
	logs    map[pipeline.StreamKey]*ledgerLog
	noted   map[string][]string              // what the folders of the journal held when they were last listed
	seen    map[pipeline.StreamKey]*sighting // by the last walk through all tables; nil before it
	holders []pipeline.StreamKey             // of which that walk saw windows
}

var (
	_ pipeline.Store          = (*Store)(nil)
	_ pipeline.RunReader      = (*Store)(nil)
	_ pipeline.RejectReader   = (*Store)(nil)
	_ pipeline.HoldingsReader = (*Store)(nil)
	_ pipeline.StrangerLister = (*Store)(nil)
	_ pipeline.Verifier       = (*Store)(nil)
	_ pipeline.Sweeper        = (*Store)(nil)
	_ pipeline.HistoryReader  = (*Store)(nil)
	_ pipeline.ViewKeeper     = (*Store)(nil)
)

// Open returns the store in a directory: ./warehouse, /var/lib/warehouse or file:///var/lib/warehouse. It touches
// nothing: a directory that is missing is an empty store, and the first write creates it.
func Open(_ context.Context, root string, o Options) (*Store, error) {
	dir, err := volume.Root(root)
	if err != nil {
		return nil, &pipeline.Error{Op: "open the sink", Kind: pipeline.Invalid, Err: err,
			Hint: "name a directory, for example " + ExampleAddress}
	}
	if of, inside, err := within(dir, append(ownFolders(), ArchiveDir)...); err != nil {
		return nil, classify("open the sink", err)
	} else if inside {
		return nil, &pipeline.Error{Op: "open the sink", Kind: pipeline.Invalid,
			Err:  fmt.Errorf("%s lies within another warehouse, %s, whose readers would take its tables for their own", dir, of),
			Hint: "name " + of + ", or a directory outside of it"}
	}
	local := volume.NewLocal(dir, private)
	if o.Now != nil {
		local.Now = o.Now
	}
	local.Patience.Tell = o.Waiting
	if o.RetryFor > 0 {
		local.Patience.Most = longestCommit + o.RetryFor
	}
	return open(local, dir, o), nil
}

// Over returns the store in a volume that is a place of its own, which the store closes. place is how people call it.
func Over(v volume.Volume, place string, o Options) *Store { return open(v, place, o) }

func open(v volume.Volume, root string, o Options) *Store {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Store{volume: v, root: root, now: o.Now, logs: make(map[pipeline.StreamKey]*ledgerLog), noted: make(map[string][]string)}
}

// Volume is where the store keeps its objects: who keeps something else beside them shares its lock.
func (s *Store) Volume() volume.Volume { return s.volume }

// Root is the directory, as an absolute path, or how people call the volume.
func (s *Store) Root() string { return s.root }

// Close drops what was staged and not committed.
func (s *Store) Close() error { return classify("close the sink", s.volume.Close()) }

// Check implements [pipeline.Store]. It creates no directory. If the root is missing, it tries the nearest directory above.
// It reads every ledger, every journal, the records of all runs and the history, and names an object that is damaged.
func (s *Store) Check(ctx context.Context) error {
	err := ctx.Err()
	if err == nil {
		err = s.volume.Probe(ctx)
	}
	if err != nil {
		return classify("check the sink", err)
	}
	keys, err := s.Streams(ctx)
	for _, k := range keys {
		if _, err := s.Ledger(ctx, k); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	if err := s.checkJournals(ctx); err != nil {
		return err
	}
	for _, err := range s.Runs(ctx, pipeline.NoInstant, 0) {
		if err != nil {
			return err
		}
	}
	return s.checkHistory(ctx)
}

// log returns the ledger's log of a stream.
func (s *Store) log(k pipeline.StreamKey) (*ledgerLog, error) {
	if err := layout.SafeKey(k); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.logs[k]
	if l == nil {
		l = newLedgerLog(s.volume, layout.StreamDir(ledgerDir, k))
		s.logs[k] = l
	}
	return l, nil
}

// Ledger implements [pipeline.Sink].
func (s *Store) Ledger(ctx context.Context, k pipeline.StreamKey) (*pipeline.Ledger, error) {
	const op = "read the ledger"
	l, err := s.log(k)
	if err != nil {
		return nil, inStream(op, k, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.refresh(ctx); err != nil {
		return nil, inStream(op, k, err)
	}
	return l.ledger.Clone(), nil
}

// Record implements [pipeline.Sink].
func (s *Store) Record(ctx context.Context, k pipeline.StreamKey, entries ...pipeline.Entry) error {
	const op = "write the ledger"
	if len(entries) == 0 {
		return nil
	}
	l, err := s.log(k)
	if err != nil {
		return inStream(op, k, err)
	}
	err = s.volume.Update(ctx, func(ctx context.Context, alone bool) error {
		l.mu.Lock()
		defer l.mu.Unlock()
		if err := s.noteFailures(ctx, k, entries); err != nil {
			return err
		}
		if err := l.record(ctx, slices.Clone(entries), alone); err != nil {
			return err
		}
		pipeline.Point(ctx, "parquet.recorded")
		l.compact(ctx, alone)
		return nil
	})
	return inStream(op, k, err)
}

// Streams implements [pipeline.Store].
func (s *Store) Streams(ctx context.Context) ([]pipeline.StreamKey, error) {
	names, err := s.volume.List(ctx, ledgerDir)
	if err != nil {
		return nil, classify("list the ledgers", err)
	}
	var keys []pipeline.StreamKey
	for _, name := range names {
		if !strings.HasSuffix(name, lineSuffix) && !strings.HasSuffix(name, snapshotSuffix) {
			continue // nothing of a ledger: what a desktop or a copy left in its folder
		}
		if k, ok := layout.StreamOf(name); ok && !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	return keys, nil
}
