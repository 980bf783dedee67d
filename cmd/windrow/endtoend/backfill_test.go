package endtoend

import (
	"testing"
	"time"

	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/sinktest/soak"
)

// A sample has one to three months. Only a whole year stands in the guide.
func TestTheCountsOfAYearStandInTheReadme(t *testing.T) {
	const year, streams = 365, 6
	days := year
	if !soak.Whole() {
		days = 30 + int(soak.Seed(t)%60)
	}
	s := newBigQuerySite(t, func(o *vendorsim.Options) {
		o.CallsPerDay, o.TextsPerDay = 6, 4
		o.UContact.MaxLoad, o.Dialpad.Limits.Posts = -1, -1
	})
	s.from = noon.AddDate(0, 0, -days).Format(time.DateOnly)
	s.streams = []pipeline.StreamID{"ucontact.agents", "ucontact.campaigns", "chattonic.operators", "dialpad.calls", "dialpad.texts", "dialpad.voicemails"}
	started := time.Now()
	c := s.countedRun()
	t.Logf("%d days in %v: %+v", days, time.Since(started), c)
	if c.windows != days*streams {
		t.Errorf("%d windows, want %d × %d", c.windows, days, streams)
	}
	if days == year {
		documented(t, 0.2, c.row("365 days of six streams"))
	}
}
