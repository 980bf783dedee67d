package bigquery

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/apierror"
	"github.com/windrow-data/windrow/sinks/internal/rowgroup"
	"github.com/windrow-data/windrow/sinks/internal/staging"
)

// stage collects one window in temporary files. Each file is begun with the first row or the first reject that goes
// into it, since a report may serve many windows at once.
type stage struct {
	*staging.Stage
	temp *tempFolder

	rows    parquetFile
	rejects parquetFile // made of spool when the stage is sealed
	spool   *staging.Spool
	spooled *os.File // nil before the first reject
}

// parquetFile is a Parquet file on its way; nothing before its first row.
type parquetFile struct {
	file   *os.File
	groups *rowgroup.File
}

func (p *parquetFile) count() int64 {
	if p.groups == nil {
		return 0
	}
	return p.groups.Rows()
}

func (p *parquetFile) size() int64 {
	if p.groups == nil {
		return 0
	}
	return p.groups.Size()
}

// Stage implements [pipeline.Sink].
func (s *Store) Stage(_ context.Context, k pipeline.StreamKey, t *pipeline.Table, w pipeline.Window) (pipeline.Stage, error) {
	if err := checkKey(k); err != nil {
		return nil, windowFault("stage", k, w.Span, err)
	}
	shared, err := staging.New(s, stageError, k, t, w)
	if err != nil {
		return nil, err
	}
	return &stage{Stage: shared, temp: &s.temp}, nil
}

// stageError classifies what happens before anything is sent to BigQuery.
func stageError(op string, err error) error { return apierror.Classify(op, tempError(op, err)) }

// Append implements [pipeline.Stage]. Encoding happens outside the lock.
func (st *stage) Append(_ context.Context, seq int, rec arrow.Record) error {
	const op = "stage rows"
	if rec.NumRows() == 0 {
		return nil
	}
	whole := st.named(rec)
	defer whole.Release()
	group, err := rowgroup.Encode(whole)
	if err != nil {
		return st.Err(op, err)
	}
	if err := st.Collect(op, func() error { return st.begin(&st.rows, st.Table.Schema()) }); err != nil {
		group.Discard()
		return err
	}
	return st.Err(op, st.rows.groups.Add(seq, group))
}

// named is the record with the columns source, account and stream before it.
func (st *stage) named(rec arrow.Record) arrow.Record {
	values := [...]string{string(st.Key.Stream.Source()), string(st.Key.Account), string(st.Key.Stream)}
	cols := make([]arrow.Array, 0, len(values)+int(rec.NumCols()))
	b := array.NewStringBuilder(memory.DefaultAllocator)
	defer b.Release()
	for _, v := range values {
		b.Reserve(int(rec.NumRows()))
		for range rec.NumRows() {
			b.Append(v)
		}
		col := b.NewArray()
		defer col.Release()
		cols = append(cols, col)
	}
	cols = append(cols, rec.Columns()...)
	fields := slices.Concat(st.Table.Schema().Fields()[:len(values)], rec.Schema().Fields())
	return array.NewRecord(arrow.NewSchema(fields, nil), cols, rec.NumRows())
}

// begin begins the file, if need be. The caller holds the stage's lock.
func (st *stage) begin(p *parquetFile, schema *arrow.Schema) error {
	if p.groups != nil {
		return nil
	}
	f, err := st.temp.file()
	if err != nil {
		return err
	}
	p.file = f
	p.groups, err = rowgroup.NewFile(f, schema)
	return err
}

// Reject implements [pipeline.Stage].
func (st *stage) Reject(_ context.Context, rejects []pipeline.Reject) error {
	if len(rejects) == 0 {
		return nil
	}
	return st.Collect("stage rejects", func() (err error) {
		if st.spooled == nil {
			if st.spooled, err = st.temp.file(); err != nil {
				return err
			}
			st.spool = staging.NewSpool(st.spooled)
		}
		return st.spool.Add(rejects)
	})
}

// endRejects turns the spool into a Parquet file. The caller holds the stage's lock.
func (st *stage) endRejects() error {
	if st.spool == nil {
		return nil
	}
	if err := st.begin(&st.rejects, rejectsSchema); err != nil {
		return err
	}
	if err := st.spool.Flush(); err != nil {
		return err
	}
	if _, err := st.spooled.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := st.spool.Groups(st.rejects.groups, st.spooled, rejectsSchema, st.addReject); err != nil {
		return err
	}
	return dropFile(&st.spooled) // the folder may be a part of the memory
}

func (st *stage) addReject(b *array.RecordBuilder, r pipeline.Reject) {
	for i, name := range []string{string(st.Key.Stream.Source()), string(st.Key.Account), string(st.Key.Stream)} {
		b.Field(i).(*array.StringBuilder).Append(name)
	}
	for i, at := range []pipeline.Instant{st.Window.Start, st.Window.End} {
		b.Field(3 + i).(*array.TimestampBuilder).Append(arrow.Timestamp(at))
	}
	staging.AppendReject(b, 5, r)
	staging.AppendCulprit(b, 10, r)
}

// Seal implements [pipeline.Stage].
func (st *stage) Seal(ctx context.Context) (staged int64, err error) {
	err = st.Close(func() error {
		if err := st.endRejects(); err != nil {
			return err
		}
		for _, p := range []*parquetFile{&st.rows, &st.rejects} {
			if p.groups == nil {
				continue
			}
			// No sync: nothing refers to the file, so that after a crash of the machine the next run reads the window again.
			if err := p.groups.Close(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	pipeline.Point(ctx, "bigquery.staged")
	return st.size(), nil
}

// Abort implements [pipeline.Stage].
func (st *stage) Abort() error {
	return st.Drop(func() error {
		var errs []error
		for _, f := range []**os.File{&st.rows.file, &st.rejects.file, &st.spooled} {
			errs = append(errs, dropFile(f))
		}
		return errors.Join(errs...)
	})
}

// dropFile removes a temporary file that nobody needs any more. There may be none.
func dropFile(f **os.File) error {
	if *f == nil {
		return nil
	}
	dropped := *f
	*f = nil
	_ = dropped.Close() // nobody needs what it holds
	if err := os.Remove(dropped.Name()); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// Counts implements [staging.Staged].
func (st *stage) Counts() (rows, rejected int64) { return st.rows.count(), st.rejects.count() }

func (st *stage) size() int64 { return st.rows.size() + st.rejects.size() }
