package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sourcegraph/conc/pool"
	"github.com/spf13/cobra"

	"github.com/windrow-data/windrow/cmd/windrow/internal/show"
	"github.com/windrow-data/windrow/pipeline"
)

// checkFor bounds how long a check retries: somebody waits for its answer.
const checkFor = 10 * time.Second

// checkSinkFor bounds how long the sink may take: its client repeats what
// fails for a while, and a first query may take some seconds.
const checkSinkFor = 30 * time.Second

func (a *app) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use: "check", Short: "Tries each configured source's credentials, and the sink", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.configure()
			if err != nil {
				return err
			}
			if err := s.nothingConfigured(); err != nil {
				return err
			}
			clock, err := a.clock()
			if err != nil {
				return err
			}
			sources, err := a.sources(s, min(s.RetryFor, checkFor), clock)
			if err != nil {
				return err
			}
			s.warnIdle(s.log)
			return a.check(cmd.Context(), s, sources)
		},
	}
}

// check tries everything at once and prints one line each.
func (a *app) check(ctx context.Context, s *setup, sources []pipeline.Source) error {
	probes := make([]func(context.Context) error, 0, len(sources)+1)
	names := make([]string, 0, len(sources)+1)
	for _, source := range sources {
		key := source.Streams()[0].Key
		names = append(names, pipeline.TenantKey{Source: key.Stream.Source(), Account: key.Account}.Label())
		probes = append(probes, source.Check)
	}
	names = append(names, "sink "+s.where())
	probes = append(probes, func(ctx context.Context) error { return a.checkSink(ctx, s) })

	found := make([]error, len(probes))
	all := pool.New()
	for i, probe := range probes {
		all.Go(func() { found[i] = probe(ctx) })
	}
	all.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := a.showChecks(names, found); err != nil {
		return err
	}
	return exitWith(endingOf(found).Exit())
}

func (a *app) checkSink(ctx context.Context, s *setup) error {
	ctx, cancel := context.WithTimeout(ctx, checkSinkFor)
	defer cancel()
	store, err := a.openStore(ctx, s)
	if err != nil {
		return err
	}
	return errors.Join(s.target.explain(s.Sink, store.Check(ctx)), store.Close())
}

// showChecks prints a line for each probe, and what is longer than a line below.
func (a *app) showChecks(names []string, found []error) error {
	t := show.NewTable("what", "result")
	below := ""
	for i, err := range found {
		result := "ok"
		var refused *refusedError
		switch {
		case errors.As(err, &refused):
			result = fmt.Sprintf("failed: %s", refused.error)
			below = "\n" + refused.commands + "\n"
		case err != nil:
			result = fmt.Sprintf("failed: %s", err)
		}
		t.Row(names[i], result)
	}
	if err := t.Print(a.stdout); err != nil {
		return err
	}
	_, err := fmt.Fprint(a.stdout, below)
	return err
}

// endingOf is how a check ended that found these, of which nil is well.
func endingOf(found []error) pipeline.Ending {
	var e pipeline.Ending
	for _, err := range found {
		e.Failed = e.Failed || err != nil
		e.Damaged = e.Damaged || err != nil && pipeline.KindOf(err) == pipeline.Damaged
		e.Unauthorized = e.Unauthorized || err != nil && pipeline.KindOf(err) == pipeline.Unauthorized
	}
	return e
}
