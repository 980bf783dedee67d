package memory

import (
	"cmp"
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

// Runs returns the recorded runs, oldest first.
func (s *Store) Runs() []pipeline.Summary {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.runs)
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
