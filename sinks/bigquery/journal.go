package bigquery

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"cloud.google.com/go/bigquery"

	"github.com/windrow-data/windrow/pipeline"
)

var sourcePattern = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

func checkTenant(k pipeline.TenantKey) error {
	if !sourcePattern.MatchString(string(k.Source)) {
		return fmt.Errorf("%q is no source", k.Source)
	}
	if !accountPattern.MatchString(string(k.Account)) {
		return fmt.Errorf("%q is no account", k.Account)
	}
	return nil
}

// nonce names a job that is like no other, yet is started once however often
// its request is repeated.
func nonce() string {
	var b [10]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// Add implements [pipeline.Journal]: one INSERT. Load jobs would not do, for
// BigQuery allows 1,500 of them on a table and day.
func (s *Store) Add(ctx context.Context, n pipeline.Note) error {
	const op = "write the journal"
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	err := checkTenant(n.Tenant)
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = s.ensure(ctx)
	}
	if err == nil {
		err = s.write(ctx, "windrow_note_"+nonce(), s.names.addNote(n))
	}
	if err != nil {
		return fault(op, s.missing(err))
	}
	pipeline.Point(ctx, "bigquery.noted")
	return nil
}

// Since implements [pipeline.Journal].
func (s *Store) Since(ctx context.Context, k pipeline.TenantKey, t time.Time) ([]pipeline.Note, error) {
	const op = "read the journal"
	if err := checkTenant(k); err != nil {
		return nil, fault(op, err)
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	there, err := s.locate(ctx)
	if err != nil || !there {
		return nil, fault(op, err)
	}
	var notes []pipeline.Note
	err = s.read(ctx, s.names.since(k, pipeline.InstantOf(t)), func() { notes = nil }, func(row []bigquery.Value) error {
		if len(row) != 3 {
			return errors.New("a note has not three columns")
		}
		at, _ := row[0].(time.Time)
		kind, _ := row[1].(string)
		text, _ := row[2].(string)
		notes = append(notes, pipeline.Note{Tenant: k, At: at.UTC(), Kind: kind, Text: text})
		return nil
	})
	if err != nil && !absent(err) {
		return nil, fault(op, err)
	}
	return notes, nil
}

// AppendRun implements [pipeline.Store]: one job, which appends the receipts of
// the run's batches to the ledger and the summary to the runs, both or neither.
// A run that is recorded again is so once.
func (s *Store) AppendRun(ctx context.Context, run pipeline.Summary) error {
	const op = "record the run"
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	body, err := json.Marshal(run)
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = s.ensure(ctx)
	}
	s.mu.Lock()
	owed := slices.Clone(s.owed)
	s.mu.Unlock()
	if err == nil {
		name := digest(s.names.project, s.names.dataset, string(run.SyncID), string(body), run.FinishedAt.String())
		err = s.write(ctx, "windrow_run_"+name, s.names.endRun(run, string(body), owed))
	}
	if err != nil {
		return fault(op, s.missing(err))
	}
	s.mu.Lock()
	s.owed = s.owed[len(owed):]
	s.mu.Unlock()
	pipeline.Point(ctx, "bigquery.run-recorded")
	return nil
}
