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

	"github.com/windrow-data/windrow/connectors/ucontact"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
	"github.com/windrow-data/windrow/sinks/parquet"
)

const (
	verifiedWindows = 100_000
	verifiedRows    = 12   // of a window
	verifyWallGate  = 5.0  // seconds
	deepWallGate    = 60.0 // seconds
	verifyPeakGate  = 200  // MiB, with the ledger of all windows; a tenth of the windows needs hardly less
)

// verify measures `verify` and `verify --deep` over 100,000 windows with a file of rows each, which the sink itself has
// written.
func (o options) verify(ctx context.Context, w io.Writer) (gates []gate, err error) {
	sink := filepath.Join(o.work, "verified")
	defer func() { err = errors.Join(err, os.RemoveAll(sink)) }()
	began := time.Now()
	if err := writeWindows(ctx, sink, verifiedWindows); err != nil {
		return nil, err
	}
	fmt.Fprintf(w, "verify: %d windows of %d rows were written in %.1f s\n", verifiedWindows, verifiedRows, time.Since(began).Seconds())
	for _, c := range []struct {
		what string
		verb []string
		gate float64
	}{{"verify", []string{"verify"}, verifyWallGate}, {"verify --deep", []string{"verify", "--deep"}, deepWallGate}} {
		var runs []measure
		for range o.pairs {
			cmd := exec.CommandContext(ctx, o.binary, c.verb...)
			cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + sink, "WINDROW_SINK=" + sink}
			m, err := run(o.stopwatch, cmd, filepath.Join(sink, "_windrow", "ledger", "*", "*", "*", "*"))
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(w, "%s: %.3f s (CPU %.3f s), %d MiB\n", c.what, m.Wall.Seconds(), m.CPU.Seconds(), m.Peak/mib)
			runs = append(runs, m)
		}
		gates = append(gates,
			gate{What: c.what + " of 100,000 windows, wall, best run", Value: best(runs).Wall.Seconds(), Gate: c.gate, Unit: "s"},
			gate{What: c.what + " of 100,000 windows, peak memory", Value: float64(medianOf(runs, peak)) / mib, Gate: verifyPeakGate, Unit: "MiB"})
	}
	return gates, nil
}

// writeWindows commits n windows of an hour, the last of them before ledgerYesterday.
func writeWindows(ctx context.Context, sink string, n int) (err error) {
	streams, err := historyStreams([]pipeline.StreamID{ucontact.Campaigns})
	if err != nil {
		return err
	}
	s := streams[0]
	end, err := time.ParseInLocation(time.DateOnly, ledgerYesterday, s.Calendar.Zone)
	if err != nil {
		return err
	}
	store, err := parquet.Open(ctx, sink, parquet.Options{Now: time.Now})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	at := pipeline.InstantOf(end.Add(-time.Duration(n) * time.Hour))
	for from := 0; from < n; from += ledgerGroup {
		var group []pipeline.Sealed
		for i := from; i < min(n, from+ledgerGroup); i++ {
			start := at.Add(time.Duration(i) * time.Hour)
			w := pipeline.Window{Span: pipeline.Span{Start: start, End: start.Add(time.Hour)}, Zone: s.Calendar.Zone.String()}
			sealed, err := sealRows(ctx, store, s, w, reading{at: w.End.Add(3 * time.Hour), rows: verifiedRows, settled: true})
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
	}
	return nil
}

// reading is one of a window.
type reading struct {
	at      pipeline.Instant
	rows    int
	settled bool
}

// sealRows stages a window of rows that differ a little from each other.
func sealRows(ctx context.Context, store *parquet.Store, s pipeline.Stream, w pipeline.Window, of reading) (sealed pipeline.Sealed, err error) {
	t, read := s.Table, of.at
	id := pipeline.SyncID(read.Time().Format("20060102T150405Z") + "-5f3a9c1e")
	b := pipeline.NewBatch(t)
	defer b.Release()
	for i := range of.rows {
		lost := fmt.Sprint(int(w.Start)%977 + i)
		for name, text := range map[string]string{"resource_type": "campaign", "resource_id": fmt.Sprint("Ventas ", i), "resource_name": fmt.Sprint("Ventas ", i),
			"channel": "voice", "timezone": w.Zone, "extras": `{"lost":` + lost + `}`} {
			b.String(t.Index(name), text)
		}
		b.Instant(t.Index("interval_start"), w.Start)
		b.Instant(t.Index("interval_end"), w.End)
		for j, name := range []string{"interactions_in", "interactions_out", "answered", "missed", "abandoned"} {
			b.Int(t.Index(name), int64(w.Start)/3_600_000_000%89+int64(i*j))
		}
		for j, name := range []string{"handle_seconds", "talk_seconds", "hold_seconds", "avg_handle_seconds"} {
			b.Float(t.Index(name), float64(i*j)+0.25)
		}
		b.EndRow(w.Start, pipeline.FieldHash(pipeline.NameSeed("lost"), []byte(lost)))
	}
	if err := b.Finish(); err != nil {
		return sealed, err
	}
	e := pipeline.Entry{Kind: pipeline.EntryCommit, Window: w, SyncID: id, ExtractedAt: read, ReadAt: read, Settled: of.settled,
		Counts: pipeline.Counts{Read: int64(of.rows), Rows: int64(of.rows)}, Settings: s.Settings}
	for _, h := range b.HashRows() {
		e.Fingerprint = e.Fingerprint.Add(h)
	}
	stage, err := store.Stage(ctx, s.Key, t, w)
	if err != nil {
		return sealed, err
	}
	zone, err := w.Location()
	if err != nil {
		return sealed, err
	}
	rec, release := b.Record(pipeline.RowRange{From: 0, To: of.rows}, &pipeline.RowLineage{Window: w, ExtractedAt: read, SyncID: id, Clock: calendar.NewZoneClock(zone)})
	err = stage.Append(ctx, 1, rec)
	release()
	if err != nil {
		return sealed, err
	}
	if e.Staged, err = stage.Seal(ctx); err != nil {
		return sealed, err
	}
	return pipeline.Sealed{Stage: stage, Key: s.Key, Table: t, Entry: e}, nil
}
