package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/windrow-data/windrow/cmd/windrow/internal/show"
	"github.com/windrow-data/windrow/pipeline"
)

func (a *app) streamsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "streams", Short: "The catalogue: stream, table, window, settle, lookback, configured or what is missing", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.configure()
			if err != nil {
				return err
			}
			s.warnIdle(s.log)
			seen, err := a.uncatalogued(cmd.Context(), s)
			if ctx := cmd.Context(); ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil { // the catalogue stands without a sink
				s.log.Warn("the sink was not looked at, so that metrics which nobody has catalogued are not named: " + err.Error())
			}
			var all []show.Catalogued
			for _, of := range s.catalogue() {
				all = append(all, show.Catalogued{Stream: of, Uncatalogued: seen[of.Key]})
			}
			if asJSON {
				return show.CatalogueJSON(a.stdout, all)
			}
			return show.Catalogue(a.stdout, all)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// recentRuns is how far back runs are asked for what they saw.
const recentRuns = 30 * 24 * time.Hour

// uncatalogued names, by stream, the metrics that its last run of the last 30 days saw and that no setting says anything
// of. It reads the records of runs, and no data.
func (a *app) uncatalogued(ctx context.Context, s *setup) (map[pipeline.StreamKey][]string, error) {
	has := func(of pipeline.Stream) bool { return of.Catalogue != "" && len(of.Missing) == 0 }
	streams := s.catalogue()
	if !slices.ContainsFunc(streams, has) {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, checkSinkFor)
	defer cancel()
	store, err := a.openStore(ctx, s)
	if err != nil {
		return nil, err
	}
	seen := make(map[pipeline.StreamKey][]string)
	if reader, ok := store.(pipeline.RunReader); ok {
		for run, problem := range reader.Runs(ctx, pipeline.InstantOf(a.now().Add(-recentRuns)), 0) {
			if err = problem; err != nil {
				break
			}
			for _, of := range run.Streams {
				if of.Committed+of.Unchanged > 0 {
					seen[pipeline.StreamKey{Account: of.Account, Stream: of.Stream}] = of.Uncatalogued
				}
			}
		}
	}
	for _, of := range streams {
		if !has(of) {
			delete(seen, of.Key)
			continue
		}
		if named, ok := of.Format.(pipeline.NamedFields); ok { // a setting may have come since
			seen[of.Key] = slices.DeleteFunc(seen[of.Key], named.Names)
		}
	}
	return seen, errors.Join(err, store.Close())
}
