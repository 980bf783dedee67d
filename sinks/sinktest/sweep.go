package sinktest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/sinktest/soak"
)

// scenario is a place with a past, and readings that change all of it: rows
// replaced, vanished, cleared and new, rejects gone and come, windows
// superseded, and one reading that is equal.
var (
	past = []reading{
		{key: agents, window: day(0), at: 1, rows: []string{"ana", "bob"}, rejects: []string{"gone"}},
		{key: agents, window: day(1), at: 1, rows: []string{"cleared"}},
		{key: agents, window: day(2), at: 1, rows: []string{"equal"}},
		{key: agents, window: span(72, 6), at: 1, rows: []string{"early"}, rejects: []string{"superseded"}},
		{key: agents, window: span(78, 18), at: 1, rows: []string{"late"}},
		{key: agents, window: span(120, 6), at: 1, rows: []string{"superseded by nothing"}},
	}
	present = []reading{
		{key: agents, window: day(0), at: 2, rows: []string{"bob", "dan"}, owner: acme},
		{key: agents, window: day(1), at: 2, owner: acme},
		{key: agents, window: day(2), at: 2, rows: []string{"equal"}, owner: acme},
		{key: agents, window: day(3), at: 2, rows: []string{"early", "late"}, owner: acme},
		{key: agents, window: day(4), at: 2, rows: []string{"new"}, rejects: []string{"come"}, owner: acme},
		{key: agents, window: day(5), at: 2, owner: acme},
	}
	// presentRows is present as the table shows it: the equal window keeps the rows that it had.
	presentRows = []reading{present[0], present[1], past[2], present[3], present[4], present[5]}
	// other is what may come instead of a repeat: other bounds, and no rows where there were some.
	other = []reading{
		{key: agents, window: span(0, 30), at: 3, rows: []string{"bob"}},
		{key: agents, window: span(30, 18), at: 3},
		{key: agents, window: day(2), at: 3},
		{key: agents, window: span(72, 6), at: 3},
		{key: agents, window: span(78, 18), at: 3, rows: []string{"late"}, rejects: []string{"again"}},
		{key: agents, window: day(4), at: 3},
		{key: agents, window: span(120, 6), at: 3},
		{key: agents, window: span(126, 18), at: 3},
	}
)

// prepare makes the past, with some more ledger writes before it.
func prepare(t testing.TB, p Place, writes, records int) {
	t.Helper()
	s := p.Open(t)
	remember(t, s, records)
	for range writes {
		if err := s.Record(context.Background(), agents, pipeline.Entry{Kind: pipeline.EntryFail, Window: day(4), ReadAt: read(0), Note: "not yet"}); err != nil {
			t.Fatal(err)
		}
	}
	commit(t, s, pipeline.Committed, past...)
}

// noted is the tenant of the notes.
var noted = pipeline.TenantKey{Source: "ucontact", Account: "default"}

// remember records runs, and notes that nobody counts any more.
func remember(t testing.TB, s pipeline.Store, records int) {
	t.Helper()
	for i := range records {
		run := pipeline.Summary{SyncID: pipeline.SyncID(fmt.Sprintf("past-%03d", i)), StartedAt: read(0)}
		err := errors.Join(s.AppendRun(context.Background(), run),
			s.Add(context.Background(), pipeline.Note{Tenant: noted, At: read(0).Time().AddDate(0, -1, 0), Kind: "post"}))
		if err != nil {
			t.Fatal(err)
		}
	}
}

// remembers checks that no run and no note that counts is lost or doubled, but for those of the present.
func (b *fixture) remembers(t testing.TB, records int) {
	t.Helper()
	s := b.place.Open(t)
	notes, err := s.Since(context.Background(), noted, read(1).Time())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range notes {
		if !n.At.Equal(read(2).Time()) {
			t.Errorf("the journal has %+v", n)
		}
	}
	reader, ok := s.(pipeline.RunReader)
	if !ok {
		return
	}
	past := 0
	for r, err := range reader.Runs(context.Background(), pipeline.NoInstant, 0) {
		if err != nil {
			t.Fatal(err)
		}
		if r.SyncID != "run-002" {
			past++
		}
	}
	if past != records {
		t.Errorf("of %d runs %d are found", records, past)
	}
}

// act brings the present, once.
func act(ctx context.Context, s pipeline.Store) (results []pipeline.Result, err error) {
	run := pipeline.Begun("run-002", pipeline.CommandSync, read(2))
	if err := s.AppendRun(ctx, run); err != nil {
		return nil, err
	}
	if _, err := s.Since(ctx, noted, read(1).Time()); err != nil {
		return nil, err
	}
	if err := s.Add(ctx, pipeline.Note{Tenant: noted, At: read(2).Time(), Kind: "post"}); err != nil {
		return nil, err
	}
	if _, err := s.Ledger(ctx, agents); err != nil {
		return nil, err
	}
	results = try(ctx, s, present...)
	if err := s.Record(ctx, calls, pipeline.Entry{Kind: pipeline.EntryFail, Window: day(0), ReadAt: read(2), Note: "the vendor broke off"}); err != nil {
		return results, err
	}
	run.FinishedAt = read(3)
	return results, s.AppendRun(ctx, run)
}

// honest checks what a broken run left: what the ledger calls committed is
// what the table holds, old or new, and nothing was told to be committed that is not.
func (b *fixture) honest(t testing.TB, results []pipeline.Result) {
	t.Helper()
	l := b.ledger(t, agents)
	rows := b.place.Rows(t, pipeline.Activity, agents)
	for _, r := range slices.Concat(past, presentRows) {
		e, ok := l.Live(r.window.Span)
		if !ok || e.Fingerprint != r.entry().Fingerprint {
			continue // open, or of the other reading
		}
		var got []Row
		for _, row := range rows {
			if r.window.Has(row.At) {
				got = append(got, row)
			}
		}
		if want := r.want(); !slices.Equal(got, want) {
			t.Errorf("the ledger has a commit of %s by %s, but the table holds\n\t%+v\nwant\n\t%+v", r.window.Span, e.SyncID, got, want)
		}
	}
	for i, r := range results {
		if r.Outcome == pipeline.Failed {
			continue
		}
		if got := l.Owner(); got != acme {
			t.Errorf("Commit said %d of %s, but the ledger has the owner %q", r.Outcome, present[i].window.Span, got)
		}
		if e, ok := l.Live(present[i].window.Span); !ok || e.SyncID != present[i].sync() {
			t.Errorf("Commit said %d of %s, but the ledger has %+v, %v", r.Outcome, present[i].window.Span, e, ok)
		}
	}
}

// repaired checks that a repeat by a new process reaches the present.
func (b *fixture) repaired(t testing.TB) {
	t.Helper()
	results, err := act(context.Background(), b.place.Open(t))
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range results {
		if r.Outcome != pipeline.Committed && r.Outcome != pipeline.Unchanged {
			t.Fatalf("the repeat of %s: outcome %d, %v", present[i].window.Span, r.Outcome, r.Err)
		}
	}
	b.holdsPresent(t)
}

// holdsPresent checks that the place is as an uninterrupted run leaves it. The
// equal window may have been written again, if its commit was caught halfway.
func (b *fixture) holdsPresent(t testing.TB) {
	t.Helper()
	want := slices.Clone(presentRows)
	for _, row := range b.place.Rows(t, pipeline.Activity, agents) {
		if row.Window == present[2].window.Span {
			want[2] = present[2]
			want[2].at = past[2].at
			if row.Sync == present[2].sync() {
				want[2].at = present[2].at
			}
		}
	}
	b.holds(t, agents, want...)
	b.isOf(t, agents, acme)
	b.historyOfPresent(t)
}

// crash is what a simulated crash panics with.
type crash struct{ point string }

// crashAt runs the present and dies at the n-th point that is passed. It
// returns the point's name, or "" when there are fewer.
func crashAt(s pipeline.Store, n int) (point string, err error) {
	passed := 0
	ctx := pipeline.WithPoints(context.Background(), func(name string) {
		if passed++; passed > n {
			panic(crash{name})
		}
	})
	defer func() {
		if p := recover(); p != nil {
			c, ok := p.(crash)
			if !ok {
				panic(p)
			}
			point = c.point
		}
	}()
	_, err = act(ctx, s)
	return "", err
}

// committed are the readings of the past and the present that the ledger has, known for certain or not, and the history of
// those of the present.
func (b *fixture) committed(t testing.TB) (list []reading, told []pipeline.HistoryRow) {
	t.Helper()
	l := b.ledger(t, agents)
	for _, r := range slices.Concat(past, present) {
		for e := range l.WindowsOver(r.window.Span) {
			if e.Window == r.window && e.SyncID == r.sync() {
				list = append(list, r)
				if r.at == present[0].at {
					told = append(told, changes(past, r)...)
				}
			}
		}
	}
	return list, told
}

func crashesThenOther(t *testing.T, b *fixture) {
	for n := 0; ; n++ {
		b := &fixture{place: b.driver.New(t), driver: b.driver}
		prepare(t, b.place, 0, 0)
		point, err := crashAt(b.place.Open(t), n)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(fmt.Sprintf("%s/%d", point, n), func(t *testing.T) {
			before, told := b.committed(t)
			commit(t, b.place.Open(t), pipeline.Committed, other...)
			b.holds(t, agents, other...)
			if able(t, b.place, ReadsHistory) {
				b.tells(t, always, []pipeline.StreamKey{agents}, append(told, changes(before, other...)...)...)
			}
		})
		if point == "" {
			return
		}
	}
}

func crashes(t *testing.T, b *fixture) {
	warm := []int{0}
	if n := b.driver.LedgerWrites; n > 0 {
		warm = append(warm, n-4) // so that the present's second write is the n-th
	}
	seen := map[string]int{}
	for _, writes := range warm {
		for n := 0; ; n++ {
			b := &fixture{place: b.driver.New(t), driver: b.driver}
			records := 0
			if writes > 0 {
				records = b.driver.Records
			}
			prepare(t, b.place, writes, records)
			point, err := crashAt(b.place.Open(t), n)
			if err != nil {
				t.Fatal(err)
			}
			if point == "" {
				b.holdsPresent(t)
				break
			}
			seen[point]++
			name := fmt.Sprintf("%s/%d/%d", point, seen[point], writes)
			t.Run(name, func(t *testing.T) {
				b.honest(t, nil)
				b.remembers(t, records)
				b.repaired(t)
				b.repaired(t)
				b.remembers(t, records)
			})
		}
	}
	if len(seen) == 0 {
		t.Fatal("the sink passes no named point")
	}
}

func faults(t *testing.T, b *fixture) {
	hits := soak.Until(t, []string{"failing call", "call that fails after its effect"}, func(t *testing.T, n, way int) (beyond bool) {
		b := &fixture{place: b.driver.New(t), driver: b.driver}
		prepare(t, b.place, max(0, b.driver.LedgerWrites-4), b.driver.Records)
		s, hit := b.place.(Faulty).OpenFaulty(t, n, way == 1)
		results, err := act(context.Background(), s)
		if !hit() {
			if err != nil {
				t.Error(err)
			}
			b.holdsPresent(t)
			return true
		}
		failed := err != nil || slices.ContainsFunc(results, func(r pipeline.Result) bool { return r.Err != nil })
		if failed && err != nil && pipeline.KindOf(err) == pipeline.Internal {
			t.Errorf("the error is of no kind: %v", err)
		}
		b.honest(t, results)
		if n%2 == 0 { // the same process goes on, or another one
			if _, err := act(context.Background(), s); err != nil {
				t.Error(err)
				return false
			}
		}
		b.repaired(t)
		b.remembers(t, b.driver.Records)
		return false
	})
	least := 2 // of a sample
	if soak.Whole() {
		least = 20
	}
	if hits < least {
		t.Errorf("the sweep ended after %d calls: the faults do not reach the storage", hits)
	}
}
