package bigquery

import (
	"slices"
	"strconv"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/job"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
	"github.com/windrow-data/windrow/sinks/internal/staging"
)

// pending is one window on its way through a commit.
type pending struct {
	staging.Pending[*stage]
	seen     int64                // the seq of the stream's last commit that the verdict knew
	owned    int64                // the seq of the last note of the stream's owner that the verdict knew
	owner    pipeline.Owner       // of the stream, as the verdict knew it
	replaces bool                 // the window's rows are replaced
	held     *held                // what the table was found to hold of the window; nil where nobody has asked
	known    []pipeline.Entry     // the commits that go with the window's commit, as the verdict knew them
	told     *pipeline.HistoryRow // what the history is told of the commit; nil: nothing
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

const (
	// groupBytes closes a group: what one load job takes at most.
	groupBytes = 1 << 30
	// groupDates closes a group: how many days its windows may touch. One job modifies at most 4,000 partitions:
	// "Quotas and limits", partitioned tables.
	groupDates = 3000
	// groupWindows of the usual length fit into one script; see statement.MaxBytes.
	groupWindows = 500
	groupAfter   = 5 * time.Minute
)

// Grouping is how windows are best handed to Commit. A commit costs one load job and one transaction a table, however
// many windows the commit has, and a transaction is billed at least 10 MB for every table that a statement names:
//
//   - 500 windows: their ledger entries fill about half of the longest script that BigQuery takes. A year of six daily
//     streams is five groups.
//   - 1 GiB staged: more would lie on the local disk, and would have to be loaded again after a failure, for nothing
//     saved.
//   - 5 minutes: what a killed run loses at most. BigQuery's jobs take some seconds each, and a day of 5-minute groups
//     stays far from 100,000 load jobs.
func Grouping() pipeline.Grouping {
	return pipeline.Grouping{Windows: groupWindows, Bytes: groupBytes, After: groupAfter}
}

// groupsOf cuts windows that were judged into groups of one transaction each. Windows that replace data are cut by
// table and by size, in order. Windows that replace nothing ride along with the last group, or are the only group. The
// windows of one group, cut again, are one group.
func groupsOf(all []*pending) (groups [][]*pending) {
	var quiet []*pending
	for _, t := range pipeline.Tables() {
		size, dates := int64(0), int64(0)
		var group []*pending
		for _, p := range all {
			if p.replaces && p.Table == t {
				more := p.dates()
				if size, dates = size+p.Stage.size(), dates+more; len(group) > 0 && (size > groupBytes || dates > groupDates) {
					groups, group = append(groups, group), nil
					size, dates = p.Stage.size(), more
				}
				group = append(group, p)
			}
		}
		if len(group) > 0 {
			groups = append(groups, group)
		}
	}
	for _, p := range all {
		if !p.replaces {
			quiet = append(quiet, p)
		}
	}
	switch n := len(groups); {
	case len(quiet) == 0:
	case n == 0:
		groups = [][]*pending{quiet}
	default:
		groups[n-1] = append(groups[n-1], quiet...)
	}
	return groups
}

// dates is the number of days that the commit of the window touches at most.
func (p *pending) dates() (n int64) {
	const day = 24 * time.Hour
	for _, w := range p.replaced() {
		n += int64(w.End.Time().Sub(w.Start.Time())/day) + 2
	}
	return n
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
		if p.told != nil {
			tx.History, parts = append(tx.History, *p.told), append(parts, statement.HistoryLiteral(p.told))
		}
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
