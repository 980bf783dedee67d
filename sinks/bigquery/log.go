package bigquery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"cloud.google.com/go/bigquery"

	"github.com/windrow-data/windrow/pipeline"
)

// logSettle is after how long no entry can appear in the log beneath one that
// was read: twice as long as any statement that writes entries may take. An
// entry's seq is above every one that its statement's snapshot has, so what
// appears late is above everything that was there when its statement began.
const logSettle = 2 * groupTime

// streamLog is what is known of one stream's log. It is read as a whole once,
// later from floor on.
type streamLog struct {
	mu      sync.Mutex
	version int  // counts the changes
	read    bool // as a whole, once
	stale   bool // this store has recorded more
	folded  *pipeline.Ledger
	// seen is the seq of its last commit. Entries without data have a seq too,
	// but theirs is not guarded: a commit may land beneath one that was read.
	seen int64
	// floor is a seq beneath and at which nothing is to come any more; tail are
	// the entries above it that are folded, in order.
	floor int64
	tail  []mark
}

// mark identifies an entry that was read.
type mark struct {
	seq, at int64 // at is when BigQuery took it, in microseconds
	sum     uint64
}

var markSeed = maphash.MakeSeed()

// logRow is one entry as it is read.
type logRow struct {
	mark
	batch, text string
}

func (r logRow) entry() (e pipeline.Entry, err error) {
	if err = json.Unmarshal([]byte(r.text), &e); err != nil {
		err = fmt.Errorf("entry %d of the ledger cannot be read: %w", r.seq, err)
	}
	return e, err
}

// reading is one log on its way into a streamLog.
type reading struct {
	log     *streamLog
	version int
	whole   bool
	floor   int64
	rows    []logRow
}

// log returns what is known of a stream.
func (s *Store) log(k pipeline.StreamKey) *streamLog {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.logs[k]
	if l == nil {
		l = &streamLog{folded: pipeline.NewLedger()}
		s.logs[k] = l
	}
	return l
}

// windowKey is one window of one stream.
type windowKey struct {
	pipeline.StreamKey
	pipeline.Span
}

// readLogs brings the logs of the streams up to date with one query. It returns
// the entries of the batch that is asked for. What it learns is kept for the
// next commit, which may judge by an old log: the guard in the transaction tells.
func (s *Store) readLogs(ctx context.Context, keys []pipeline.StreamKey, batch string) (found map[windowKey]pipeline.Entry, err error) {
	found = make(map[windowKey]pipeline.Entry)
	whole := make(map[pipeline.StreamKey]bool)
	for len(keys) > 0 {
		readings, err := s.fetchLogs(ctx, keys, whole)
		if err != nil {
			return nil, err
		}
		var again []pipeline.StreamKey
		for _, k := range keys {
			r := readings[k]
			if err := r.find(found, k, batch); err != nil {
				return nil, err
			}
			done, err := r.apply(s.settle)
			if err != nil {
				return nil, err
			}
			if !done {
				// Somebody else has read it meanwhile, or an entry landed beneath one that is folded.
				again = append(again, k)
				whole[k] = !r.whole
			}
		}
		keys = again
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// fetchLogs reads the logs of the streams, each from its floor on.
func (s *Store) fetchLogs(ctx context.Context, keys []pipeline.StreamKey, whole map[pipeline.StreamKey]bool) (map[pipeline.StreamKey]*reading, error) {
	there, err := s.locate(ctx)
	if err != nil {
		return nil, err
	}
	readings := make(map[pipeline.StreamKey]*reading, len(keys))
	above := make([]logFloor, 0, len(keys))
	for _, k := range keys {
		r := &reading{log: s.log(k)}
		r.log.mu.Lock()
		r.version, r.whole, r.floor = r.log.version, whole[k] || !r.log.read || !there, r.log.floor
		r.log.mu.Unlock()
		if r.whole {
			r.floor = 0
		}
		readings[k] = r
		above = append(above, logFloor{k, r.floor})
	}
	if !there {
		return readings, nil
	}
	reset := func() {
		for _, r := range readings {
			r.rows = r.rows[:0]
		}
	}
	err = s.read(ctx, s.names.readLedger(above), reset, func(row []bigquery.Value) error {
		k, r, err := logRowOf(row)
		if err != nil {
			return err
		}
		if into := readings[k]; into != nil {
			into.rows = append(into.rows, r)
		}
		return nil
	})
	if absent(err) {
		reset()
		for _, r := range readings {
			r.whole = true
		}
		err = nil
	}
	return readings, err
}

func logRowOf(row []bigquery.Value) (k pipeline.StreamKey, r logRow, err error) {
	if len(row) != 6 {
		return k, r, errors.New("an entry of the ledger has not six columns")
	}
	account, _ := row[0].(string)
	stream, _ := row[1].(string)
	r.seq, _ = row[2].(int64)
	at, _ := row[3].(time.Time)
	r.batch, _ = row[4].(string) // null: no commit
	r.text, _ = row[5].(string)
	r.at = at.UnixMicro()
	r.sum = maphash.String(markSeed, r.batch+"\n"+r.text)
	return pipeline.StreamKey{Account: pipeline.AccountID(account), Stream: pipeline.StreamID(stream)}, r, nil
}

// find collects the entries of a batch.
func (r *reading) find(found map[windowKey]pipeline.Entry, k pipeline.StreamKey, batch string) error {
	for _, row := range r.rows {
		if batch == "" || row.batch != batch {
			continue
		}
		e, err := row.entry()
		if err != nil {
			return err
		}
		found[windowKey{k, e.Window.Span}] = e
	}
	return nil
}

// apply folds what is new. It reports false where the log must be read again:
// as a whole, if an entry stands among those that are folded already, for the
// order of the log counts.
func (r *reading) apply(settle time.Duration) (done bool, err error) {
	l := r.log
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.version != r.version {
		r.whole = true // so that the next reading is not
		return false, nil
	}
	if r.whole {
		l.folded, l.seen, l.floor, l.tail, l.read = pipeline.NewLedger(), 0, 0, nil, true
	}
	if len(r.rows) < len(l.tail) || !slices.EqualFunc(l.tail, r.rows[:len(l.tail)], func(m mark, row logRow) bool { return m == row.mark }) {
		return false, nil
	}
	l.stale = false
	fresh := r.rows[len(l.tail):]
	if len(fresh) == 0 && !r.whole {
		return true, nil
	}
	l.version++
	for _, row := range fresh {
		e, err := row.entry()
		if err != nil {
			l.read = false // half of it is folded
			return false, err
		}
		l.folded.Apply(e)
		if e.Kind == pipeline.EntryCommit {
			l.seen = max(l.seen, row.seq)
		}
		l.tail = append(l.tail, row.mark)
	}
	l.settle(settle)
	return true, nil
}

// settle raises the floor.
func (l *streamLog) settle(after time.Duration) {
	latest := int64(0)
	for _, m := range l.tail {
		latest = max(latest, m.at)
	}
	for _, m := range l.tail {
		if m.at <= latest-after.Microseconds() {
			l.floor = max(l.floor, m.seq)
		}
	}
	l.tail = slices.Clone(slices.DeleteFunc(l.tail, func(m mark) bool { return m.seq <= l.floor }))
}

// known returns the logs of the streams as they were read last, or now.
func (s *Store) known(ctx context.Context, keys []pipeline.StreamKey) error {
	var unknown []pipeline.StreamKey
	for _, k := range keys {
		l := s.log(k)
		l.mu.Lock()
		if !l.read || l.stale {
			unknown = append(unknown, k)
		}
		l.mu.Unlock()
	}
	if len(unknown) == 0 {
		return nil
	}
	_, err := s.readLogs(ctx, unknown, "")
	return err
}

// recorded notes that the log has more than was read.
func (s *Store) recorded(k pipeline.StreamKey) {
	l := s.log(k)
	l.mu.Lock()
	l.stale = true
	l.mu.Unlock()
}
