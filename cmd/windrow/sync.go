package main

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"github.com/windrow-data/windrow/cmd/windrow/internal/config"
	"github.com/windrow-data/windrow/cmd/windrow/internal/show"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
	bodies "github.com/windrow-data/windrow/sinks/archive"
)

// The verbs that run the engine. The last line of a sync is a record that alerts match.
const (
	syncVerb   = "sync"
	replayVerb = "replay"
	demoVerb   = "demo"
)

func (a *app) syncCommand() *cobra.Command {
	var f selection
	cmd := &cobra.Command{
		Use: syncVerb, Short: "Reads what is due, loads and commits it, window by window", Args: noArgs,
		Example: `  windrow sync
  windrow sync --streams dialpad.calls --from 2025-09-01 --to 2025-09-07 --refetch
  windrow sync --streams dialpad.calls --from 2025-09-01 --to 2025-09-01 --waive "deleted at the vendor"`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.parse(cmd); err != nil {
				return err
			}
			s, err := a.selected(&f)
			if err != nil {
				return err
			}
			if err := a.refuseMovedClock(s, &f); err != nil {
				return err
			}
			return a.sync(cmd.Context(), s, &f, func(sum pipeline.Summary) error { return a.showSummary(s, sum, &f) })
		},
	}
	f.declare(cmd, "print the summary as JSON, alone on stdout")
	return cmd
}

// selected reads the configuration and narrows it to --streams.
func (a *app) selected(f *selection) (*setup, error) {
	s, err := a.configure()
	if err != nil {
		return nil, err
	}
	if wanted := config.StreamList(f.streams); len(wanted) > 0 {
		if faults := s.streamFaults("--streams", wanted); len(faults) > 0 {
			return nil, &faultsError{faults}
		}
		s.Streams = wanted
	}
	if f.accounts != "" {
		if err := s.chooseAccounts(f.accounts); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// refuseMovedClock refuses --as-of in the future, where windows would be settled before they end, and where days would
// be counted back from one today and answered from another.
func (a *app) refuseMovedClock(s *setup, f *selection) error {
	if a.asOf == "" {
		return nil
	}
	clock, err := a.clock()
	if err != nil {
		return err
	}
	if now := a.now(); clock().After(now) {
		return usagef("`windrow plan` takes any --as-of.", "--as-of %s is later than now, %s: what has not happened yet cannot be read", a.asOf, pipeline.InstantOf(now))
	}
	if f.waive != "" {
		return nil
	}
	for _, t := range s.tenants {
		reads := slices.ContainsFunc(t.streams, func(st pipeline.Stream) bool { return st.Chosen(s.Streams) })
		if t.live && reads {
			return usagef("Use --from and --to for past days, or choose other --streams; `windrow plan` takes --as-of.",
				"--as-of cannot be used with the real %s, which counts days back from its own today", t.Source)
		}
	}
	return nil
}

// sync runs the engine and has what it did shown.
func (a *app) sync(ctx context.Context, s *setup, f *selection, shown func(pipeline.Summary) error) error {
	if s.leavesWaiver(f) {
		return a.showNothingWaived(s, f)
	}
	return a.measured(ctx, s, func() error { return a.syncStreams(ctx, s, f, shown) })
}

func (a *app) syncStreams(ctx context.Context, s *setup, f *selection, shown func(pipeline.Summary) error) error {
	return a.withEngine(ctx, s, func(e *engine.Engine) error {
		if err := errors.Join(s.refuseUnserved(ctx, e), s.refuseStrangers(ctx, e.Store, s.log), s.tellOfNew(ctx, e.Store)); err != nil {
			return err
		}
		f.apply(e)
		e.Shard = s.shard()
		known := a.remember(ctx, s, e.Store)
		summary, err := a.archived(ctx, s, e, f.waive)
		a.final.keep(summary)
		if summary.FinishedAt == 0 { // there are no results to show
			return err
		}
		a.lookAround(ctx, s, e.Store, known, summary)
		if err != nil && summary.Exit == pipeline.ExitDone { // all windows are committed, and the run could not be recorded
			summary.Exit = exitCode(err)
		}
		if err = errors.Join(shown(summary), err); err != nil {
			return errors.Join(err, exitWith(summary.Exit))
		}
		return exitWith(summary.Exit)
	})
}

// archived runs the engine while what it reads is kept.
func (a *app) archived(ctx context.Context, s *setup, e *engine.Engine, waive string) (summary pipeline.Summary, err error) {
	err = a.withArchive(ctx, s, e.Store, func(kept *bodies.Store) (err error) {
		keepAnswers(e, kept, s.MaxBody)
		summary, err = a.watched(ctx, s, e, waive)
		if kept == nil || summary.FinishedAt == 0 {
			return err
		}
		return errors.Join(err, s.tidyArchive(ctx, e, kept, summary))
	})
	return summary, err
}

// watched runs the engine while its progress is shown.
func (a *app) watched(ctx context.Context, s *setup, e *engine.Engine, waive string) (summary pipeline.Summary, err error) {
	err = a.followed(s, e, func() error {
		s.tellTask(s.log)
		s.warnIdle(s.log)
		if waive == "" {
			summary, err = e.Sync(ctx)
		} else {
			summary, err = e.Waive(ctx, waive)
		}
		return err
	})
	if errors.Is(err, engine.ErrIncompleteWaiver) {
		err = &pipeline.Error{
			Op: "waive", Kind: pipeline.Invalid, Err: errors.New("a waiver needs a reason, --from and --to"),
			Hint: "for " + waiveExample,
		}
	}
	return summary, err
}

// followed does what the engine is to do while its progress is shown.
func (a *app) followed(s *setup, e *engine.Engine, do func() error) error {
	var bars *show.Bars
	if a.terminal && a.escapes && a.logs.Style == config.TextLog {
		bars = show.NewBars(a.stderr, a.now, a.screen())
		defer bars.Close()
		s.log = a.newLog(bars, s.LogLevel)
	}
	progress := show.Progress(s.log, bars, s.archivePlace() != "")
	e.Observe = func(ev engine.Event) {
		progress(ev)
		s.telemetry.Observe(ev)
	}
	return do()
}

func (a *app) showSummary(s *setup, summary pipeline.Summary, f *selection) error {
	if f.asJSON {
		return show.Document(a.stdout, summary)
	}
	if f.waive != "" {
		return errors.Join(show.Waived(a.stdout, summary), a.showPlaces(s))
	}
	return errors.Join(show.Summary(a.stdout, summary), a.showPlaces(s), show.Next(a.stdout, summary, show.Asked{Span: f.from != "" || f.to != "", Refetch: f.refetch}))
}
