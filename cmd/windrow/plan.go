package main

import (
	"context"
	"slices"

	"github.com/spf13/cobra"

	"github.com/windrow-data/windrow/cmd/windrow/internal/show"
	"github.com/windrow-data/windrow/pipeline"
)

func (a *app) planCommand() *cobra.Command {
	var f selection
	cmd := &cobra.Command{
		Use: "plan", Short: "What sync would read and why; no side effects", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.parse(cmd); err != nil {
				return err
			}
			s, err := a.selected(&f)
			if err != nil {
				return err
			}
			return a.withEngine(cmd.Context(), s, func(e *pipeline.Engine) error {
				f.apply(e)
				return a.plan(cmd.Context(), e, &f)
			})
		},
	}
	f.declare(cmd, "print the plan as a JSON array")
	return cmd
}

func (a *app) plan(ctx context.Context, e *pipeline.Engine, f *selection) error {
	planned := e.Plan
	if f.waive != "" {
		planned = func(ctx context.Context) ([]pipeline.PlannedStream, error) { return waiverPlan(ctx, e) }
	}
	streams, err := planned(ctx)
	if err != nil {
		return err
	}
	if f.asJSON {
		return show.PlanJSON(a.stdout, streams)
	}
	return show.Plan(a.stdout, streams)
}

// waiverPlan lists what `sync --waive` would settle.
func waiverPlan(ctx context.Context, e *pipeline.Engine) ([]pipeline.PlannedStream, error) {
	var planned []pipeline.PlannedStream
	for _, source := range e.Sources {
		for _, s := range source.Streams() {
			if len(s.Missing) > 0 || len(e.Streams) > 0 && !slices.Contains(e.Streams, s.Key.Stream) {
				continue
			}
			ledger, err := e.Store.Ledger(ctx, s.Key)
			if err != nil {
				return nil, err
			}
			spans, err := pipeline.WaivePlan(s, ledger, e.Select, pipeline.InstantOf(e.Clock()))
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
