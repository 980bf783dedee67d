package memory_test

import (
	"fmt"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/memory"
	"github.com/windrow-data/windrow/sinks/sinktest"
)

var driver = sinktest.Driver{
	New: func(t testing.TB) sinktest.Place {
		s := memory.New(memory.Options{})
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return place{s}
	},
	Without: map[sinktest.Ability]string{
		sinktest.Faults: "memory does not fail",
		sinktest.Leaves: "nothing outlives the store",
	},
}

func TestMemoryKeepsThePromisesOfASink(t *testing.T) { sinktest.Run(t, driver) }

// place is one store that all processes share.
type place struct{ store *memory.Store }

func (p place) Open(testing.TB) pipeline.Store { return shared{p.store} }

// shared is a process's view of the store: closing it forgets nothing.
type shared struct{ *memory.Store }

func (shared) Close() error { return nil }

func (p place) Stamp(testing.TB, *pipeline.Table, pipeline.StreamKey) string {
	return fmt.Sprint(p.store.Writes())
}

func (p place) Lose(_ testing.TB, _ *pipeline.Table, k pipeline.StreamKey, w pipeline.Window) {
	p.store.Lose(k, w)
}

func (p place) Rows(_ testing.TB, table *pipeline.Table, k pipeline.StreamKey) []sinktest.Row {
	var rows []sinktest.Row
	for _, rec := range p.store.Records(k) {
		at := func(name string, i int) pipeline.Instant {
			return pipeline.Instant(rec.Column(table.Index(name) - pipeline.PathColumns).(*array.Timestamp).Value(i))
		}
		text := func(name string, i int) string {
			return rec.Column(table.Index(name) - pipeline.PathColumns).(*array.String).Value(i)
		}
		for i := range int(rec.NumRows()) {
			rows = append(rows, sinktest.Row{
				ID: text("resource_id", i), At: at(table.TimeColumn, i), Value: value(table, rec, i), Sync: pipeline.SyncID(text("sync_id", i)),
				Window: pipeline.Span{Start: at("window_start", i), End: at("window_end", i)},
			})
		}
		rec.Release()
	}
	return rows
}

func value(table *pipeline.Table, rec arrow.Record, i int) int64 {
	if table == pipeline.Activity {
		return rec.Column(table.Index("answered") - pipeline.PathColumns).(*array.Int64).Value(i)
	}
	return int64(rec.Column(table.Index("talk_seconds") - pipeline.PathColumns).(*array.Float64).Value(i))
}

func (p place) Rejects(_ testing.TB, k pipeline.StreamKey) []sinktest.Rejected {
	var rejects []sinktest.Rejected
	for _, r := range p.store.Rejects(k) {
		rejects = append(rejects, sinktest.Rejected{Row: r.Row, Reason: r.Reason, Raw: r.Raw})
	}
	return rejects
}
