package main

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/windrow-data/windrow/cmd/windrow/internal/config"
	"github.com/windrow-data/windrow/cmd/windrow/internal/show"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
	bodies "github.com/windrow-data/windrow/sinks/archive"
)

func (a *app) replayCommand() *cobra.Command {
	var f selection
	cmd := &cobra.Command{
		Use: replayVerb, Short: "Makes committed windows again of the answers in the archive", Args: noArgs,
		Long: `Makes the windows that are committed again of the vendors' answers that the archive
keeps, as this version reads them. It calls no vendor and needs no variable but the
sink's and the archive's. Windows whose rows stay the same are not written again, and
rows of a later reading than the archive's stay. After "windrow verify --repair" it
makes what was opened.

Under WINDROW_PII=hash or drop it puts redacted copies in the place of answers that
the archive still has in the clear.

A window of whose answer something is missing stays as it is and is named; the exit
code is then 3.`,
		Example: `  windrow replay
  windrow replay --streams dialpad.calls --from 2025-09-01 --to 2025-09-07`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.parse(cmd); err != nil {
				return err
			}
			s, err := a.configureSink()
			if err != nil {
				return err
			}
			if s.archivePlace() == "" {
				return usagef("Set WINDROW_ARCHIVE to the directory in which a sync has kept them.", "there is no archive: no answer has been kept that could be read again")
			}
			return a.replay(cmd.Context(), s, &f)
		},
	}
	f.declareSpan(cmd)
	cmd.Flags().StringVar(&f.accounts, "accounts", "", "comma list of accounts, instead of all that the sink has")
	cmd.Flags().BoolVar(&f.asJSON, "json", false, "print the summary as JSON, alone on stdout")
	return cmd
}

// replay runs the engine on what was kept, and has what it did shown.
func (a *app) replay(ctx context.Context, s *setup, f *selection) error {
	return a.withStore(ctx, s, nil, func(e *engine.Engine) error {
		if err := s.refuseLost(ctx, e.Store); err != nil {
			return err
		}
		e.Streams = config.StreamList(f.streams)
		f.apply(e)
		wanted, err := s.wantedAccounts(ctx, e.Store, f.accounts)
		if err != nil {
			return err
		}
		var summary pipeline.Summary
		err = a.withArchive(ctx, s, e.Store, func(kept *bodies.Store) (err error) {
			return a.followed(s, e, func() error {
				summary, err = e.Replay(ctx, shelf{s, kept}, wanted)
				return errors.Join(err, s.redactKept(ctx, e, kept, summary))
			})
		})
		if summary.FinishedAt == 0 { // there are no results to show
			return err
		}
		if err != nil && summary.Exit == pipeline.ExitDone {
			summary.Exit = exitCode(err)
		}
		return errors.Join(a.showReplay(s, summary, f.asJSON), err, exitWith(summary.Exit))
	})
}

// wantedAccounts says which accounts --accounts names, all of which the sink must have.
func (s *setup) wantedAccounts(ctx context.Context, store pipeline.Store, list string) (func(pipeline.AccountID) bool, error) {
	if list == "" {
		return func(pipeline.AccountID) bool { return true }, nil
	}
	keys, err := store.Streams(ctx)
	if err != nil {
		return nil, err
	}
	wanted, known := accountList(list), accountsOf(keys)
	for _, account := range wanted {
		if !slices.Contains(known, string(account)) {
			return nil, usagef(didYouMean(string(account), known)+"The sink has: "+strings.Join(known, ", ")+".", "--accounts names %q, of which the sink has nothing", account)
		}
	}
	return func(account pipeline.AccountID) bool { return slices.Contains(wanted, account) }, nil
}

func (a *app) showReplay(s *setup, summary pipeline.Summary, asJSON bool) error {
	if asJSON {
		return show.Document(a.stdout, summary)
	}
	return errors.Join(show.Summary(a.stdout, summary), a.showPlaces(s), show.Replayed(a.stdout, summary))
}
