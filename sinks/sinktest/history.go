package sinktest

import (
	"context"
	"reflect"
	"slices"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

// always overlaps every window.
var always = pipeline.Span{Start: day(-5000).Start, End: day(5000).End}

// history is what a new process reads of it.
func (b *fixture) history(t testing.TB, over pipeline.Span, keys ...pipeline.StreamKey) (rows []pipeline.HistoryRow) {
	t.Helper()
	for r, err := range b.place.Open(t).(pipeline.HistoryReader).History(context.Background(), keys, over) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	return rows
}

// tells checks that the history has these rows, in their order, and no other.
func (b *fixture) tells(t testing.TB, over pipeline.Span, keys []pipeline.StreamKey, want ...pipeline.HistoryRow) {
	t.Helper()
	want = slices.Clone(want)
	slices.SortFunc(want, func(a, b pipeline.HistoryRow) int { return pipeline.CompareHistory(&a, &b) })
	if got := b.history(t, over, keys...); !reflect.DeepEqual(got, want) && len(got)+len(want) > 0 {
		t.Errorf("the history tells\n\t%+v\nwant\n\t%+v", got, want)
	}
}

// sums are those of its measures: its rows have one that both tables have, and one that activity has.
func (r reading) sums() pipeline.Sums {
	sums := make(pipeline.Sums)
	for _, row := range r.want() {
		sums["talk_seconds"] += float64(row.Value)
		if tableOf(r.key) == pipeline.Activity {
			sums["answered"] += float64(row.Value)
		}
	}
	return sums
}

func hasFailed(l *pipeline.Ledger, w pipeline.Window) bool {
	_, is := l.Failed(w.Span)
	return is
}

// changeOf is the row of history of a reading that replaces others.
func changeOf(r reading, gone ...reading) pipeline.HistoryRow {
	row := pipeline.HistoryRow{Kind: pipeline.HistoryChanged, SyncID: r.sync(), Key: r.key, Window: r.window.Span, ReadAt: read(r.at),
		PreviousReadAt: pipeline.NoInstant, AfterSettle: true, RowsAfter: int64(len(r.rows))}
	before := pipeline.Sums{}
	for _, g := range gone {
		before = before.Add(g.sums())
		row.RowsBefore += int64(len(g.rows))
		row.PreviousReadAt = max(row.PreviousReadAt, read(g.at))
	}
	row.Measures = before.Changed(r.sums())
	if len(gone) == 1 && gone[0].window == r.window && 2*row.RowsAfter < row.RowsBefore {
		row.Warning = pipeline.WarnShrunk
	}
	return row
}

// changes are the rows of history of readings that replace those of before which they overlap and differ from. Where two
// overlap the same, the first replaces it.
func changes(before []reading, after ...reading) (rows []pipeline.HistoryRow) {
	before = slices.Clone(before)
	for _, r := range after {
		var gone []reading
		var same pipeline.Entry
		before = slices.DeleteFunc(before, func(g reading) bool {
			over := g.key == r.key && g.window.Overlaps(r.window.Span)
			if over {
				e := g.entry()
				same.Fingerprint, same.RejectsHash = same.Fingerprint.Add(e.Fingerprint), same.RejectsHash.Add(e.RejectsHash)
				gone = append(gone, g)
			}
			return over
		})
		if e := r.entry(); len(gone) > 0 && (e.Fingerprint != same.Fingerprint || e.RejectsHash != same.RejectsHash) {
			rows = append(rows, changeOf(r, gone...))
		}
	}
	return rows
}

func keepsHistory(t *testing.T, b *fixture) {
	s := b.place.Open(t)
	if got := b.history(t, always); len(got) != 0 {
		t.Errorf("a place of which nobody has made anything has the history %+v", got)
	}
	first := reading{key: agents, window: day(0), at: 1, rows: []string{"ana", "bob"}}
	empty := reading{key: agents, window: day(1), at: 1}
	early, late := reading{key: agents, window: span(48, 6), at: 1, rows: []string{"ana"}}, reading{key: agents, window: span(54, 18), at: 2, rows: []string{"bob", "cy"}, rejects: []string{"x"}}
	call := reading{key: calls, window: day(0), at: 1, rows: []string{"c1"}}
	commit(t, s, pipeline.Committed, first, empty, early, late, call)
	b.tells(t, always, nil) // a first commit makes none
	equal := first
	equal.at = 2
	commit(t, b.place.Open(t), pipeline.Unchanged, equal)
	b.tells(t, always, nil)

	more, filled, one, moved := first, empty, call, reading{key: agents, window: day(2), at: 3, rows: []string{"ana"}}
	more.at, more.rows = 3, []string{"ana", "bob", "cy"}
	filled.at, filled.rows = 3, []string{"ana"}
	one.at, one.rows = 3, []string{"call"}
	commit(t, s, pipeline.Committed, more, filled, moved, one)
	want := []pipeline.HistoryRow{changeOf(more, equal), changeOf(filled, empty), changeOf(moved, early, late), changeOf(one, call)}
	b.tells(t, always, nil, want...)

	older := first
	older.at, older.rows = 2, []string{"zoe"}
	commit(t, s, pipeline.Yielded, older)
	ctx := context.Background()
	err := s.Record(ctx, agents,
		pipeline.Entry{Kind: pipeline.EntryAdopt, SyncID: "run-004", Note: "another"},
		pipeline.Entry{Kind: pipeline.EntryFail, Window: day(0), SyncID: "run-004", ReadAt: read(4), ErrorKind: "cut_short", Note: "what the vendor said"})
	if err != nil {
		t.Fatal(err)
	}
	failed := pipeline.FailureRow(agents, &pipeline.Entry{Kind: pipeline.EntryFail, Window: day(0), SyncID: "run-004", ReadAt: read(4), ErrorKind: "cut_short"})
	if failed.Hint == "" {
		t.Error("the failure has no hint")
	}
	want = append(want, failed)
	b.tells(t, always, nil, want...)
	gone := more
	gone.at, gone.rows = 5, nil
	commit(t, s, pipeline.Committed, gone)
	want = append(want, changeOf(gone, more))
	b.tells(t, always, nil, want...)

	spoilt, twice := reading{key: agents, window: day(3), at: 5, rows: []string{"ana", "bob"}}, reading{key: agents, window: day(3), at: 6, rows: []string{"ana"}}
	atFirst, again := pipeline.FieldCounts{"talk_duration": 2, "hóra 'x'": 1}, pipeline.FieldCounts{"talk_duration": 1}
	for _, of := range []struct {
		reading
		unreadable pipeline.FieldCounts
	}{{spoilt, atFirst}, {twice, again}} {
		w, err := stage(ctx, s, of.reading)
		if err != nil {
			t.Fatal(err)
		}
		w.Entry.Unreadable = of.unreadable
		if got := s.Commit(ctx, []pipeline.Sealed{w}); got[0].Outcome != pipeline.Committed {
			t.Fatalf("%+v", got[0])
		}
	}
	unread, replaced := pipeline.HistoryRow{Kind: pipeline.HistoryUnreadable, SyncID: spoilt.sync(), Key: agents, Window: day(3).Span, ReadAt: read(5), RowsAfter: 2, Unreadable: atFirst}, changeOf(twice, spoilt)
	replaced.Unreadable = again
	few := pipeline.HistoryRow{Kind: pipeline.HistoryWarned, SyncID: twice.sync(), Key: agents, Window: day(3).Span, ReadAt: read(7), Warning: pipeline.WarnFew, Hint: "1 row, it's few"}
	unheard := pipeline.HistoryRow{Kind: pipeline.HistoryWarned, SyncID: twice.sync(), Key: calls, Window: span(0, 7*24).Span, ReadAt: read(7), Warning: pipeline.WarnUnheard, Hint: "no row"}
	kept := pipeline.HistoryRow{Kind: pipeline.HistoryFailed, SyncID: "replay", Key: agents, Window: day(3).Span, ReadAt: read(8), ErrorKind: "not_archived", Hint: "it stays"}
	if err := s.(pipeline.HistoryReader).Warn(ctx, few, unheard, kept); err != nil {
		t.Fatal(err)
	}
	if l, err := s.Ledger(ctx, agents); err != nil || hasFailed(l, day(3)) {
		t.Errorf("a failure that opens nothing is in the ledger: %v", err)
	}
	want = append(want, unread, replaced, few, unheard, kept)
	b.tells(t, always, nil, want...)

	b.tells(t, day(1).Span, nil, want[1], unheard)
	b.tells(t, always, []pipeline.StreamKey{calls}, want[3], unheard)
	b.tells(t, span(50, 1).Span, []pipeline.StreamKey{agents, calls}, want[2], unheard)
	b.tells(t, day(9).Span, nil)
	for range s.(pipeline.HistoryReader).History(ctx, nil, always) { //nolint:errcheck // the first is enough
		break // nothing is left open or locked
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	var last error
	for _, err := range s.(pipeline.HistoryReader).History(stopped, nil, always) {
		last = err
	}
	if pipeline.KindOf(last) != pipeline.Stopped || last == nil {
		t.Errorf("for a stopped context the history ends with %v", last)
	}
}

// replaysKeepTheirHistory: a replay has the time of the reading that it replaces, once and again.
func replaysKeepTheirHistory(t *testing.T, b *fixture) {
	s := b.place.Open(t)
	ctx := context.Background()
	var want []pipeline.HistoryRow
	rows := []string{"ana"}
	for n := range 4 {
		r := reading{key: agents, window: day(0), at: 1, rows: rows}
		w, err := stage(ctx, s, r)
		if err != nil {
			t.Fatal(err)
		}
		w.Entry.SyncID, w.Entry.Settled = pipeline.SyncID("replay-"+string(rune('a'+n))), n != 1
		if got := s.Commit(ctx, []pipeline.Sealed{w}); got[0].Outcome != pipeline.Committed {
			t.Fatalf("%+v", got[0])
		}
		if n > 0 {
			gone := r
			gone.rows = rows[:n]
			row := changeOf(r, gone)
			row.SyncID, row.AfterSettle = w.Entry.SyncID, n != 2
			want = append(want, row)
		}
		rows = append(rows, "bob")
	}
	b.tells(t, always, nil, want...)
}

// tellsOfTheLost: nobody knows the sums of rows that somebody took away.
func tellsOfTheLost(t *testing.T, b *fixture) {
	s := b.place.Open(t)
	lost := reading{key: agents, window: day(0), at: 1, rows: []string{"ana", "bob"}}
	commit(t, s, pipeline.Committed, lost)
	b.place.(Loser).Lose(t, pipeline.Activity, agents, lost.window)
	again := lost
	again.at = 2
	commit(t, b.place.Open(t), pipeline.Committed, again) // the rows that were there are no change
	b.tells(t, always, nil)
	b.place.(Loser).Lose(t, pipeline.Activity, agents, lost.window)
	other := lost
	other.at, other.rows = 3, []string{"cy"}
	commit(t, b.place.Open(t), pipeline.Committed, other)
	want := changeOf(other, again)
	want.Measures = nil
	b.tells(t, always, nil, want)
}

// historyOfPresent checks that the history tells once what the present has changed of the past.
func (b *fixture) historyOfPresent(t testing.TB) {
	t.Helper()
	if able(t, b.place, ReadsHistory) {
		var got []pipeline.HistoryRow
		for _, r := range b.history(t, always, agents) {
			if r.Kind == pipeline.HistoryChanged {
				got = append(got, r)
			}
		}
		if want := changes(past, present...); !reflect.DeepEqual(got, want) {
			t.Errorf("the history tells\n\t%+v\nwant\n\t%+v", got, want)
		}
	}
}
