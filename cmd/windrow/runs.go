package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/windrow-data/windrow/cmd/windrow/internal/show"
	"github.com/windrow-data/windrow/pipeline"
)

func (a *app) runsCommand() *cobra.Command {
	var last int
	var asJSON bool
	cmd := &cobra.Command{
		Use: "runs", Short: "Past runs: when, how long, windows, rows, exit code; and runs that never finished", Args: noArgs,
		Long: `Shows the runs of sync, replay and sync --waive that the sink has on record, the
latest at the end. Of a run that was killed only its beginning is on record. It asks
no vendor and needs no variable but the sink's.`,
		Example: `  windrow runs --last 30`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("last") && last < 1 {
				return usagef("For example --last 30; without it all runs are shown.", "--last %d is no number of runs", last)
			}
			s, err := a.configureSink()
			if err != nil {
				return err
			}
			runs, err := a.runs(cmd.Context(), s, last)
			if err != nil {
				return err
			}
			if asJSON {
				return show.RunsJSON(a.stdout, runs)
			}
			return show.Runs(a.stdout, runs)
		},
	}
	cmd.Flags().IntVar(&last, "last", 0, "the last so many runs alone")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a JSON array, alone on stdout")
	return cmd
}

// runs reads the last runs from the sink's record; 0: all.
func (a *app) runs(ctx context.Context, s *setup, last int) (rows []pipeline.RunRow, err error) {
	store, err := a.openStore(ctx, s)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(s.target.explain(s.Sink, err), store.Close()) }()
	reader, ok := store.(pipeline.RunReader)
	if !ok {
		return nil, &pipeline.Error{Op: "list the runs", Kind: pipeline.Invalid, Err: errors.New("this kind of sink cannot show past runs")}
	}
	for run, err := range reader.Runs(ctx, pipeline.NoInstant, last) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, run.Row())
	}
	return rows, nil
}
