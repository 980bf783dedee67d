package calendar

import "sort"

// Without returns the parts of s that none of the cover overlaps; the cover
// is sorted by start and may overlap itself.
func Without(s Span, cover []Span) []Span {
	var rest []Span
	at := s.Start
	for _, c := range cover {
		if c.Start >= s.End {
			break
		}
		if c.Start > at {
			rest = append(rest, Span{Start: at, End: c.Start})
		}
		at = max(at, c.End)
	}
	if at < s.End {
		rest = append(rest, Span{Start: at, End: s.End})
	}
	return rest
}

// Merge joins two lists sorted by start into one.
func Merge(a, b []Span) []Span {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0:
		return a
	}
	list := make([]Span, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if b[0].Start < a[0].Start {
			a, b = b, a
		}
		list = append(list, a[0])
		a = a[1:]
	}
	return append(append(list, a...), b...)
}

// Union makes spans that overlap or touch one; the list is sorted by start.
func Union(list []Span) []Span {
	var out []Span
	for _, s := range list {
		if n := len(out); n > 0 && s.Start <= out[n-1].End {
			out[n-1].End = max(out[n-1].End, s.End)
			continue
		}
		out = append(out, s)
	}
	return out
}

// Touches reports whether s overlaps a span of a list that is sorted and disjoint.
func Touches(list []Span, s Span) bool {
	k := sort.Search(len(list), func(k int) bool { return list[k].End > s.Start })
	return k < len(list) && list[k].Overlaps(s)
}
