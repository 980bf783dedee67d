package calendar

import (
	"slices"
	"testing"
)

func spans(bounds ...Instant) (list []Span) {
	for i := 0; i < len(bounds); i += 2 {
		list = append(list, Span{Start: bounds[i], End: bounds[i+1]})
	}
	return list
}

func TestWithoutLeavesWhatNothingCovers(t *testing.T) {
	s := Span{Start: 10, End: 20}
	for _, c := range []struct {
		says        string
		cover, want []Span
	}{
		{"nothing covers", nil, spans(10, 20)},
		{"all is covered", spans(10, 20), nil},
		{"more than all is covered", spans(0, 30), nil},
		{"the start is covered", spans(10, 12), spans(12, 20)},
		{"the end is covered", spans(18, 20), spans(10, 18)},
		{"the middle is covered", spans(12, 14), spans(10, 12, 14, 20)},
		{"covers that touch leave nothing between them", spans(12, 14, 14, 16), spans(10, 12, 16, 20)},
		{"a cover within another", spans(11, 18, 12, 13), spans(10, 11, 18, 20)},
		{"covers beside it", spans(0, 10, 20, 30), spans(10, 20)},
		{"covers over its bounds", spans(0, 11, 19, 30), spans(11, 19)},
	} {
		if got := Without(s, c.cover); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.says, got, c.want)
		}
	}
	if got := Without(Span{Start: 5, End: 5}, nil); got != nil {
		t.Errorf("an empty span leaves %v", got)
	}
}

func TestUnionJoinsWhatTouches(t *testing.T) {
	for _, c := range []struct{ list, want []Span }{
		{nil, nil},
		{spans(0, 1, 1, 2), spans(0, 2)},
		{spans(0, 1, 2, 3), spans(0, 1, 2, 3)},
		{spans(0, 5, 1, 2, 4, 6), spans(0, 6)},
	} {
		if got := Union(c.list); !slices.Equal(got, c.want) {
			t.Errorf("%v: %v, want %v", c.list, got, c.want)
		}
	}
}

func TestMergeKeepsTheOrderOfStarts(t *testing.T) {
	a, b := spans(0, 1, 4, 5, 6, 7), spans(1, 2, 3, 4, 8, 9, 9, 10)
	want := spans(0, 1, 1, 2, 3, 4, 4, 5, 6, 7, 8, 9, 9, 10)
	if got := Merge(a, b); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := Merge(b, a); !slices.Equal(got, want) {
		t.Errorf("the other way: %v, want %v", got, want)
	}
	if !slices.Equal(Merge(a, nil), a) || !slices.Equal(Merge(nil, a), a) {
		t.Error("a list merged with none is another")
	}
}

func TestTouchesSeesWhatOverlapsAndNotWhatIsBeside(t *testing.T) {
	list := spans(10, 20, 20, 30, 40, 50)
	for _, c := range []struct {
		s    Span
		want bool
	}{
		{Span{Start: 0, End: 10}, false}, {Span{Start: 0, End: 11}, true}, {Span{Start: 20, End: 21}, true}, {Span{Start: 19, End: 20}, true},
		{Span{Start: 30, End: 40}, false}, {Span{Start: 29, End: 30}, true}, {Span{Start: 30, End: 41}, true}, {Span{Start: 50, End: 60}, false},
		{Span{Start: 49, End: 60}, true}, {Span{Start: 0, End: 60}, true},
	} {
		if got := Touches(list, c.s); got != c.want {
			t.Errorf("%v: %v", c.s, got)
		}
		if got := Touches(nil, c.s); got {
			t.Errorf("%v touches one of none", c.s)
		}
	}
}

func TestASpanIsHalfOpen(t *testing.T) {
	s := Span{Start: 10, End: 20}
	for _, c := range []struct {
		at   Instant
		want bool
	}{{9, false}, {10, true}, {19, true}, {20, false}} {
		if got := s.Has(c.at); got != c.want {
			t.Errorf("has %d: %v", c.at, got)
		}
	}
	for _, c := range []struct {
		o                  Span
		overlaps, contains bool
	}{
		{Span{Start: 0, End: 10}, false, false}, {Span{Start: 0, End: 11}, true, false}, {Span{Start: 10, End: 20}, true, true}, {Span{Start: 11, End: 19}, true, true},
		{Span{Start: 9, End: 20}, true, false}, {Span{Start: 10, End: 21}, true, false}, {Span{Start: 19, End: 30}, true, false}, {Span{Start: 20, End: 30}, false, false},
	} {
		if s.Overlaps(c.o) != c.overlaps || c.o.Overlaps(s) != c.overlaps || s.Contains(c.o) != c.contains {
			t.Errorf("%v: overlaps %v, contains %v", c.o, s.Overlaps(c.o), s.Contains(c.o))
		}
	}
	if !(Span{Start: 5, End: 5}).Empty() || !(Span{Start: 5, End: 4}).Empty() || (Span{Start: 5, End: 6}).Empty() {
		t.Error("a span is empty that is not, or the other way round")
	}
}
