package main

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/objectstore"
	"github.com/windrow-data/windrow/sinks/parquet"
	"github.com/windrow-data/windrow/sinks/sinktest/storetest"
)

// mostToPlan: a plan of 100,000 windows has 2 s at 20 ms a call. So many calls would not take as long if they came one after
// another. What it computes meanwhile, cmd/bench measures on a directory.
const mostToPlan = 64

func TestAPlanOfAHundredThousandWindowsAsksABucketForLittle(t *testing.T) {
	t.Parallel()
	const windows, streams = 100_000, 4
	server, bucket := storetest.Bucket(t, storetest.GCS)
	front, asked := storetest.Counting(t, server)
	v, err := objectstore.Open(t.Context(), "gs://"+bucket+"/w", objectstore.Options{Private: parquet.Private, Emulator: server})
	if err != nil {
		t.Fatal(err)
	}
	store := parquet.Over(v, "a bucket", parquet.Options{})
	defer store.Close() //nolint:errcheck // it has written all
	last := pipeline.InstantOf(time.Date(2025, 9, 9, 0, 0, 0, 0, time.UTC))
	first := last.Add(-windows / streams * time.Hour)
	for _, stream := range []pipeline.StreamID{"ucontact.agents", "ucontact.campaigns", "chattonic.operators", "chattonic.dashboard"} {
		k := pipeline.StreamKey{Account: "default", Stream: stream}
		entries := make([]pipeline.Entry, 0, windows/streams)
		for start := first; start < last; start = start.Add(time.Hour) {
			i := uint64(start)
			entries = append(entries, pipeline.Entry{
				Kind: pipeline.EntryCommit, Window: pipeline.Window{Span: pipeline.Span{Start: start, End: start.Add(time.Hour)}, Zone: "UTC"}, SyncID: "a sync",
				ExtractedAt: start.Add(5 * time.Hour), ReadAt: start.Add(5 * time.Hour), CommittedAt: start.Add(6 * time.Hour), Settled: true,
				Counts: pipeline.Counts{Read: 24, Rows: 24}, HasData: true, Staged: 9000, Fingerprint: pipeline.Hash{Hi: i * 0x9e3779b97f4a7c15, Lo: i},
			})
		}
		for of := range 40 { // of which a snapshot sums most up
			n := len(entries) / 40
			if err := store.Record(t.Context(), k, entries[of*n:(of+1)*n]...); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd := process(t, "windrow", t.TempDir(), []string{
		"STORAGE_EMULATOR_HOST=" + front, "WINDROW_SINK=gs://" + bucket + "/w", "WINDROW_FROM=" + first.Time().Format(time.DateOnly),
		"WINDROW_UCONTACT_URL=http://127.0.0.1:1", "WINDROW_UCONTACT_TOKEN=t", "WINDROW_UCONTACT_TIMEZONE=UTC", "WINDROW_UCONTACT_WINDOW=1h",
		"WINDROW_UCONTACT_AGENTS=a", "WINDROW_UCONTACT_CAMPAIGNS=b", "WINDROW_CHATTONIC_URL=http://127.0.0.1:1", "WINDROW_CHATTONIC_TOKEN=t",
		"WINDROW_CHATTONIC_CODENAME=c", "WINDROW_CHATTONIC_TIMEZONE=UTC", "WINDROW_CHATTONIC_WINDOW=1h",
	}, "plan", "--json", "--as-of", "2025-09-09T00:00:00Z")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var plan []struct {
		Windows []any
		Changed []any
	}
	if err := json.Unmarshal(out, &plan); err != nil || len(plan) != streams {
		t.Fatalf("%v\n%.2000s", err, out)
	}
	known := 0
	for _, p := range plan {
		known += len(p.Changed) // the test's entries are of other settings
	}
	if known < windows-streams*50 { // those of the lookback are due
		t.Errorf("%d windows are changed", known)
	}
	t.Logf("%d calls", asked.Load())
	if asked.Load() > mostToPlan {
		t.Errorf("a plan asked %d times", asked.Load())
	}
}
