package rowgroup

import (
	"bytes"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// groupFile is a file of groups of 100 rows, numbered from.
func groupFile(t *testing.T, from, groups int) []byte {
	t.Helper()
	var buf bytes.Buffer
	f, err := NewFile(&buf, groupSchema)
	if err != nil {
		t.Fatal(err)
	}
	for i := range groups {
		if err := f.Add(groups-i, mustEncode(t, groupRecord(memory.DefaultAllocator, from+100*(groups-1-i), 100))); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestFilesJoinWithoutBeingDecoded(t *testing.T) {
	var buf bytes.Buffer
	f, err := NewFile(&buf, groupSchema)
	if err != nil {
		t.Fatal(err)
	}
	from, seq := 0, 0
	for _, groups := range []int{2, 0, 3, 1} {
		part := groupFile(t, from, groups)
		n, err := f.AddFile(seq, bytes.NewReader(part), int64(len(part)))
		if err != nil || n != groups {
			t.Fatalf("%d groups were added, %v", n, err)
		}
		// The parts lie in the file in descending order of their groups.
		from, seq = from+100*groups, seq+n
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if f.Rows() != 600 {
		t.Errorf("the file says %d rows", f.Rows())
	}
	got := readTable(t, buf.Bytes())
	want := array.NewTableFromRecords(groupSchema, []arrow.Record{groupRecord(memory.DefaultAllocator, 0, 600)})
	for i := range groupSchema.NumFields() {
		g, err := array.Concatenate(got.Column(i).Data().Chunks(), memory.DefaultAllocator)
		if err != nil {
			t.Fatal(err)
		}
		if !array.Equal(g, want.Column(i).Data().Chunk(0)) {
			t.Errorf("column %s differs after the join", groupSchema.Field(i).Name)
		}
	}
}

func TestWhatIsNoFileOfTheSchemaIsNotJoined(t *testing.T) {
	whole := groupFile(t, 0, 1)
	var other bytes.Buffer
	o, err := NewFile(&other, arrow.NewSchema([]arrow.Field{{Name: "x", Type: arrow.PrimitiveTypes.Int64}}, nil))
	if err != nil || o.Close() != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"nothing", nil, "too short"},
		{"a file cut short", whole[:len(whole)-1], "no footer"},
		{"a footer longer than the file", append([]byte("PAR1"), 0xff, 0xff, 0xff, 0x7f, 'P', 'A', 'R', '1'), "no footer"},
		{"another schema", other.Bytes(), "another schema"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var buf bytes.Buffer
			f, err := NewFile(&buf, groupSchema)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.AddFile(0, bytes.NewReader(tt.data), int64(len(tt.data))); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if f.Close() == nil {
				t.Error("Close forgot the error")
			}
		})
	}
}
