package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/windrow-data/windrow/cmd/windrow/internal/config"
	"github.com/windrow-data/windrow/cmd/windrow/internal/show"
	"github.com/windrow-data/windrow/pipeline/engine"
)

func (a *app) rejectsCommand() *cobra.Command {
	var f selection
	cmd := &cobra.Command{
		Use: "rejects", Short: "Shows rejected rows: window, position, reason, and the row as it came", Args: noArgs,
		Long: `Shows the rows that could not be loaded: of every committed window, and up to 20 of
each window whose last reading failed. It asks no vendor and needs no variable but
the sink's.

The rows are the vendor's and may hold personal data: under WINDROW_PII=hash or drop
none is shown. --json has them in full, but for those of failed windows, which are cut.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.parse(cmd); err != nil {
				return err
			}
			s, err := a.configureSink()
			if err != nil {
				return err
			}
			return a.rejects(cmd.Context(), s, &f)
		},
	}
	f.declareSpan(cmd)
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print a JSON array, alone on stdout")
	return cmd
}

// rejects prints the rejected rows as they are found.
func (a *app) rejects(ctx context.Context, s *setup, f *selection) error {
	store, err := a.openStore(ctx, s)
	if err != nil {
		return err
	}
	e := &engine.Engine{Store: store, Streams: config.StreamList(f.streams), Now: a.now}
	f.apply(e)
	out := show.NewRejects(a.stdout, f.asJSON)
	err = s.target.explain(s.Sink, e.Rejects(ctx, func(r engine.ListedReject) error {
		if !s.privacy.Keeps() {
			r.Raw = "" // it may have been kept in the clear before
		}
		return out.Tell(r)
	}))
	if closed := store.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return out.End()
}
