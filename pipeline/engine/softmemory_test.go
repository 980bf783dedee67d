package engine

import (
	"bytes"
	"math"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
)

const mib = 1 << 20

func TestTheSoftMemoryFollowsWhatIsLive(t *testing.T) {
	m := SoftMemory{Least: 80 * mib, Most: math.MaxInt64}
	for _, c := range []struct {
		live, want int64
		m          SoftMemory
	}{
		{0, 80 * mib, m},
		{60 * mib, 80 * mib, m},
		{75 * mib, 100 * mib, m},
		{210 * mib, 280 * mib, m},
		{math.MaxInt64, math.MaxInt64, m},
		{210 * mib, 256 * mib, m.AtMost(256 * mib)},
		{90 * mib, 120 * mib, m.AtMost(256 * mib)},
		{0, 40 * mib, m.AtMost(40 * mib)},
		{200 * mib, 40 * mib, m.AtMost(40 * mib)},
	} {
		if got := c.m.Of(c.live); got != c.want {
			t.Errorf("at most %d MiB, %d of them live: %d bytes, not %d", c.m.Most/mib, c.live/mib, got, c.want)
		}
	}
}

// collections is how many collections it takes to make a GiB of garbage, and the limit afterwards.
func collections() (n uint64, limit int64) {
	sample := []metrics.Sample{{Name: "/gc/cycles/total:gc-cycles"}}
	metrics.Read(sample)
	before := sample[0].Value.Uint64()
	for range 1024 {
		garbage = make([]byte, mib)
	}
	metrics.Read(sample)
	return sample[0].Value.Uint64() - before, debug.SetMemoryLimit(-1)
}

var garbage []byte

// The limit is the process's, and so is what other tests leave in its heap: the test has a process of its own.
func TestALongLedgerLeavesTheCollectorRoomAndGarbageRaisesNothing(t *testing.T) {
	const alone = "WINDROW_TEST_ALONE"
	if os.Getenv(alone) == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
		cmd.Env = append(os.Environ(), alone+"=1")
		if out, err := cmd.CombinedOutput(); err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
			t.Errorf("%v: %s", err, out)
		}
		return
	}
	const most = 512 * mib
	m := SoftMemory{Least: 64 * mib, Most: most}
	before := debug.SetMemoryLimit(-1)
	end := m.Follow()
	defer end()

	if _, limit := collections(); limit != m.Least {
		t.Errorf("garbage raised the limit to %d MiB", limit/mib)
	}

	ledger := make([]*[1024]byte, 0, 128<<10) // 128 MiB
	read := func() (collections uint32) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		ledger = ledger[:0]
		for range cap(ledger) {
			ledger = append(ledger, new([1024]byte))
		}
		runtime.ReadMemStats(&after)
		return after.NumGC - before.NumGC
	}
	if n := read(); n > 20 {
		t.Errorf("%d collections while 128 MiB are read that stay", n)
	}
	clear(ledger[:cap(ledger)])
	collections()
	moving.Add(1)
	read()
	collections() // within some of which the limit follows
	n, limit := collections()
	if limit < 160*mib || limit > 256*mib {
		t.Errorf("the limit is %d MiB for 128 MiB that are live", limit/mib)
	}
	if n > 60 {
		t.Errorf("%d collections of a GiB of garbage", n)
	}
	runtime.KeepAlive(ledger)

	collections()
	if _, limit := collections(); limit != m.Least {
		t.Errorf("the limit stays at %d MiB when nothing is live", limit/mib)
	}
	end()
	if _, limit := collections(); limit != before {
		t.Errorf("the limit is %d bytes afterwards, and was %d", limit, before)
	}
}
