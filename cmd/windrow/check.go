package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sourcegraph/conc/pool"
	"github.com/spf13/cobra"

	"github.com/windrow-data/windrow/cmd/windrow/internal/show"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
)

// checkFor bounds how long a check retries: somebody waits for its answer.
const checkFor = 10 * time.Second

// checkSinkFor bounds how long the sink may take: its client repeats what
// fails for a while, and a first query may take some seconds.
const checkSinkFor = 30 * time.Second

func (a *app) checkCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
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
			return a.check(cmd.Context(), s, sources, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

// checkResult is the JSON of one check.
type checkResult struct {
	What  string `json:"what"`
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"` // with OK false
	Note  string `json:"note,omitempty"`  // what is no fault and should be known

	err error
}

// probe is one check; its note is of what is no fault.
type probe struct {
	what string
	try  func(context.Context) (note string, err error)
}

// check tries everything at once and prints one line each, or a document.
func (a *app) check(ctx context.Context, s *setup, sources []pipeline.Source, asJSON bool) error {
	var probes []probe
	for _, source := range sources {
		key := source.Streams()[0].Key
		label := pipeline.TenantKey{Source: key.Stream.Source(), Account: key.Account}.Label()
		probes = append(probes, probe{label, func(ctx context.Context) (string, error) { return "", source.Check(ctx) }})
	}
	probes = append(probes, probe{"sink " + s.where(), func(ctx context.Context) (string, error) { return a.checkSink(ctx, s, sources) }})

	found := make([]checkResult, len(probes))
	all := pool.New()
	for i, p := range probes {
		all.Go(func() {
			note, err := p.try(ctx)
			found[i] = checkResult{What: p.what, OK: err == nil, Note: note, err: err}
			if err != nil {
				found[i].Error = err.Error()
			}
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	code := exitOfChecks(found)
	if !asJSON {
		return errors.Join(a.showChecks(found), exitWith(code))
	}
	return errors.Join(show.Document(a.stdout, struct {
		Checks []checkResult `json:"checks"`
		Exit   int           `json:"exit"`
	}{found, code}), exitWith(code))
}

// checkSink opens the sink, tries to write, and looks for what a sync would refuse.
func (a *app) checkSink(ctx context.Context, s *setup, sources []pipeline.Source) (note string, err error) {
	ctx, cancel := context.WithTimeout(ctx, checkSinkFor)
	defer cancel()
	store, err := a.openStore(ctx, s)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := store.Check(ctx); err != nil {
		return "", s.target.explain(s.Sink, err)
	}
	if err := s.refuseUnserved(ctx, &engine.Engine{Store: store, Sources: sources, Streams: s.Streams}); err != nil {
		return "", s.target.explain(s.Sink, err)
	}
	others, err := findStrangers(ctx, store)
	if err == nil {
		err = others.refusal()
	}
	if len(others.other) > 0 {
		note = "files that are not Windrow's lie among the tables: " + strings.Join(others.other, ", ")
	}
	return note, err
}

// showChecks prints a line for each check, and what is longer than a line below.
func (a *app) showChecks(found []checkResult) error {
	t := show.NewTable("what", "result")
	below := ""
	for _, r := range found {
		result := "ok"
		var refused *refusedError
		switch {
		case errors.As(r.err, &refused):
			result = fmt.Sprintf("failed: %s", refused.error)
			below += "\n" + refused.commands + "\n"
		case r.err != nil:
			first, rest, long := strings.Cut(r.Error, "\n")
			result = "failed: " + first
			if long {
				below += "\n" + rest + "\n"
			}
		}
		if r.Note != "" {
			below += "\n" + r.Note + "\n"
		}
		t.Row(r.What, result)
	}
	if err := t.Print(a.stdout); err != nil {
		return err
	}
	_, err := fmt.Fprint(a.stdout, below)
	return err
}

// exitOfChecks is the exit code of a check that found these.
func exitOfChecks(found []checkResult) int {
	var e pipeline.Ending
	refused := false
	for _, r := range found {
		e.Failed = e.Failed || !r.OK
		e.Damaged = e.Damaged || pipeline.KindOf(r.err) == pipeline.Damaged
		e.Unauthorized = e.Unauthorized || !r.OK && pipeline.KindOf(r.err) == pipeline.Unauthorized
		refused = refused || exitCode(r.err) == pipeline.ExitInvalid
	}
	if code := e.Exit(); code != pipeline.ExitFailed || !refused {
		return code
	}
	return pipeline.ExitInvalid
}
