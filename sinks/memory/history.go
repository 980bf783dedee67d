package memory

import (
	"context"
	"iter"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/staging"
)

// History implements [pipeline.HistoryReader].
func (s *Store) History(ctx context.Context, keys []pipeline.StreamKey, over pipeline.Span) iter.Seq2[pipeline.HistoryRow, error] {
	return func(yield func(pipeline.HistoryRow, error) bool) {
		s.mu.Lock()
		rows := staging.HistoryOver(s.history, keys, over)
		s.mu.Unlock()
		for _, r := range rows {
			if err := ctx.Err(); err != nil {
				yield(pipeline.HistoryRow{}, classify("read the history", err))
				return
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

// Warn implements [pipeline.HistoryReader].
func (s *Store) Warn(ctx context.Context, rows ...pipeline.HistoryRow) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.history = append(s.history, rows...)
	return nil
}

// change is the row of history of a commit, while the store still holds what it replaces; nil: there is none. The caller
// holds the mutex.
func (k *stream) change(p *staging.Pending[*stage]) *pipeline.HistoryRow {
	replaced := p.Replaced(k.ledger)
	row := staging.Change(p.Key, &p.Verdict.Entry, replaced)
	if row == nil || row.Kind != pipeline.HistoryChanged {
		return row
	}
	before := make(pipeline.Sums)
	for _, old := range replaced {
		held := k.windows[old.Window.Span]
		if !held.fits(old.Counts) {
			before = nil
			break
		}
		before = before.Add(sums(p.Table, held.records))
	}
	var after []arrow.Record
	p.Stage.Locked(func() {
		for _, rec := range p.Stage.records {
			after = append(after, rec)
		}
	})
	row.Measures = before.Changed(sums(p.Table, after))
	return row
}

// sums adds up the additive columns.
func sums(t *pipeline.Table, records []arrow.Record) pipeline.Sums {
	totals := make(map[string]*pipeline.Total)
	for _, name := range t.Additive() {
		total := new(pipeline.Total)
		totals[name] = total
		for _, rec := range records {
			col := rec.Column(t.Index(name) - pipeline.PathColumns)
			for i := range col.Len() {
				switch col := col.(type) {
				case *array.Int64:
					if col.IsValid(i) {
						total.AddInt(col.Value(i))
					}
				case *array.Float64:
					if col.IsValid(i) {
						total.Add(col.Value(i))
					}
				}
			}
		}
	}
	return pipeline.SumsOf(totals)
}
