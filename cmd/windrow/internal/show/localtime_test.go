package show

import (
	"strings"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
)

func TestPeopleReadTheTimesOfAWindowWhereItWasCut(t *testing.T) {
	for _, c := range []struct{ name, start, end, zone, want string }{
		{"a day", "2025-09-08T05:00:00Z", "2025-09-09T05:00:00Z", "America/Chicago", "2025-09-08"},
		{"a day of 25 hours", "2025-11-02T05:00:00Z", "2025-11-03T06:00:00Z", "America/Chicago", "2025-11-02"},
		{"a day without midnight", "2025-09-07T04:00:00Z", "2025-09-08T03:00:00Z", "America/Santiago", "2025-09-07"},
		{"a week", "2025-09-08T05:00:00Z", "2025-09-15T05:00:00Z", "America/Chicago", "2025-09-08 to 2025-09-14"},
		{"an hour", "2025-09-08T15:00:00Z", "2025-09-08T16:00:00Z", "America/Chicago", "2025-09-08 10:00 to 11:00 -05:00"},
		{"the last hour of a day", "2025-09-09T04:00:00Z", "2025-09-09T05:00:00Z", "America/Chicago", "2025-09-08 23:00 to 2025-09-09 00:00 -05:00"},
		{"the hour that comes twice", "2025-11-02T06:00:00Z", "2025-11-02T07:00:00Z", "America/Chicago", "2025-11-02 01:00 -05:00 to 01:00 -06:00"},
		{"an open window", "2025-09-08T15:00:00Z", "2025-09-08T15:20:41Z", "America/Chicago", "2025-09-08 10:00:00 to 10:20:41 -05:00"},
		{"a zone that nobody knows", "2025-09-08T05:00:00Z", "2025-09-09T05:00:00Z", "", "2025-09-08T05:00:00Z to 2025-09-09T05:00:00Z"},
	} {
		w := pipeline.Window{Span: pipeline.Span{Start: at(t, c.start), End: at(t, c.end)}, Zone: c.zone}
		if got := localSpan(w); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestARepairNamesTheArchiveWhereThereIsOne(t *testing.T) {
	for _, archived := range []bool{false, true} {
		for _, repair := range []bool{false, true} {
			var out strings.Builder
			v := NewVerification(&out, false, repair, archived)
			if err := v.End(engine.Verified{Streams: []engine.VerifiedStream{{Windows: 3, Different: 2, Reopened: 2}}}); err != nil {
				t.Fatal(err)
			}
			if got := out.String(); !strings.Contains(got, "`windrow sync`") || strings.Contains(got, "`windrow replay`") != archived {
				t.Errorf("archived %t, repair %t: %s", archived, repair, got)
			}
		}
	}
}
