package staging

import (
	"bytes"
	"fmt"
	"reflect"
	"runtime/metrics"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/rowgroup"
)

var spoolSchema = arrow.NewSchema([]arrow.Field{
	{Name: "scope", Type: arrow.BinaryTypes.String, Nullable: true}, {Name: "row", Type: arrow.PrimitiveTypes.Int64},
	{Name: "reason", Type: arrow.BinaryTypes.String}, {Name: "raw", Type: arrow.BinaryTypes.String},
	{Name: "row_time", Type: pipeline.Timestamp, Nullable: true},
}, nil)

func appendTo(b *array.RecordBuilder, r pipeline.Reject) { AppendReject(b, 0, r) }

func TestASpoolGivesBackWhatItTook(t *testing.T) {
	want := []pipeline.Reject{
		{Row: 1, At: pipeline.NoInstant, Reason: "has 1 of 4 cells", Raw: "\xff\x00\n"},
		{Row: 1 << 40, At: -5, Reason: "", Raw: strings.Repeat("long", 20_000), Scope: "office:1"},
		{Row: 3, At: 12, Reason: "is blank", Raw: ""},
	}
	var file bytes.Buffer
	s := NewSpool(&file)
	for _, r := range want {
		if err := s.Add([]pipeline.Reject{r}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Flush(); err != nil || s.Rows() != 3 {
		t.Fatalf("%d rows, %v", s.Rows(), err)
	}
	var got []pipeline.Reject
	for r, err := range readSpool(bytes.NewReader(file.Bytes())) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestASpoolThatWasCutIsNoSpool(t *testing.T) {
	var file bytes.Buffer
	s := NewSpool(&file)
	if err := s.Add([]pipeline.Reject{{Row: 1, Reason: "a", Raw: "b"}, {Row: 2, Reason: "c", Raw: "d"}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	for n := range file.Len() {
		out, err := rowgroup.NewFile(&bytes.Buffer{}, spoolSchema)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Groups(out, bytes.NewReader(file.Bytes()[:n]), spoolSchema, appendTo); err == nil {
			t.Errorf("%d of %d bytes were taken for the whole", n, file.Len())
		}
	}
	out, err := rowgroup.NewFile(&bytes.Buffer{}, spoolSchema)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Groups(out, bytes.NewReader(file.Bytes()), spoolSchema, appendTo); err != nil || out.Rows() != 2 {
		t.Errorf("%d rows, %v", out.Rows(), err)
	}
}

func TestRowGroupsOfRejectsAreBounded(t *testing.T) {
	const n = 3*rejectRows + 1
	var file bytes.Buffer
	s := NewSpool(&file)
	for i := range n {
		if err := s.Add([]pipeline.Reject{{Row: int64(i), Reason: fmt.Sprint("reason ", i%3), Raw: "a"}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	largest, pending := 0, 0
	out, err := rowgroup.NewFile(&bytes.Buffer{}, spoolSchema)
	if err != nil {
		t.Fatal(err)
	}
	err = s.Groups(out, bytes.NewReader(file.Bytes()), spoolSchema, func(b *array.RecordBuilder, r pipeline.Reject) {
		if pending = b.Field(1).Len() + 1; pending > largest {
			largest = pending
		}
		appendTo(b, r)
	})
	if err != nil || out.Rows() != n || largest != rejectRows {
		t.Errorf("%d rows, at most %d in a group, %v", out.Rows(), largest, err)
	}
}

func TestASpoolItselfIsSmall(t *testing.T) {
	live := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(live)
	before := live[0].Value.Uint64()
	const windows = 3000
	for range windows {
		if err := NewSpool(&bytes.Buffer{}).Add([]pipeline.Reject{{Row: 1, Reason: "a", Raw: "b"}}); err != nil {
			t.Fatal(err)
		}
	}
	metrics.Read(live)
	if each := (live[0].Value.Uint64() - before) / windows; each > 6<<10 {
		t.Errorf("the spool of a window with one reject takes %d bytes", each)
	}
}
