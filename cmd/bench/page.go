package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/windrow-data/windrow/connectors/chattonic"
	"github.com/windrow-data/windrow/connectors/ucontact"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/parquet"
)

const (
	reportYears    = 5
	reportAccounts = 6 // of three streams each
	reportWallGate = 0.5
	reportPeakGate = 100 // MiB
	pageGate       = 1e6 // bytes
	reportAgain    = 5   // days after which every window has been read a second time
	reportPairs    = 5   // the gate is of the best of so many
	reportRuns     = 5 * 365
)

// report measures `report` on five years of days of eighteen streams, each of which changed once after it was first read,
// and the records of a run a night.
func (o options) report(ctx context.Context, w io.Writer) (_ []gate, err error) {
	sink := filepath.Join(o.work, "reported")
	defer func() { err = errors.Join(err, os.RemoveAll(sink)) }()
	began := time.Now()
	windows, env, err := writeNights(ctx, sink)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(w, "report: %d windows were written twice in %.1f s\n", windows, time.Since(began).Seconds())
	file := filepath.Join(sink, "report.html")
	var runs []measure
	for range max(o.pairs, reportPairs) {
		cmd := exec.CommandContext(ctx, o.binary, "report", "-o", file, "--as-of", ledgerAsOf)
		cmd.Env = env
		m, err := run(o.stopwatch, cmd, file)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(w, "report: %.3f s (CPU %.3f s), %d MiB; a page of %d bytes\n", m.Wall.Seconds(), m.CPU.Seconds(), m.Peak/mib, m.Bytes)
		runs = append(runs, m)
	}
	return []gate{
		{What: "report of 33,000 windows, wall, best run", Value: best(runs).Wall.Seconds(), Gate: reportWallGate, Unit: "s"},
		{What: "report of 33,000 windows, peak memory", Value: float64(medianOf(runs, peak)) / mib, Gate: reportPeakGate, Unit: "MiB"},
		{What: "report of 33,000 windows, the page", Value: float64(runs[0].Bytes), Gate: pageGate, Unit: "B"},
	}, nil
}

// writeNights commits the days of the streams twice, and records the runs. The variables are those that read the streams.
func writeNights(ctx context.Context, sink string) (windows int, env []string, err error) {
	env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + sink, "WINDROW_SINK=" + sink, "WINDROW_LOG_LEVEL=error", "WINDROW_FROM=2020-11-20",
		"WINDROW_STREAMS=ucontact.agents,ucontact.campaigns,chattonic.operators"}
	store, err := parquet.Open(ctx, sink, parquet.Options{Now: time.Now})
	if err != nil {
		return 0, nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	var names []string
	for i := range reportAccounts {
		name := fmt.Sprint("a", i)
		names = append(names, name)
		for _, v := range []string{"UCONTACT_%s_TOKEN=x", "CHATTONIC_%s_USERNAME=x", "CHATTONIC_%s_PASSWORD=x", "UCONTACT_%s_URL=http://127.0.0.1", "CHATTONIC_%s_URL=http://127.0.0.1"} {
			env = append(env, "WINDROW_"+fmt.Sprintf(v, strings.ToUpper(name)))
		}
		n, err := writeAccount(ctx, store, pipeline.AccountID(name))
		if err != nil {
			return 0, nil, err
		}
		windows += n
	}
	for _, source := range []string{"UCONTACT", "CHATTONIC"} {
		env = append(env, "WINDROW_"+source+"_ACCOUNTS="+strings.Join(names, ","), "WINDROW_"+source+"_TIMEZONE="+ledgerZone)
	}
	env = append(env, "WINDROW_UCONTACT_AGENTS=Agent1", "WINDROW_UCONTACT_CAMPAIGNS=Ventas")
	end, err := time.Parse(time.RFC3339, ledgerAsOf)
	for night := reportRuns; err == nil && night > 0; night-- {
		at := pipeline.InstantOf(end.AddDate(0, 0, -night))
		err = store.AppendRun(ctx, pipeline.Summary{SyncID: pipeline.SyncID(at.Time().Format("20060102T150405Z") + "-5f3a9c1e"), StartedAt: at, FinishedAt: at.Add(time.Minute),
			Streams: make([]pipeline.StreamSummary, 18)})
	}
	return windows, env, err
}

// writeAccount commits the streams of one account.
func writeAccount(ctx context.Context, store *parquet.Store, account pipeline.AccountID) (windows int, err error) {
	u, faults := ucontact.Config{URL: "http://127.0.0.1", Token: "x", Timezone: ledgerZone, Agents: "Agent1", Campaigns: "Ventas"}.Settings(ucontact.Prefix)
	c, more := chattonic.Config{URL: "http://127.0.0.1", Username: "x", Password: "x", Timezone: ledgerZone}.Settings(chattonic.Prefix)
	if faults = append(faults, more...); len(faults) > 0 {
		return 0, fmt.Errorf("settings: %v", faults)
	}
	end, err := time.ParseInLocation(time.DateOnly, ledgerYesterday, mustZone())
	if err != nil {
		return 0, err
	}
	all := append(ucontact.Streams(u, account, pipeline.Policy{}), chattonic.Streams(c, account, pipeline.Policy{})...)
	for _, s := range all {
		if s.Key.Stream != ucontact.Agents && s.Key.Stream != ucontact.Campaigns && s.Key.Stream != chattonic.Operators {
			continue
		}
		spans := s.Calendar.Cut(pipeline.Span{Start: pipeline.InstantOf(end.AddDate(-reportYears, 0, 0)), End: pipeline.InstantOf(end)})
		for _, of := range []reading{{rows: 1}, {rows: 2, settled: true}} {
			if err := commitAll(ctx, store, s, spans, of); err != nil {
				return 0, err
			}
		}
		windows += len(spans)
	}
	return windows, nil
}

// commitAll commits the spans in groups.
func commitAll(ctx context.Context, store *parquet.Store, s pipeline.Stream, spans []pipeline.Span, of reading) error {
	for len(spans) > 0 {
		n := min(len(spans), ledgerGroup)
		var group []pipeline.Sealed
		for _, span := range spans[:n] {
			of.at = span.End.Add(3 * time.Hour)
			if of.settled {
				of.at = of.at.Add(reportAgain * 24 * time.Hour)
			}
			sealed, err := sealRows(ctx, store, s, pipeline.Window{Span: span, Zone: s.Calendar.Zone.String()}, of)
			if err != nil {
				return err
			}
			group = append(group, sealed)
		}
		for _, r := range store.Commit(ctx, group) {
			if r.Err != nil {
				return r.Err
			}
		}
		spans = spans[n:]
	}
	return nil
}
