package parquet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/object"
	"github.com/windrow-data/windrow/sinks/internal/rowgroup"
	"github.com/windrow-data/windrow/sinks/internal/volume"
)

// The history: a Parquet file for each stream and each month in which windows start. A row of it is known by its kind, run
// and window, and a file is replaced as a whole on the condition of the version that was read, so that a row that is
// written again stands there once. The folders have names without a =, since every column is in the files.

// historySchema is that of the files beneath _windrow/history.
var historySchema = arrow.NewSchema([]arrow.Field{
	{Name: "kind", Type: arrow.BinaryTypes.String},
	{Name: "sync_id", Type: arrow.BinaryTypes.String},
	{Name: "source", Type: arrow.BinaryTypes.String},
	{Name: "account", Type: arrow.BinaryTypes.String},
	{Name: "stream", Type: arrow.BinaryTypes.String},
	{Name: "window_start", Type: pipeline.Timestamp},
	{Name: "window_end", Type: pipeline.Timestamp},
	{Name: "read_at", Type: pipeline.Timestamp},
	{Name: "previous_read_at", Type: pipeline.Timestamp, Nullable: true},
	{Name: "after_settle", Type: arrow.FixedWidthTypes.Boolean, Nullable: true},
	{Name: "rows_before", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "rows_after", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "measures", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "error_kind", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "hint", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "unreadable", Type: arrow.BinaryTypes.String, Nullable: true}, // as what follows: not in files of earlier versions
	{Name: "warning", Type: arrow.BinaryTypes.String, Nullable: true},
}, nil)

// unreadableColumn is the first that files of earlier versions have not.
const unreadableColumn = 15

// monthLayout is how a file of the history tells its month, in UTC.
const monthLayout = "2006-01"

func historyFolder(k pipeline.StreamKey) string {
	return historyDir + "/" + string(k.Stream) + "/" + string(k.Account)
}

func historyFile(k pipeline.StreamKey, start pipeline.Instant) string {
	return historyFolder(k) + "/" + start.Time().UTC().Format(monthLayout) + suffix
}

// untold names rows of commits that began and never ended.
type untold struct {
	window pipeline.Span
	by     []pipeline.SyncID
}

// edit is what is to become of one file of the history.
type edit struct {
	drop []untold
	add  []pipeline.HistoryRow
}

// edits are those of several files, by name.
type edits map[string]edit

func (es edits) add(r pipeline.HistoryRow) {
	name := historyFile(r.Key, r.Window.Start)
	e := es[name]
	e.add = append(e.add, r)
	es[name] = e
}

func (es edits) drop(k pipeline.StreamKey, u untold) {
	name := historyFile(k, u.window.Start)
	e := es[name]
	e.drop = append(e.drop, u)
	es[name] = e
}

// apply is what the rows of the file become, and whether that is something else.
func (e edit) apply(rows []pipeline.HistoryRow) (edited []pipeline.HistoryRow, changed bool) {
	edited = slices.DeleteFunc(slices.Clone(rows), func(r pipeline.HistoryRow) bool {
		return slices.ContainsFunc(e.drop, func(u untold) bool {
			return r.IsCommit() && r.Window == u.window && slices.Contains(u.by, r.SyncID)
		}) || slices.ContainsFunc(e.add, func(a pipeline.HistoryRow) bool {
			return r.Kind == a.Kind && r.Window == a.Window && r.SyncID == a.SyncID
		})
	})
	changed = len(edited) < len(rows) || len(e.add) > 0
	edited = append(edited, e.add...)
	slices.SortStableFunc(edited, func(a, b pipeline.HistoryRow) int { return pipeline.CompareHistory(&a, &b) })
	return edited, changed
}

// edited is a file of the history as it is to be.
type edited struct {
	name string
	over volume.Version
	rows []pipeline.HistoryRow
}

// readEdits reads the files and says what becomes of those that change.
func (s *Store) readEdits(ctx context.Context, es edits) (list []edited, err error) {
	names := slices.Sorted(maps.Keys(es))
	if len(names) == 0 {
		return nil, nil
	}
	versions, err := s.volume.Versions(ctx, names...) // before they are read
	if err != nil {
		return nil, err
	}
	var scanner rowgroup.Scanner
	for i, name := range names {
		var rows []pipeline.HistoryRow
		if versions[i] != volume.Absent {
			if rows, err = s.readHistory(ctx, &scanner, name); errors.Is(err, fs.ErrNotExist) {
				return nil, volume.ErrChanged
			} else if err != nil {
				return nil, err
			}
		}
		if rows, changed := es[name].apply(rows); changed {
			list = append(list, edited{name, versions[i], rows})
		}
	}
	return list, nil
}

// publishHistory puts the files in place, where they are as they were read.
func (s *Store) publishHistory(ctx context.Context, list []edited) error {
	for _, f := range list {
		d, err := s.build(ctx, historySchema, func(file *rowgroup.File) error { return addHistory(file, f.rows) })
		if err != nil {
			return err
		}
		if err := errors.Join(d.Publish(ctx, f.name, f.over), d.Discard()); err != nil {
			return err
		}
		pipeline.Point(ctx, "parquet.history-written")
	}
	return nil
}

// noteHistory brings about what the edits say, whatever others write.
func (s *Store) noteHistory(ctx context.Context, es edits) error {
	for n := 1; ; n++ {
		list, err := s.readEdits(ctx, es)
		if err == nil {
			err = s.publishHistory(ctx, list)
		}
		if !errors.Is(err, volume.ErrChanged) || n == patience {
			return err
		}
		if err := pause(ctx, n); err != nil {
			return err
		}
	}
}

// addHistory encodes the rows, in groups that bound the memory.
func addHistory(file *rowgroup.File, rows []pipeline.HistoryRow) error {
	const most = 4096
	seq := 0
	for some := range slices.Chunk(rows, most) {
		rec := historyRecord(some)
		group, err := rowgroup.Encode(rec)
		rec.Release()
		if err != nil {
			return err
		}
		if err := file.Add(seq, group); err != nil {
			return err
		}
		seq++
	}
	return nil
}

func historyRecord(rows []pipeline.HistoryRow) arrow.Record {
	b := array.NewRecordBuilder(memory.DefaultAllocator, historySchema)
	defer b.Release()
	text := func(col int, s string, null bool) {
		if null {
			b.Field(col).AppendNull()
		} else {
			b.Field(col).(*array.StringBuilder).Append(s)
		}
	}
	at := func(col int, i pipeline.Instant, null bool) {
		if null {
			b.Field(col).AppendNull()
		} else {
			b.Field(col).(*array.TimestampBuilder).Append(arrow.Timestamp(i))
		}
	}
	count := func(col int, n int64, null bool) {
		if null {
			b.Field(col).AppendNull()
		} else {
			b.Field(col).(*array.Int64Builder).Append(n)
		}
	}
	for i := range rows {
		r := &rows[i]
		unchanged := r.Kind != pipeline.HistoryChanged
		for col, s := range []string{string(r.Kind), string(r.SyncID), string(r.Key.Stream.Source()), string(r.Key.Account), string(r.Key.Stream)} {
			text(col, s, false)
		}
		at(5, r.Window.Start, false)
		at(6, r.Window.End, false)
		at(7, r.ReadAt, false)
		at(8, r.PreviousReadAt, unchanged)
		if unchanged {
			b.Field(9).AppendNull()
		} else {
			b.Field(9).(*array.BooleanBuilder).Append(r.AfterSettle)
		}
		count(10, r.RowsBefore, unchanged)
		count(11, r.RowsAfter, !r.IsCommit())
		text(12, r.MeasuresJSON(), r.Measures == nil)
		text(13, r.ErrorKind, r.ErrorKind == "")
		text(14, r.Hint, r.Hint == "")
		text(unreadableColumn, r.UnreadableJSON(), len(r.Unreadable) == 0)
		text(unreadableColumn+1, string(r.Warning), r.Warning == "")
	}
	return b.NewRecord()
}

// readHistory reads a file of the history. The files are small and many: the scanner keeps its memory from one to the next.
func (s *Store) readHistory(ctx context.Context, scanner *rowgroup.Scanner, name string) (rows []pipeline.HistoryRow, err error) {
	body, err := s.volume.Read(ctx, name)
	if err != nil {
		return nil, err
	}
	for rec, err := range scanner.Records(ctx, bytes.NewReader(body)) {
		if err == nil {
			err = checkColumns(rec, historySchema, unreadableColumn, "a history")
		}
		if err == nil {
			rows, err = appendHistory(rows, rec)
		}
		if err != nil && ctx.Err() == nil {
			err = object.Damaged("read the history", name, err, "restore it from a copy, or remove it: what it tells of the windows of that month goes with it")
		}
		if err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// appendHistory is the opposite of historyRecord.
func appendHistory(rows []pipeline.HistoryRow, rec arrow.Record) ([]pipeline.HistoryRow, error) {
	for i := range int(rec.NumRows()) {
		text := func(col int) string { return strings.Clone(rec.Column(col).(*array.String).Value(i)) }
		at := func(col int) pipeline.Instant {
			if rec.Column(col).IsNull(i) {
				return 0
			}
			return pipeline.Instant(rec.Column(col).(*array.Timestamp).Value(i))
		}
		count := func(col int) int64 {
			if rec.Column(col).IsNull(i) {
				return 0
			}
			return rec.Column(col).(*array.Int64).Value(i)
		}
		r := pipeline.HistoryRow{
			Kind: pipeline.HistoryKind(text(0)), SyncID: pipeline.SyncID(text(1)),
			Key:    pipeline.StreamKey{Account: pipeline.AccountID(text(3)), Stream: pipeline.StreamID(text(4))},
			Window: pipeline.Span{Start: at(5), End: at(6)}, ReadAt: at(7), PreviousReadAt: at(8),
			AfterSettle: rec.Column(9).IsValid(i) && rec.Column(9).(*array.Boolean).Value(i),
			RowsBefore:  count(10), RowsAfter: count(11), ErrorKind: text(13), Hint: text(14),
		}
		if err := r.ReadMeasures(text(12)); err != nil {
			return nil, fmt.Errorf("the measures of row %d: %w", i+1, err)
		}
		if rec.NumCols() > unreadableColumn {
			if err := r.ReadUnreadable(text(unreadableColumn)); err != nil {
				return nil, fmt.Errorf("the unreadable values of row %d: %w", i+1, err)
			}
			r.Warning = pipeline.WarningKind(text(unreadableColumn + 1))
		}
		rows = append(rows, r)
	}
	return rows, nil
}

// historyAhead is how many files of the history are read at once: they are many, and those of a bucket are far away.
const historyAhead = 8

// eachHistory reads these files of the history, some at once, and hands them over in their order. One that is gone has no rows.
func (s *Store) eachHistory(ctx context.Context, names []string, do func([]pipeline.HistoryRow) bool) error {
	type month struct {
		rows []pipeline.HistoryRow
		err  error
	}
	ctx, cancel := context.WithCancel(ctx)
	scanners := make(chan *rowgroup.Scanner, historyAhead)
	var reading sync.WaitGroup
	defer reading.Wait()
	defer cancel()
	var queue []chan month
	next := func() {
		if len(names) == 0 {
			return
		}
		name, done := names[0], make(chan month, 1)
		names, queue = names[1:], append(queue, done)
		reading.Go(func() {
			scanner := <-scanners
			rows, err := s.readHistory(ctx, scanner, name)
			scanners <- scanner
			if errors.Is(err, fs.ErrNotExist) {
				err = nil
			}
			done <- month{rows, err}
		})
	}
	for range historyAhead {
		scanners <- new(rowgroup.Scanner)
		next()
	}
	for len(queue) > 0 {
		m := <-queue[0]
		queue = queue[1:]
		if m.err != nil || !do(m.rows) {
			return m.err
		}
		next()
	}
	return ctx.Err()
}

// History implements [pipeline.HistoryReader]. The memory is that of some months of a stream.
func (s *Store) History(ctx context.Context, keys []pipeline.StreamKey, over pipeline.Span) iter.Seq2[pipeline.HistoryRow, error] {
	return func(yield func(pipeline.HistoryRow, error) bool) {
		names, err := s.volume.List(ctx, historyDir)
		names = slices.DeleteFunc(names, func(name string) bool {
			k, ok := historyOf(name, over)
			return !ok || keys != nil && !slices.Contains(keys, k)
		})
		slices.SortFunc(names, func(a, b string) int { // by stream, account and month: a / sorts after some letters of a stream
			return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/"))
		})
		left := false
		if err == nil {
			err = s.eachHistory(ctx, names, func(rows []pipeline.HistoryRow) bool {
				for _, r := range rows {
					if left = r.Window.Overlaps(over) && !yield(r, nil); left {
						return false
					}
				}
				return true
			})
		}
		if err != nil && !left {
			yield(pipeline.HistoryRow{}, classify("read the history", err))
		}
	}
}

// checkHistory reads all files of the history: a commit that has something to add to a damaged one fails.
func (s *Store) checkHistory(ctx context.Context) error {
	const op = "read the history"
	names, err := s.volume.List(ctx, historyDir)
	if err != nil {
		return classify(op, err)
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		_, ok := historyOf(name, pipeline.Span{Start: pipeline.NoInstant, End: 1<<63 - 1})
		return !ok
	})
	return classify(op, s.eachHistory(ctx, names, func([]pipeline.HistoryRow) bool { return true }))
}

// Warn implements [pipeline.HistoryReader].
func (s *Store) Warn(ctx context.Context, rows ...pipeline.HistoryRow) error {
	es := make(edits)
	for _, r := range rows {
		es.add(r)
	}
	return classify("write the history", s.volume.Update(ctx, func(ctx context.Context, _ bool) error { return s.noteHistory(ctx, es) }))
}

// historyOf tells the stream of a file of the history, and whether it may have windows that overlap the span.
func historyOf(name string, over pipeline.Span) (k pipeline.StreamKey, ok bool) {
	parts := strings.Split(strings.TrimPrefix(name, historyDir+"/"), "/")
	month, isFile := strings.CutSuffix(path.Base(name), suffix)
	first, err := time.Parse(monthLayout, month)
	if len(parts) != 3 || !isFile || err != nil {
		return k, false // what a desktop or a copy left there
	}
	k = pipeline.StreamKey{Stream: pipeline.StreamID(parts[0]), Account: pipeline.AccountID(parts[1])}
	begun := pipeline.InstantOf(first) < over.End
	ended := pipeline.InstantOf(first.AddDate(0, 1, 0).Add(reach)) <= over.Start
	return k, begun && !ended
}
