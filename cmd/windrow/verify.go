package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/windrow-data/windrow/cmd/windrow/internal/config"
	"github.com/windrow-data/windrow/cmd/windrow/internal/show"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
)

// verifyFlags are those of a verification.
type verifyFlags struct {
	selection
	deep, repair bool
}

func (a *app) verifyCommand() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use: "verify", Short: "Compares the tables with the ledger; exit code 3 where they differ", Args: noArgs,
		Long: `Compares every window of the ledger with the tables: files that are missing, of
another size or of no window, numbers of rows and rejects; with --deep the rows
themselves. It asks no vendor and needs no variable but the sink's.

--repair opens the windows that differ, so that the next sync reads them again,
and removes the files that are named as a window's and belong to none. Files that
are not Windrow's stay; they are looked for where no flag narrows the windows.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.parse(cmd); err != nil {
				return err
			}
			s, err := a.configureSink()
			if err != nil {
				return err
			}
			return a.verify(cmd.Context(), s, &f)
		},
	}
	flags := cmd.Flags()
	f.declareSpan(cmd)
	flags.BoolVar(&f.deep, "deep", false, "read every row, and compare the fingerprints")
	flags.BoolVar(&f.repair, "repair", false, "open the windows that differ, and remove files of no window")
	flags.BoolVar(&f.asJSON, "json", false, "print one JSON document, alone on stdout")
	return cmd
}

// verify compares the tables with the ledger, and tells what differs as it is found.
func (a *app) verify(ctx context.Context, s *setup, f *verifyFlags) error {
	store, err := a.openStore(ctx, s)
	if err != nil {
		return err
	}
	e := &engine.Engine{Store: store, Streams: config.StreamList(f.streams), Now: a.now}
	f.apply(e)
	v := engine.Verification{Depth: pipeline.ByCounts, Repair: f.repair, Catalogue: s.catalogue()}
	if f.deep {
		v.Depth = pipeline.ByRows
	}
	out := show.NewVerification(a.stdout, f.asJSON, f.repair, s.archivePlace() != "")
	v.Tell = out.Tell
	found, err := e.Verify(ctx, v)
	err = s.target.explain(s.Sink, err)
	if closed := store.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return errors.Join(out.End(found), found.Damaged, exitWith(found.Exit()))
}
