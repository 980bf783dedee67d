package bigquery

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"cloud.google.com/go/bigquery"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
)

// verifyWindows and verifyRows bound the windows that are compared at once: what one query reads, and sorts.
const (
	verifyWindows = 500
	verifyRows    = 250_000
)

// Verify implements [pipeline.Verifier]. One query counts what the tables hold of the stream, by window. With the depth
// ByRows the rows of windows whose counts agree are read too, a query for every 500 windows or 250,000 rows; only the
// sums of these windows are in memory. What differs is counted once more between two readings of the ledger.
func (s *Store) Verify(ctx context.Context, k pipeline.StreamKey, t *pipeline.Table, l *pipeline.Ledger, how pipeline.Verification) iter.Seq2[pipeline.Difference, error] {
	return func(yield func(pipeline.Difference, error) bool) {
		v := &verifier{store: s, key: k, table: t, how: how, snapshot: how.Snapshot}
		err := v.run(ctx, l, func(d pipeline.Difference) error {
			if !yield(d, nil) {
				return errLeft
			}
			return nil
		})
		if err != nil && !errors.Is(err, errLeft) {
			yield(pipeline.Difference{}, windowFault("verify", k, pipeline.Span{}, err))
		}
	}
}

var errLeft = errors.New("nobody listens any more")

// verifier compares the windows of one stream.
type verifier struct {
	store    *Store
	key      pipeline.StreamKey
	table    *pipeline.Table
	how      pipeline.Verification
	snapshot func(name []byte) bool

	tables        []string // of the stream's rows and rejects, as far as they are there
	rows, rejects pipeline.Retention
	masked        map[string]bool // tables with policy tags of which nobody could tell whether they read masked
}

func (v *verifier) run(ctx context.Context, l *pipeline.Ledger, tell func(pipeline.Difference) error) error {
	if err := errors.Join(ctx.Err(), v.look(ctx)); err != nil {
		return err
	}
	found, err := v.count(ctx)
	if err != nil {
		return err
	}
	var group []pipeline.Entry
	rows := int64(0)
	flush := func() error {
		differs, err := v.group(ctx, group, found)
		group, rows = group[:0], 0
		for _, d := range differs {
			if err == nil {
				err = tell(d)
			}
		}
		return err
	}
	doubt := l.InDoubt()
	for e := range l.Windows(pipeline.NoInstant) {
		if calendar.Touches(doubt, e.Window.Span) || !v.wants(e.Window) {
			continue
		}
		if len(group) > 0 && (len(group) == verifyWindows || rows+e.Counts.Rows > verifyRows) {
			if err := flush(); err != nil {
				return err
			}
		}
		group, rows = append(group, e), rows+e.Counts.Rows
	}
	if err := flush(); err != nil {
		return err
	}
	return v.extras(ctx, l, found, tell)
}

// wants reports whether the window is compared: it is asked for, and has not expired.
func (v *verifier) wants(w pipeline.Window) bool {
	return (v.how.Wants == nil || v.how.Wants(w)) && !v.rows.Expired(w, v.store.now())
}

// look finds the tables.
func (v *verifier) look(ctx context.Context) error {
	d := v.store.dataset
	there, err := d.locate(ctx)
	if err != nil || !there {
		return err
	}
	for _, name := range []string{v.table.Name, statement.RejectsTable} {
		md, err := d.metadata(ctx, name)
		if err != nil {
			return err
		}
		if len(md.Schema) == 0 {
			continue
		}
		if err := d.seesAll(ctx, name); err != nil {
			return err
		}
		if err := v.lookForMasks(ctx, name, md); err != nil {
			return err
		}
		v.tables = append(v.tables, name)
		if name == statement.RejectsTable {
			v.rejects = retentionOf(md)
		} else {
			v.rows = retentionOf(md)
		}
	}
	return nil
}

// lookForMasks refuses a table whose rows are to be read and would come masked.
func (v *verifier) lookForMasks(ctx context.Context, name string, md *bigquery.TableMetadata) error {
	if v.how.Depth < pipeline.ByRows {
		return nil
	}
	columns := statement.RejectColumns
	if name != statement.RejectsTable {
		columns = statement.HashedColumns(v.table)
	}
	proven, err := v.store.dataset.readsTrue(ctx, name, columns)
	if err != nil || proven {
		return err
	}
	if v.masked == nil {
		v.masked = make(map[string]bool)
	}
	v.masked[name] = slices.ContainsFunc(md.Schema, func(f *bigquery.FieldSchema) bool { return f.PolicyTags != nil && len(f.PolicyTags.Names) > 0 })
	return nil
}

// count counts what the tables hold of the stream, by window.
func (v *verifier) count(ctx context.Context) (found map[pipeline.Span]held, err error) {
	found = make(map[pipeline.Span]held)
	if len(v.tables) == 0 {
		return found, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	err = v.store.jobs.Read(ctx, v.store.sql.CountStream(v.key, v.tables...), func() { clear(found) }, func(row []bigquery.Value) error {
		if len(row) != 4 {
			return errors.New("a count of rows has not four columns")
		}
		span := spanIn(row)
		h := found[span]
		n, _ := row[2].(int64)
		if rejected, _ := row[3].(bool); rejected {
			h.rejects += n
		} else {
			h.rows += n
		}
		found[span] = h
		return nil
	})
	return found, err
}

// countAgain counts what the tables hold of some windows, on their days alone: of a stream that differs throughout, each
// group is counted again.
func (v *verifier) countAgain(ctx context.Context, list []pipeline.Entry) (map[pipeline.Span]held, error) {
	found := make(map[pipeline.Span]held)
	rows, rejects := statement.TableExtent{Table: v.table}, statement.Extent{}
	for _, e := range list {
		err := rows.Add(v.key, e.Window)
		if err == nil && v.wantsRejects(e) && slices.Contains(v.tables, statement.RejectsTable) {
			err = rejects.Add(v.key, e.Window)
		}
		if err != nil {
			return nil, err
		}
	}
	var tables []statement.TableExtent
	if slices.Contains(v.tables, v.table.Name) {
		tables = append(tables, rows)
	}
	if len(tables) == 0 && rejects.Empty() {
		return found, nil
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	counts, err := v.store.countRows(ctx, tables, rejects)
	for _, c := range counts[v.key] {
		h := found[c.Span]
		if c.rejected {
			h.rejects += c.rows
		} else {
			h.rows += c.rows
		}
		found[c.Span] = h
	}
	return found, err
}

// spanIn is the window of a row that begins with its bounds.
func spanIn(row []bigquery.Value) pipeline.Span {
	start, _ := row[0].(time.Time)
	end, _ := row[1].(time.Time)
	return pipeline.Span{Start: pipeline.InstantOf(start), End: pipeline.InstantOf(end)}
}

// group compares some windows, and those that differ once more, between two readings of the ledger: of a window that is
// committed meanwhile nothing is told.
func (v *verifier) group(ctx context.Context, group []pipeline.Entry, found map[pipeline.Span]held) ([]pipeline.Difference, error) {
	differs, err := v.compare(ctx, group, found)
	if err != nil || len(differs) == 0 {
		return nil, err
	}
	before, err := v.store.Ledger(ctx, v.key)
	if err != nil {
		return nil, err
	}
	var again []pipeline.Entry
	for _, d := range differs {
		if e, ok := before.Live(d.Window.Span); ok && e.Window == d.Window && (len(again) == 0 || again[len(again)-1].Window != e.Window) {
			again = append(again, e)
		}
	}
	if len(again) == 0 {
		return nil, nil
	}
	if found, err = v.countAgain(ctx, again); err != nil {
		return nil, err
	}
	if differs, err = v.compare(ctx, again, found); err != nil || len(differs) == 0 {
		return nil, err
	}
	after, err := v.store.Ledger(ctx, v.key)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(differs, func(d pipeline.Difference) bool {
		e, ok := after.Live(d.Window.Span)
		return !ok || e.Window != d.Window || e.Order != d.Entry.Order || e.ReadAt != d.Entry.ReadAt || e.SyncID != d.Entry.SyncID || e.CommittedAt != d.Entry.CommittedAt
	}), nil
}

// compare tells how the tables differ from the entries, by what was counted and, where that agrees and the depth asks for
// it, by the rows.
func (v *verifier) compare(ctx context.Context, group []pipeline.Entry, found map[pipeline.Span]held) (differs []pipeline.Difference, err error) {
	var agree []pipeline.Entry
	for _, e := range group {
		if d := v.compareCounts(e, found[e.Window.Span]); len(d) > 0 {
			differs = append(differs, d...)
		} else if e.Counts.Rows+e.Counts.Rejected > 0 {
			agree = append(agree, e)
		}
	}
	if v.how.Depth < pipeline.ByRows || len(agree) == 0 {
		return differs, nil
	}
	deep, err := v.compareRows(ctx, agree)
	if err != nil {
		return nil, err
	}
	differs = append(differs, deep...)
	slices.SortStableFunc(differs, func(a, b pipeline.Difference) int { return int(min(max(a.Window.Start-b.Window.Start, -1), 1)) })
	return differs, nil
}

func (v *verifier) compareCounts(e pipeline.Entry, h held) (differs []pipeline.Difference) {
	if h.rows != e.Counts.Rows {
		kind := pipeline.DiffRows
		switch {
		case h.rows == 0:
			kind = pipeline.DiffMissing
		case e.Counts.Rows == 0:
			kind = pipeline.DiffUnexpected
		}
		differs = append(differs, v.difference(kind, e, v.table.Name, counted(e.Counts.Rows, "row"), counted(h.rows, "row")))
	}
	if h.rejects != e.Counts.Rejected && v.wantsRejects(e) {
		differs = append(differs, v.difference(pipeline.DiffRejects, e, statement.RejectsTable, counted(e.Counts.Rejected, "reject"), counted(h.rejects, "reject")))
	}
	return differs
}

// wantsRejects reports whether the owner of the rejects still wants those of the window.
func (v *verifier) wantsRejects(e pipeline.Entry) bool {
	return !v.rejects.Expired(inUTC(e.Window), v.store.now())
}

func (v *verifier) difference(kind pipeline.DifferenceKind, e pipeline.Entry, table, expected, found string) pipeline.Difference {
	return pipeline.Difference{Kind: kind, Window: e.Window, Entry: e, Object: v.store.sql.Name + "." + table, Expected: expected, Found: found}
}

// counted is a number of things for people.
func counted(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// extras tells the windows that the tables hold and the ledger has not, and remembers them for Sweep.
func (v *verifier) extras(ctx context.Context, l *pipeline.Ledger, found map[pipeline.Span]held, tell func(pipeline.Difference) error) error {
	zone := "UTC"
	for e := range l.Windows(pipeline.NoInstant) {
		zone = e.Window.Zone
		break
	}
	extra := v.unknown(l, found, zone)
	if len(extra) > 0 {
		before, err := v.store.Ledger(ctx, v.key)
		if err != nil {
			return err
		}
		if found, err = v.count(ctx); err != nil {
			return err
		}
		after, err := v.store.Ledger(ctx, v.key)
		if err != nil {
			return err
		}
		known := v.unknown(after, found, zone)
		extra = slices.DeleteFunc(v.unknown(before, found, zone), func(s pipeline.Span) bool { return !slices.Contains(known, s) })
	}
	v.store.extra.put(v.key, extra)
	for _, span := range extra {
		h := found[span]
		if err := tell(pipeline.Difference{Kind: pipeline.DiffExtra, Window: pipeline.Window{Span: span, Zone: zone}, Object: v.store.sql.Name + "." + v.table.Name,
			Expected: "no row", Found: counted(h.rows, "row") + " and " + counted(h.rejects, "reject") + " of no window"}); err != nil {
			return err
		}
	}
	return nil
}

// unknown lists the windows that were found and that the ledger has not, in order.
func (v *verifier) unknown(l *pipeline.Ledger, found map[pipeline.Span]held, zone string) (list []pipeline.Span) {
	doubt := l.InDoubt()
	for span := range maps.Keys(found) {
		if !l.Committed(span) && !calendar.Touches(doubt, span) && v.wants(pipeline.Window{Span: span, Zone: zone}) {
			list = append(list, span)
		}
	}
	slices.SortFunc(list, func(a, b pipeline.Span) int { return int(min(max(a.Start-b.Start, -1), 1)) })
	return list
}
