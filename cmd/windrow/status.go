package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/windrow-data/windrow/cmd/windrow/internal/show"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
	"github.com/windrow-data/windrow/pipeline/plan"
)

func (a *app) statusCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "status", Short: "Where each stream stands: watermark, lag, windows, rows, last commit", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.configureSink()
			if err != nil {
				return err
			}
			return a.withLedgers(cmd.Context(), s, func(e *engine.Engine) error {
				states, err := e.Status(cmd.Context())
				if err == nil && len(states) == 0 {
					err = s.nothingConfigured()
				}
				if len(states) == 0 {
					return err
				}
				s.nameTables(states)
				write := show.Status
				if asJSON {
					write = show.StatusJSON
				}
				return errors.Join(write(a.stdout, states), err)
			})
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// nameTables adds the tables of streams that no run reads.
func (s *setup) nameTables(states []plan.StreamStatus) {
	for i := range states {
		st := &states[i]
		if of, ok := s.stream(pipeline.StreamKey{Account: st.Account, Stream: st.Stream}); ok && st.Table == "" {
			st.Table = of.Table.Name
		}
	}
}
