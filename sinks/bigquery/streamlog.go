package bigquery

import (
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
)

// logSettle is after how long no entry can appear in the log beneath an entry that was read: twice as long as any
// statement that writes entries may take. The seq of an entry is above every seq that the statement's snapshot has, so
// an entry that appears late is above everything that was there when its statement began.
const logSettle = 2 * groupTime

// streamLog is what is known of one stream's log. The log is read as a whole once, and later from floor on.
type streamLog struct {
	mu      sync.Mutex
	version int  // counts the changes
	read    bool // the log was read as a whole
	stale   bool // this store has recorded more than was read
	folded  *pipeline.Ledger
	// seen is the seq of the stream's last commit. Entries without data have a seq too, but no guard: a commit may land
	// beneath such an entry that was read.
	seen int64
	// owned is the seq of the stream's last note of an owner.
	owned int64
	// floor is a seq at and beneath which no entry can appear any more. tail are the folded entries above floor, in order.
	floor int64
	tail  []mark
}

// mark identifies an entry that was read.
type mark struct {
	seq, at int64 // at is when BigQuery took the entry, in microseconds
	sum     uint64
}

var markSeed = maphash.MakeSeed()

// logRow is one entry as it is read.
type logRow struct {
	mark
	batch, text string
}

// entry reads the entry. What cannot be read for certain is an error of kind Damaged, and nothing is folded on a guess.
func (r logRow) entry() (pipeline.Entry, error) {
	e, err := statement.ParseEntry(r.text)
	if err == nil {
		return e, nil
	}
	damaged := &pipeline.Error{Op: "read the ledger", Kind: pipeline.Damaged,
		Err: fmt.Errorf("the entry of seq %d in %s cannot be read: %w", r.seq, statement.LedgerTable, err),
		Hint: fmt.Sprintf("restore the table as it was (BigQuery keeps seven days of it: SELECT * FROM %[1]s FOR SYSTEM_TIME AS OF …), "+
			"or rename %[1]s away, so that every window is read again", statement.LedgerTable)}
	if errors.Is(err, statement.ErrNewer) {
		damaged.Hint = "run the version that wrote it, or a newer one"
	}
	return e, damaged
}

// reading is what one query read of a log, on its way into the streamLog.
type reading struct {
	log     *streamLog
	version int
	whole   bool
	floor   int64
	rows    []logRow
}

// windowKey is one window of one stream.
type windowKey struct {
	pipeline.StreamKey
	pipeline.Span
}

// find collects the entries of a batch into found.
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

// apply folds the new entries. done is false where the log must be read again: because another reading was applied
// meanwhile, or, as a whole, because a new entry stands among the folded ones and the order of the log counts.
func (r *reading) apply(settle time.Duration) (done bool, err error) {
	l := r.log
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.version != r.version {
		r.whole = true // makes the next reading one from the floor on
		return false, nil
	}
	if r.whole {
		l.folded, l.seen, l.owned, l.floor, l.tail, l.read = pipeline.NewLedger(), 0, 0, 0, nil, true
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
			l.read = false // half of the log is folded
			return false, err
		}
		l.folded.Apply(e)
		switch e.Kind {
		case pipeline.EntryCommit:
			l.seen = max(l.seen, row.seq)
		case pipeline.EntryOwner, pipeline.EntryAdopt:
			l.owned = max(l.owned, row.seq)
		}
		l.tail = append(l.tail, row.mark)
	}
	l.settle(settle)
	return true, nil
}

// settle raises the floor to the entries that are older than the last one by the given time.
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
