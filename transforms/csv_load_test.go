package transforms

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/windrow-data/windrow/pipeline"
)

// fields of testMapping
const (
	tID = iota
	tStarted
	tQueued
	tRang
	tConnected
	tEnded
	tZone
	tInternal
	tKind
	tTalk
	tTags
	tScore
	tEntry
	tText
)

// testMapping uses every conversion that the events table has room for.
func testMapping() Mapping {
	cols := []int{
		pipeline.Events.Index("started_at"), pipeline.Events.Index("queued_at"), pipeline.Events.Index("rang_at"),
		pipeline.Events.Index("connected_at"), pipeline.Events.Index("ended_at"),
	}
	return Mapping{
		Table: pipeline.Events,
		Fields: []Field{
			tID:        {Source: "id", Column: "event_id"},
			tStarted:   {Source: "started", Conv: Custom},
			tQueued:    {Source: "queued", Conv: Custom},
			tRang:      {Source: "rang", Conv: Custom},
			tConnected: {Source: "connected", Conv: Custom},
			tEnded:     {Source: "ended", Conv: Custom},
			tZone:      {Source: "zone", Conv: Zone},
			tInternal:  {Source: "internal", Conv: Bool},
			tKind:      {Source: "kind", Column: "kind", Conv: Lower},
			tTalk:      {Source: "talk", Column: "talk_seconds", Conv: Minutes},
			tTags:      {Source: "tags", Column: "tags", Conv: Tags},
			tScore:     {Source: "score", Column: "score", Conv: Number},
			tEntry:     {Source: "entry", Column: "is_entry", Conv: Bool},
			tText:      {Source: "text", Column: "text"},
		},
		Keys: []string{"id", "started"},
		Last: "zone",
		Row: func(r *Row) {
			times := r.Times(tZone, tStarted, tQueued, tRang, tConnected, tEnded)
			if times == nil {
				return
			}
			r.At(times[0])
			for i, t := range times {
				r.SetInstant(cols[i], t)
			}
			r.SetString(pipeline.Events.Index("channel"), "voice")
		},
	}
}

var testMeta = pipeline.Meta{Request: pipeline.Request{Zone: "UTC"}, ResponseZone: "America/Chicago"}

// loaded is what a document became.
type loaded struct {
	rows    []map[string]string // column to text; null columns are absent
	times   []pipeline.Instant
	hashes  []pipeline.Hash
	rejects []pipeline.Reject
	chunks  int
	verdict
	unreadable pipeline.FieldCounts
}

// verdict is what the engine makes of a document's damage.
type verdict struct{ tail pipeline.Damage }

// judge takes in a batch. before is the number of rows before it.
func (v *verdict) judge(b *pipeline.Batch, before int64) error {
	if d := b.Damage; d.Row > 0 {
		d.Row += before
		return damaged(d)
	}
	if b.Read() > 0 {
		v.tail = b.Tail
		v.tail.Row += before
	}
	return nil
}

func (v *verdict) end() error {
	if v.tail.What != "" {
		return damaged(v.tail)
	}
	return nil
}

func damaged(d pipeline.Damage) error {
	return &pipeline.Error{Op: "read", Kind: pipeline.Malformed, Cause: d.Cause, Hint: d.Hint, Err: fmt.Errorf("row %d %s", d.Row, d.What)}
}

// load reads a document as the engine does: strictly, then leniently if need be.
func load(t testing.TB, f pipeline.Format, m *pipeline.Meta, doc io.Reader, rangeBytes int) (loaded, error) {
	t.Helper()
	batch := pipeline.NewBatch(tableOf(f))
	defer batch.Release()
	var out loaded
	for chunk, err := range f.Split(doc, rangeBytes) {
		if err != nil {
			return out, err
		}
		out.chunks++
		before, read := batch.Rejects.Len(), batch.Read()
		err = f.Decode(m, chunk, batch)
		if err == nil && batch.Read() > read {
			err = out.judge(batch, read)
		}
		for _, r := range slices.Collect(batch.Rejects.All())[before:] {
			r.Row += read
			out.rejects = append(out.rejects, r)
		}
		if chunk.Free != nil {
			for i := range chunk.Data { // what a later chunk would do to the memory
				chunk.Data[i] = '#'
			}
			chunk.Free()
		}
		if err != nil {
			return out, err
		}
	}
	if err := out.end(); err != nil {
		return out, err
	}
	out.unreadable = batch.Tally([]pipeline.RowRange{{From: 0, To: batch.Rows()}}).Unreadable()
	out.times, out.hashes = slices.Clone(batch.Times), slices.Clone(batch.ExtrasHash)
	rows := batch.Rows()
	cols, err := batch.Columns()
	if err != nil {
		return out, err
	}
	out.rows = make([]map[string]string, rows)
	for i := range out.rows {
		out.rows[i] = make(map[string]string)
	}
	for c, col := range cols {
		if col == nil {
			continue
		}
		for i := range rows {
			if col.IsValid(i) {
				out.rows[i][batch.Table.Columns[c].Name] = cellText(col, i)
			}
		}
		col.Release()
	}
	return out, nil
}

func tableOf(f pipeline.Format) *pipeline.Table {
	if f, ok := f.(*jsonFormat); ok {
		return f.mapping.Table
	}
	return f.(*csvFormat).mapping.Table
}

func cellText(col arrow.Array, i int) string {
	switch a := col.(type) {
	case *array.Timestamp:
		return pipeline.Instant(a.Value(i)).String()
	case *array.List:
		from, to := a.ValueOffsets(i)
		items := make([]string, 0, to-from)
		for j := from; j < to; j++ {
			items = append(items, strings.Clone(a.ListValues().(*array.String).Value(int(j))))
		}
		return fmt.Sprintf("%q", items)
	default:
		return strings.Clone(col.ValueStr(i))
	}
}

// read loads a document with testMapping; strict alone.
func read(t testing.TB, doc string) (loaded, error) {
	t.Helper()
	return load(t, NewCSV(testMapping(), pipeline.Policy{}), &testMeta, strings.NewReader(doc), 1<<20)
}

// mustRead loads a document that must be read without a fault.
func mustRead(t testing.TB, doc string) loaded {
	t.Helper()
	got, err := read(t, doc)
	if err != nil {
		t.Fatalf("reading %q: %v", doc, err)
	}
	return got
}

func wantKind(t testing.TB, err error, kind pipeline.Kind, text string) {
	t.Helper()
	if pipeline.KindOf(err) != kind || err == nil {
		t.Fatalf("got error %v, want kind %v", err, kind)
	}
	if !strings.Contains(err.Error(), text) {
		t.Fatalf("got error %q, want one that says %q", err, text)
	}
}

const minimal = "id,started,kind,zone\n"

const row1 = "1,2025-09-08 10:00:00,Call,UTC\n"
