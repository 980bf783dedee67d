package staging

import (
	"slices"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

func hours(from, to int) pipeline.Window {
	const hour = 3_600_000_000
	return pipeline.Window{Zone: "UTC", Span: pipeline.Span{Start: pipeline.Instant(from * hour), End: pipeline.Instant(to * hour)}}
}

func entry(kind pipeline.EntryKind, w pipeline.Window, readAt, rows int) pipeline.Entry {
	return pipeline.Entry{
		Kind: kind, Window: w, ReadAt: pipeline.Instant(readAt), Fingerprint: pipeline.Hash{Lo: uint64(rows)},
		Counts: pipeline.Counts{Rows: int64(rows)}, HasData: rows > 0,
	}
}

func TestAVerdictFollowsFromWhatTheLedgerKnows(t *testing.T) {
	const begin, commit = pipeline.EntryBegin, pipeline.EntryCommit
	day, first, second := hours(0, 24), hours(0, 6), hours(6, 24)
	tokyo := day
	tokyo.Zone = "Asia/Tokyo"
	superseding := entry(begin, day, 3, 0) // a window without rows begins to replace two
	superseding.Supersedes = []pipeline.Window{first, second}
	tests := []struct {
		name     string
		log      []pipeline.Entry
		e        pipeline.Entry
		outcome  pipeline.Outcome
		mayHold  bool
		replaces []pipeline.Window
	}{
		{"a new window", nil, entry(commit, day, 5, 1), pipeline.Committed, false, nil},
		{"a window with other rows", []pipeline.Entry{entry(commit, day, 1, 1)}, entry(commit, day, 5, 2), pipeline.Committed, true, nil},
		{"a window that never had a row", []pipeline.Entry{entry(commit, day, 1, 0)}, entry(commit, day, 5, 2), pipeline.Committed, false, nil},
		{"an equal reading", []pipeline.Entry{entry(commit, day, 1, 1)}, entry(commit, day, 5, 1), pipeline.Unchanged, true, nil},
		{"an equal reading of a window that is open", []pipeline.Entry{entry(commit, day, 1, 1), entry(begin, day, 2, 2)}, entry(commit, day, 5, 1), pipeline.Committed, true, nil},
		{"a window whose first commit broke off without a row", []pipeline.Entry{entry(begin, day, 1, 0)}, entry(commit, day, 5, 0), pipeline.Committed, true, nil},
		{"a window that broke off and was then to be superseded by one without rows",
			[]pipeline.Entry{entry(begin, first, 1, 1), superseding}, entry(commit, first, 5, 0), pipeline.Committed, true, []pipeline.Window{day}},
		{"an older reading", []pipeline.Entry{entry(commit, day, 9, 1)}, entry(commit, day, 5, 2), pipeline.Yielded, false, nil},
		{"an older reading of other bounds", []pipeline.Entry{entry(commit, second, 9, 1)}, entry(commit, day, 5, 2), pipeline.Yielded, false, nil},
		{"another reading of the same time", []pipeline.Entry{entry(commit, day, 5, 1)}, entry(commit, day, 5, 2), pipeline.Committed, true, nil},
		{"an older reading where a newer broke off", []pipeline.Entry{entry(commit, day, 9, 1), entry(begin, day, 10, 1)}, entry(commit, day, 5, 2), pipeline.Failed, false, nil},
		{"a window over others", []pipeline.Entry{entry(commit, first, 1, 1), entry(begin, second, 2, 1)}, entry(commit, day, 5, 2), pipeline.Committed, true, []pipeline.Window{first, second}},
		{"the same span in another zone, with equal rows", []pipeline.Entry{entry(commit, day, 1, 1)}, entry(commit, tokyo, 5, 1), pipeline.Committed, true, []pipeline.Window{day}},
		{"a neighbour", []pipeline.Entry{entry(commit, second, 1, 1)}, entry(commit, first, 5, 1), pipeline.Committed, false, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := pipeline.NewLedger()
			for _, e := range tt.log {
				l.Apply(e)
			}
			v := Judge(l, tt.e)
			if v.Outcome != tt.outcome || v.MayHold != tt.mayHold || !slices.Equal(v.Replaces, tt.replaces) {
				t.Errorf("outcome %d, may hold %v, replaces %v; want %d, %v, %v", v.Outcome, v.MayHold, v.Replaces, tt.outcome, tt.mayHold, tt.replaces)
			}
			for _, w := range v.Entry.Supersedes {
				if w.Span == tt.e.Window.Span {
					t.Error("the window supersedes itself")
				}
			}
			if (v.Outcome == pipeline.Unchanged) != v.Entry.Unchanged {
				t.Error("the entry disagrees with the outcome")
			}
		})
	}
}

func TestAStageFitsItsOwnEntryAlone(t *testing.T) {
	own := pipeline.Window{Span: pipeline.Span{Start: 0, End: 10}, Zone: "UTC"}
	other := pipeline.Window{Span: own.Span, Zone: "Asia/Tokyo"}
	entry := pipeline.Entry{Window: own, Counts: pipeline.Counts{Rows: 3, Rejected: 1}}
	for _, c := range []struct {
		name           string
		window         pipeline.Window
		rows, rejected int64
		fits           bool
	}{
		{"what the entry says", own, 3, 1, true},
		{"a row less", own, 2, 1, false},
		{"a reject more", own, 3, 2, false},
		{"the same span cut in another zone", other, 3, 1, false},
	} {
		if err := fits(entry, c.window, c.rows, c.rejected); (err == nil) != c.fits {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
