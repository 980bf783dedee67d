package rowgroup

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

func TestAFileIsReadInPieces(t *testing.T) {
	const groups = 6
	whole := groupFile(t, 0, groups)
	if n, err := Rows(bytes.NewReader(whole), int64(len(whole))); err != nil || n != 100*groups {
		t.Errorf("the footer says %d rows, %v", n, err)
	}
	var pieces []arrow.Record
	var s Scanner
	for _, err := range s.Records(context.Background(), bytes.NewReader(whole[:len(whole)/2])) {
		if err == nil {
			t.Error("half a file has rows")
		}
	}
	for rec, err := range s.Records(context.Background(), bytes.NewReader(whole)) { // by a scanner that has met another file
		if err != nil {
			t.Fatal(err)
		}
		if rec.NumRows() > 100 {
			t.Errorf("a piece has %d rows, more than a row group", rec.NumRows())
		}
		rec.Retain()
		pieces = append(pieces, rec)
	}
	got, want := array.NewTableFromRecords(pieces[0].Schema(), pieces), groupRecord(memory.DefaultAllocator, 0, 100*groups)
	for i := range groupSchema.NumFields() {
		column, err := array.Concatenate(got.Column(i).Data().Chunks(), memory.NewGoAllocator())
		if err != nil {
			t.Fatal(err)
		}
		if !array.Equal(column, want.Column(i)) {
			t.Errorf("column %s differs", groupSchema.Field(i).Name)
		}
	}
}

func TestReadingEndsWithItsContextAndAtDamage(t *testing.T) {
	whole := groupFile(t, 0, 6)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var last error
	n := 0
	for _, err := range Records(ctx, bytes.NewReader(whole)) {
		cancel()
		last = err
		n++
	}
	if !errors.Is(last, context.Canceled) || n != 2 {
		t.Errorf("%d pieces, the last with %v", n, last)
	}
	damaged := bytes.Clone(whole)
	for i := 4; i < len(damaged)/2; i++ {
		damaged[i] ^= 0x55
	}
	for name, b := range map[string][]byte{"nothing": nil, "cut short": whole[:len(whole)-1], "damaged": damaged} {
		last = nil
		for _, err := range Records(context.Background(), bytes.NewReader(b)) {
			last = err
		}
		if last == nil {
			t.Errorf("%s was read to its end", name)
		}
	}
	if _, err := Rows(bytes.NewReader(whole[:len(whole)-1]), int64(len(whole)-1)); err == nil {
		t.Error("a file that is cut short has a number of rows")
	}
}
