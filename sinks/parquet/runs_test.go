package parquet

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/object"
	"github.com/windrow-data/windrow/sinks/internal/rowgroup"
)

func runAt(i int) pipeline.Summary {
	at := pipeline.InstantOf(clock()) + pipeline.Instant(i)*60_000_000
	return pipeline.Summary{SyncID: pipeline.SyncID(fmt.Sprintf("run-%04d", i)), StartedAt: at, FinishedAt: at + 1, Exit: 3,
		Streams: []pipeline.StreamSummary{{Stream: "dialpad.calls", Account: "default", Failed: 1, Errors: []pipeline.WindowError{{ErrorKind: "malformed"}}}}}
}

// runsOf are the ids of all runs since the i-th.
func runsOf(t *testing.T, s pipeline.Store, since pipeline.Instant) (ids []pipeline.SyncID, err error) {
	t.Helper()
	for r, err := range s.(pipeline.RunReader).Runs(context.Background(), since, 0) {
		if err != nil {
			return ids, err
		}
		ids = append(ids, r.SyncID)
	}
	return ids, nil
}

func TestRunsOfSeveralProcessesArePackedAndNoneIsLostOrDoubled(t *testing.T) {
	ctx := context.Background()
	for name, open := range map[string]func(p place, b bucketPlace) pipeline.Store{
		"a directory": func(p place, _ bucketPlace) pipeline.Store { return p.Open(t) },
		"a bucket":    func(_ place, b bucketPlace) pipeline.Store { return b.Open(t) },
	} {
		t.Run(name, func(t *testing.T) {
			p, b := newPlace(t), inMemory(t)
			const processes, runs = 4, mostRuns
			var wg sync.WaitGroup
			for n := range processes {
				s := open(p, b)
				wg.Go(func() {
					for i := range runs {
						if err := s.AppendRun(ctx, runAt(n*runs+i)); err != nil {
							t.Error(err)
						}
					}
				})
			}
			wg.Wait()
			ids, err := runsOf(t, open(p, b), pipeline.NoInstant)
			if err != nil || len(ids) != processes*runs {
				t.Fatalf("%d runs, %v", len(ids), err)
			}
			for i, id := range ids {
				if id != runAt(i).SyncID {
					t.Fatalf("run %d is %s", i, id)
				}
			}
			late, err := runsOf(t, open(p, b), runAt(100).StartedAt)
			if err != nil || len(late) != processes*runs-100 {
				t.Errorf("%d late runs, %v", len(late), err)
			}
		})
	}
}

func TestARecordOfARunThatIsDamagedIsRefusedByNameAndStopsNoRun(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	s := p.Open(t)
	for i := range mostRuns + 2 {
		if err := s.AppendRun(ctx, runAt(i)); err != nil {
			t.Fatal(err)
		}
	}
	single, packed := p.names(t, recentDir)[0], p.names(t, packedDir)[0]
	for _, name := range []string{single, packed} {
		whole, err := os.ReadFile(filepath.Join(p.root, name))
		if err != nil {
			t.Fatal(err)
		}
		refused := func(body []byte, format string, args ...any) {
			t.Helper()
			if runs, err := runsOfFile(ctx, new(rowgroup.Scanner), body); err == nil {
				t.Fatalf("%s: %s: %d runs", name, fmt.Sprintf(format, args...), len(runs))
			}
		}
		for n := range whole {
			refused(whole[:n], "cut at %d", n)
			bit := n % 8
			whole[n] ^= 1 << bit
			refused(whole, "bit %d of byte %d flipped", bit, n)
			whole[n] ^= 1 << bit
		}
		refused(slices.Concat(whole, whole), "doubled")
		for what, body := range map[string][]byte{"empty": nil, "cut": whole[:len(whole)/2], "no Parquet file": []byte(strings.Repeat("no ", 99))} {
			if err := os.WriteFile(filepath.Join(p.root, name), body, 0o600); err != nil {
				t.Fatal(err)
			}
			ids, err := runsOf(t, s, pipeline.NoInstant)
			if pipeline.KindOf(err) != pipeline.Damaged || !strings.Contains(err.Error(), name) || !strings.HasSuffix(err.Error(), ")") {
				t.Fatalf("%s: %s: %v, %v", name, what, ids, err)
			}
		}
		if name == single {
			err = os.WriteFile(filepath.Join(p.root, name), whole, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Check(ctx); pipeline.KindOf(err) != pipeline.Damaged {
		t.Errorf("check: %v", err)
	}
	if ids, err := runsOf(t, s, runAt(mostRuns+1).StartedAt); err != nil || len(ids) != 1 {
		t.Errorf("the newest run: %v, %v", ids, err)
	}
	if err := s.AppendRun(ctx, runAt(mostRuns+3)); err != nil {
		t.Error(err)
	}
}

// putEarlier writes records of runs as earlier versions did: lines that prove themselves, packs of them, and plain JSON.
func putEarlier(t *testing.T, p place) (ids []pipeline.SyncID) {
	t.Helper()
	put := func(name string, body []byte, err error) {
		t.Helper()
		err = errors.Join(err, os.MkdirAll(filepath.Join(p.root, filepath.Dir(name)), 0o750))
		if err = errors.Join(err, os.WriteFile(filepath.Join(p.root, name), body, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	const plain = "{\n  \"sync_id\": \"run-0000\",\n  \"exit\": 3,\n  \"started_at\": \"2025-10-01T00:00:00Z\",\n  \"finished_at\": \"2025-10-02T02:00:00Z\"\n}\n"
	put(runsDir+"/run-0000.json", []byte(plain), nil)
	name := runsDir + "/run-0001.run"
	body, _, err := object.Of(earlierRunForm, name, slices.Values([]pipeline.RunRecord{pipeline.RecordOf(runAt(1))}))
	put(name, body, err)
	name = earlierPacks + "/20250901T000000Z_20250902T000000Z_0123456789abcdef" + earlierPacked
	var packed []pipeline.RunRecord
	for i := range 2 {
		r := runAt(i)
		r.SyncID, r.StartedAt = pipeline.SyncID(fmt.Sprintf("old-%d", i)), pipeline.InstantOf(time.Date(2025, 9, 1+i, 0, 0, 0, 0, time.UTC))
		packed = append(packed, pipeline.RecordOf(r))
	}
	body, _, err = object.Of(earlierPackForm, name, slices.Values(packed))
	put(name, body, err)
	return []pipeline.SyncID{"old-0", "old-1", "run-0000", "run-0001"}
}

func TestTheRecordsOfAnEarlierVersionAreRead(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	want := putEarlier(t, p)
	s := p.Open(t)
	for i := range mostRuns + 2 { // and so beside packs of this version
		if i > 0 {
			if err := s.AppendRun(ctx, runAt(1+i)); err != nil {
				t.Fatal(err)
			}
			want = append(want, runAt(1+i).SyncID)
		}
		if ids, err := runsOf(t, s, pipeline.NoInstant); err != nil || !slices.Equal(ids, want) {
			t.Fatalf("%v, %v; want %v", ids, err, want)
		}
	}
	if late, err := runsOf(t, s, runAt(1).StartedAt); err != nil || !slices.Equal(late, want[3:]) {
		t.Errorf("late are %v, %v", late, err)
	}
	for _, n := range []int{1, mostRuns, mostRuns + 3, len(want), len(want) + 1} {
		var ids []pipeline.SyncID
		for r, err := range s.(pipeline.RunReader).Runs(ctx, pipeline.NoInstant, n) {
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, r.SyncID)
		}
		if !slices.Equal(ids, want[max(len(want)-n, 0):]) {
			t.Errorf("the last %d are %v", n, ids)
		}
	}
}

// A run that goes on is in no pack until nobody can end it any more; its end takes the place of its beginning.
func TestOnlyWhatHasEndedIsPacked(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	s := p.Open(t)
	at := func(ago time.Duration) pipeline.Instant { return pipeline.InstantOf(clock().Add(-ago)) }
	young, old := pipeline.Begun("a-young", pipeline.CommandSync, at(7*day)), pipeline.Begun("b-old", pipeline.CommandReplay, at(9*day))
	recent := pipeline.Summary{SyncID: pipeline.NewSyncID(clock().Add(-time.Hour)), StartedAt: at(time.Hour), FinishedAt: at(0)}
	runs := []pipeline.Summary{young, old, recent}
	for i := range 2*mostRuns - 2 {
		runs = append(runs, runAt(i))
	}
	for _, r := range runs {
		if err := s.AppendRun(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	left := p.names(t, recentDir)
	if len(left) > mostRuns+2 || !slices.Contains(left, recentRun(young.SyncID)) || slices.Contains(left, recentRun(old.SyncID)) || !slices.Contains(left, recentRun(recent.SyncID)) {
		t.Errorf("in no pack are %q", left)
	}
	young.FinishedAt, young.Exit = at(0), 3
	if err := s.AppendRun(ctx, young); err != nil {
		t.Fatal(err)
	}
	states := map[pipeline.SyncID]bool{}
	for r, err := range s.(pipeline.RunReader).Runs(ctx, pipeline.NoInstant, 0) {
		if err != nil {
			t.Fatal(err)
		}
		states[r.SyncID] = r.Finished()
	}
	if len(states) != len(runs) || !states[young.SyncID] || states[old.SyncID] {
		t.Errorf("%d runs; finished: %v, %v", len(states), states[young.SyncID], states[old.SyncID])
	}
}

// A crash between a pack and the removal of what is in it leaves runs twice, until they are packed again.
func TestWhatACrashLeavesTwiceIsPackedOnce(t *testing.T) {
	p := newPlace(t)
	s := p.Open(t)
	record := func(ctx context.Context, from, to int) {
		t.Helper()
		for i := from; i < to; i++ {
			if err := s.AppendRun(ctx, runAt(i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	record(t.Context(), 0, mostRuns)
	func() {
		defer func() { _ = recover() }()
		record(pipeline.WithPoints(t.Context(), func(name string) {
			if name == "parquet.runs-packed" {
				panic("crash")
			}
		}), mostRuns, mostRuns+1)
	}()
	if n := len(p.names(t, recentDir)); n != mostRuns+1 {
		t.Fatalf("the crash left %d records beside the pack", n)
	}
	early := runAt(-1) // comes before those of the pack
	if err := s.AppendRun(t.Context(), early); err != nil {
		t.Fatal(err)
	}
	record(t.Context(), mostRuns+1, 3*mostRuns)
	rows, err := p.runsByDuckDB(t, "count(*), count(DISTINCT sync_id)")
	if err != nil || rows != [2]int64{3*mostRuns + 1, 3*mostRuns + 1} {
		t.Errorf("DuckDB counts %d runs, %v", rows, err)
	}
}

// runsByDuckDB asks DuckDB for two numbers of all files of runs.
func (p place) runsByDuckDB(t *testing.T, what string) (n [2]int64, err error) {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // it was read
	glob := filepath.Join(p.root, runsDir, "**", "*.parquet")
	err = db.QueryRow("SELECT "+what+" FROM read_parquet('"+glob+"', union_by_name=true)").Scan(&n[0], &n[1])
	return n, err
}

func TestDuckDBReadsTheRuns(t *testing.T) {
	p := newPlace(t)
	s := p.Open(t)
	for i := range mostRuns + 3 {
		if err := s.AppendRun(t.Context(), runAt(i)); err != nil {
			t.Fatal(err)
		}
	}
	killed := pipeline.Begun("killed", pipeline.CommandReplay, runAt(0).StartedAt)
	if err := s.AppendRun(t.Context(), killed); err != nil {
		t.Fatal(err)
	}
	putEarlier(t, p) // are no Parquet files
	for what, want := range map[string][2]int64{
		"count(*), count(DISTINCT sync_id)": {mostRuns + 4, mostRuns + 4},
		"count(finished_at), count(*) FILTER (exit = 3 AND failed = 1 AND committed = 0 AND unchanged = 0)":               {mostRuns + 3, mostRuns + 3},
		"count(*) FILTER (finished_at IS NULL), count(*) FILTER (command = 'replay' AND exit IS NULL AND failed IS NULL)": {1, 1},
		"count(rows), count(rejected)":                                  {mostRuns + 3, mostRuns + 3},
		"count(*) FILTER (summary LIKE '{%'), count(epoch(started_at))": {mostRuns + 4, mostRuns + 4},
	} {
		if got, err := p.runsByDuckDB(t, what); err != nil || got != want {
			t.Errorf("%s: %v, want %v (%v)", what, got, want, err)
		}
	}
}

func TestARecordOfANewerVersionIsRefusedWithTheRemedy(t *testing.T) {
	p := newPlace(t)
	s := p.Open(t)
	if err := s.AppendRun(t.Context(), runAt(1)); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(p.root, recentRun(runAt(1).SyncID))
	body, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	newer := bytes.Replace(body, []byte("windrow-run-rows 1 "), []byte("windrow-run-rows 2 "), 1)
	if err := os.WriteFile(name, newer, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := runsOf(t, s, pipeline.NoInstant); pipeline.KindOf(err) != pipeline.Damaged || !strings.Contains(err.Error(), "use that version or a later one") {
		t.Errorf("%v", err)
	}
}

func TestARecordUnderAnotherNameIsRefused(t *testing.T) {
	p := newPlace(t)
	s := p.Open(t)
	if err := s.AppendRun(t.Context(), runAt(1)); err != nil {
		t.Fatal(err)
	}
	other := recentRun("other")
	if err := os.Rename(filepath.Join(p.root, recentRun(runAt(1).SyncID)), filepath.Join(p.root, other)); err != nil {
		t.Fatal(err)
	}
	if _, err := runsOf(t, s, pipeline.NoInstant); pipeline.KindOf(err) != pipeline.Damaged || !strings.Contains(err.Error(), other) || !strings.Contains(err.Error(), "under another name") {
		t.Errorf("%v", err)
	}
}
