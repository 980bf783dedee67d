package parquet

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/parquet"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/rowgroup"
	"github.com/windrow-data/windrow/sinks/internal/staging"
	"github.com/windrow-data/windrow/sinks/internal/volume"
)

// looker is the memory of one goroutine that compares windows.
type looker struct{ scanner rowgroup.Scanner }

// expected is what the ledger says of one file.
type expected struct {
	name  string
	there bool
	bytes int64 // 0: it does not say
	rows  int64
	what  string // rows, rejects
	kind  pipeline.DifferenceKind
}

// compare tells how the files of one window differ from its entry. An error says that nobody knows.
func (v *verifier) compare(ctx context.Context, with *looker, e pipeline.Entry) (differs []pipeline.Difference, err error) {
	data, err := windowFile(v.table.Name, v.key, e.Window)
	if err != nil {
		return nil, err
	}
	rejects, _ := windowFile(rejectsDir, v.key, e.Window)
	for _, x := range []expected{
		{name: data, there: e.HasData, bytes: e.Bytes, rows: e.Counts.Rows, what: "rows", kind: pipeline.DiffRows},
		{name: rejects, there: e.Counts.Rejected > 0, rows: e.Counts.Rejected, what: "rejects", kind: pipeline.DiffRejects},
	} {
		d, err := v.file(ctx, with, e, x)
		if err != nil {
			return nil, inWindow("verify", v.key, e.Window.Span, err)
		}
		if d.Kind != "" {
			d.Window, d.Entry, d.Object = e.Window, e, x.name
			differs = append(differs, d)
		}
	}
	return differs, nil
}

// file compares one file; a difference without a kind is none.
func (v *verifier) file(ctx context.Context, with *looker, e pipeline.Entry, x expected) (d pipeline.Difference, err error) {
	content, err := v.store.volume.Open(ctx, x.name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !x.there:
		return d, nil
	case errors.Is(err, fs.ErrNotExist):
		return pipeline.Difference{Kind: pipeline.DiffMissing, Expected: x.counted(x.rows), Found: "no file"}, nil
	case err != nil:
		return d, err
	}
	defer content.Close() //nolint:errcheck // it is read
	size := content.Size()
	switch {
	case x.bytes != 0 && x.bytes != size:
		return pipeline.Difference{Kind: pipeline.DiffBytes, Expected: inBytes(x.bytes), Found: inBytes(size)}, nil
	case !x.there && x.kind == pipeline.DiffRows:
		return pipeline.Difference{Kind: pipeline.DiffUnexpected, Expected: "no file", Found: "a file of " + inBytes(size)}, nil
	case v.how.Depth == pipeline.ByListing:
		return d, nil
	}
	watched := &watchedContent{Content: content}
	rows, err := with.scanner.Count(watched, size)
	if err == nil && rows != x.rows {
		return pipeline.Difference{Kind: x.kind, Expected: x.counted(x.rows), Found: x.counted(rows)}, nil
	}
	if err == nil && v.how.Depth == pipeline.ByRows {
		if x.kind == pipeline.DiffRows {
			d, err = v.hashRows(ctx, with, e, watched)
		} else {
			d, err = hashRejects(ctx, e, watched)
		}
	}
	if err != nil {
		failed := watched.err()
		if errors.Is(failed, volume.ErrChanged) { // by whom, the ledger tells
			return pipeline.Difference{Kind: pipeline.DiffUnreadable, Expected: x.counted(x.rows), Found: "a file that was replaced while it was read"}, nil
		}
		if failed != nil || ctx.Err() != nil {
			return d, errors.Join(failed, ctx.Err())
		}
		return pipeline.Difference{Kind: pipeline.DiffUnreadable, Expected: x.counted(x.rows), Found: "a damaged file (" + err.Error() + ")"}, nil
	}
	return d, nil
}

// counted is a number of rows or rejects for people.
func (x expected) counted(n int64) string {
	return pipeline.Counted(n, strings.TrimSuffix(x.what, "s"))
}

func inBytes(n int64) string { return pipeline.Counted(n, "byte") }

// hashRows compares the fingerprint of the rows in a file, and where they say that they came from.
func (v *verifier) hashRows(ctx context.Context, with *looker, e pipeline.Entry, content volume.Content) (d pipeline.Difference, err error) {
	r := &rowsReader{table: v.table, entry: e, snapshot: v.snapshot}
	err = with.scanner.Scan(ctx, content, content.Size(), r.group, r.column)
	if err == nil {
		err = r.end()
	}
	r.release()
	switch {
	case err != nil:
		return d, err
	case r.stray != "":
		return pipeline.Difference{Kind: pipeline.DiffFingerprint, Expected: "rows of the window", Found: "rows of another " + r.stray}, nil
	case !r.sum.Is(e.Fingerprint):
		return pipeline.Difference{Kind: pipeline.DiffFingerprint, Expected: "fingerprint " + e.Fingerprint.String(), Found: "fingerprint " + r.sum.String()}, nil
	}
	return d, nil
}

// hashRejects compares the hash of the rejects in a file.
func hashRejects(ctx context.Context, e pipeline.Entry, content volume.Content) (d pipeline.Difference, err error) {
	var sum staging.StoredRejects
	for rec, err := range rowgroup.Records(ctx, io.NewSectionReader(content, 0, content.Size())) {
		if err == nil {
			err = checkColumns(rec, rejectsSchema, culpritColumn, "rejects")
		}
		if err != nil {
			return d, err
		}
		for i := range int(rec.NumRows()) {
			sum = sum.Add(rejectAt(rec, i))
		}
	}
	if !sum.Is(e.RejectsHash) {
		return pipeline.Difference{Kind: pipeline.DiffRejects, Expected: "rejects' hash " + e.RejectsHash.String(), Found: "rejects' hash " + sum.String()}, nil
	}
	return d, nil
}

// rowsReader makes batches of what a scanner reads, one a row group, and sums their fingerprints.
type rowsReader struct {
	table    *pipeline.Table
	entry    pipeline.Entry
	snapshot func(name []byte) bool
	batch    *pipeline.Batch
	rows     int
	sum      pipeline.StoredFingerprint
	stray    string // what the rows come from that is not the window; empty: all are its
}

// group begins a row group.
func (r *rowsReader) group(rows int) error {
	err := r.end()
	r.release()
	r.batch, r.rows = pipeline.NewBatch(r.table), rows
	return err
}

// end hashes the row group.
func (r *rowsReader) end() error {
	if r.batch == nil {
		return nil
	}
	f, err := r.batch.HashStored(r.rows, r.snapshot)
	r.sum = r.sum.Add(f)
	return err
}

func (r *rowsReader) release() {
	if r.batch != nil {
		r.batch.Release()
		r.batch = nil
	}
}

var errType = errors.New("it is of a type that Windrow does not write")

// column adds values to the batch. What the engine fills is no part of the fingerprint: of that it checks what the ledger
// knows too. A column that the table lacks is left out.
func (r *rowsReader) column(v rowgroup.Values) error {
	col, ok := r.table.Find(v.Column)
	switch {
	case !ok:
		return nil
	case r.batch.Engine(col):
		return r.lineage(v)
	}
	switch r.table.Columns[col].Type.ID() {
	case arrow.STRING:
		return each(v, v.Texts, r.batch, col, func(text parquet.ByteArray) { r.batch.Text(col, text) })
	case arrow.INT64:
		return each(v, v.Int64s, r.batch, col, func(n int64) { r.batch.Int(col, n) })
	case arrow.TIMESTAMP:
		return each(v, v.Int64s, r.batch, col, func(n int64) { r.batch.Instant(col, pipeline.Instant(n)) })
	case arrow.FLOAT64:
		return each(v, v.Floats, r.batch, col, func(x float64) { r.batch.Float(col, x) })
	case arrow.BOOL:
		return each(v, v.Bools, r.batch, col, func(b bool) { r.batch.Bool(col, b) })
	case arrow.LIST:
		return r.lists(col, v)
	}
	return errType
}

// each adds the values of a piece to a column of the batch.
func each[T any](v rowgroup.Values, values []T, b *pipeline.Batch, col int, add func(T)) error {
	if v.Reps != nil || v.Defs == nil && len(values) == 0 {
		return errType
	}
	if v.Defs == nil {
		for _, value := range values {
			add(value)
		}
		return nil
	}
	at := 0
	for _, def := range v.Defs {
		switch {
		case def < v.MaxDef:
			b.Null(col)
		case at == len(values):
			return errType
		default:
			add(values[at])
			at++
		}
	}
	return nil
}

// lists adds a piece of a list of strings. Its definition levels: 0 no list, 1 an empty list, 2 an item without a value.
func (r *rowsReader) lists(col int, v rowgroup.Values) error {
	if v.Reps == nil || v.Defs == nil || v.MaxDef != 3 {
		return errType
	}
	at := 0
	for i, def := range v.Defs {
		if v.Reps[i] == 0 && def > 0 {
			r.batch.Tags(col)
		}
		switch {
		case def == 0:
			r.batch.Null(col)
		case def == 1:
		case def == 2, at == len(v.Texts):
			return errType
		default:
			r.batch.Tag(col, v.Texts[at])
			at++
		}
	}
	return nil
}

// lineage notes where rows come from that the ledger knows of otherwise.
func (r *rowsReader) lineage(v rowgroup.Values) error {
	bound := map[string]pipeline.Instant{"window_start": r.entry.Window.Start, "window_end": r.entry.Window.End}
	if at, ok := bound[v.Column]; ok {
		for _, n := range v.Int64s {
			if pipeline.Instant(n) != at {
				r.stray = "window"
			}
		}
	}
	if v.Column == "sync_id" && !r.entry.Unchanged {
		for _, id := range v.Texts {
			if string(id) != string(r.entry.SyncID) {
				r.stray = "run"
			}
		}
	}
	return nil
}
