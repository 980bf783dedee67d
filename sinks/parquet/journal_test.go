package parquet

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

func noteAt(at time.Time, text string) pipeline.Note {
	return pipeline.Note{Tenant: tenant, At: at, Kind: "post", Text: text}
}

// damage calls try with every truncation and every flipped bit of a file, and restores it.
func damage(t *testing.T, path string, try func(what string)) {
	t.Helper()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	put := func(body []byte) {
		if err := os.WriteFile(path, body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for n := range whole {
		put(whole[:n])
		try(fmt.Sprintf("cut at %d", n))
		for bit := range 8 {
			flipped := slices.Clone(whole)
			flipped[n] ^= 1 << bit
			put(flipped)
			try(fmt.Sprintf("bit %d of byte %d flipped", bit, n))
		}
	}
	put(append(slices.Clone(whole), whole...))
	try("doubled")
	put(whole)
}

func TestADamagedNoteIsRefusedByNameUntilItCountsForNothing(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	s := p.Open(t)
	for _, n := range []pipeline.Note{noteAt(clock(), "one"), noteAt(clock().Add(time.Minute), "two")} {
		if err := s.Add(ctx, n); err != nil {
			t.Fatal(err)
		}
	}
	name := p.names(t, journalDir)[0]
	damage(t, filepath.Join(p.root, name), func(what string) {
		notes, err := s.Since(ctx, tenant, clock())
		if pipeline.KindOf(err) != pipeline.Damaged || !strings.Contains(err.Error(), name) {
			t.Fatalf("%s: %+v, %v", what, notes, err)
		}
		if !strings.Contains(err.Error(), "has passed since 2025-10-02T00:00:00Z") && !strings.Contains(err.Error(), "use that version") {
			t.Fatalf("%s: no remedy in %v", what, err)
		}
		if notes, err = s.Since(ctx, tenant, clock().Add(time.Second)); err != nil || len(notes) != 1 {
			t.Fatalf("%s: what is later is %+v, %v", what, notes, err)
		}
		if _, err := s.Since(ctx, pipeline.TenantKey{Source: "dialpad", Account: "us-east"}, clock()); err != nil {
			t.Fatalf("%s: another account: %v", what, err)
		}
	})
	if err := s.Check(ctx); err != nil {
		t.Fatal(err)
	}
	// One whose name lies in the future would stop its account until then, and counts for nothing whatever stood in it.
	if err := s.Add(ctx, noteAt(clock().Add(2*365*day), "by a wrong clock")); err != nil {
		t.Fatal(err)
	}
	later := p.names(t, journalDir)[2]
	damage(t, filepath.Join(p.root, later), func(what string) {
		if notes, err := s.Since(ctx, tenant, clock()); err != nil || len(notes) != 3 || notes[2].At.Before(clock().Add(2*365*day)) {
			t.Fatalf("%s of a note from the future: %+v, %v", what, notes, err)
		}
	})
	other := filepath.Join(filepath.Dir(name), "20251002T000000.000000Z_0000000000000000.note")
	if err := os.Rename(filepath.Join(p.root, name), filepath.Join(p.root, other)); err != nil {
		t.Fatal(err)
	}
	if err := s.Check(ctx); pipeline.KindOf(err) != pipeline.Damaged || !strings.Contains(err.Error(), other+" is damaged: it is ") {
		t.Errorf("a note under another name: %v", err)
	}
}

func TestTheJournalOfAnEarlierVersionIsRead(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	dir, err := tenantDir(tenant)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(p.root, dir), 0o750); err != nil {
		t.Fatal(err)
	}
	put := func(body string) {
		if err := os.WriteFile(filepath.Join(p.root, dir, "2025-10-02.jsonl"), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const one = `{"at":"2025-10-02T00:00:00Z","kind":"post","text":"one"}` + "\n"
	put(one + `{"at":"2025-10-02T00:00:00Z","ki`)
	s := p.Open(t)
	if err := s.Add(ctx, noteAt(clock(), "two")); err != nil {
		t.Fatal(err)
	}
	got, err := s.Since(ctx, tenant, clock())
	if want := []pipeline.Note{noteAt(clock(), "one"), noteAt(clock(), "two")}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	put(strings.Replace(one, ":", ";", 1) + one)
	if got, err := s.Since(ctx, tenant, clock()); pipeline.KindOf(err) != pipeline.Damaged || !strings.Contains(err.Error(), "2025-10-02.jsonl") {
		t.Errorf("a flipped line: %+v, %v", got, err)
	}
	if got, err := s.Since(ctx, tenant, clock().Add(25*time.Hour)); err != nil || len(got) != 0 {
		t.Errorf("a day later: %+v, %v", got, err)
	}
}

// nightOf is what a night of 4 requests asks of the journal and the runs of a warehouse that has had so many before it.
func nightOf(t *testing.T, nights int) *counted {
	t.Helper()
	ctx := context.Background()
	p := newPlace(t)
	night := func(s *Store, at time.Time) {
		for range 2 { // a task reads the journal again where another one adds to it
			if _, err := s.Since(ctx, tenant, at.Add(-time.Hour)); err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := s.Add(ctx, noteAt(at, "calls")); err != nil {
					t.Fatal(err)
				}
			}
		}
		run := pipeline.Summary{SyncID: pipeline.SyncID(at.Format(boundLayout)), StartedAt: pipeline.InstantOf(at)}
		if err := s.AppendRun(ctx, run); err != nil {
			t.Fatal(err)
		}
	}
	writer, _ := p.openCounted(t)
	for i := nights; i > 0; i-- {
		night(writer, clock().Add(-time.Duration(i)*day))
	}
	s, c := p.openCounted(t)
	night(s, clock())
	if n := len(p.names(t, journalDir)); n > 4*9+mostOldNotes {
		t.Errorf("after %d nights the journal has %d objects", nights, n)
	}
	runs := 0
	for _, err := range p.Open(t).(*Store).Runs(ctx, pipeline.NoInstant, 0) {
		if err != nil {
			t.Fatal(err)
		}
		runs++
	}
	if runs != nights+1 || len(p.names(t, recentDir)) > mostRuns+1 { // those of the last day stay
		t.Errorf("of %d runs %d are left, %d of them in no pack", nights+1, runs, len(p.names(t, recentDir)))
	}
	return c
}

func TestANightReadsNoMoreOfTheJournalAndTheRunsAfterYears(t *testing.T) {
	short, long := nightOf(t, mostRuns/2), nightOf(t, 5*365)
	if long.lists != short.lists || long.listed > short.listed+mostOldNotes || long.reads != short.reads || long.bytes != short.bytes {
		t.Errorf("after weeks: %d listings of %d names, %d reads of %d bytes; after 5 years: %d of %d, %d of %d",
			short.lists, short.listed, short.reads, short.bytes, long.lists, long.listed, long.reads, long.bytes)
	}
}
