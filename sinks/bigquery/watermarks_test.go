package bigquery

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/staging"
	"github.com/windrow-data/windrow/sinks/sinktest/soak"
)

// The view folds the log as the program does: over random logs of commits whose bounds change, readings that began before
// others and came after them, clocks that were ahead, waivers over parts, reopenings, and provisional windows.
func TestTheWatermarksViewAgreesWithTheLedgerWhateverTheLogIs(t *testing.T) {
	soak.Rounds(t, 1, 40, func(t *testing.T, random *rand.Rand) int {
		viewAgrees(t, random, 150, 24)
		return 150
	})
}

// viewAgrees compares so many streams with random logs.
func viewAgrees(t *testing.T, random *rand.Rand, streams, entries int) {
	t.Helper()
	ctx := context.Background()
	p := newPlace(t)
	now := readAt(0).Time().Add(30 * 24 * time.Hour)
	s := p.openAt(t, now)
	logs := map[pipeline.AccountID][]pipeline.Entry{}
	want := map[pipeline.AccountID]pipeline.Instant{}
	marks := map[pipeline.Instant]bool{}
	for n := range streams {
		k := agents
		k.Account = pipeline.AccountID(fmt.Sprintf("a%d", n))
		log := randomLog(random, now, entries)
		l := pipeline.NewLedger()
		for _, e := range log {
			l.Apply(e)
		}
		first, _ := l.First()
		trusted, _ := l.Trusted(pipeline.InstantOf(now.Add(5*time.Minute)), calendarEnd)
		logs[k.Account], want[k.Account] = log, trusted.Watermark(first)
		marks[want[k.Account]] = true
		if err := s.Record(ctx, k, log...); err != nil {
			t.Fatal(err)
		}
	}
	p.server.SetNow(func() time.Time { return now })
	rows, err := p.server.Query(ctx, "test-project", "SELECT account, watermark FROM contact_centre._windrow_watermarks")
	if err != nil || len(rows) != streams {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, row := range rows {
		account, got := pipeline.AccountID(row[0].(string)), pipeline.NoInstant
		if row[1] != nil {
			got = at(row[1])
		}
		if got != want[account] {
			t.Errorf("the view says %s, the ledger %s, of the log", got, want[account])
			for _, e := range logs[account] {
				t.Logf("%-6s %s order %d read %s settled %v supersedes %v", e.Kind, e.Window.Span, e.Order, e.ReadAt, e.Settled, e.Supersedes)
			}
		}
	}
	if len(marks) < 5 {
		t.Errorf("the logs have only the watermarks %v", marks)
	}
}

// randomLog is the log of a stream as runs write it: each judges its readings by the ledger that it finds, which is not
// the one that the reading began from.
func randomLog(random *rand.Rand, now time.Time, entries int) []pipeline.Entry {
	first := dayWindow(0).Start
	mark := func(kind pipeline.EntryKind, at pipeline.Instant) pipeline.Entry {
		return pipeline.Entry{Kind: kind, Window: pipeline.Window{Span: pipeline.Span{Start: at, End: at}}}
	}
	log := []pipeline.Entry{mark(pipeline.EntryOrigin, first)}
	l := pipeline.NewLedger()
	l.Apply(log[0])
	add := func(e pipeline.Entry) {
		log = append(log, e)
		l.Apply(e)
	}
	// The first six hours of a day, or so many days from one on.
	window := func() pipeline.Window {
		w := dayWindow(random.IntN(5))
		switch random.IntN(6) {
		case 0:
			w.End = w.Start.Add(6 * time.Hour)
		case 1:
			w.Start = w.Start.Add(6 * time.Hour)
		case 2:
			w.End = dayWindow(random.IntN(3) + 1).End.Add(w.Start.Sub(first))
		}
		return w
	}
	clock := now.Add(-20 * 24 * time.Hour)
	orders := []uint64{0, 1}
	for len(log) < entries {
		clock = clock.Add(time.Duration(random.IntN(3600)) * time.Second)
		orders = append(orders, l.NextOrder())
		e := pipeline.Entry{Kind: pipeline.EntryCommit, Window: window(), ReadAt: pipeline.InstantOf(clock), Order: orders[max(0, len(orders)-1-random.IntN(4))]}
		switch random.IntN(10) {
		case 0: // of a machine that is ahead
			e.ReadAt = e.ReadAt.Add(time.Duration(random.IntN(40*24)) * time.Hour)
		case 1: // or behind
			e.ReadAt = e.ReadAt.Add(-time.Duration(random.IntN(48)) * time.Hour)
		}
		e.ExtractedAt, e.CommittedAt, e.Settled = e.ReadAt, e.ReadAt, random.IntN(5) > 0
		switch random.IntN(12) {
		case 0:
			add(pipeline.Entry{Kind: pipeline.EntryWaive, Window: window(), ReadAt: e.ReadAt, Note: "gone"})
		case 1:
			for live := range l.Windows(pipeline.NoInstant) { // verify has found one wanting
				if random.IntN(3) == 0 {
					add(pipeline.Entry{Kind: pipeline.EntryReopen, Window: live.Window, Order: live.Order, ReadAt: live.ReadAt, SyncID: live.SyncID, Note: "no rows"})
					break
				}
			}
		case 2:
			add(mark(pipeline.EntryFirst, dayWindow(random.IntN(3)).Start))
		case 3:
			add(pipeline.Entry{Kind: pipeline.EntryFail, Window: window(), ReadAt: e.ReadAt, Note: "broken"})
		default:
			if v := staging.Judge(l, e); v.Outcome == pipeline.Committed || v.Outcome == pipeline.Unchanged {
				v.Entry.CommittedAt = e.CommittedAt
				add(v.Entry)
			} else if l.Committed(e.Window.Span) && random.IntN(2) == 0 { // put there by hand: it changes nothing
				add(e)
			}
		}
	}
	return log
}
