package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

const (
	yearsFew  = 30
	yearsMany = 3650
	yearsAsOf = "2025-11-20T18:00:00Z"
	yearsGate = 1.2 // of CPU time a window, and of peak memory, many windows against few
	yearsBest = 1.0
)

// years measures first syncs of thirty daily windows and of ten years of them, of one stream with a row an hour, from a
// vendor on loopback: what a window costs must not grow with their number, nor memory with the number that is read at once.
func (o options) years(ctx context.Context, w io.Writer) (_ []gate, err error) {
	v, err := startVendors(ctx, vendorOptions{endure: true})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, v.close()) }()
	now, err := time.Parse(time.RFC3339, yearsAsOf)
	if err != nil {
		return nil, err
	}
	v.world.Load().SetNow(now)
	sync := func(windows, concurrency int) (measure, error) {
		sink := filepath.Join(o.work, "years")
		if err := os.RemoveAll(sink); err != nil {
			return measure{}, err
		}
		cmd := exec.CommandContext(ctx, o.binary, "sync", "--json", "--as-of", yearsAsOf)
		cmd.Env = append(v.env(sink, 0, 1), "WINDROW_STREAMS=ucontact.campaigns", "WINDROW_UCONTACT_CAMPAIGNS=Ventas", "WINDROW_UCONTACT_RATE=10000", "WINDROW_ARCHIVE=off",
			"WINDROW_CONCURRENCY="+strconv.Itoa(concurrency), "WINDROW_FROM="+now.AddDate(0, 0, -windows).Format(time.DateOnly))
		m, err := run(o.stopwatch, cmd, filepath.Join(sink, "*", "*", "*", "*", "*", "*.parquet"))
		if err == nil && m.Files < windows {
			err = fmt.Errorf("%d windows left %d files", windows, m.Files)
		}
		return m, err
	}
	var few, many, wide []measure
	for range o.pairs {
		for _, c := range []struct {
			windows, concurrency int
			runs                 *[]measure
		}{{yearsFew, 8, &few}, {yearsMany, 8, &many}, {yearsMany, 32, &wide}} {
			m, err := sync(c.windows, c.concurrency)
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(w, "years: %d windows, %d at once: %.3f s (CPU %.3f s, %.2f ms a window), %d MiB\n", c.windows, c.concurrency,
				m.Wall.Seconds(), m.CPU.Seconds(), float64(m.CPU.Microseconds())/1000/float64(m.Files), m.Peak/mib)
			*c.runs = append(*c.runs, m)
		}
	}
	perWindow := func(m measure) time.Duration { return m.CPU / time.Duration(m.Files) }
	const unit = "3,650 ÷ 30 windows"
	return []gate{
		{"years: CPU time a window", quotient(many, few, perWindow), yearsGate, yearsBest, unit},
		{"years: peak memory", quotient(many, few, peak), yearsGate, yearsBest, unit},
		{"years: peak memory, 32 windows at once", quotient(wide, many, peak), yearsGate, 0, "32 ÷ 8 at once"},
	}, nil
}

// quotient is that of the medians of a figure.
func quotient[T ~int64](of, by []measure, figure func(measure) T) float64 {
	return float64(medianOf(of, figure)) / float64(medianOf(by, figure))
}
