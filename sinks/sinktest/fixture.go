package sinktest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/windrow-data/windrow/pipeline"
)

// fixture is what a proof works on.
type fixture struct {
	place  Place
	driver Driver
}

var (
	agents = pipeline.StreamKey{Account: "default", Stream: "ucontact.agents"}
	calls  = pipeline.StreamKey{Account: "default", Stream: "dialpad.calls"}
)

func tableOf(k pipeline.StreamKey) *pipeline.Table {
	if k.Stream == calls.Stream {
		return pipeline.Events
	}
	return pipeline.Activity
}

const zone = "America/Mexico_City"

// day is the n-th local day of the suite's time.
func day(n int) pipeline.Window { return span(n*24, 24) }

// span is a window from the hour from of the suite's time on.
func span(from, hours int) pipeline.Window {
	start := pipeline.InstantOf(time.Date(2025, 9, 8, 6, 0, 0, 0, time.UTC))
	at := func(h int) pipeline.Instant { return start.Add(time.Duration(h) * time.Hour) }
	return pipeline.Window{Span: pipeline.Span{Start: at(from), End: at(from + hours)}, Zone: zone}
}

// read is the instant of the n-th reading, in minutes after the suite's days.
func read(n int) pipeline.Instant {
	return pipeline.InstantOf(time.Date(2025, 10, 1, 0, n, 0, 0, time.UTC))
}

// reading is one window as a vendor answered.
type reading struct {
	key     pipeline.StreamKey
	window  pipeline.Window
	at      int // number of the reading: its ReadAt, and its run
	rows    []string
	rejects []string
	owner   pipeline.Owner
}

func (r reading) sync() pipeline.SyncID { return pipeline.SyncID(fmt.Sprintf("run-%03d", r.at)) }

// want lists the rows that the table must have of it.
func (r reading) want() []Row {
	rows := make([]Row, len(r.rows))
	for i, id := range r.rows {
		rows[i] = Row{ID: id, At: r.window.Start.Add(time.Duration(i) * time.Minute), Value: int64(len(id) * 7), Sync: r.sync(), Window: r.window.Span}
	}
	return rows
}

func (r reading) entry() pipeline.Entry {
	e := pipeline.Entry{
		Kind: pipeline.EntryCommit, Window: r.window, SyncID: r.sync(), ExtractedAt: read(r.at), ReadAt: read(r.at), Settled: true,
		Counts:   pipeline.Counts{Read: int64(len(r.rows) + len(r.rejects)), Rows: int64(len(r.rows)), Rejected: int64(len(r.rejects))},
		Settings: "settings",
	}
	e.Fingerprint = r.fingerprint()
	for _, rejected := range r.rejected() {
		e.RejectsHash = e.RejectsHash.Add(rejected.Hash())
	}
	return e
}

// fingerprint is that of its rows, as whoever reads them hashes them.
func (r reading) fingerprint() (sum pipeline.Hash) {
	rec := record(memory.DefaultAllocator, r, 0, len(r.rows))
	defer rec.Release()
	b := pipeline.NewBatch(tableOf(r.key))
	defer b.Release()
	if err := b.Load(rec); err != nil {
		panic(err) // the record is the suite's own
	}
	for range r.rows {
		b.EndRow(pipeline.NoInstant, pipeline.Hash{})
	}
	for _, h := range b.HashRows() {
		sum = sum.Add(h)
	}
	return sum
}

// rejected are its rejects as they are staged.
func (r reading) rejected() (rejects []pipeline.Reject) {
	for i, raw := range r.rejects {
		rejects = append(rejects, pipeline.Reject{Row: int64(i + 1), At: pipeline.NoInstant, Reason: "unreadable", Raw: raw})
	}
	return rejects
}

// record builds the record of some of its rows, from the given index on.
func record(mem memory.Allocator, r reading, from, to int) arrow.Record {
	table := tableOf(r.key)
	b := array.NewRecordBuilder(mem, table.StageSchema())
	defer b.Release()
	for _, row := range r.want()[from:to] {
		for i, c := range table.Columns[pipeline.PathColumns:] {
			switch f := b.Field(i).(type) {
			case *array.StringBuilder:
				switch {
				case c.Name == "resource_id":
					f.Append(row.ID)
				case c.Name == "sync_id":
					f.Append(string(row.Sync))
				case c.Nullable:
					f.AppendNull()
				default:
					f.Append("any")
				}
			case *array.TimestampBuilder:
				switch c.Name {
				case table.TimeColumn:
					f.Append(arrow.Timestamp(row.At))
				case "window_start":
					f.Append(arrow.Timestamp(row.Window.Start))
				case "window_end":
					f.Append(arrow.Timestamp(row.Window.End))
				case "extracted_at":
					f.Append(arrow.Timestamp(read(r.at)))
				default:
					f.Append(arrow.Timestamp(row.At))
				}
			case *array.Date32Builder:
				f.Append(arrow.Date32FromTime(row.At.Time()))
			case *array.Int64Builder:
				if c.Name != "answered" {
					f.AppendNull()
					continue
				}
				f.Append(row.Value)
			case *array.Float64Builder:
				if c.Name != "talk_seconds" {
					f.AppendNull()
					continue
				}
				f.Append(float64(row.Value))
			default:
				f.AppendNull()
			}
		}
	}
	return b.NewRecord()
}

// stage collects a reading and seals it.
func stage(ctx context.Context, s pipeline.Store, r reading) (pipeline.Sealed, error) {
	st, err := s.Stage(ctx, r.key, tableOf(r.key), r.window)
	if err != nil {
		return pipeline.Sealed{}, err
	}
	if len(r.rows) > 0 {
		rec := record(memory.DefaultAllocator, r, 0, len(r.rows))
		defer rec.Release()
		if err := st.Append(ctx, 1, rec); err != nil {
			return pipeline.Sealed{}, errors.Join(err, st.Abort())
		}
	}
	if err := st.Reject(ctx, r.rejected()); err != nil {
		return pipeline.Sealed{}, errors.Join(err, st.Abort())
	}
	w := pipeline.Sealed{Stage: st, Key: r.key, Table: tableOf(r.key), Entry: r.entry(), Owner: r.owner}
	if w.Entry.Staged, err = st.Seal(ctx); err != nil {
		return pipeline.Sealed{}, errors.Join(err, st.Abort())
	}
	return w, nil
}

// try stages the readings and commits those that could be staged in one
// group, whatever their streams and tables.
func try(ctx context.Context, s pipeline.Store, rs ...reading) []pipeline.Result {
	return tryAt(ctx, s, func() {}, rs...)
}

// tryAt is try that calls sealed between the stages and the commit, whatever became of the stages.
func tryAt(ctx context.Context, s pipeline.Store, sealed func(), rs ...reading) []pipeline.Result {
	results := make([]pipeline.Result, len(rs))
	var group []pipeline.Sealed
	var places []int
	for i, r := range rs {
		w, err := stage(ctx, s, r)
		if err != nil {
			results[i] = pipeline.Result{Outcome: pipeline.Failed, Err: err}
			continue
		}
		group, places = append(group, w), append(places, i)
	}
	sealed()
	if len(group) == 0 {
		return results
	}
	for j, r := range s.Commit(ctx, group) {
		results[places[j]] = r
	}
	return results
}

// commit commits readings in one group, all of which must have the outcome.
func commit(t testing.TB, s pipeline.Store, want pipeline.Outcome, rs ...reading) []pipeline.Result {
	t.Helper()
	results := try(context.Background(), s, rs...)
	for i, r := range results {
		if r.Outcome != want {
			t.Fatalf("window %s: outcome %d, want %d (%v)", rs[i].window.Span, r.Outcome, want, r.Err)
		}
		if (want == pipeline.Failed) == (r.Err == nil) {
			t.Fatalf("window %s: outcome %d with error %v", rs[i].window.Span, r.Outcome, r.Err)
		}
		if want == pipeline.Committed || want == pipeline.Unchanged {
			if r.Entry.CommittedAt == 0 || r.Entry.Unchanged != (want == pipeline.Unchanged) || r.Entry.Kind != pipeline.EntryCommit {
				t.Fatalf("window %s: the result's entry is %+v", rs[i].window.Span, r.Entry)
			}
		}
	}
	return results
}

// holds checks that the place has exactly the rows of the readings, in order,
// that a new process finds each of them in the ledger, and nothing open.
func (b *fixture) holds(t testing.TB, k pipeline.StreamKey, rs ...reading) {
	t.Helper()
	rs = slices.Clone(rs)
	slices.SortFunc(rs, func(a, b reading) int { return cmp.Compare(a.window.Start, b.window.Start) })
	var want []Row
	var wantRejects []Rejected
	for _, r := range rs {
		want = append(want, r.want()...)
		for i, raw := range r.rejects {
			wantRejects = append(wantRejects, Rejected{Row: int64(i + 1), Reason: "unreadable", Raw: raw})
		}
	}
	if got := b.place.Rows(t, tableOf(k), k); !reflect.DeepEqual(got, want) && len(got)+len(want) > 0 {
		t.Errorf("%s holds\n\t%+v\nwant\n\t%+v", k, got, want)
	}
	if got := b.place.Rejects(t, k); !reflect.DeepEqual(got, wantRejects) && len(got)+len(wantRejects) > 0 {
		t.Errorf("%s has the rejects\n\t%+v\nwant\n\t%+v", k, got, wantRejects)
	}
	l := b.ledger(t, k)
	for _, r := range rs {
		e, ok := l.Live(r.window.Span)
		if want := r.entry(); !ok || e.Window != r.window || e.Counts != want.Counts || e.Fingerprint != want.Fingerprint {
			t.Errorf("the ledger has of %s %s\n\t%+v (%v), want\n\t%+v", k, r.window.Span, e, ok, want)
		}
	}
	all := pipeline.Span{Start: day(-5000).Start, End: day(5000).End}
	if known := l.Overlapping(all); len(known) != len(rs) {
		t.Errorf("the ledger of %s knows %d windows, want %d:\n\t%+v", k, len(known), len(rs), known)
	}
	if l.Dirty(all) {
		t.Errorf("the ledger of %s has open commits", k)
	}
	if able(t, b.place, Verifies) {
		for _, d := range b.differences(t, k, pipeline.Verification{Depth: pipeline.ByRows}) {
			if d.Kind != pipeline.DiffExtra { // a store without a lock leaves empty objects where another writer may be about to write
				t.Errorf("%s differs from its ledger: %s %s: %s, not %s", k, d.Kind, d.Object, d.Found, d.Expected)
			}
		}
	}
}

// ledger is what a new process reads.
func (b *fixture) ledger(t testing.TB, k pipeline.StreamKey) *pipeline.Ledger {
	t.Helper()
	s := b.place.Open(t)
	l, err := s.Ledger(context.Background(), k)
	if err != nil {
		t.Fatalf("ledger of %s: %v", k, err)
	}
	return l
}
