package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/gofrs/flock"
	"github.com/spf13/cobra"

	"github.com/windrow-data/windrow/cmd/windrow/internal/draft"
	"github.com/windrow-data/windrow/cmd/windrow/internal/page"
	"github.com/windrow-data/windrow/cmd/windrow/internal/show"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
	"github.com/windrow-data/windrow/pipeline/engine"
	"github.com/windrow-data/windrow/pipeline/plan"
	"github.com/windrow-data/windrow/pipeline/report"
	bodies "github.com/windrow-data/windrow/sinks/archive"
	"github.com/windrow-data/windrow/sinks/objectstore"
	"github.com/windrow-data/windrow/sinks/parquet"
)

// defaultReport is where a report goes unless somebody says where.
const defaultReport = "windrow-report.html"

// reportFlags are those of the verb.
type reportFlags struct {
	out                    string
	asJSON, reasons, opens bool
}

func (a *app) reportCommand() *cobra.Command {
	var f reportFlags
	cmd := &cobra.Command{
		Use: "report", Short: "One page that tells whether the numbers are whole", Args: noArgs,
		Long: `Writes one HTML file that needs nothing else: where each stream stands, which days
are there, what changed afterwards, rows by day, sums, runs, cost, and what to do.
It is made of the ledger, the history and the records of runs, never of the tables,
asks no vendor, and needs no variable but the sink's. Where the sources' variables
are set it also knows what is due.

With WINDROW_REPORT each sync writes it anew.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.configureSink()
			if err != nil {
				return err
			}
			return a.report(cmd.Context(), s, f)
		},
	}
	cmd.Flags().StringVarP(&f.out, "output", "o", defaultReport, "where to: a file, an object of a bucket (gs://…, s3://…), or - for stdout")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print what the page tells as JSON, alone on stdout")
	cmd.Flags().BoolVar(&f.reasons, "reasons", false, "tell the reasons of waivers")
	cmd.Flags().BoolVar(&f.opens, "open", false, "open the page in a browser")
	return cmd
}

func (a *app) report(ctx context.Context, s *setup, f reportFlags) error {
	defer a.collectOften(60)()
	if f.opens && objectstore.Is(f.out) {
		return usagef("Leave --open, and open the object in the store's own console.", "--open opens files, and %s is an object of a bucket", f.out)
	}
	return a.withLedgers(ctx, s, func(e *engine.Engine) error {
		m, err := a.reportModel(ctx, s, e.Store, a.look(ctx, s, e, true, f.reasons))
		if err != nil {
			return err
		}
		if f.asJSON {
			return show.Document(a.stdout, m)
		}
		var html bytes.Buffer
		if err := page.Write(&html, m); err != nil {
			return err
		}
		if f.out == "-" {
			_, err := a.stdout.Write(html.Bytes())
			return err
		}
		place, err := a.putReport(ctx, s, f.out, html.Bytes())
		if err != nil {
			return err
		}
		fmt.Fprintf(a.stdout, "%s The report is in %s.\n", m.Verdict, place)
		if f.opens {
			return openInBrowser(ctx, place)
		}
		return nil
	})
}

// leaveReport writes the report of WINDROW_REPORT at the end of a sync, of all streams, whatever the sync was asked for.
// What a sync has committed is whole without it: a failure is told and no more.
func (a *app) leaveReport(ctx context.Context, s *setup, store pipeline.Store, around *view) {
	if s.Report == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	if err := a.reportOf(ctx, store, s.Report, around); err != nil {
		s.log.Warn("the report could not be written; `windrow report` tries again: "+err.Error(), "report", filepath.Base(s.Report))
	}
}

// wholeEngine is of the configuration as it is in the environment, for what is told of all streams after a run of some.
func (a *app) wholeEngine(store pipeline.Store) (*setup, *engine.Engine, error) {
	s, err := a.configureSink()
	if err != nil {
		return nil, nil, err
	}
	clock, err := a.clock()
	if err != nil {
		return nil, nil, err
	}
	sources, err := a.sources(s, s.RetryFor, clock)
	if err != nil {
		return nil, nil, err
	}
	return s, &engine.Engine{Store: store, Sources: sources, Streams: s.Streams, Clock: clock, Now: a.now}, nil
}

// reportOf writes the report of what a run has seen around itself at its end.
func (a *app) reportOf(ctx context.Context, store pipeline.Store, to string, around *view) error {
	m, err := a.reportModel(ctx, around.setup, store, around)
	if err != nil {
		return err
	}
	var html bytes.Buffer
	if err := page.Write(&html, m); err != nil {
		return err
	}
	return a.leavePage(ctx, around.setup, to, m, html.Bytes())
}

// putReport writes the page into a file or an object of a bucket, and returns where a person finds it.
func (a *app) putReport(ctx context.Context, s *setup, to string, html []byte) (place string, err error) {
	if !objectstore.Is(to) {
		return writeReport(to, html)
	}
	address, err := objectstore.ParseAddress(to)
	if err != nil {
		return "", usagef("For example -o gs://my-bucket/report.html.", "the report cannot be written to %s: %s", to, err)
	}
	o, err := a.besides(s, to, nil)
	if err != nil {
		return "", err
	}
	return address.String(), objectstore.WriteObject(ctx, to, html, bucketOptions(o, parquet.Private))
}

// leavePage writes the page unless the one that is there tells of a later moment: of several tasks that end together, the
// last to write is not always the last to look.
func (a *app) leavePage(ctx context.Context, s *setup, to string, m report.Model, html []byte) error {
	newer := func(there []byte) bool {
		at, known := page.MadeAt(io.LimitReader(bytes.NewReader(there), 1<<16))
		return known && at > m.MadeAt && at <= calendar.InstantOf(a.now().Add(pipeline.ClockTolerance))
	}
	if objectstore.Is(to) {
		o, err := a.besides(s, to, nil)
		if err != nil {
			return err
		}
		return objectstore.ReplaceObject(ctx, to, bucketOptions(o, parquet.Private), func(there []byte) ([]byte, bool) { return html, !newer(there) })
	}
	path, err := filepath.Abs(to)
	if err != nil {
		return err
	}
	mine := flock.New(filepath.Join(os.TempDir(), fmt.Sprintf("windrow-report-%08x.lock", crc32.ChecksumIEEE([]byte(path)))))
	if got, err := mine.TryLockContext(ctx, 10*time.Millisecond); got && err == nil { // who cannot lock writes all the same
		defer mine.Unlock() //nolint:errcheck // it goes with the process
	}
	there, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) || newer(there) {
		return err
	}
	_, err = writeReport(path, html)
	return err
}

// view is where the streams stand, by one reading of the ledgers, and what a report takes from them meanwhile.
type view struct {
	setup *setup
	engine.Survey
	gone []pipeline.StreamKey // have data and no ledger
	err  error

	// What follows is of a report alone.

	report   *report.Builder
	rejected map[pipeline.StreamKey][]pipeline.Window // that have rejects, of the last days
}

// look reads the ledgers, for a report too where one is made.
func (a *app) look(ctx context.Context, s *setup, e *engine.Engine, reports, reasons bool) *view {
	v := &view{setup: s}
	if !reports {
		v.Survey, v.err = e.Survey(ctx, nil)
		return v
	}
	now := calendar.InstantOf(e.Clock())
	v.report, v.rejected = report.New(now, s.watch.MaxLag), make(map[pipeline.StreamKey][]pipeline.Window)
	if v.gone, v.err = s.lostLedgers(ctx, e.Store); v.err != nil {
		return v
	}
	v.Survey, v.err = e.Survey(ctx, func(st plan.StreamStatus, of pipeline.Stream, l *pipeline.Ledger) {
		if slices.Contains(v.gone, of.Key) {
			return
		}
		if t, ok := s.stream(of.Key); ok && !st.Configured {
			st.Table, of.Unpublished = t.Table.Name, t.Unpublished
		}
		in := report.Input{Status: st, Stream: of, Ledger: l}
		for entry := range l.All() {
			if reasons && entry.Kind == pipeline.EntryWaive {
				in.Waivers = append(in.Waivers, entry)
			}
		}
		for entry := range l.Windows(now.Add(-report.RejectsOf)) {
			if entry.Counts.Rejected > 0 {
				v.rejected[of.Key] = append(v.rejected[of.Key], entry.Window)
			}
		}
		v.report.Stream(in)
	})
	v.States = without(v.States, v.gone)
	v.Plans = slices.DeleteFunc(v.Plans, func(p pipeline.PlannedStream) bool { return slices.Contains(v.gone, p.Stream.Key) })
	return v
}

// reportModel adds the rest of what a report tells.
func (a *app) reportModel(ctx context.Context, s *setup, store pipeline.Store, v *view) (report.Model, error) {
	if v.err != nil {
		return report.Model{}, v.err
	}
	if v.Damaged != nil {
		s.log.Warn("the report lacks streams: " + v.Damaged.Error())
		if err := lackStreams(ctx, store, v.report, v.States); err != nil {
			return report.Model{}, err
		}
	}
	if err := lost(v.gone); err != nil {
		s.log.Warn("the report lacks streams: " + err.Error())
	}
	for _, k := range v.gone {
		v.report.Lacks(k, report.LacksLedger)
		v.report.Do(report.Task{Stream: k.Stream, Account: k.Account, What: "it has data in the tables, and its ledger is gone. A sync is refused until it is restored. What helps:", Command: "windrow status"})
	}
	var order []pipeline.StreamKey
	for _, st := range v.States {
		order = append(order, pipeline.StreamKey{Account: st.Account, Stream: st.Stream})
	}
	if err := a.reportPast(ctx, s, store, v.report, order, v.rejected); err != nil {
		return report.Model{}, err
	}
	if err := a.reportPlans(ctx, s, store, v); err != nil {
		return report.Model{}, err
	}
	for _, t := range show.ToDo(v.States, v.Plans) {
		v.report.Do(t)
	}
	return v.report.Model(order), nil
}

// lackStreams notes the streams that the sink has and whose ledgers gave no status.
func lackStreams(ctx context.Context, store pipeline.Store, b *report.Builder, states []plan.StreamStatus) error {
	known, err := store.Streams(ctx)
	for _, k := range known {
		if slices.ContainsFunc(states, func(st plan.StreamStatus) bool { return st.Stream == k.Stream && st.Account == k.Account }) {
			continue
		}
		b.Lacks(k, report.LacksLedger)
		b.Do(report.Task{Stream: k.Stream, Account: k.Account, What: "its ledger cannot be read, and this page tells nothing of it. What is damaged, and what helps:", Command: "windrow status"})
	}
	return err
}

// reportPast adds what the sink keeps of runs, changes and rejects. What cannot be read is told, and the rest is.
func (a *app) reportPast(ctx context.Context, s *setup, store pipeline.Store, b *report.Builder, keys []pipeline.StreamKey, rejected map[pipeline.StreamKey][]pipeline.Window) error {
	lacks := func(k pipeline.StreamKey, what string, err error) error {
		if ctx.Err() != nil {
			return err
		}
		s.log.Warn("the report lacks " + what + ": " + err.Error())
		b.Lacks(k, what)
		b.Do(report.Task{Stream: k.Stream, Account: k.Account, What: "the " + what + " cannot be read whole. What is damaged, and what helps:", Command: "windrow report"})
		return nil
	}
	if r, can := store.(pipeline.HistoryReader); can {
		for row, err := range r.History(ctx, nil, pipeline.Span{Start: calendar.NoInstant, End: calendar.InstantOf(a.now().AddDate(1, 0, 0))}) {
			if err == nil {
				b.History(row)
			} else if err := lacks(pipeline.StreamKey{}, report.LacksHistory, err); err != nil {
				return err
			}
		}
	}
	if r, can := store.(pipeline.RunReader); can {
		for run, err := range r.Runs(ctx, pipeline.NoInstant, 0) {
			if err == nil {
				b.Run(run)
			} else if err := lacks(pipeline.StreamKey{}, report.LacksRuns, err); err != nil {
				return err
			}
		}
	}
	r, can := store.(pipeline.RejectReader)
	if !can {
		return nil
	}
	for _, k := range keys {
		if len(rejected[k]) == 0 {
			continue
		}
		for reject, err := range r.WindowRejects(ctx, k, rejected[k]) {
			if err == nil {
				b.Reject(k, reject.Reject)
			} else if err := lacks(k, report.LacksRejects, err); err != nil {
				return err
			}
		}
	}
	return nil
}

// reportPlans finds out about what is due what to do about it, and what it will use.
func (a *app) reportPlans(ctx context.Context, s *setup, store pipeline.Store, v *view) error {
	if len(v.Plans) == 0 {
		return nil
	}
	if err := a.withArchive(ctx, s, store, func(kept *bodies.Store) error {
		if kept == nil {
			return nil
		}
		return shelf{s, kept}.markReplayable(ctx, store, v.Plans)
	}); err != nil {
		return err
	}
	if meter, can := store.(pipeline.Meter); can {
		if estimate, err := meter.Estimate(ctx, v.Plans); err == nil {
			v.report.Forecast(estimate)
		}
	}
	return nil
}

// writeReport replaces the page in one step, so that nobody reads half of it.
func writeReport(name string, html []byte) (path string, err error) {
	if path, err = filepath.Abs(name); err != nil {
		return "", err
	}
	if at, err := os.Stat(path); err == nil && at.IsDir() {
		return "", usagef("Name a file in it.", "the report cannot be written: %s is a folder", path)
	}
	if _, err := os.Stat(filepath.Dir(path)); errors.Is(err, fs.ErrNotExist) {
		return "", usagef("Create the folder, or name a file elsewhere.", "the report cannot be written: there is no folder %s", filepath.Dir(path))
	}
	file, err := draft.Create(path, "report", 0o640) // less the umask
	if err == nil {
		defer file.Discard()
		if _, err = file.Write(html); err == nil {
			err = file.Publish()
		}
	}
	if err != nil {
		return "", &pipeline.Error{Op: "write the report", Kind: pipeline.SinkFailed, Err: err}
	}
	return path, nil
}

// openInBrowser opens a file as the desktop does.
func openInBrowser(ctx context.Context, path string) error {
	name, args := "xdg-open", []string{path}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", path}
	}
	if err := exec.CommandContext(ctx, name, args...).Start(); err != nil {
		return usagef("Open "+path+" yourself.", "no browser could be started: %s", err)
	}
	return nil
}
