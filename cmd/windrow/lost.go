package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/plan"
)

// lostLedgers are the streams of this program that have data in the tables and no ledger. To whoever reads ledgers alone
// such a stream has never been, and all is well.
func (s *setup) lostLedgers(ctx context.Context, store pipeline.Store) ([]pipeline.StreamKey, error) {
	var found strangers
	err := s.addLedgerless(ctx, store, &found)
	return found.ledgerless, err
}

// refuseLost refuses what would be done on the word of no ledger where there was one.
func (s *setup) refuseLost(ctx context.Context, store pipeline.Store) error {
	gone, err := s.lostLedgers(ctx, store)
	return errors.Join(err, lost(gone))
}

// lost is an error where streams have data and no ledger.
func lost(gone []pipeline.StreamKey) error {
	if len(gone) == 0 {
		return nil
	}
	folders := make([]string, len(gone))
	for i, k := range gone {
		folders[i] = folderOf(k)
	}
	return &pipeline.Error{
		Op: "look for the ledgers", Kind: pipeline.Invalid,
		Err:  fmt.Errorf("these streams have data in the tables, and their ledger is gone: %s", strings.Join(folders, ", ")),
		Hint: "restore the ledger (the folder _windrow/ledger, or the rows of the table _windrow_ledger) from a copy; or, where the data may go, remove them by `windrow verify --repair`, and the next sync reads what the vendors still have",
	}
}

// without leaves out the streams whose ledger is gone: that nothing is known of them is no state.
func without(states []plan.StreamStatus, gone []pipeline.StreamKey) []plan.StreamStatus {
	return slices.DeleteFunc(states, func(st plan.StreamStatus) bool {
		return slices.Contains(gone, pipeline.StreamKey{Account: st.Account, Stream: st.Stream})
	})
}
