package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/windrow-data/windrow/cmd/windrow/internal/show"
	"github.com/windrow-data/windrow/pipeline"
)

func (a *app) targetsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "targets", Short: "What the Dialpad key can see, and uContact's names with their rows of the last 30 days", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, sources, err := a.sourcesInHaste()
			if err != nil {
				return err
			}
			return a.targets(cmd.Context(), sources, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// targets lists what each source that can tell may be asked for. What one of them refuses stops no other.
func (a *app) targets(ctx context.Context, sources []pipeline.Source, asJSON bool) error {
	lists := []show.Targets{}
	var problems error
	for _, source := range sources {
		lister, ok := source.(pipeline.TargetLister)
		if !ok {
			continue
		}
		key := source.Streams()[0].Key
		found, err := lister.Targets(ctx)
		problems = errors.Join(problems, err)
		if len(found) == 0 {
			continue
		}
		lists = append(lists, show.Targets{Source: key.Stream.Source(), Account: key.Account, Targets: found})
	}
	if asJSON {
		return errors.Join(show.Document(a.stdout, lists), problems)
	}
	return errors.Join(show.TargetLists(a.stdout, lists), problems)
}
