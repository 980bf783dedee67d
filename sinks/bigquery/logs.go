package bigquery

import (
	"context"
	"errors"
	"hash/maphash"
	"sync"
	"time"

	"cloud.google.com/go/bigquery"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/apierror"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
)

// logs are the logs of the streams, as they were read last. They are safe for concurrent use.
type logs struct {
	dataset *dataset
	settle  time.Duration // logSettle, but in tests

	mu      sync.Mutex
	streams map[pipeline.StreamKey]*streamLog
}

func newLogs(d *dataset) *logs {
	return &logs{dataset: d, settle: logSettle, streams: make(map[pipeline.StreamKey]*streamLog)}
}

// forget drops what was read.
func (l *logs) forget() {
	l.mu.Lock()
	clear(l.streams)
	l.mu.Unlock()
}

// of returns what is known of a stream's log.
func (l *logs) of(k pipeline.StreamKey) *streamLog {
	l.mu.Lock()
	defer l.mu.Unlock()
	log := l.streams[k]
	if log == nil {
		log = &streamLog{folded: pipeline.NewLedger()}
		l.streams[k] = log
	}
	return log
}

// read brings the logs of the streams up to date with one query, and returns the entries of the batch that is asked
// for. The next commit judges by what was read here. It may have become old by then: the guard in the transaction
// tells.
func (l *logs) read(ctx context.Context, keys []pipeline.StreamKey, batch string) (found map[windowKey]pipeline.Entry, err error) {
	found = make(map[windowKey]pipeline.Entry)
	whole := make(map[pipeline.StreamKey]bool)
	for len(keys) > 0 {
		readings, err := l.fetch(ctx, keys, whole)
		if err != nil {
			return nil, err
		}
		var again []pipeline.StreamKey
		for _, k := range keys {
			r := readings[k]
			if err := r.find(found, k, batch); err != nil {
				return nil, err
			}
			done, err := r.apply(l.settle)
			if err != nil {
				return nil, err
			}
			if !done {
				// Another reading was applied meanwhile, or an entry landed beneath one that is folded.
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

// fetch reads the logs of the streams, each from its floor on.
func (l *logs) fetch(ctx context.Context, keys []pipeline.StreamKey, whole map[pipeline.StreamKey]bool) (map[pipeline.StreamKey]*reading, error) {
	there, err := l.dataset.locate(ctx)
	if err != nil {
		return nil, err
	}
	readings := make(map[pipeline.StreamKey]*reading, len(keys))
	above := make([]statement.LogFloor, 0, len(keys))
	for _, k := range keys {
		r := &reading{log: l.of(k)}
		r.log.mu.Lock()
		r.version, r.whole, r.floor = r.log.version, whole[k] || !r.log.read || !there, r.log.floor
		r.log.mu.Unlock()
		if r.whole {
			r.floor = 0
		}
		readings[k] = r
		above = append(above, statement.LogFloor{StreamKey: k, Floor: r.floor})
	}
	if !there {
		return readings, nil
	}
	if err := l.dataset.seesAll(ctx, statement.LedgerTable); err != nil {
		return nil, err
	}
	reset := func() {
		for _, r := range readings {
			r.rows = r.rows[:0]
		}
	}
	err = l.dataset.jobs.Read(ctx, l.dataset.sql.ReadLedger(above), reset, func(row []bigquery.Value) error {
		k, r, err := logRowOf(row)
		if err != nil {
			return err
		}
		if into := readings[k]; into != nil {
			into.rows = append(into.rows, r)
		}
		return nil
	})
	if apierror.Absent(err) {
		reset()
		for _, r := range readings {
			r.whole = true
		}
		err = nil
	}
	return readings, err
}

// known makes sure that the logs of the streams have been read, and that nothing is missing that this store has
// recorded.
func (l *logs) known(ctx context.Context, keys []pipeline.StreamKey) error {
	var unknown []pipeline.StreamKey
	for _, k := range keys {
		log := l.of(k)
		log.mu.Lock()
		if !log.read || log.stale {
			unknown = append(unknown, k)
		}
		log.mu.Unlock()
	}
	if len(unknown) == 0 {
		return nil
	}
	_, err := l.read(ctx, unknown, "")
	return err
}

// recorded notes that this store has recorded more than was read.
func (l *logs) recorded(k pipeline.StreamKey) {
	log := l.of(k)
	log.mu.Lock()
	log.stale = true
	log.mu.Unlock()
}

// live lists the committed windows of a stream, as far as its log was read.
func (l *logs) live(k pipeline.StreamKey) []pipeline.Entry {
	log := l.of(k)
	log.mu.Lock()
	defer log.mu.Unlock()
	return log.folded.Overlapping(pipeline.Span{Start: statement.FirstInstant, End: statement.LastInstant})
}

// logRowOf understands a row of [statement.Dataset.ReadLedger].
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
