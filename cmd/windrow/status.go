package main

import (
	"github.com/spf13/cobra"

	"github.com/windrow-data/windrow/cmd/windrow/internal/show"
	"github.com/windrow-data/windrow/pipeline/engine"
)

func (a *app) statusCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "status", Short: "Where each stream stands: watermark, lag, windows, rows, last commit", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.configure()
			if err != nil {
				return err
			}
			return a.withEngine(cmd.Context(), s, func(e *engine.Engine) error {
				states, err := e.Status(cmd.Context())
				if err != nil {
					return err
				}
				if asJSON {
					return show.StatusJSON(a.stdout, states)
				}
				return show.Status(a.stdout, states)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}
