package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/windrow-data/windrow/connectors/chattonic"
	"github.com/windrow-data/windrow/connectors/dialpad"
	"github.com/windrow-data/windrow/connectors/ucontact"
	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
	"github.com/windrow-data/windrow/sinks/parquet"
)

const (
	ledgerWindows   = 1_000_000
	ledgerFew       = 1_000   // whose night that of ledgerWindows is held against
	ledgerFiles     = 100_000 // stand-ins for the files of the newest windows, of all streams together
	ledgerGroup     = 256     // windows a commit, as a backfill groups them
	ledgerZone      = "America/Chicago"
	ledgerAsOf      = "2025-11-21T18:00:00Z"
	ledgerYesterday = "2025-11-20" // the last day that the ledger does not have
)

// ledger measures what a long history costs: `plan` and `status` on a ledger of a million settled windows, of one stream and
// spread over eight, the sync of a night, held against one on a thousand windows, and one that reads the lookback again and
// finds nothing new.
//
// The ledger is written by the store itself, in groups. The files of the newest windows are empty stand-ins: no command here
// opens one, but whatever lists them pays for each.
func (o options) ledger(ctx context.Context, w io.Writer) ([]gate, error) {
	var gates []gate
	for _, streams := range [][]pipeline.StreamID{{ucontact.Campaigns}, nil} {
		name := "one stream"
		if len(streams) == 0 {
			name = "eight streams"
		}
		few, err := o.measureHistory(ctx, w, name, streams, ledgerFew)
		if err != nil {
			return nil, err
		}
		many, err := o.measureHistory(ctx, w, name, streams, ledgerWindows)
		if err != nil {
			return nil, err
		}
		for _, verb := range []string{"status", "plan"} {
			gates = append(gates,
				gate{name + ": " + verb + ", CPU time", medianOf(many[verb], cpu).Seconds(), 2, 1, "s"},
				gate{name + ": " + verb + ", peak memory", float64(medianOf(many[verb], peak)) / mib, 200, 120, "MiB"})
		}
		beyond := medianOf(many[ledgerNight], cpu) - medianOf(few[ledgerNight], cpu)
		gates = append(gates, gate{name + ": " + ledgerNight + ", CPU time beyond one on 1,000 windows", beyond.Seconds(), 1, 0.3, "s"})
	}
	return gates, nil
}

// ledgerNight is the sync of what a day has added.
const ledgerNight = "sync of a night"

// measureHistory writes a history of n windows and runs the commands on it.
func (o options) measureHistory(ctx context.Context, w io.Writer, name string, streams []pipeline.StreamID, n int) (_ map[string][]measure, err error) {
	sink := filepath.Join(o.work, "history")
	defer func() { err = errors.Join(err, os.RemoveAll(sink)) }()
	began := time.Now()
	if err := writeHistory(ctx, sink, streams, n); err != nil {
		return nil, err
	}
	fmt.Fprintf(w, "%s: %d windows were written in %.1f s\n", name, n, time.Since(began).Seconds())
	now, err := time.Parse(time.RFC3339, ledgerAsOf)
	if err != nil {
		return nil, err
	}
	clock := func() time.Time { return now }
	vendors, err := vendorsim.New(vendorsim.Options{
		Seed: 1, Clock: clock,
		UContact:  vendorsim.UContactOptions{Zone: mustZone(), Campaigns: []string{"Ventas"}, Agents: []string{"Agent1"}},
		ChatTonic: vendorsim.ChatTonicOptions{Zone: mustZone()},
		Dialpad:   vendorsim.DialpadOptions{Zone: mustZone(), Limits: vendorsim.DialpadLimits{Rate: -1, Posts: -1}, ProcessingPolls: -1},
	}).Start(ctx)
	if err != nil {
		return nil, err
	}
	defer vendors.Close()
	env := append(vendors.Env(), "PATH="+os.Getenv("PATH"), "HOME="+sink, "WINDROW_SINK="+sink, "WINDROW_LOG_LEVEL=warn",
		"WINDROW_UCONTACT_WINDOW=1h", "WINDROW_CHATTONIC_WINDOW=1h", "WINDROW_DIALPAD_WINDOW=1h",
		"WINDROW_UCONTACT_RATE=1000", "WINDROW_CHATTONIC_RATE=1000", "WINDROW_DIALPAD_RATE=1000", "WINDROW_DIALPAD_POLL_FIRST=0s")
	for _, id := range streams {
		env = append(env, "WINDROW_STREAMS="+string(id))
	}
	took := map[string][]measure{}
	for _, c := range []struct {
		what string
		verb []string
		once bool
	}{
		{"status", []string{"status"}, false},
		{"plan", []string{"plan"}, false},
		{ledgerNight, []string{"sync", "--json"}, true}, // the next would be another night
		{"sync of the lookback, unchanged", []string{"sync", "--json"}, false},
	} {
		for range o.pairs {
			cmd := exec.CommandContext(ctx, o.binary, append(c.verb, "--as-of", ledgerAsOf)...)
			cmd.Env = env
			m, err := run(o.stopwatch, cmd, filepath.Join(sink, "_windrow", "ledger", "*", "*", "*", "*"))
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(w, "%s of %d windows, %s: %.3f s (CPU %.3f s), %d MiB\n", name, n, c.what, m.Wall.Seconds(), m.CPU.Seconds(), m.Peak/mib)
			if took[c.what] = append(took[c.what], m); c.once {
				break
			}
		}
	}
	return took, nil
}

func mustZone() *time.Location {
	zone, err := time.LoadLocation(ledgerZone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// writeHistory writes a ledger of n windows that ends before ledgerYesterday.
func writeHistory(ctx context.Context, sink string, only []pipeline.StreamID, n int) (err error) {
	streams, err := historyStreams(only)
	if err != nil {
		return err
	}
	store, err := parquet.Open(ctx, sink, parquet.Options{Now: time.Now})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	for _, s := range streams {
		if err := writeStream(ctx, store, sink, s, n/len(streams), ledgerFiles/len(streams)); err != nil {
			return err
		}
	}
	return nil
}

// historyStreams are the streams as the commands see them.
func historyStreams(only []pipeline.StreamID) ([]pipeline.Stream, error) {
	u, faults := ucontact.Config{URL: "http://127.0.0.1", Token: "x", Timezone: ledgerZone, Agents: "Agent1", Campaigns: "Ventas", Window: "1h"}.Settings(ucontact.Prefix)
	c, more := chattonic.Config{URL: "http://127.0.0.1", Username: "x", Password: "x", Timezone: ledgerZone, Window: "1h"}.Settings(chattonic.Prefix)
	targets := vendorsim.CallCenters()[0].String() + "," + vendorsim.CallCenters()[1].String()
	d, still := dialpad.Config{URL: "http://127.0.0.1/api/v2", Token: "x", Timezone: ledgerZone, Targets: targets, Window: "1h"}.Settings("WINDROW_DIALPAD_")
	if faults = append(append(faults, more...), still...); len(faults) > 0 {
		return nil, fmt.Errorf("settings: %v", faults)
	}
	const account = pipeline.DefaultAccount
	var streams []pipeline.Stream
	for _, all := range [][]pipeline.Stream{ucontact.Streams(u, account, pipeline.Policy{}), chattonic.Streams(c, account, pipeline.Policy{}), dialpad.Streams(d, account, pipeline.Policy{})} {
		for _, s := range all {
			if len(s.Missing) == 0 && (len(only) == 0 || only[0] == s.Key.Stream) {
				streams = append(streams, s)
			}
		}
	}
	return streams, nil
}

// writeStream writes the last n windows of a stream before ledgerYesterday, the newest of them with a file.
func writeStream(ctx context.Context, store *parquet.Store, sink string, s pipeline.Stream, n, files int) error {
	end, err := time.ParseInLocation(time.DateOnly, ledgerYesterday, s.Calendar.Zone)
	if err != nil {
		return err
	}
	length := time.Hour
	if s.Calendar.Unit == calendar.Days {
		length = 24 * time.Hour
	}
	spans := s.Calendar.Cut(pipeline.Span{Start: s.Calendar.Window(pipeline.InstantOf(end.Add(-time.Duration(n) * length))).Start, End: pipeline.InstantOf(end)})
	spans = spans[max(0, len(spans)-n):]
	zone := s.Calendar.Zone.String()
	first := pipeline.Window{Span: pipeline.Span{Start: spans[0].Start, End: spans[0].Start}, Zone: zone}
	entries := []pipeline.Entry{{Kind: pipeline.EntryOrigin, Window: first, SyncID: "20250101T000000Z-00000000"}}
	random := rand.New(rand.NewPCG(1, 2))
	folder := filepath.Join(sink, s.Table.Name, "source="+string(s.Key.Stream.Source()), "account="+string(s.Key.Account), "stream="+string(s.Key.Stream))
	for i, span := range spans {
		read := span.End.Add(3 * time.Hour)
		w := pipeline.Window{Span: span, Zone: zone}
		entries = append(entries, pipeline.Entry{
			Kind: pipeline.EntryCommit, Window: w, SyncID: pipeline.SyncID(read.Time().Format("20060102T150405Z") + "-5f3a9c1e"),
			ExtractedAt: read, ReadAt: read.Add(123456 * time.Microsecond), CommittedAt: read.Add(1234567 * time.Microsecond), Settled: true,
			Counts:      pipeline.Counts{Read: 24, Rows: 24},
			Fingerprint: pipeline.Hash{Hi: random.Uint64(), Lo: random.Uint64()}, Settings: s.Settings, Staged: 9_000, HasData: true,
		})
		if len(spans)-i <= files {
			if err := standIn(filepath.Join(folder, "date="+span.Start.In(s.Calendar.Zone).Format(time.DateOnly)), w.FileName()+".parquet"); err != nil {
				return err
			}
		}
		if len(entries) >= ledgerGroup || i == len(spans)-1 {
			if err := store.Record(ctx, s.Key, entries...); err != nil {
				return err
			}
			entries = entries[:0]
		}
	}
	return nil
}

func standIn(folder, name string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, name), nil, 0o644)
}
