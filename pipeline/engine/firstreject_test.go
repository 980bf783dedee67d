package engine

import (
	"strings"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

func TestG_TooManyRejectsNameTheFirst(t *testing.T) {
	first := []pipeline.Reject{
		{Row: 7, Reason: "date is not a time", Field: "date", Shape: "99:99:99"},
		{Row: 9, Reason: "has 2 of 3 cells"}, {Row: 12, Reason: "date is not a time", Field: "date", Shape: "aaa"},
	}
	text := checkRejects(20, 3, RejectLimit{Share: 0.1, Setting: "THE_SHARE"}, first).Error()
	for _, want := range []string{
		"3 of 20 rows", "THE_SHARE", "the first is row 7: date is not a time, a value of the shape 99:99:99", "of the first 3: 2: date is not a time; 1: has 2 of 3 cells",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q lacks %q", text, want)
		}
	}
	for hint, first := range map[string]pipeline.Reject{
		"otherwise now, or answer": {Reason: "date is not a time", Field: "date", Shape: "99:99:99"}, "not fill this field": {Reason: "id is blank", Field: "id"},
		"rows in another form": {Reason: "has 2 of 3 cells"},
	} {
		if text := checkRejects(20, 3, RejectLimit{Share: 0.1}, []pipeline.Reject{first}).Error(); !strings.Contains(text, hint) {
			t.Errorf("%q lacks %q", text, hint)
		}
	}
}
