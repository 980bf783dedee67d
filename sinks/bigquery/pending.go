package bigquery

import (
	"slices"
	"strconv"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/job"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
	"github.com/windrow-data/windrow/sinks/internal/staging"
)

// pending is one window on its way through a commit.
type pending struct {
	staging.Pending[*stage]
	seen     int64          // the seq of the stream's last commit that the verdict knew
	owned    int64          // the seq of the last note of the stream's owner that the verdict knew
	owner    pipeline.Owner // of the stream, as the verdict knew it
	replaces bool           // the window's rows are replaced
	held     *held          // what the table was found to hold of the window; nil where nobody has asked
}

// failAll settles all windows with the error.
func failAll(group []*pending, op string, err error) {
	for _, p := range group {
		p.Fail(op, err)
	}
}

// replaced lists the windows whose rows the commit of p replaces: its own, and those that it supersedes.
func (p *pending) replaced() []pipeline.Window {
	return append([]pipeline.Window{p.Verdict.Entry.Window}, p.Replaces...)
}

func keysOf(group []*pending) (keys []pipeline.StreamKey) {
	for _, p := range group {
		if !slices.Contains(keys, p.Key) {
			keys = append(keys, p.Key)
		}
	}
	return keys
}

// tableOf is the table of the windows that replace data; nil where none of them does.
func tableOf(group []*pending) *pipeline.Table {
	for _, p := range group {
		if p.replaces {
			return p.Table
		}
	}
	return nil
}

// spanOf holds all windows of a group.
func spanOf(group []*pending) (span pipeline.Span) {
	for _, p := range group {
		w := p.Sealed.Entry.Window.Span
		if span.Empty() {
			span = w
		}
		span = pipeline.Span{Start: min(span.Start, w.Start), End: max(span.End, w.End)}
	}
	return span
}

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
	owners := make(map[pipeline.StreamKey]pipeline.Owner)
	for _, p := range group {
		notes, err := p.ownerLines(owners)
		if err != nil {
			return tx, err
		}
		for _, l := range notes {
			tx.Lines, parts = append(tx.Lines, l), append(parts, p.Key.String(), l.Text, strconv.FormatInt(l.Owned, 10))
		}
		e := p.Verdict.Entry
		undated, err := statement.NewLine(p.Key, e)
		if err != nil {
			return tx, err
		}
		parts = append(parts, p.Key.String(), undated.Text, strconv.FormatInt(p.seen, 10), strconv.FormatInt(p.owned, 10), strconv.FormatBool(p.replaces))
		e.CommittedAt = now // not in the digest: the same commit tried later is the same
		l, err := statement.NewLine(p.Key, e)
		if err != nil {
			return tx, err
		}
		l.Replaces, l.Seen, l.Owned, l.Bytes = p.replaces, p.seen, p.owned, p.Stage.size()
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

// ownerLines notes the window's owner where the ledger does not know it, and no line of the batch does: owners is what
// they tell, by stream.
func (p *pending) ownerLines(owners map[pipeline.StreamKey]pipeline.Owner) (lines []statement.Line, err error) {
	known, told := owners[p.Key]
	if !told {
		known = p.owner
	}
	for _, e := range p.NoteOwner(nil, &known) {
		l, err := statement.NewLine(p.Key, e)
		if err != nil {
			return nil, err
		}
		l.Seen, l.Owned = p.seen, p.owned
		lines = append(lines, l)
	}
	owners[p.Key] = known
	return lines, nil
}

// columnsOf names the columns of a schema.
func columnsOf(s *arrow.Schema) []string {
	names := make([]string, s.NumFields())
	for i, f := range s.Fields() {
		names[i] = f.Name
	}
	return names
}
