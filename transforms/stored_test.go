package transforms

import (
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/windrow-data/windrow/pipeline"
)

// checkStored makes sure that rows that are read back from a table have the fingerprint that they had in the document.
func checkStored(t *testing.T, f pipeline.Format, table *pipeline.Table, document string) (rows int) {
	t.Helper()
	for chunk, err := range f.Split(strings.NewReader(document), 1<<20) {
		if err != nil {
			return rows
		}
		read, stored := pipeline.NewBatch(table), pipeline.NewBatch(table)
		if err := f.Decode(&pipeline.Meta{ResponseZone: "UTC"}, chunk, read); err == nil {
			rows += read.Rows()
			compareStored(t, read, stored, f.(pipeline.SnapshotFormat).Snapshot, document)
		}
		read.Release()
		stored.Release()
		if chunk.Free != nil {
			chunk.Free()
		}
	}
	return rows
}

func compareStored(t *testing.T, read, stored *pipeline.Batch, snapshot func(name []byte) bool, document string) {
	t.Helper()
	cols, err := read.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var fields []arrow.Field
	var kept []arrow.Array
	for i, col := range cols {
		if col != nil {
			fields = append(fields, arrow.Field{Name: read.Table.Columns[i].Name, Type: col.DataType(), Nullable: true})
			kept = append(kept, col)
		}
	}
	if err := stored.Load(array.NewRecord(arrow.NewSchema(fields, nil), kept, int64(read.Rows()))); err != nil {
		t.Fatal(err)
	}
	got, err := stored.HashStored(read.Rows(), snapshot)
	if err != nil {
		t.Fatalf("%v, of %q", err, document)
	}
	var want pipeline.Hash
	for _, h := range read.HashRows() {
		want = want.Add(h)
	}
	if !got.Is(want) {
		t.Fatalf("the stored rows have the fingerprint %s, the rows as they were read %s, of %q", got, want, document)
	}
}

func TestStoredRowsHaveTheFingerprintThatTheyWereReadWith(t *testing.T) {
	for name, document := range map[string]string{
		"plain":             "1,2025-09-08 10:00:00,Call,UTC,x\n",
		"quotes and breaks": "1,2025-09-08 10:00:00,Call,UTC,\"a \"\"b\"\"\r\n\t\\ \x01é\"\n",
		"not UTF-8":         "1,2025-09-08 10:00:00,Call,UTC,\xc3\x28 \xff\xff\n",
		"looks like JSON":   "1,2025-09-08 10:00:00,Call,UTC,\"{\"\"a\"\":[1,2]}\"\n2,2025-09-08 10:00:00,Call,UTC,12\n",
	} {
		if checkStored(t, NewCSV(personalMapping(), pipeline.Policy{}), personalMapping().Table, "id,started,kind,zone,\"ex\"\"tra \xff\"\n"+document) == 0 {
			t.Errorf("%s: no row was read", name)
		}
	}
	for _, document := range []string{
		`[{"resource":"A","u":"a \"b\" \u0001\u00e9\ud83d","v":[1, {"x":"},]"}],"w":-1.50e3,"x\"y":true,"e":{}}]`,
		"[{\"resource\":\"A\",\"u\":\"\xff\xfe\",\"\xc3\":\"\xed\xa0\x80\", \"n\" : \"no number\"}]",
	} {
		if checkStored(t, NewJSON(jsonMapping, JSONOptions{}, pipeline.Policy{}), jsonMapping.Table, document) == 0 {
			t.Errorf("no row was read of %s", document)
		}
	}
}

// A snapshot is true only at the moment of reading: another value is no other row.
func TestSnapshotsThatStayInExtrasDoNotCount(t *testing.T) {
	f := NewJSON(jsonMapping, JSONOptions{}, pipeline.Policy{})
	if is := f.(pipeline.SnapshotFormat).Snapshot; !is([]byte("pending")) || is([]byte("Pending")) || is([]byte("u")) {
		t.Error("not pending alone is a snapshot")
	}
	if checkStored(t, f, jsonMapping.Table, `[{"resource":"A","pending":7,"u":1}]`) == 0 {
		t.Error("no row was read")
	}
	m := jsonMapping
	m.Fields = slices.Clone(m.Fields)
	m.Fields[slices.IndexFunc(m.Fields, func(f Field) bool { return f.Snapshot })].AnyCase = true
	if checkStored(t, NewJSON(m, JSONOptions{}, pipeline.Policy{}), m.Table, `[{"resource":"A","PENDING":7,"u":1}]`) == 0 {
		t.Error("no row was read whose snapshot comes in another case")
	}
}
