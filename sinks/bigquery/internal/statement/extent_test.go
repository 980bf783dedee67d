package statement

import (
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

func TestOnlyThePartitionsThatMayHoldRowsAreTouched(t *testing.T) {
	window := func(zone, from, to string) pipeline.Window {
		instantOf := func(s string) pipeline.Instant {
			when, err := time.Parse(time.RFC3339, s)
			if err != nil {
				t.Fatal(err)
			}
			return pipeline.InstantOf(when)
		}
		return pipeline.Window{Span: pipeline.Span{Start: instantOf(from), End: instantOf(to)}, Zone: zone}
	}
	mexico := window("America/Mexico_City", "2025-09-08T06:00:00Z", "2025-09-09T06:00:00Z")
	tests := []struct {
		name     string
		windows  []pipeline.Window
		replaces []pipeline.Window
		want     string
	}{
		{"a local day is one partition", []pipeline.Window{mexico}, nil, "2025-09-08..2025-09-08"},
		{"a week is seven", []pipeline.Window{window("UTC", "2025-09-08T00:00:00Z", "2025-09-15T00:00:00Z")}, nil, "2025-09-08..2025-09-14"},
		{"the same bounds in another zone are two", []pipeline.Window{mexico},
			[]pipeline.Window{window("UTC", "2025-09-08T06:00:00Z", "2025-09-09T06:00:00Z")}, "2025-09-08..2025-09-09"},
		{"days apart are apart", []pipeline.Window{mexico, window("UTC", "2025-01-01T00:00:00Z", "2025-01-02T00:00:00Z")}, nil, "2025-01-01..2025-01-01 2025-09-08..2025-09-08"},
		{"days in a row are one range", []pipeline.Window{window("UTC", "2025-01-02T00:00:00Z", "2025-01-03T00:00:00Z"),
			window("UTC", "2025-01-01T00:00:00Z", "2025-01-02T00:00:00Z")}, nil, "2025-01-01..2025-01-02"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var x Extent
			if err := x.Add(agents, append(tt.windows, tt.replaces...)...); err != nil {
				t.Fatal(err)
			}
			var got []string
			days := int64(0)
			for _, r := range x.ranges() {
				got = append(got, r.first.FormattedString()+".."+r.last.FormattedString())
				days += int64(r.last-r.first) + 1
			}
			if x.Days() != days {
				t.Errorf("%d days, want %d", x.Days(), days)
			}
			if text := strings.Join(got, " "); text != tt.want {
				t.Errorf("got %s, want %s", text, tt.want)
			}
		})
	}
}
