package pipeline_test

import (
	"strings"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

func TestG_ShapeShowsNoValue(t *testing.T) {
	for _, c := range []struct{ value, want string }{
		{"12:30:59", "99:99:99"},
		{"3 sept 2025", "9 aaaa 9999"},
		{"José Ñandú", "aaaa aaaaa"},
		{"e\u0301t\u00e9", "aaaa"},
		{"٣٤-佐藤", "99-aa"},
		{"a\nb\x00c", "a a a"},
		{"\xff9", "\uFFFD9"},
		{strings.Repeat("é", 50), strings.Repeat("a", 40)},
		{"", ""},
	} {
		if got := pipeline.Shape([]byte(c.value)); got != c.want {
			t.Errorf("the shape of %q is %q, want %q", c.value, got, c.want)
		}
	}
}
