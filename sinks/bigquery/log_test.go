package bigquery

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
)

// written is an entry of a log that several processes write: its statement
// sees the log as it was when it began, and shows its entry when it ends.
type written struct {
	logRow
	shown time.Duration
}

// simulatedLog is what some processes write in a while: commits, one at a time,
// and failures, waivers and begins, which wait for nobody.
func simulatedLog(r *rand.Rand, longest time.Duration) (log []written) {
	busy := time.Duration(0)
	for now := time.Duration(0); now < time.Hour; now += time.Duration(r.Int64N(int64(longest / 2))) {
		end := now + time.Duration(r.Int64N(int64(longest)))
		kinds := []pipeline.EntryKind{pipeline.EntryFail, pipeline.EntryWaive, pipeline.EntryBegin, pipeline.EntryCommit, pipeline.EntryCommit}
		e := pipeline.Entry{Kind: kinds[r.IntN(len(kinds))], Window: dayWindow(r.IntN(4)), ReadAt: readAt(len(log)), Note: fmt.Sprint(len(log)), Settled: true}
		if e.Kind == pipeline.EntryCommit && now < busy {
			continue // the fence is taken
		}
		seq := int64(1)
		for _, w := range log {
			if w.shown <= now {
				seq = max(seq, w.seq+1)
			}
		}
		text, _ := json.Marshal(e)
		row := logRow{mark: mark{seq: seq, at: now.Microseconds(), sum: uint64(len(log))}, text: string(text)}
		if e.Kind == pipeline.EntryCommit {
			busy = end
		}
		log = append(log, written{row, end})
	}
	slices.SortStableFunc(log, func(a, b written) int { return cmp.Or(cmp.Compare(a.seq, b.seq), cmp.Compare(a.at, b.at)) })
	return log
}

// A log that is read bit by bit is folded as one that is read as a whole, also
// where an entry lands beneath one that was read.
func TestALogReadBitByBitIsTheLog(t *testing.T) {
	const longest = 4 * time.Minute
	landed, pruned := 0, 0
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		log := simulatedLog(r, longest)
		l := &streamLog{folded: pipeline.NewLedger()}
		for now := time.Duration(0); now < 70*time.Minute; now += time.Duration(r.Int64N(int64(10 * time.Minute))) {
			for done, whole := false, false; !done; {
				in := &reading{log: l, version: l.version, whole: whole || !l.read, floor: l.floor}
				if in.whole {
					in.floor = 0
				}
				for _, w := range log {
					if w.shown <= now && w.seq > in.floor {
						in.rows = append(in.rows, w.logRow)
					}
				}
				var err error
				if done, err = in.apply(2 * longest); err != nil {
					t.Fatal(err)
				}
				if !done {
					landed++
				}
				whole = true
			}
			want := pipeline.NewLedger()
			for _, w := range log {
				if e, _ := w.entry(); w.shown <= now {
					want.Apply(e)
				}
			}
			if !reflect.DeepEqual(l.folded.Entries(), want.Entries()) {
				t.Fatalf("seed %d, after %s: read bit by bit\n\t%+v\nas a whole\n\t%+v", seed, now, l.folded.Entries(), want.Entries())
			}
			if l.floor > 0 {
				pruned++
			}
		}
	}
	if landed == 0 || pruned == 0 {
		t.Errorf("%d entries landed beneath others, %d readings began above the first: nothing is proven", landed, pruned)
	}
}

func TestALedgerIsReadAsAWholeOnceAndByWhatIsNewLater(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	s, other := p.open(t, p.options()), p.open(t, p.options())
	s.logs.settle = 0
	mustCommit(t, other, pipeline.Committed, seal(t, other, dayWindow(0), 1, 0, "ana"), seal(t, other, dayWindow(1), 1, 0, "bob"))
	mustCommit(t, other, pipeline.Committed, seal(t, other, dayWindow(2), 2, 0, "cy"))
	ledger := func() (l *pipeline.Ledger, read int64) {
		t.Helper()
		before := len(p.server.Jobs())
		l, err := s.Ledger(ctx, agents)
		if err != nil {
			t.Fatal(err)
		}
		jobs := p.server.Jobs()[before:]
		if len(jobs) != 1 || jobs[0].Kind != bigquerytest.Select {
			t.Fatalf("a ledger took %d jobs", len(jobs))
		}
		return l, jobs[0].Rows
	}
	if _, n := ledger(); n != 3 {
		t.Errorf("the first time %d entries were read, want 3", n)
	}
	if _, n := ledger(); n != 0 {
		t.Errorf("the second time %d entries were read, want none", n)
	}
	mustCommit(t, other, pipeline.Committed, seal(t, other, dayWindow(2), 3, 0, "dan"))
	l, n := ledger()
	if e, ok := l.Live(dayWindow(2).Span); n != 1 || !ok || e.ReadAt != readAt(3) {
		t.Errorf("after a commit %d entries were read, want 1; the ledger has %+v", n, e)
	}
	l.Apply(pipeline.Entry{Kind: pipeline.EntryCommit, Window: dayWindow(9), ReadAt: readAt(1)})
	if l, _ := ledger(); len(l.Overlapping(dayWindow(9).Span)) > 0 {
		t.Error("a ledger that was handed out is the store's own")
	}
	if _, err := s.logs.read(ctx, []pipeline.StreamKey{agents, calls}, ""); err != nil {
		t.Fatal(err)
	}
	jobs := p.server.Jobs()
	if sql := jobs[len(jobs)-1].SQL; !strings.Contains(sql, "`stream` IN ('dialpad.calls', 'ucontact.agents') AND `seq` > 0 AND (") || !strings.Contains(sql, "`stream` = 'ucontact.agents' AND `seq` > 4)") {
		t.Errorf("two ledgers were read by %s", sql)
	}
}

func BenchmarkLedgerOf100000Entries(b *testing.B) {
	rows := make([]logRow, 100_000)
	for i := range rows {
		e := pipeline.Entry{Kind: pipeline.EntryCommit, Window: dayWindow(i), SyncID: "20251001T000000Z-0123abcd", ReadAt: readAt(i), ExtractedAt: readAt(i),
			Settled: true, Fingerprint: pipeline.FieldHash(1, []byte(fmt.Sprint(i))), Settings: "0123456789abcdef"}
		text, _ := json.Marshal(e)
		rows[i] = logRow{mark: mark{seq: int64(i + 1), at: int64(i) * 60_000_000}, text: string(text)}
	}
	l := &streamLog{folded: pipeline.NewLedger()}
	b.Run("fold", func(b *testing.B) {
		for b.Loop() {
			l.read, l.tail = false, nil
			if _, err := (&reading{log: l, version: l.version, whole: true, rows: rows}).apply(logSettle); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("copy", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_ = l.folded.Clone()
		}
	})
}
