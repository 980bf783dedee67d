package bigquery

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"cloud.google.com/go/bigquery"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/apierror"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
	"github.com/windrow-data/windrow/sinks/internal/staging"
)

// A batch of rows that were read back is hashed at so many rows, or when its texts are so long.
const (
	hashedRows  = 2000
	hashedBytes = 8 << 20
)

var errUnproven = errors.New("the account may not write the table, which would prove that it reads all as it is")

// compareRows reads the rows and the rejects of windows whose counts agree, and compares the fingerprints.
func (v *verifier) compareRows(ctx context.Context, group []pipeline.Entry) (differs []pipeline.Difference, err error) {
	ctx, cancel := context.WithTimeout(ctx, groupTime)
	defer cancel()
	var x, rejected statement.Extent
	for _, e := range group {
		if e.Counts.Rows > 0 {
			err = x.Add(v.key, e.Window)
		}
		if e.Counts.Rejected > 0 && v.wantsRejects(e) && err == nil {
			err = rejected.Add(v.key, e.Window)
		}
		if err != nil {
			return nil, err
		}
	}
	sums := newSums(v)
	defer sums.drop()
	if !x.Empty() {
		err = v.store.jobs.Read(ctx, v.store.sql.ReadRows(v.table, x, statement.HashedColumns(v.table)), sums.reset, sums.row)
		if err == nil {
			err = sums.flush()
		}
		if err != nil {
			return nil, err
		}
	}
	hashes := make(map[pipeline.Span]staging.StoredRejects)
	if !rejected.Empty() {
		err = v.store.jobs.Read(ctx, v.store.sql.ReadRejects(rejected), func() { clear(hashes) }, func(row []bigquery.Value) error {
			scope, _ := row[2].(string)
			reason, _ := row[3].(string)
			raw, _ := row[4].(string)
			span := spanIn(row)
			hashes[span] = hashes[span].Add(pipeline.Reject{Scope: scope, Reason: reason, Raw: raw})
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	for _, e := range group {
		if sum := sums.of[e.Window.Span]; e.Counts.Rows > 0 && !sum.Is(e.Fingerprint) {
			found := "fingerprint " + sum.String()
			if why := sums.unreadable[e.Window.Span]; why != nil {
				found = "rows that cannot be understood (" + why.Error() + ")"
			}
			if v.masked[v.table.Name] {
				return nil, masked(v.table.Name, errUnproven)
			}
			differs = append(differs, v.difference(pipeline.DiffFingerprint, e, v.table.Name, "fingerprint "+e.Fingerprint.String(), found))
		}
		if h := hashes[e.Window.Span]; e.Counts.Rejected > 0 && v.wantsRejects(e) && !h.Is(e.RejectsHash) {
			if v.masked[statement.RejectsTable] {
				return nil, masked(statement.RejectsTable, errUnproven)
			}
			differs = append(differs, v.difference(pipeline.DiffRejects, e, statement.RejectsTable, "rejects' hash "+e.RejectsHash.String(), "rejects' hash "+h.String()))
		}
	}
	return differs, nil
}

// WindowRejects implements [pipeline.RejectReader] with one query for all windows.
func (s *Store) WindowRejects(ctx context.Context, k pipeline.StreamKey, windows []pipeline.Window) iter.Seq2[pipeline.WindowReject, error] {
	return func(yield func(pipeline.WindowReject, error) bool) {
		err := s.listRejects(ctx, k, windows, func(r pipeline.WindowReject) error {
			if !yield(r, nil) {
				return errLeft
			}
			return nil
		})
		if err != nil && !errors.Is(err, errLeft) {
			yield(pipeline.WindowReject{}, windowFault("read the rejects", k, pipeline.Span{}, err))
		}
	}
}

// listRejects reads what [Store.WindowRejects] tells. What was told is not read anew: a window may have another reading then.
func (s *Store) listRejects(ctx context.Context, k pipeline.StreamKey, windows []pipeline.Window, tell func(pipeline.WindowReject) error) error {
	ctx, cancel := context.WithTimeout(ctx, groupTime)
	defer cancel()
	if err := ctx.Err(); err != nil || len(windows) == 0 {
		return err
	}
	wanted := make(map[pipeline.Span]pipeline.Window, len(windows))
	var x statement.Extent
	for _, w := range windows {
		wanted[w.Span] = w
	}
	if err := x.Add(k, windows...); err != nil {
		return err
	}
	if there, err := s.readable(ctx, statement.RejectsTable); err != nil || !there {
		return err
	}
	md, err := s.dataset.metadata(ctx, statement.RejectsTable)
	if err != nil {
		return err
	}
	told, anew := 0, false
	err = s.jobs.Read(ctx, s.sql.ListRejects(x, hasColumn(md, "shape")), func() { anew = told > 0 }, func(row []bigquery.Value) error {
		if anew {
			return fmt.Errorf("the answer broke off after %d rejects", told)
		}
		r, err := rejectOf(row)
		if err != nil {
			return err
		}
		w, ok := wanted[spanIn(row)]
		if !ok {
			return nil
		}
		told++
		return tell(pipeline.WindowReject{Window: w, Reject: r})
	})
	if apierror.Absent(err) {
		return nil
	}
	return s.missing(err)
}

// rejectOf understands a row of [statement.Dataset.ListRejects].
func rejectOf(row []bigquery.Value) (r pipeline.Reject, err error) {
	if len(row) != 9 {
		return r, errors.New("a reject has not nine columns")
	}
	r.Scope, _ = row[2].(string)
	r.Row, _ = row[3].(int64)
	r.Reason, _ = row[4].(string)
	r.Raw, _ = row[5].(string)
	r.Field, _ = row[7].(string)
	r.Shape, _ = row[8].(string)
	r.At = pipeline.NoInstant
	if at, ok := row[6].(time.Time); ok {
		r.At = pipeline.InstantOf(at)
	}
	return r, nil
}

// sums are the fingerprints of the windows of a group, as their rows are read.
type sums struct {
	v          *verifier
	of         map[pipeline.Span]pipeline.StoredFingerprint
	unreadable map[pipeline.Span]error
	columns    []int // of the table, as they are read

	span  pipeline.Span // of the rows in the batch
	batch *pipeline.Batch
	rows  int
	bytes int
}

func newSums(v *verifier) *sums {
	s := &sums{v: v}
	for _, name := range statement.HashedColumns(v.table) {
		s.columns = append(s.columns, v.table.Index(name))
	}
	s.reset()
	return s
}

// reset forgets what was read.
func (s *sums) reset() {
	s.drop()
	s.of, s.unreadable = make(map[pipeline.Span]pipeline.StoredFingerprint), make(map[pipeline.Span]error)
}

func (s *sums) drop() {
	if s.batch != nil {
		s.batch.Release()
		s.batch = nil
	}
	s.rows, s.bytes = 0, 0
}

// row takes a row of [statement.Dataset.ReadRows].
func (s *sums) row(row []bigquery.Value) error {
	if len(row) != 2+len(s.columns) {
		return fmt.Errorf("a row has not %d columns", 2+len(s.columns))
	}
	span := spanIn(row)
	if s.batch != nil && (span != s.span || s.rows == hashedRows || s.bytes >= hashedBytes) {
		if err := s.flush(); err != nil {
			return err
		}
	}
	if s.batch == nil {
		s.batch, s.span = pipeline.NewBatch(s.v.table), span
	}
	for i, col := range s.columns {
		if err := s.value(col, row[2+i]); err != nil {
			return fmt.Errorf("column %s: %w", s.v.table.Columns[col].Name, err)
		}
	}
	s.rows++
	return nil
}

// value adds one value to the batch.
func (s *sums) value(col int, value bigquery.Value) error {
	switch value := value.(type) {
	case nil:
		s.batch.Null(col)
	case string:
		s.bytes += len(value)
		s.batch.String(col, value)
	case int64:
		s.batch.Int(col, value)
	case float64:
		s.batch.Float(col, value)
	case bool:
		s.batch.Bool(col, value)
	case time.Time:
		s.batch.Instant(col, pipeline.InstantOf(value))
	case []bigquery.Value:
		if len(value) == 0 { // BigQuery keeps no NULL in place of a list
			s.batch.Null(col)
			return nil
		}
		s.batch.Tags(col)
		for _, item := range value {
			text, _ := item.(string)
			s.batch.Tag(col, []byte(text))
		}
	default:
		return fmt.Errorf("it holds a %T", value)
	}
	return nil
}

// flush hashes the rows of the batch. Extras that make no sense are those of a window that differs.
func (s *sums) flush() error {
	if s.batch == nil {
		return nil
	}
	f, err := s.batch.HashStored(s.rows, s.v.snapshot)
	if err != nil {
		s.unreadable[s.span] = err
	}
	s.of[s.span] = s.of[s.span].Add(f)
	s.drop()
	return nil
}
