package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

const (
	quietGate  = 0.1 // seconds
	quietFirst = "2025-11-20T18:00:00Z"
	quietLater = "2025-11-20T23:00:00Z" // Dialpad's cache of 3 h is over, no day is
)

// quiet measures runs that find nothing new, of a warehouse that holds thirty
// days of every stream: one with nothing due, and one that reads the lookback
// of every stream again from vendors on loopback. Of the second the time
// counts in which no vendor was at a request.
func (o options) quiet(ctx context.Context, w io.Writer) (_ []gate, err error) {
	v, err := startVendors(ctx, vendorOptions{endure: true})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, v.close()) }()
	sink := filepath.Join(o.work, "quiet")
	env := append(v.env(sink, 2, 3), // of WINDROW_SINK the last counts
		"WINDROW_UCONTACT_RATE=1000", "WINDROW_CHATTONIC_RATE=1000", "WINDROW_DIALPAD_RATE=1000",
		"WINDROW_DIALPAD_POLL_FIRST=0s", "WINDROW_DIALPAD_POLL_EVERY=10ms", "WINDROW_DIALPAD_POST_QUOTA=100000/1h")
	sync := func(sink, asOf string, more ...string) (measure, error) {
		now, err := time.Parse(time.RFC3339, asOf)
		if err != nil {
			return measure{}, err
		}
		v.forget()
		v.world.Load().SetNow(now)
		cmd := exec.CommandContext(ctx, o.binary, "sync", "--json", "--as-of", asOf)
		cmd.Env = append(append(env, "WINDROW_SINK="+sink), more...)
		return run(o.stopwatch, cmd, filepath.Join(sink, "*", "*", "*", "*", "*", "*.parquet"))
	}
	fmt.Fprintln(w, "quiet: the vendors are on loopback and answer at once; rates, the wait before the first look at a report, and the hourly quota are lifted")
	first, err := sync(sink, quietFirst)
	if err != nil {
		return nil, err
	}
	var nothing, again []measure
	for n := range o.pairs {
		m, err := sync(sink, quietFirst, "WINDROW_UCONTACT_LOOKBACK=0s", "WINDROW_CHATTONIC_LOOKBACK=0s", "WINDROW_DIALPAD_LOOKBACK=0s")
		if err != nil {
			return nil, err
		}
		nothing = append(nothing, m)
		if asked := v.world.Load().Count("", "", ""); asked != 0 {
			return nil, fmt.Errorf("%d requests where nothing was due", asked)
		}
		copied := fmt.Sprintf("%s-%d", sink, n) // each time nothing of it was read again
		if err := os.CopyFS(copied, os.DirFS(sink)); err != nil {
			return nil, err
		}
		if err := exec.CommandContext(ctx, "sync").Run(); err != nil { // or the measured run waits for the copy to reach the disk
			return nil, err
		}
		if m, err = sync(copied, quietLater); err != nil {
			return nil, err
		}
		requests, busy := v.world.Load().Count("", "", ""), v.busy.total()
		if requests == 0 || m.Bytes != first.Bytes {
			return nil, fmt.Errorf("%d requests, and %d bytes of data became %d", requests, first.Bytes, m.Bytes)
		}
		fmt.Fprintf(w, "run %d: nothing due: %.3f s (CPU %.3f s), %d MiB; lookback again, %d requests: %.3f s, of which %.3f s at the vendors (CPU %.3f s), %d MiB\n",
			n+1, nothing[n].Wall.Seconds(), nothing[n].CPU.Seconds(), nothing[n].Peak/mib, requests, m.Wall.Seconds(), busy.Seconds(), m.CPU.Seconds(), m.Peak/mib)
		m.Wall -= busy
		again = append(again, m)
	}
	return []gate{
		{What: "quiet: lookback unchanged, CPU time", Value: medianOf(again, cpu).Seconds(), Gate: quietGate, Stretch: 0.05, Unit: "s"},
		{What: "quiet: nothing due, wall, best run", Value: best(nothing).Wall.Seconds(), Gate: quietGate, Unit: "s"},
		{What: "quiet: lookback unchanged, wall beyond the vendors, best run", Value: best(again).Wall.Seconds(), Gate: quietGate, Unit: "s"},
	}, nil
}
