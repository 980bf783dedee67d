package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/windrow-data/windrow/cmd/windrow/internal/config"
	"github.com/windrow-data/windrow/cmd/windrow/internal/show"
	"github.com/windrow-data/windrow/pipeline/engine"
)

func (a *app) historyCommand() *cobra.Command {
	var f selection
	cmd := &cobra.Command{
		Use: "history", Short: "Shows what reading windows again has changed, and which failed", Args: noArgs,
		Long: `Shows each commit that replaced rows by others: the window, when it was read and
read before, its rows before and after, and the three measures whose sums changed
most, by share. Windows that failed are among them, first readings with values
that could not be read, and what a sync warned of. It asks no vendor and needs no
variable but the sink's.

--json has every measure that changed.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.parse(cmd); err != nil {
				return err
			}
			s, err := a.configureSink()
			if err != nil {
				return err
			}
			return a.history(cmd.Context(), s, &f)
		},
	}
	f.declareSpan(cmd)
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print a JSON array, alone on stdout")
	return cmd
}

// history prints the history as it is read.
func (a *app) history(ctx context.Context, s *setup, f *selection) error {
	store, err := a.openStore(ctx, s)
	if err != nil {
		return err
	}
	e := &engine.Engine{Store: store, Streams: config.StreamList(f.streams), Now: a.now}
	f.apply(e)
	out := show.NewHistory(a.stdout, f.asJSON)
	err = s.target.explain(s.Sink, e.History(ctx, out.Tell))
	if closed := store.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return out.End()
}
