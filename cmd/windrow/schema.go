package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/windrow-data/windrow/cmd/windrow/internal/show"
	"github.com/windrow-data/windrow/pipeline"
)

func (a *app) schemaCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "schema [table]", Short: "The data dictionary: column, type, unit, aggregation, meaning", Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if _, err := a.configureSink(); err != nil {
				return err
			}
			tables, err := tablesNamed(args)
			if err != nil {
				return err
			}
			if asJSON {
				return show.SchemaJSON(a.stdout, tables)
			}
			return show.Schema(a.stdout, tables)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// tablesNamed returns the table that args name, or all.
func tablesNamed(args []string) ([]*pipeline.Table, error) {
	if len(args) == 0 {
		return pipeline.Tables(), nil
	}
	var names []string
	for _, t := range pipeline.Tables() {
		if t.Name == args[0] {
			return []*pipeline.Table{t}, nil
		}
		names = append(names, t.Name)
	}
	return nil, usagef(didYouMean(args[0], names)+"The tables are "+strings.Join(names, " and ")+".", "there is no table %q", args[0])
}
