package main

import (
	"github.com/spf13/cobra"

	"github.com/windrow-data/windrow/cmd/windrow/internal/show"
)

func (a *app) streamsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "streams", Short: "The catalogue: stream, table, window, settle, lookback, configured or what is missing", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			s, err := a.configure()
			if err != nil {
				return err
			}
			s.warnIdle(s.log)
			return show.Catalogue(a.stdout, s.catalogue())
		},
	}
}
