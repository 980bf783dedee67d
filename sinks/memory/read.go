package memory

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/windrow-data/windrow/pipeline"
)

// Records returns the records of a stream: windows in order, then as they
// were appended. The caller releases them.
func (s *Store) Records(k pipeline.StreamKey) []arrow.Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []arrow.Record
	for _, c := range s.contents(k) {
		for _, r := range c.records {
			r.Retain()
			list = append(list, r)
		}
	}
	return list
}

// Rows returns the rows of a stream as text by column, without the columns
// that are null, in the order of Records.
func (s *Store) Rows(k pipeline.StreamKey) []map[string]string {
	var rows []map[string]string
	for _, rec := range s.Records(k) {
		for i := range int(rec.NumRows()) {
			row := make(map[string]string)
			for c, f := range rec.Schema().Fields() {
				if col := rec.Column(c); !col.IsNull(i) {
					row[f.Name] = col.ValueStr(i)
				}
			}
			rows = append(rows, row)
		}
		rec.Release()
	}
	return rows
}

// Rejects returns the rejected rows of a stream, windows in order.
func (s *Store) Rejects(k pipeline.StreamKey) []pipeline.Reject {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []pipeline.Reject
	for _, c := range s.contents(k) {
		list = append(list, c.rejects...)
	}
	return list
}

// WindowRejects implements [pipeline.RejectReader].
func (s *Store) WindowRejects(ctx context.Context, k pipeline.StreamKey, windows []pipeline.Window) iter.Seq2[pipeline.WindowReject, error] {
	return func(yield func(pipeline.WindowReject, error) bool) {
		for _, w := range windows {
			for _, r := range s.window(k, w).rejects {
				if err := ctx.Err(); err != nil {
					yield(pipeline.WindowReject{}, classify("read the rejects", err))
					return
				}
				if !yield(pipeline.WindowReject{Window: w, Reject: r}, nil) {
					return
				}
			}
		}
	}
}

// Holdings implements [pipeline.HoldingsReader].
func (s *Store) Holdings(ctx context.Context, k pipeline.StreamKey, _ *pipeline.Table, w pipeline.Window) (pipeline.Holdings, error) {
	c := s.window(k, w)
	return pipeline.Holdings{Rows: c.rows, Rejected: int64(len(c.rejects)), Bytes: c.size}, classify("look at the window", ctx.Err())
}

// window is what the store holds for a window, as it was cut.
func (s *Store) window(k pipeline.StreamKey, w pipeline.Window) contents {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept := s.streams[k]; kept != nil && kept.windows[w.Span].window == w {
		return kept.windows[w.Span]
	}
	return contents{}
}

// Runs implements [pipeline.RunReader].
func (s *Store) Runs(ctx context.Context, from pipeline.Instant, last int) iter.Seq2[pipeline.Summary, error] {
	return func(yield func(pipeline.Summary, error) bool) {
		s.mu.Lock()
		latest := make(map[pipeline.SyncID]pipeline.Summary)
		for _, run := range s.runs {
			if run.StartedAt >= from {
				latest[run.SyncID] = run
			}
		}
		s.mu.Unlock()
		for _, run := range pipeline.LastRuns(slices.Collect(maps.Values(latest)), last) {
			if err := ctx.Err(); err != nil {
				yield(pipeline.Summary{}, classify("read the runs", err))
				return
			}
			if !yield(run, nil) {
				return
			}
		}
	}
}

// Writes counts the windows whose data were written so far.
func (s *Store) Writes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

// contents lists what a stream's windows hold, in order; the caller holds the mutex.
func (s *Store) contents(k pipeline.StreamKey) []contents {
	kept := s.streams[k]
	if kept == nil {
		return nil
	}
	spans := slices.SortedFunc(maps.Keys(kept.windows), func(a, b pipeline.Span) int { return cmp.Compare(a.Start, b.Start) })
	list := make([]contents, len(spans))
	for i, span := range spans {
		list[i] = kept.windows[span]
	}
	return list
}
