package bigquery

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/verdict"
	"github.com/windrow-data/windrow/transforms"
)

// rejectsSchema is that of staged rejects; the table has two more columns,
// which come from the ledger's entry.
var rejectsSchema = func() *arrow.Schema {
	meaning := func(name string, typ arrow.DataType, nullable bool, text string) arrow.Field {
		return arrow.Field{Name: name, Type: typ, Nullable: nullable, Metadata: arrow.NewMetadata([]string{"meaning"}, []string{text})}
	}
	text, number := arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64
	return arrow.NewSchema([]arrow.Field{
		meaning("source", text, false, "the vendor"),
		meaning("account", text, false, "the tenant of the source"),
		meaning("stream", text, false, "the stream's full name"),
		meaning("window_start", pipeline.Timestamp, false, "start of the window that the row was read for"),
		meaning("window_end", pipeline.Timestamp, false, "end of that window, exclusive"),
		meaning("scope", text, true, "what the report was asked for"),
		meaning("position", number, false, "number of the row in its document, from 1"),
		meaning("reason", text, false, "which field and what is wrong"),
		meaning("raw", text, false, "the row as the vendor sent it"),
		meaning("row_time", pipeline.Timestamp, true, "the row's time where it could be read"),
	}, nil)
}()

// stage collects one window in temporary files, which are begun with the
// first row and the first reject: a report may serve many windows at once.
type stage struct {
	store  *Store
	key    pipeline.StreamKey
	table  *pipeline.Table
	window pipeline.Window

	mu      sync.Mutex
	rows    spool
	rejects spool
	state   stageState
}

type stageState uint8

const (
	staging stageState = iota
	sealed
	ended // committed or aborted
)

var errEnded = errors.New("the stage has ended")

// spool is a Parquet file on its way; nothing before its first row.
type spool struct {
	file   *os.File
	groups *transforms.GroupFile
	seq    int // the place of the next group, of rejects
}

func (p *spool) count() int64 {
	if p.groups == nil {
		return 0
	}
	return p.groups.Rows()
}

func (p *spool) size() int64 {
	if p.groups == nil {
		return 0
	}
	return p.groups.Size()
}

// Stage implements [pipeline.Sink].
func (s *Store) Stage(_ context.Context, k pipeline.StreamKey, t *pipeline.Table, w pipeline.Window) (pipeline.Stage, error) {
	err := checkKey(k)
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
func (st *stage) Append(_ context.Context, seq int, rec arrow.Record) error {
	const op = "stage rows"
	if rec.NumRows() == 0 {
		return nil
	}
	whole := st.named(rec)
	defer whole.Release()
	group, err := transforms.EncodeRowGroup(whole)
	if err != nil {
		return st.fault(op, err)
	}
	groups, err := st.begin(&st.rows, st.table.Schema())
	if err != nil {
		group.Discard()
		return st.fault(op, err)
	}
	return st.fault(op, groups.Add(seq, group))
}

// named is the record with the columns source, account and stream before it.
func (st *stage) named(rec arrow.Record) arrow.Record {
	values := [...]string{string(st.key.Stream.Source()), string(st.key.Account), string(st.key.Stream)}
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
	fields := slices.Concat(st.table.Schema().Fields()[:len(values)], rec.Schema().Fields())
	return array.NewRecord(arrow.NewSchema(fields, nil), cols, rec.NumRows())
}

// begin returns the file of a spool.
func (st *stage) begin(p *spool, schema *arrow.Schema) (*transforms.GroupFile, error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.state != staging {
		return nil, errEnded
	}
	if p.groups == nil {
		f, err := st.store.tempFile()
		if err != nil {
			return nil, err
		}
		p.file = f
		if p.groups, err = transforms.NewGroupFile(f, schema); err != nil {
			return nil, err
		}
	}
	return p.groups, nil
}

// Reject implements [pipeline.Stage].
func (st *stage) Reject(_ context.Context, rejects []pipeline.Reject) error {
	const op = "stage rejects"
	if len(rejects) == 0 {
		return nil
	}
	groups, err := st.begin(&st.rejects, rejectsSchema)
	if err != nil {
		return st.fault(op, err)
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, rejectsSchema)
	defer b.Release()
	for _, r := range rejects {
		st.addReject(b, r)
	}
	rec := b.NewRecord()
	defer rec.Release()
	group, err := transforms.EncodeRowGroup(rec)
	if err != nil {
		return st.fault(op, err)
	}
	st.mu.Lock()
	seq := st.rejects.seq
	st.rejects.seq++
	st.mu.Unlock()
	return st.fault(op, groups.Add(seq, group))
}

func (st *stage) addReject(b *array.RecordBuilder, r pipeline.Reject) {
	text := func(col int, v string) { b.Field(col).(*array.StringBuilder).Append(v) }
	at := func(col int, v pipeline.Instant) {
		b.Field(col).(*array.TimestampBuilder).Append(arrow.Timestamp(v))
	}
	text(0, string(st.key.Stream.Source()))
	text(1, string(st.key.Account))
	text(2, string(st.key.Stream))
	at(3, st.window.Start)
	at(4, st.window.End)
	if r.Scope == "" {
		b.Field(5).AppendNull()
	} else {
		text(5, r.Scope)
	}
	b.Field(6).(*array.Int64Builder).Append(r.Row)
	text(7, transforms.Printable(r.Reason))
	text(8, transforms.Printable(r.Raw))
	if r.At == pipeline.NoInstant {
		b.Field(9).AppendNull()
	} else {
		at(9, r.At)
	}
}

// Seal implements [pipeline.Stage].
func (st *stage) Seal(ctx context.Context) (staged int64, err error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.state != staging {
		return 0, st.fault("seal", errEnded)
	}
	for _, p := range []*spool{&st.rows, &st.rejects} {
		if p.groups == nil {
			continue
		}
		// No sync: a machine that crashes reads the window again, as nothing refers to the file.
		if err := p.groups.Close(); err != nil {
			return 0, st.fault("seal", err)
		}
	}
	st.state = sealed
	pipeline.Point(ctx, "bigquery.staged")
	return st.size(), nil
}

// Abort implements [pipeline.Stage].
func (st *stage) Abort() error {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.state = ended
	var errs []error
	for _, p := range []*spool{&st.rows, &st.rejects} {
		if p.file == nil {
			continue
		}
		_ = p.file.Close() // nobody needs what it holds
		if err := os.Remove(p.file.Name()); err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
		p.file = nil
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
	rows, rejected := st.rows.count(), st.rejects.count()
	return verdict.Fits(e, st.window, rows, rejected)
}

func (st *stage) size() int64 { return st.rows.size() + st.rejects.size() }

func (st *stage) fault(op string, err error) error {
	return windowFault(op, st.key, st.window.Span, tempFault(op, err))
}
