package bigquery

import (
	"context"
	"slices"
	"sync"

	"cloud.google.com/go/bigquery"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/apierror"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/job"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
)

// Holders implements [pipeline.Sweeper].
func (s *Store) Holders(ctx context.Context) (keys []pipeline.StreamKey, err error) {
	const op = "list the streams of the tables"
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	there, err := s.dataset.locate(ctx)
	if err != nil || !there {
		return nil, apierror.Classify(op, err)
	}
	var tables []string
	for _, name := range []string{pipeline.Activity.Name, pipeline.Events.Name, statement.RejectsTable} {
		md, err := s.dataset.metadata(ctx, name)
		if err != nil {
			return nil, apierror.Classify(op, err)
		}
		if has(md.Schema, "account") && has(md.Schema, "stream") { // whatever else is there has no row of a stream
			tables = append(tables, name)
		}
	}
	if len(tables) == 0 {
		return nil, nil
	}
	err = s.jobs.Read(ctx, s.sql.Holders(tables...), func() { keys = nil }, func(row []bigquery.Value) error {
		account, _ := row[0].(string)
		stream, _ := row[1].(string)
		keys = append(keys, pipeline.StreamKey{Account: pipeline.AccountID(account), Stream: pipeline.StreamID(stream)})
		return nil
	})
	return keys, apierror.Classify(op, err)
}

// has reports whether a column is there.
func has(columns bigquery.Schema, name string) bool {
	return slices.ContainsFunc(columns, func(f *bigquery.FieldSchema) bool { return f.Name == name })
}

// extraWindows are the windows of no ledger that verifications have found, by stream. They are safe for concurrent use.
type extraWindows struct {
	mu sync.Mutex
	of map[pipeline.StreamKey][]pipeline.Span
}

func (x *extraWindows) put(k pipeline.StreamKey, spans []pipeline.Span) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.of == nil {
		x.of = make(map[pipeline.StreamKey][]pipeline.Span)
	}
	x.of[k] = spans
}

func (x *extraWindows) take(k pipeline.StreamKey) []pipeline.Span {
	x.mu.Lock()
	defer x.mu.Unlock()
	spans := x.of[k]
	delete(x.of, k)
	return spans
}

// sweepWindows is how many windows one transaction removes.
const sweepWindows = 500

// Sweep implements [pipeline.Sweeper]. To look for rows of no window is a query that is billed, which no sync makes: what a
// verification by this store has found is removed, each stretch of windows in a transaction that no commit runs beside.
func (s *Store) Sweep(ctx context.Context, k pipeline.StreamKey, t *pipeline.Table) (removed []string, err error) {
	const op = "remove the rows of no window"
	spans := s.extra.take(k)
	for len(spans) > 0 && err == nil {
		n := min(len(spans), sweepWindows)
		var names []string
		names, err = s.sweep(ctx, k, t, spans[:n])
		removed, spans = append(removed, names...), spans[n:]
	}
	return removed, windowFault(op, k, pipeline.Span{}, err)
}

func (s *Store) sweep(ctx context.Context, k pipeline.StreamKey, t *pipeline.Table, spans []pipeline.Span) (removed []string, err error) {
	ctx, cancel := context.WithTimeout(ctx, groupTime)
	defer cancel()
	if err := s.dataset.ensureAll(ctx, true); err != nil {
		return nil, err
	}
	pause := s.jobs.Pauses()
	for n := 1; ; n++ {
		l, err := s.Ledger(ctx, k)
		if err != nil {
			return nil, err
		}
		log := s.logs.of(k)
		log.mu.Lock()
		seen := log.seen
		log.mu.Unlock()
		var open []pipeline.Span
		for _, span := range spans {
			if !l.Committed(span) && !l.Dirty(span) {
				open = append(open, span)
			}
		}
		if len(open) == 0 {
			return nil, nil
		}
		id := job.Nonce()
		select {
		case s.fence <- struct{}{}:
			err = s.jobs.Write(ctx, "windrow_sweep_"+id, s.sql.Sweep(id, k, seen, open, t.Name, statement.RejectsTable))
			<-s.fence
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if err == nil {
			for _, span := range open {
				removed = append(removed, t.Name+" "+span.String())
			}
			return removed, nil
		}
		if n == groupAttempts || ctx.Err() != nil || pipeline.KindOf(apierror.Classify("", err)) != pipeline.SinkFailed {
			return nil, s.missing(err)
		}
		if err := pipeline.Sleep(ctx, pause.NextBackOff()); err != nil { // another process commits
			return nil, err
		}
	}
}
