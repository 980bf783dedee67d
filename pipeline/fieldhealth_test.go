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
		want := FieldTally{Fields: names, Health: make([]FieldHealth, fields), Unnamed: []string{"other"}, Rows: 17 + 1 + 129 + 2}
		for row := range rows {
			inside := row < 17 || row >= 40 && row < 170 || row >= 298
			number := int64(2*row + 1) // rejects stand between
			set, there := NewFieldSet(fields), NewFieldSet(fields)
			for f := range fields {
				if f%7 == 5 { // it is blank, in a few rows
					if r.IntN(30) == 0 {
						there.Add(f)
						want.Health[f].There = want.Health[f].There || inside
					}
					continue
				}
				if r.IntN(3) == 0 {
					continue
				}
				set.Add(f)
				unread := r.IntN(4) == 0
				if unread {
					b.Unread(f, number, strings.Repeat("9", row))
				}
				if h := &want.Health[f]; inside {
					h.There = true
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
			b.Filled(set, there)
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
			if whole := b.Tally([]RowRange{{0, rows}}).Health[f]; whole.Row > 0 && whole.Row < 200 && h.Row != whole.Row+1000 {
				t.Errorf("%d fields: the first of field %d is row %d of the document, row %d of the batch", fields, f, h.Row, whole.Row)
			}
		}
		b.Release()
	}
}

func TestD_ASetOfFieldsTellsWhichItHas(t *testing.T) {
	names := make([]string, 100)
	for i := range names {
		names[i] = "field_" + strings.Repeat("x", i)
	}
	f := FieldsOf(append(names[:60:60], names[:10]...))
	for i, name := range names {
		if f.Has(name) != (i < 60) {
			t.Errorf("has %s: %v", name, f.Has(name))
		}
	}
	if len(f) != 4*60 || f != FieldsOf(names[:60]) {
		t.Errorf("60 names take %d bytes", len(f))
	}
	if both := f.With(FieldsOf(names[50:])); both != FieldsOf(names) || both.Without(names[60:]) != f {
		t.Errorf("with others it is %q", both)
	}
	many := make([]string, mostCodes)
	for i := range many {
		many[i] = "many_" + strings.Repeat("x", i)
	}
	if f.With(FieldsOf(many)) != f {
		t.Error("it grows without end")
	}
	if Fields("").Has("") || Fields("").With(f) != f {
		t.Error("an empty one has a name, or takes none")
	}
}

func TestD_TheLastWindowWithRowsSaysWhichFieldsThereWere(t *testing.T) {
	l := NewLedger()
	at := func(day int, rows int64, settings string, f Fields) Entry {
		start := Instant(day) * 86400e6
		return Entry{Kind: EntryCommit, Window: Window{Span: Span{Start: start, End: start + 86400e6}, Zone: "UTC"},
			Counts: Counts{Rows: rows}, Settings: settings, Fields: f, Order: uint64(day)}
	}
	if got := l.Fields("a"); got != "" {
		t.Errorf("of no window: %q", got)
	}
	for day := range 3 * spanBlock {
		l.Apply(at(day, 1, "a", "aaaa"))
	}
	last := 3*spanBlock - 1
	for _, c := range []struct {
		entry Entry
		want  Fields
	}{
		{at(0, 5, "a", "cccc"), "aaaa"},      // an earlier day, read again
		{at(last, 5, "a", "bbbb"), "bbbb"},   // the last day
		{at(last+1, 0, "a", "dddd"), "bbbb"}, // without rows
		{at(last+2, 5, "b", "eeee"), "bbbb"}, // other settings
		{at(last+3, 5, "a", "ffff"), "ffff"}, // another day
		{at(last+4, 5, "a", ""), ""},         // of an earlier version
		{at(last+5, 5, "a", "gggg"), "gggg"}, // and no longer
	} {
		l.Apply(c.entry)
		if got := l.Fields("a"); got != c.want {
			t.Errorf("after %s it is %q, want %q", c.entry.Window, got, c.want)
		}
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
	b.Filled(FieldSet{0}, nil)
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
