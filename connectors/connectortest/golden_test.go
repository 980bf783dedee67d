package connectortest

import (
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

func TestADiffNamesTheMembersThatChanged(t *testing.T) {
	const a, b, c = `{"id":"1","answered":9,"talk":2}`, `{"id":"2"}`, `{"id":"3"}`
	for _, tc := range []struct{ name, want, got, diff string }{
		{"the same", a + "\n" + b + "\n", a + "\n" + b + "\n", ""},
		{"a value, a member and another", a + "\n" + b + "\n", `{"id":"1","talk":3,"missed":9}` + "\n" + b + "\n",
			"line 1\n- answered: 9\n+ missed: 9\n- talk: 2\n+ talk: 3\n"},
		{"a line is gone", a + "\n" + b + "\n" + c + "\n", a + "\n" + c + "\n", "line 2 is gone\n- " + b + "\n"},
		{"a line is new", a + "\n" + c + "\n", a + "\n" + b + "\n" + c + "\n", "line 2 is new\n+ " + b + "\n"},
		{"two lines change places", b + "\n" + c + "\n", c + "\n" + b + "\n", "line 1 stands elsewhere\n+ " + c + "\nline 2 stands elsewhere\n+ " + b + "\n"},
		{"a line occurs once more", b + "\n", b + "\n" + b + "\n", "2 lines, not 1\n"},
	} {
		if got := diffOf(tc.want, tc.got); got != tc.diff {
			t.Errorf("%s: the diff is\n%s, want\n%s", tc.name, got, tc.diff)
		}
	}
}

// Each served stream has the vendor's own sample, an empty answer, rejects, and
// an awkward hour.
func TestEveryStreamHasItsCases(t *testing.T) {
	kinds := map[string][]string{
		"vendor": {"vendor", "vendor_user"}, "empty": {"empty", "header_only"}, "rejects": {"rejects"},
		"change of the clock": {"clock_back", "clock_changes"},
	}
	for source, streams := range map[pipeline.SourceID][]string{
		"ucontact": {"agents", "campaigns"}, "chattonic": {"operators", "dashboard"}, "dialpad": {"calls", "texts", "voicemails", "calls_stats"},
	} {
		has := map[string]bool{}
		for _, c := range Cases(t, source) {
			has[c.Name] = true
		}
		for _, stream := range streams {
			for kind, names := range kinds {
				found := false
				for _, name := range names {
					found = found || has[string(source)+"/"+stream+"/"+name]
				}
				if !found {
					t.Errorf("%s.%s has no case of kind %s", source, stream, kind)
				}
			}
		}
	}
}
