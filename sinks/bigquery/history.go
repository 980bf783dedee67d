package bigquery

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"math/big"
	"slices"
	"time"

	"cloud.google.com/go/bigquery"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/apierror"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/job"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
	"github.com/windrow-data/windrow/sinks/internal/staging"
)

// What a commit tells the history. The row is a part of the commit's transaction and follows its entry in the ledger, so
// that it is there exactly if the entry is. The sums of the rows that go are read before: the guard lets no entry through
// whose window others have committed since the verdict, so that those rows are still the ones that go. The sums of the rows
// that come are those of the staged file.

// describe finds out what the windows tell the history. A first commit and an equal one tell nothing, and cost nothing.
func (s *Store) describe(ctx context.Context, group []*pending) error {
	claims := make(map[pipeline.StreamKey]staging.Claims)
	replaced := make(map[*pending][]pipeline.Entry)
	var changed []*pending
	for _, p := range group {
		p.told = nil
		if p.Outcome != pipeline.Committed {
			continue
		}
		if claims[p.Key] == nil {
			claims[p.Key] = make(staging.Claims)
		}
		free := claims[p.Key].Take(p.known)
		if p.told = staging.Change(p.Key, &p.Verdict.Entry, free); p.told != nil && p.told.Kind == pipeline.HistoryChanged {
			changed, replaced[p] = append(changed, p), free
		}
	}
	before, err := s.sumsBefore(ctx, changed, replaced)
	if err != nil {
		return err
	}
	for _, p := range changed {
		gone := pipeline.Sums{}
		for _, old := range replaced[p] {
			if old.Counts.Rows > 0 {
				gone = gone.Add(before.of(p.Key, old))
			}
		}
		if gone == nil {
			continue
		}
		come := pipeline.Sums{}
		if rows := &p.Stage.rows; rows.count() > 0 {
			if come, _, err = staging.SumRows(ctx, p.Table, rows.file, rows.size()); err != nil {
				return tempError("sum the staged rows up", err)
			}
		}
		p.told.Measures = gone.Changed(come)
	}
	return nil
}

// summed are the rows of windows, and their sums.
type summed map[windowKey]struct {
	rows int64
	sums pipeline.Sums
}

// of returns the sums of a committed reading; nil where the table does not hold its rows.
func (s summed) of(k pipeline.StreamKey, old pipeline.Entry) pipeline.Sums {
	if found := s[windowKey{k, old.Window.Span}]; found.rows == old.Counts.Rows {
		return found.sums
	}
	return nil
}

// sumsBefore reads, with one query, the sums of the rows that go. Of columns that the account may not read as
// they are there are none.
func (s *Store) sumsBefore(ctx context.Context, changed []*pending, replaced map[*pending][]pipeline.Entry) (found summed, err error) {
	for _, t := range pipeline.Tables() {
		var x statement.Extent
		for _, p := range changed {
			for _, old := range replaced[p] {
				if p.Table != t || old.Counts.Rows == 0 {
					continue
				}
				if err := x.Add(p.Key, old.Window); err != nil {
					return nil, err
				}
			}
		}
		if x.Empty() {
			continue
		}
		if readable, err := s.dataset.sumsTrue(ctx, t); err != nil || !readable {
			return nil, err
		}
		err := s.jobs.Read(ctx, s.sql.SumRows(t, x), func() { found = make(summed) }, func(row []bigquery.Value) error { return found.add(t, row) })
		return found, err // a group has one table
	}
	return nil, nil
}

// sumsTrue reports whether the columns that are added up may be read as they are. It asks once in the life of a store.
func (d *dataset) sumsTrue(ctx context.Context, t *pipeline.Table) (bool, error) {
	d.mu.Lock()
	readable, known := d.summable[t.Name]
	d.mu.Unlock()
	if known {
		return readable, nil
	}
	readable, err := d.readsTrue(ctx, t.Name, t.Additive())
	if pipeline.KindOf(err) == pipeline.Unauthorized {
		readable, err = false, nil
	}
	if err != nil {
		return false, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.summable == nil {
		d.summable = make(map[string]bool)
	}
	d.summable[t.Name] = readable
	return readable, nil
}

// add understands a row of [statement.Dataset.SumRows].
func (s summed) add(t *pipeline.Table, row []bigquery.Value) error {
	totals := make(map[string]*pipeline.Total)
	rest := row[min(5, len(row)):]
	next := func() (v bigquery.Value) {
		if len(rest) > 0 {
			v, rest = rest[0], rest[1:]
		}
		return v
	}
	for _, name := range t.Additive() {
		var whole, billionths int64
		if n, ok := next().(*big.Rat); ok {
			whole = saturated(n)
		}
		if statement.Fractional(t, name) {
			billionths, _ = next().(int64)
		}
		totals[name] = new(pipeline.Total)
		totals[name].AddParts(whole, billionths)
	}
	account, _ := row[0].(string)
	stream, _ := row[1].(string)
	found := s[windowKey{}]
	found.rows, _ = row[4].(int64)
	found.sums = pipeline.SumsOf(totals)
	s[windowKey{pipeline.StreamKey{Account: pipeline.AccountID(account), Stream: pipeline.StreamID(stream)}, spanIn(row[2:])}] = found
	return nil
}

// saturated is a whole number, or the nearest that an int64 holds.
func saturated(n *big.Rat) int64 {
	switch {
	case n.Num().IsInt64():
		return n.Num().Int64()
	case n.Sign() < 0:
		return math.MinInt64
	}
	return math.MaxInt64
}

// History implements [pipeline.HistoryReader] with one query for all streams.
func (s *Store) History(ctx context.Context, keys []pipeline.StreamKey, over pipeline.Span) iter.Seq2[pipeline.HistoryRow, error] {
	return func(yield func(pipeline.HistoryRow, error) bool) {
		err := s.history(ctx, keys, over, func(r pipeline.HistoryRow) error {
			if !yield(r, nil) {
				return errLeft
			}
			return nil
		})
		if err != nil && !errors.Is(err, errLeft) {
			yield(pipeline.HistoryRow{}, apierror.Classify("read the history", err))
		}
	}
}

// warnedAtOnce is how many rows of the history one statement has room for.
const warnedAtOnce = 1000

// Warn implements [pipeline.HistoryReader].
func (s *Store) Warn(ctx context.Context, rows ...pipeline.HistoryRow) error {
	for some := range slices.Chunk(rows, warnedAtOnce) {
		if err := s.warn(ctx, some); err != nil {
			return apierror.Classify("write the history", s.missing(err))
		}
	}
	return nil
}

// warn adds rows by one INSERT.
func (s *Store) warn(ctx context.Context, rows []pipeline.HistoryRow) error {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	err := ctx.Err()
	if err == nil {
		err = s.dataset.ensure(ctx)
	}
	if err == nil {
		err = s.jobs.Write(ctx, "windrow_warn_"+job.Nonce(), s.sql.AddHistory(rows))
	}
	return err
}

// history reads what [Store.History] tells. What was told is not told again.
func (s *Store) history(ctx context.Context, keys []pipeline.StreamKey, over pipeline.Span, tell func(pipeline.HistoryRow) error) error {
	ctx, cancel := context.WithTimeout(ctx, groupTime)
	defer cancel()
	if err := ctx.Err(); err != nil || keys != nil && len(keys) == 0 {
		return err
	}
	if there, err := s.readable(ctx, statement.HistoryTable); err != nil || !there {
		return err
	}
	md, err := s.dataset.metadata(ctx, statement.HistoryTable)
	if err != nil {
		return err
	}
	told, anew := 0, false
	err = s.jobs.Read(ctx, s.sql.History(keys, over, hasColumn(md, "warning")), func() { anew = told > 0 }, func(row []bigquery.Value) error {
		if anew {
			return fmt.Errorf("the answer broke off after %d rows", told)
		}
		r, err := historyRowOf(row)
		if err != nil || keys != nil && !slices.Contains(keys, r.Key) {
			return err
		}
		told++
		return tell(r)
	})
	if apierror.Absent(err) {
		return nil
	}
	return s.missing(err)
}

// historyRowOf understands a row of [statement.Dataset.History].
func historyRowOf(row []bigquery.Value) (r pipeline.HistoryRow, err error) {
	if len(row) != len(statement.HistoryColumns) {
		return r, fmt.Errorf("a row of the history has not %d columns", len(statement.HistoryColumns))
	}
	text := func(col int) string {
		v, _ := row[col].(string)
		return v
	}
	at := func(col int) pipeline.Instant {
		if v, ok := row[col].(time.Time); ok {
			return pipeline.InstantOf(v)
		}
		return 0
	}
	r = pipeline.HistoryRow{
		Kind: pipeline.HistoryKind(text(0)), SyncID: pipeline.SyncID(text(1)),
		Key:    pipeline.StreamKey{Account: pipeline.AccountID(text(2)), Stream: pipeline.StreamID(text(3))},
		Window: spanIn(row[4:]), ReadAt: at(6), PreviousReadAt: at(7), ErrorKind: text(12), Hint: text(13), Warning: pipeline.WarningKind(text(15)),
	}
	r.AfterSettle, _ = row[8].(bool)
	r.RowsBefore, _ = row[9].(int64)
	r.RowsAfter, _ = row[10].(int64)
	if err := r.ReadMeasures(text(11)); err != nil {
		return r, fmt.Errorf("the measures of %s in the history: %w", r.Window, err)
	}
	if err := r.ReadUnreadable(text(14)); err != nil {
		return r, fmt.Errorf("the unreadable values of %s in the history: %w", r.Window, err)
	}
	return r, nil
}
