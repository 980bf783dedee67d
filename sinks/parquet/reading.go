package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/rowgroup"
)

// Holdings implements [pipeline.HoldingsReader] from the footers of the window's two files.
func (s *Store) Holdings(ctx context.Context, k pipeline.StreamKey, t *pipeline.Table, w pipeline.Window) (h pipeline.Holdings, err error) {
	const op = "look at the window's files"
	if err := ctx.Err(); err != nil {
		return h, inWindow(op, k, w.Span, err)
	}
	for parent, rows := range map[string]*int64{t.Name: &h.Rows, rejectsDir: &h.Rejected} {
		name, err := windowFile(parent, k, w)
		if err != nil {
			return pipeline.Holdings{}, inWindow(op, k, w.Span, err)
		}
		file, err := s.held(ctx, name)
		if err = errors.Join(err, file.damage); err != nil {
			return pipeline.Holdings{}, inWindow(op, k, w.Span, err)
		}
		*rows = file.rows
		h.Bytes += file.bytes
	}
	return h, nil
}

// WindowRejects implements [pipeline.RejectReader].
func (s *Store) WindowRejects(ctx context.Context, k pipeline.StreamKey, windows []pipeline.Window) iter.Seq2[pipeline.WindowReject, error] {
	return func(yield func(pipeline.WindowReject, error) bool) {
		for _, w := range windows {
			for r, err := range s.rejectsOf(ctx, k, w) {
				if err != nil {
					yield(pipeline.WindowReject{}, inWindow("read the rejects", k, w.Span, err))
					return
				}
				if !yield(pipeline.WindowReject{Window: w, Reject: r}, nil) {
					return
				}
			}
		}
	}
}

// rejectsOf reads the file of one window's rejects.
func (s *Store) rejectsOf(ctx context.Context, k pipeline.StreamKey, w pipeline.Window) iter.Seq2[pipeline.Reject, error] {
	return func(yield func(pipeline.Reject, error) bool) {
		if err := ctx.Err(); err != nil {
			yield(pipeline.Reject{}, err)
			return
		}
		name, err := windowFile(rejectsDir, k, w)
		if err != nil {
			yield(pipeline.Reject{}, err)
			return
		}
		content, err := s.volume.Open(ctx, name)
		if errors.Is(err, fs.ErrNotExist) {
			return
		}
		if err != nil {
			yield(pipeline.Reject{}, err)
			return
		}
		defer content.Close() //nolint:errcheck // it was read
		for rec, err := range rowgroup.Records(ctx, io.NewSectionReader(content, 0, content.Size())) {
			if err == nil {
				err = checkColumns(rec, rejectsSchema, culpritColumn, "rejects")
			}
			if err != nil {
				yield(pipeline.Reject{}, fmt.Errorf("%s: %w", name, err))
				return
			}
			for i := range int(rec.NumRows()) {
				if !yield(rejectAt(rec, i), nil) {
					return
				}
			}
		}
	}
}

// checkColumns refuses a record whose columns would be misread. One of an earlier version has the first ones alone.
func checkColumns(rec arrow.Record, schema *arrow.Schema, earlier int, of string) error {
	for i, want := range schema.Fields() {
		if i >= earlier && int(rec.NumCols()) == earlier {
			break
		}
		if i >= int(rec.NumCols()) || rec.ColumnName(i) != want.Name || !arrow.TypeEqual(rec.Column(i).DataType(), want.Type) {
			return fmt.Errorf("it has no column %s of %s at place %d", want.Name, of, i+1)
		}
	}
	return nil
}

// rejectAt is the i-th reject of a record, the opposite of appendReject.
func rejectAt(rec arrow.Record, i int) pipeline.Reject {
	text := func(col int) string { return rec.Column(col).(*array.String).Value(i) }
	r := pipeline.Reject{Row: rec.Column(1).(*array.Int64).Value(i), Reason: text(2), Raw: text(3), At: pipeline.NoInstant}
	if rec.Column(0).IsValid(i) {
		r.Scope = text(0)
	}
	if at := rec.Column(4).(*array.Timestamp); at.IsValid(i) {
		r.At = pipeline.Instant(at.Value(i))
	}
	if int(rec.NumCols()) > culpritColumn && rec.Column(culpritColumn).IsValid(i) {
		r.Field, r.Shape = text(culpritColumn), text(culpritColumn+1)
	}
	for _, s := range []*string{&r.Scope, &r.Reason, &r.Raw, &r.Field, &r.Shape} {
		*s = string([]byte(*s)) // the record's memory is not the consumer's
	}
	return r
}
