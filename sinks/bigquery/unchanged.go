package bigquery

import (
	"context"
	"errors"

	"cloud.google.com/go/bigquery"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/apierror"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
)

// held is what a data table holds of a window, and of what overlaps the window.
type held struct{ rows, rejects int64 }

// checkUnchanged makes sure that the tables hold what the ledger says of the windows that count as unchanged. Windows
// whose rows differ are to be written again, unless their table's owner wants them no longer. One query asks for all
// windows about which nobody has asked. Windows that cannot be asked about are settled as failed; the others are
// returned.
func (s *Store) checkUnchanged(ctx context.Context, group []*pending) (open []*pending) {
	var ask []*pending
	for _, p := range group {
		if p.Outcome == pipeline.Unchanged && p.held == nil && !s.expired(p) {
			ask = append(ask, p)
		}
	}
	if len(ask) > 0 {
		if err := s.countHeld(ctx, ask); err != nil {
			failAll(ask, "count the rows", err)
		}
	}
	for _, p := range group {
		switch {
		case p.Outcome != pipeline.Unchanged, s.expired(p):
		case p.held == nil:
			continue // failed
		case p.held.rows != p.Verdict.Entry.Counts.Rows, s.countsRejects(p) && p.held.rejects != p.Verdict.Entry.Counts.Rejected:
			p.Rewrite()
		}
		open = append(open, p)
	}
	return open
}

// countsRejects reports whether the window's rejects are counted: it has some, and their table's owner still wants them.
func (s *Store) countsRejects(p *pending) bool {
	e := p.Sealed.Entry
	return e.Counts.Rejected > 0 && !s.dataset.retentionOfRejects().Expired(inUTC(e.Window), s.now())
}

// inUTC is the window as the rejects are partitioned.
func inUTC(w pipeline.Window) pipeline.Window {
	w.Zone = "UTC"
	return w
}

// stored is one window as a table has it, or as the rejects have it.
type stored struct {
	pipeline.Span
	rows     int64
	rejected bool
}

// countHeld asks the tables for the rows of the windows, with one query. A table that is missing holds nothing; the
// commit then looks at the tables again.
func (s *Store) countHeld(ctx context.Context, ask []*pending) error {
	tables, err := extentsOf(ask)
	if err != nil {
		return err
	}
	var rejects statement.Extent
	for _, p := range ask {
		if s.countsRejects(p) {
			if err := rejects.Add(p.Key, p.Sealed.Entry.Window); err != nil {
				return err
			}
		}
	}
	found, err := s.countRows(ctx, tables, rejects)
	if apierror.Absent(err) {
		for _, p := range ask {
			p.held = &held{rows: -1} // as no window has it: the commit has to make sure of the table
		}
		_ = s.missing(err)
		return nil
	}
	if err != nil {
		return err
	}
	for _, p := range ask {
		p.held = &held{}
		for _, w := range found[p.Key] {
			switch {
			case !w.Overlaps(p.Sealed.Entry.Window.Span):
			case w.rejected:
				p.held.rejects += w.rows
			default:
				p.held.rows += w.rows
			}
		}
	}
	return nil
}

// countRows counts, with one query, what the tables hold on the days of the extents.
func (s *Store) countRows(ctx context.Context, tables []statement.TableExtent, rejects statement.Extent) (found map[pipeline.StreamKey][]stored, err error) {
	reset := func() { found = make(map[pipeline.StreamKey][]stored) }
	err = s.jobs.Read(ctx, s.sql.CountRows(tables, rejects), reset, func(row []bigquery.Value) error {
		if len(row) != 6 {
			return errors.New("a count of rows has not six columns")
		}
		account, _ := row[0].(string)
		stream, _ := row[1].(string)
		rows, _ := row[4].(int64)
		rejected, _ := row[5].(bool)
		k := pipeline.StreamKey{Account: pipeline.AccountID(account), Stream: pipeline.StreamID(stream)}
		found[k] = append(found[k], stored{spanIn(row[2:]), rows, rejected})
		return nil
	})
	return found, err
}

// extentsOf is where the windows lie in their tables.
func extentsOf(group []*pending) (tables []statement.TableExtent, err error) {
	for _, t := range pipeline.Tables() {
		x := statement.TableExtent{Table: t}
		for _, p := range group {
			if p.Table != t {
				continue
			}
			if err := x.Add(p.Key, p.Sealed.Entry.Window); err != nil {
				return nil, err
			}
		}
		if !x.Empty() {
			tables = append(tables, x)
		}
	}
	return tables, nil
}
