package connectortest

import (
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/windrow-data/windrow/pipeline"
)

// Decoded is what a format made of one document.
type Decoded struct {
	Rows    []map[string]string // by column, those that have a value; lists with "|" between the items
	Times   []pipeline.Instant
	Extras  []pipeline.Hash // of each row's extras
	Rejects []pipeline.Reject
	Damage  pipeline.Damage // the first row that condemns the document
}

// Decode reads a document for a test of a mapping. What was read before an
// error is returned with it.
func Decode(t *testing.T, f pipeline.Format, table *pipeline.Table, m *pipeline.Meta, document string) (Decoded, error) {
	t.Helper()
	var d Decoded
	for chunk, err := range f.Split(strings.NewReader(document), 1<<20) {
		if err != nil {
			return d, err
		}
		if err := d.add(t, f, m, chunk, pipeline.NewBatch(table)); err != nil {
			return d, err
		}
	}
	return d, nil
}

func (d *Decoded) add(t *testing.T, f pipeline.Format, m *pipeline.Meta, c pipeline.Chunk, b *pipeline.Batch) error {
	t.Helper()
	defer b.Release()
	if c.Free != nil {
		defer c.Free()
	}
	err := f.Decode(m, c, b)
	d.Times, d.Extras, d.Rejects = append(d.Times, b.Times...), append(d.Extras, b.ExtrasHash...), slices.AppendSeq(d.Rejects, b.Rejects.All())
	if d.Damage.Row == 0 {
		d.Damage = b.Damage
	}
	if err != nil {
		return err
	}
	d.Rows = append(d.Rows, Rows(t, b)...)
	return nil
}

// Rows are the rows of a batch, as in [Decoded].
func Rows(t *testing.T, b *pipeline.Batch) []map[string]string {
	t.Helper()
	rows := make([]map[string]string, b.Rows())
	for i := range rows {
		rows[i] = map[string]string{}
	}
	cols, err := b.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for c, col := range cols {
		if col == nil { // the engine fills it
			continue
		}
		for i := range rows {
			if col.IsValid(i) {
				rows[i][b.Table.Columns[c].Name] = valueText(col, i)
			}
		}
		col.Release()
	}
	return rows
}

func valueText(col arrow.Array, i int) string {
	switch a := col.(type) {
	case *array.Timestamp:
		return pipeline.Instant(a.Value(i)).String()
	case *array.List:
		from, to := a.ValueOffsets(i)
		var items []string
		for j := from; j < to; j++ {
			items = append(items, a.ListValues().(*array.String).Value(int(j)))
		}
		return strings.Join(items, "|")
	}
	return strings.Clone(col.ValueStr(i)) // the batch takes its memory back
}
