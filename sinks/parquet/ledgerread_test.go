package parquet

import (
	"context"
	"testing"
	"time"
)

// BenchmarkReadALedger reads the ledger of 100,000 windows, from its snapshot and the objects after it, as a new
// process.
func BenchmarkReadALedger(b *testing.B) {
	ctx := context.Background()
	p := newPlace(b)
	s := p.Open(b)
	entries := history(b, 100_000, time.Hour)
	for begin := 0; begin < len(entries); begin += 1000 {
		if err := s.Record(ctx, testKey, entries[begin:min(begin+1000, len(entries))]...); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		l, err := p.Open(b).Ledger(ctx, testKey)
		if err != nil {
			b.Fatal(err)
		}
		if n := len(l.Overlapping(entries[0].Window.Span)); n != 1 {
			b.Fatalf("the first window is there %d times", n)
		}
	}
}
