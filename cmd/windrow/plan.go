package main

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"github.com/windrow-data/windrow/cmd/windrow/internal/show"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
	"github.com/windrow-data/windrow/pipeline/plan"
	bodies "github.com/windrow-data/windrow/sinks/archive"
)

func (a *app) planCommand() *cobra.Command {
	var f selection
	cmd := &cobra.Command{
		Use: "plan", Short: "What sync would read and why; no side effects", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.parse(cmd); err != nil {
				return err
			}
			s, err := a.selected(&f)
			if err != nil {
				return err
			}
			return a.withEngine(cmd.Context(), s, func(e *engine.Engine) error {
				if err := errors.Join(s.refuseUnserved(cmd.Context(), e), s.refuseLost(cmd.Context(), e.Store)); err != nil {
					return err
				}
				f.apply(e)
				e.Shard = s.shard()
				if err := a.plan(cmd.Context(), s, e, &f); err != nil || f.asJSON {
					return err
				}
				return a.showPlaces(s)
			})
		},
	}
	f.declare(cmd, "print the plan as a JSON array")
	return cmd
}

func (a *app) plan(ctx context.Context, s *setup, e *engine.Engine, f *selection) error {
	planned := e.Plan
	switch {
	case s.leavesWaiver(f):
		planned = func(context.Context) ([]pipeline.PlannedStream, error) { return nil, nil }
	case f.waive != "":
		planned = func(ctx context.Context) ([]pipeline.PlannedStream, error) { return waiverPlan(ctx, e) }
	}
	streams, damaged := planned(ctx)
	if damaged != nil && len(streams) == 0 {
		return damaged
	}
	if err := a.withArchive(ctx, s, e.Store, func(kept *bodies.Store) error {
		if kept == nil {
			return nil
		}
		return shelf{s, kept}.markReplayable(ctx, e.Store, streams)
	}); err != nil {
		return err
	}
	write := show.Plan
	if f.asJSON {
		write = show.PlanJSON
	}
	err := write(a.stdout, streams)
	if err == nil && f.waive == "" {
		err = a.estimate(ctx, s, e, streams, f.asJSON)
	}
	return errors.Join(err, damaged)
}

// estimate tells what the plan will use of a sink that bills. The document of
// --json is an array of streams and stays one: it is told beside.
func (a *app) estimate(ctx context.Context, s *setup, e *engine.Engine, streams []pipeline.PlannedStream, beside bool) error {
	meter, bills := e.Store.(pipeline.Meter)
	if !bills || !slices.ContainsFunc(streams, func(p pipeline.PlannedStream) bool { return len(p.Windows) > 0 }) {
		return nil
	}
	estimate, err := meter.Estimate(ctx, streams)
	if err != nil {
		return err
	}
	if beside {
		show.LogEstimate(s.log, estimate)
		return nil
	}
	return show.Estimate(a.stdout, estimate)
}

// waiverPlan lists what `sync --waive` would settle.
func waiverPlan(ctx context.Context, e *engine.Engine) ([]pipeline.PlannedStream, error) {
	tenants, err := e.Tenants(ctx)
	if err := errors.Join(err, tenants.Refusal()); err != nil {
		return nil, err
	}
	var planned []pipeline.PlannedStream
	for _, source := range e.Sources {
		for _, s := range source.Streams() {
			if len(s.Missing) > 0 || !s.Chosen(e.Streams) {
				continue
			}
			ledger, err := e.Store.Ledger(ctx, s.Key)
			if err != nil {
				return nil, err
			}
			spans, err := plan.Waivable(s, ledger, e.Select, pipeline.InstantOf(e.Clock()))
			if err != nil {
				return nil, err
			}
			p := pipeline.PlannedStream{StreamPlan: pipeline.StreamPlan{Stream: s, Watermark: pipeline.NoInstant}}
			for _, span := range spans {
				for _, piece := range s.Calendar.Cut(span) {
					w := pipeline.Window{Span: piece, Zone: s.Calendar.Zone.String()}
					p.Windows = append(p.Windows, pipeline.PlannedWindow{Window: w, Reason: show.ReasonWaive})
				}
			}
			planned = append(planned, p)
		}
	}
	return planned, nil
}
