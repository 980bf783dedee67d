package parquet

import (
	"context"
	"errors"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/layout"
	"github.com/windrow-data/windrow/sinks/internal/rowgroup"
	"github.com/windrow-data/windrow/sinks/internal/staging"
	"github.com/windrow-data/windrow/sinks/internal/volume"
)

// stage collects one window in drafts. Each draft begins with the first row or the first reject that goes into it,
// since a report may serve many windows at once.
type stage struct {
	*staging.Stage
	store *Store

	data    volume.Draft   // nil before the first row
	file    *rowgroup.File // in data
	rejects *staging.Spool // in spooled; nil before the first reject
	spooled volume.Draft
}

// Stage implements [pipeline.Sink].
func (s *Store) Stage(_ context.Context, k pipeline.StreamKey, t *pipeline.Table, w pipeline.Window) (pipeline.Stage, error) {
	if err := layout.SafeKey(k); err != nil {
		return nil, inWindow("stage", k, w.Span, err)
	}
	shared, err := staging.New(s, classify, k, t, w)
	if err != nil {
		return nil, err
	}
	return &stage{Stage: shared, store: s}, nil
}

// Append implements [pipeline.Stage]. Encoding happens outside the lock.
func (st *stage) Append(ctx context.Context, seq int, rec arrow.Record) error {
	const op = "stage rows"
	if rec.NumRows() == 0 {
		return nil
	}
	group, err := rowgroup.Encode(rec)
	if err != nil {
		return st.Err(op, err)
	}
	var file *rowgroup.File
	if err := st.Collect(op, func() (err error) { file, err = st.begin(ctx); return err }); err != nil {
		group.Discard()
		return err
	}
	return st.Err(op, file.Add(seq, group))
}

// begin returns the window's file. The caller holds the stage's lock.
func (st *stage) begin(ctx context.Context) (*rowgroup.File, error) {
	if st.file == nil {
		d, err := st.store.volume.Draft(ctx)
		if err != nil {
			return nil, err
		}
		st.data = d
		if st.file, err = newFile(d, st.Table.StageSchema()); err != nil {
			return nil, err
		}
	}
	return st.file, nil
}

// Reject implements [pipeline.Stage].
func (st *stage) Reject(ctx context.Context, rejects []pipeline.Reject) error {
	if len(rejects) == 0 {
		return nil
	}
	return st.Collect("stage rejects", func() error {
		if st.rejects == nil {
			d, err := st.store.volume.Draft(ctx)
			if err != nil {
				return err
			}
			st.rejects, st.spooled = staging.NewSpool(d), d
		}
		return st.rejects.Add(rejects)
	})
}

// Seal implements [pipeline.Stage].
func (st *stage) Seal(ctx context.Context) (staged int64, err error) {
	err = st.Close(func() error {
		if st.file != nil {
			if err := st.file.Close(); err != nil {
				return err
			}
			if err := st.data.Sync(); err != nil {
				return err
			}
			staged = st.file.Size()
		}
		if st.rejects != nil {
			if err := st.rejects.Flush(); err != nil {
				return err
			}
			return st.spooled.Sync()
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	pipeline.Point(ctx, "parquet.sealed")
	return staged, nil
}

// Abort implements [pipeline.Stage].
func (st *stage) Abort() error {
	return st.Drop(func() error {
		var errs []error
		if st.data != nil {
			errs = append(errs, st.data.Discard())
		}
		if st.spooled != nil {
			errs = append(errs, st.spooled.Discard())
		}
		return errors.Join(errs...)
	})
}

// Counts implements [staging.Staged].
func (st *stage) Counts() (rows, rejected int64) {
	if st.file != nil {
		rows = st.file.Rows()
	}
	return rows, st.rejects.Rows()
}

// newFile begins a window's file. Its stamp tells it from an equal one that was there before.
func newFile(d volume.Draft, schema *arrow.Schema) (*rowgroup.File, error) {
	return rowgroup.NewFile(d, schema, rowgroup.Note{Key: "windrow.stamp", Value: volume.Stamp})
}

// build makes a draft, ready to be published, of the groups that fill adds.
func (s *Store) build(ctx context.Context, schema *arrow.Schema, fill func(*rowgroup.File) error) (volume.Draft, error) {
	d, err := s.volume.Draft(ctx)
	if err != nil {
		return nil, err
	}
	file, err := newFile(d, schema)
	if err == nil {
		err = fill(file)
	}
	if err == nil {
		err = file.Close()
	}
	if err == nil {
		err = d.Sync()
	}
	if err != nil {
		return nil, errors.Join(err, d.Discard())
	}
	return d, nil
}
