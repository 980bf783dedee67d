package bigquery

import (
	"strconv"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/job"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
)

// batchName names what a transaction writes, in the name of its job.
func batchName(t *pipeline.Table) string {
	if t == nil {
		return "ledger"
	}
	return t.Name
}

// batchOf describes the transaction that commits the windows.
func (s *Store) batchOf(group []*pending, at *stageTables) (statement.Transaction, error) {
	tx := statement.Transaction{Table: tableOf(group), RejectColumns: columnsOf(rejectsSchema)}
	parts := []string{s.sql.Project, s.sql.Name, batchName(tx.Table)}
	now := pipeline.InstantOf(s.now())
	for _, p := range group {
		e := p.Verdict.Entry
		undated, err := statement.NewLine(p.Key, e)
		if err != nil {
			return tx, err
		}
		parts = append(parts, p.Key.String(), undated.Text, strconv.FormatInt(p.seen, 10), strconv.FormatBool(p.replaces))
		e.CommittedAt = now // not in the digest: the same commit tried later is the same
		l, err := statement.NewLine(p.Key, e)
		if err != nil {
			return tx, err
		}
		l.Replaces, l.Seen, l.Bytes = p.replaces, p.seen, p.Stage.size()
		tx.Lines = append(tx.Lines, l)
		if !p.replaces {
			continue
		}
		if tx.Rows == "" && p.Stage.rows.count() > 0 {
			tx.Rows = at.rows
		}
		if tx.Rejects == "" && p.Stage.rejects.count() > 0 {
			tx.Rejects = at.rejects
		}
		if err := tx.Replaced.Add(p.Key, p.replaced()...); err != nil {
			return tx, err
		}
	}
	tx.ID = job.Digest(append(parts, tx.Rows, tx.Rejects)...)
	return tx, nil
}

// columnsOf names the columns of a schema.
func columnsOf(s *arrow.Schema) []string {
	names := make([]string, s.NumFields())
	for i, f := range s.Fields() {
		names[i] = f.Name
	}
	return names
}
