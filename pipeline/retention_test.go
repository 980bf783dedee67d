package pipeline_test

import (
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

func TestAWindowExpiresWithItsFirstDay(t *testing.T) {
	at := func(text string) time.Time {
		v, err := time.Parse(time.RFC3339, text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	window := func(start, end, zone string) pipeline.Window {
		return pipeline.Window{Span: pipeline.Span{Start: pipeline.InstantOf(at(start)), End: pipeline.InstantOf(at(end))}, Zone: zone}
	}
	day := window("2025-09-08T06:00:00Z", "2025-09-09T06:00:00Z", "America/Mexico_City")
	week := window("2025-09-08T06:00:00Z", "2025-09-15T06:00:00Z", "America/Mexico_City")
	late := window("2025-09-07T23:00:00Z", "2025-09-08T23:00:00Z", "Africa/Lagos") // the 8th there
	const kept = pipeline.Retention(30 * 24 * time.Hour)
	for _, tt := range []struct {
		kept   pipeline.Retention
		window pipeline.Window
		now    string
		want   bool
	}{
		{kept, day, "2025-10-07T23:59:59Z", false},
		{kept, day, "2025-10-08T00:00:00Z", true},
		{kept, week, "2025-10-08T00:00:00Z", true},
		{kept, late, "2025-10-07T23:59:59Z", false},
		{kept, late, "2025-10-08T00:00:00Z", true},
		{0, day, "2999-01-01T00:00:00Z", false},
		{kept, window("2025-09-08T06:00:00Z", "2025-09-09T06:00:00Z", "Nowhere/City"), "2999-01-01T00:00:00Z", false},
	} {
		if got := tt.kept.Expired(tt.window, at(tt.now)); got != tt.want {
			t.Errorf("kept for %v, %+v is expired at %s: %v", time.Duration(tt.kept), tt.window, tt.now, got)
		}
	}
}
