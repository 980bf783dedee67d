package pipeline

import (
	"maps"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// TestD_ATallyCountsTheRowsOfItsRangesAlone compares with counting cell by cell, also of more fields than a word has bits.
func TestD_ATallyCountsTheRowsOfItsRangesAlone(t *testing.T) {
	for _, fields := range []int{1, 3, 64, 65, 130} {
		r := rand.New(rand.NewPCG(uint64(fields), 7))
		names := make([]MappedField, fields)
		for f := range names {
			names[f].Name = "f" + strings.Repeat("x", f)
		}
		b := NewBatch(Activity)
		b.SetFields(names)
		const rows = 300
		ranges := []RowRange{{0, 17}, {40, 41}, {41, 170}, {298, 300}}
		want := FieldTally{Fields: names, Health: make([]FieldHealth, fields)}
		for row := range rows {
			inside := row < 17 || row >= 40 && row < 170 || row >= 298
			number := int64(2*row + 1) // rejects stand between
			set := make([]uint64, (fields+63)/64)
			for f := range fields {
				if r.IntN(3) == 0 {
					continue
				}
				set[f/64] |= 1 << (f % 64)
				unread := r.IntN(4) == 0
				if unread {
					b.Unread(f, number, strings.Repeat("9", row))
				}
				if h := &want.Health[f]; inside {
					h.Filled++
					if unread {
						if h.Unreadable++; h.Row == 0 {
							h.Row, h.Shape = number, strings.Repeat("9", row)
						}
					}
				}
			}
			if r.IntN(5) == 0 {
				if b.UnreadOther("other"); inside {
					want.Others.Add("other", 1)
				}
			}
			b.Filled(set)
			b.EndRow(NoInstant, Hash{})
		}
		if got := b.Tally(ranges); !reflect.DeepEqual(*got, want) {
			t.Errorf("%d fields: %+v\nwant %+v", fields, *got, want)
		}
		sum := FieldTally{}
		sum.Add(b.Tally([]RowRange{{0, 100}}), 1000)
		sum.Add(b.Tally([]RowRange{{100, rows}}), 2000)
		if got, all := sum.Unreadable(), b.Tally([]RowRange{{0, rows}}).Unreadable(); !maps.Equal(got, all) || len(got) == 0 {
			t.Errorf("%d fields: the sums are %v, want %v", fields, got, all)
		}
		for f, h := range sum.Health {
			if whole := b.Tally([]RowRange{{0, rows}}).Health[f]; whole.Row < 200 && h.Row != whole.Row+1000 {
				t.Errorf("%d fields: the first of field %d is row %d of the document, row %d of the batch", fields, f, h.Row, whole.Row)
			}
		}
		b.Release()
	}
}

func TestD_CountsOfAnyNumberOfFieldsStaySmall(t *testing.T) {
	var c FieldCounts
	c.Add(strings.Repeat("long", 100), 5)
	for n := range 3 * mostFields {
		c.Add("f"+strings.Repeat("x", n%150)+string(rune('a'+n/150)), 1)
	}
	b := NewBatch(Activity)
	defer b.Release()
	b.SetFields([]MappedField{{Name: "listed"}})
	for n := range 3 * mostFields {
		b.UnreadOther("f" + strings.Repeat("x", n))
	}
	b.Filled([]uint64{0})
	b.EndRow(NoInstant, Hash{})
	all := b.Tally([]RowRange{{0, 1}}).Unreadable()
	for _, counts := range []FieldCounts{c, all} {
		sum := int64(0)
		for name, n := range counts {
			if sum += n; len(name) > longestName {
				t.Errorf("a name has %d bytes", len(name))
			}
		}
		if len(counts) > mostFields+1 || counts[otherFields] == 0 || sum < 3*mostFields {
			t.Errorf("%d fields, %d of them others, %d values", len(counts), counts[otherFields], sum)
		}
	}
}
