package parquet

import (
	"context"
	"errors"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/verdict"
	"github.com/windrow-data/windrow/sinks/parquet/internal/files"
	"github.com/windrow-data/windrow/transforms"
)

// stage collects one window in temporary files, which are begun with the
// first row and the first reject: a report may serve many windows at once.
type stage struct {
	store  *Store
	key    pipeline.StreamKey
	table  *pipeline.Table
	window pipeline.Window

	mu      sync.Mutex
	data    files.Temp            // nil before the first row
	file    *transforms.GroupFile // in data
	rejects *spool                // nil before the first reject
	state   stageState
}

type stageState uint8

const (
	staging stageState = iota
	sealed
	ended // committed or aborted
)

var errEnded = errors.New("the stage has ended")

// Stage implements [pipeline.Sink].
func (s *Store) Stage(_ context.Context, k pipeline.StreamKey, t *pipeline.Table, w pipeline.Window) (pipeline.Stage, error) {
	err := safeKey(k)
	if err == nil && w.Empty() {
		err = errors.New("the window is empty")
	}
	if err == nil {
		_, err = w.Location()
	}
	if err != nil {
		return nil, windowFault("stage", k, w.Span, err)
	}
	return &stage{store: s, key: k, table: t, window: w}, nil
}

// Append implements [pipeline.Stage]. Encoding happens outside the lock.
func (st *stage) Append(ctx context.Context, seq int, rec arrow.Record) error {
	if rec.NumRows() == 0 {
		return nil
	}
	group, err := transforms.EncodeRowGroup(rec)
	if err != nil {
		return st.fault("stage rows", err)
	}
	file, err := st.begin(ctx)
	if err != nil {
		group.Discard()
		return st.fault("stage rows", err)
	}
	return st.fault("stage rows", file.Add(seq, group))
}

// begin returns the window's file.
func (st *stage) begin(ctx context.Context) (*transforms.GroupFile, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.state != staging {
		return nil, errEnded
	}
	if st.file == nil {
		t, err := st.store.files.Temp(ctx)
		if err != nil {
			return nil, err
		}
		st.data = t
		if st.file, err = transforms.NewGroupFile(t, st.table.StageSchema()); err != nil {
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
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.state != staging {
		return st.fault("stage rejects", errEnded)
	}
	if st.rejects == nil {
		t, err := st.store.files.Temp(ctx)
		if err != nil {
			return st.fault("stage rejects", err)
		}
		st.rejects = newSpool(t)
	}
	return st.fault("stage rejects", st.rejects.add(rejects))
}

// Seal implements [pipeline.Stage].
func (st *stage) Seal(ctx context.Context) (staged int64, err error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.state != staging {
		return 0, st.fault("seal", errEnded)
	}
	if st.file != nil {
		if err := st.file.Close(); err != nil {
			return 0, st.fault("seal", err)
		}
		if err := st.data.Sync(); err != nil {
			return 0, st.fault("seal", err)
		}
		staged = st.file.Size()
	}
	if st.rejects != nil {
		if err := st.rejects.end(); err != nil {
			return 0, st.fault("seal", err)
		}
	}
	st.state = sealed
	pipeline.Point(ctx, "parquet.sealed")
	return staged, nil
}

// Abort implements [pipeline.Stage].
func (st *stage) Abort() error {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.state = ended
	var errs []error
	if st.data != nil {
		errs = append(errs, st.data.Discard())
	}
	if st.rejects != nil {
		errs = append(errs, st.rejects.temp.Discard())
	}
	return st.fault("drop the stage", errors.Join(errs...))
}

// ready reports why the stage cannot be committed under the entry, if so.
func (st *stage) ready(e pipeline.Entry) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.state != sealed {
		return errors.New("the stage is not sealed")
	}
	rows, rejected := int64(0), int64(0)
	if st.file != nil {
		rows = st.file.Rows()
	}
	if st.rejects != nil {
		rejected = st.rejects.rows
	}
	return verdict.Fits(e, st.window, rows, rejected)
}

// placeData gives the window's file its name. A window without rows gets a
// file that says so when there may be one to replace, else none.
func (st *stage) placeData(ctx context.Context, hasData bool) error {
	if !hasData {
		return nil
	}
	name, err := windowFile(st.table.Name, st.key, st.window)
	if err != nil {
		return err
	}
	if st.data == nil {
		if st.data, err = st.store.emptyFile(ctx, st.table); err != nil {
			return err
		}
	}
	return st.data.Place(ctx, name)
}

// placeRejects gives the window's rejects their name, or removes those of an
// earlier reading.
func (st *stage) placeRejects(ctx context.Context, e pipeline.Entry) error {
	name, err := windowFile(rejectsDir, st.key, st.window)
	if err != nil {
		return err
	}
	if st.rejects == nil {
		return st.store.files.Remove(ctx, name)
	}
	t, err := st.store.rejectsFile(ctx, st.rejects, e)
	if err != nil {
		return err
	}
	return errors.Join(t.Place(ctx, name), t.Discard())
}

// emptyFile is a sealed file of the table without rows.
func (s *Store) emptyFile(ctx context.Context, table *pipeline.Table) (files.Temp, error) {
	return s.build(ctx, table.StageSchema(), func(*transforms.GroupFile) error { return nil })
}

// build makes a sealed file of the groups that fill adds.
func (s *Store) build(ctx context.Context, schema *arrow.Schema, fill func(*transforms.GroupFile) error) (files.Temp, error) {
	t, err := s.files.Temp(ctx)
	if err != nil {
		return nil, err
	}
	file, err := transforms.NewGroupFile(t, schema)
	if err == nil {
		err = fill(file)
	}
	if err == nil {
		err = file.Close()
	}
	if err == nil {
		err = t.Sync()
	}
	if err != nil {
		return nil, errors.Join(err, t.Discard())
	}
	return t, nil
}

func (st *stage) fault(op string, err error) error {
	return windowFault(op, st.key, st.window.Span, err)
}
