package main

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/windrow-data/windrow/cmd/windrow/internal/config"
	"github.com/windrow-data/windrow/cmd/windrow/internal/show"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
	"github.com/windrow-data/windrow/pipeline/plan"
	"github.com/windrow-data/windrow/pipeline/report"
)

func (a *app) statusCommand() *cobra.Command {
	var maxLag string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "status", Short: "Where each stream stands: watermark, lag, windows, rows, last commit", Args: noArgs,
		Long: `Tells where each stream stands, of the ledger alone: it asks no vendor, and needs no
variable but the sink's. A stream of which there are data and no ledger is named, with
exit code 2. With --max-lag, or WINDROW_MAX_LAG, it is a probe: exit code 3
when a stream is late.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			limit := time.Duration(0)
			if cmd.Flags().Changed("max-lag") {
				var err error
				if limit, err = config.Lag(maxLag); err != nil {
					return usagef("For example --max-lag 36h.", "--max-lag %q %s", maxLag, err)
				}
			}
			s, err := a.configureSink()
			if err != nil {
				return err
			}
			return a.status(cmd.Context(), s, cmp.Or(limit, s.watch.MaxLag), asJSON)
		},
	}
	cmd.Flags().StringVar(&maxLag, "max-lag", "", "exit with 3 when a stream lags more, 36h say, or never settled a window; instead of WINDROW_MAX_LAG")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// status shows where the streams stand, and exits 3 where one is later than a limit that somebody has set.
func (a *app) status(ctx context.Context, s *setup, limit time.Duration, asJSON bool) error {
	return a.withLedgers(ctx, s, func(e *engine.Engine) error {
		gone, err := s.lostLedgers(ctx, e.Store)
		if err != nil {
			return err
		}
		states, damaged := e.Status(ctx)
		states = without(states, gone)
		unread := howMany(damaged) + len(gone)
		damaged = errors.Join(damaged, lost(gone))
		if damaged == nil && len(states) == 0 {
			damaged = s.nothingConfigured()
		}
		if len(states) == 0 {
			return damaged
		}
		verdict, late := s.judge(states, unread, pipeline.InstantOf(e.Clock()), limit)
		if asJSON {
			err = show.StatusJSON(a.stdout, states)
		} else {
			err = show.Status(a.stdout, states, verdict)
		}
		if err = errors.Join(err, damaged); err == nil && late && limit > 0 {
			return exitWith(pipeline.ExitFailed)
		}
		return err
	})
}

// judge says which streams are late, and in a sentence how all stand, beside those whose ledger cannot be read. Of those that no run reads it adds what the catalogue knows.
func (s *setup) judge(states []plan.StreamStatus, unread int, now pipeline.Instant, limit time.Duration) (verdict string, late bool) {
	list := make([]report.Stream, len(states))
	for i := range states {
		st := &states[i]
		of, ok := s.stream(pipeline.StreamKey{Account: st.Account, Stream: st.Stream})
		if ok && st.Table == "" {
			st.Table = of.Table.Name
		}
		st.Judge(of, now, limit)
		list[i] = report.StreamOf(*st)
	}
	_, verdict, _ = report.Conclude(list, unread)
	for i := range states {
		states[i].Late = list[i].Late
		late = late || list[i].Late
	}
	return verdict, late
}

// howMany errors were joined.
func howMany(err error) int {
	if many, joined := err.(interface{ Unwrap() []error }); joined {
		return len(many.Unwrap())
	}
	if err != nil {
		return 1
	}
	return 0
}
