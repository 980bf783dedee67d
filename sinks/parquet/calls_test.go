package parquet

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-data/windrow/sinks/internal/volume"
	"github.com/windrow-data/windrow/sinks/sinktest/storetest"
)

// far is a store that answers each call after a while.
type far struct {
	volume.Volume
	calls *atomic.Int64
}

const away = 20 * time.Millisecond

func (f far) List(ctx context.Context, dir string) ([]string, error) {
	f.calls.Add(1)
	time.Sleep(away)
	return f.Volume.List(ctx, dir)
}

func (f far) Read(ctx context.Context, name string) ([]byte, error) {
	f.calls.Add(1)
	time.Sleep(away)
	return f.Volume.Read(ctx, name)
}

// waitsFor is how long a new process waits for a far store to read a ledger. What it computes meanwhile, cmd/bench measures.
func (p place) waitsFor(t *testing.T) (waited time.Duration, calls int64) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		s := open(far{volume.NewLocal(p.root, private), &asked}, p.root, Options{Now: clock})
		begun := time.Now()
		if _, err := s.Ledger(context.Background(), testKey); err != nil {
			t.Fatal(err)
		}
		waited, calls = time.Since(begun), asked.Load()
	})
	return waited, calls
}

// A night asks of a store what it writes, a listing and what no snapshot sums up, however long the history is.
func TestANightAsksAStoreForNoMoreOfALongerHistory(t *testing.T) {
	night := func(years int) (asked int64) {
		server, bucket := storetest.Bucket(t, storetest.GCS)
		front, requests := storetest.Counting(t, server)
		p := inBucketOf(t, storetest.GCS, front, bucket)
		writer := p.Open(t)
		entries := history(t, years*365, 24*time.Hour)
		for begin := 0; begin < len(entries); begin += 64 {
			if err := writer.Record(context.Background(), testKey, entries[begin:min(begin+64, len(entries))]...); err != nil {
				t.Fatal(err)
			}
		}
		s := p.Open(t)
		requests.Store(0)
		if _, err := s.Ledger(context.Background(), testKey); err != nil {
			t.Fatal(err)
		}
		planned := requests.Load()
		for i := range 3 { // two days again, and a new one
			w := window(t, "UTC", fmt.Sprintf("2025-09-%02dT00:00:00Z", 6+i), 24*time.Hour)
			if r := commitAgents(t, context.Background(), s, int(clock().UnixMicro())+i, w, []string{"ana"}); r.Err != nil {
				t.Fatal(r.Err)
			}
		}
		t.Logf("%d years: %d requests to plan, %d in all", years, planned, requests.Load())
		if most := int64(len(entries)) / 16; requests.Load() > most {
			t.Errorf("%d requests, and one for 16 windows are %d", requests.Load(), most)
		}
		return requests.Load()
	}
	short, long := night(4), night(12)
	if long > short+mostObjects/2 {
		t.Errorf("%d requests with 4 years, %d with 12", short, long)
	}
}
