//go:build slow

package endtoend

import (
	"testing"
	"time"

	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
)

func TestTheCountsOfAYearStandInTheReadme(t *testing.T) {
	const year, streams = 365, 6
	s := newBigQuerySite(t, func(o *vendorsim.Options) {
		o.CallsPerDay, o.TextsPerDay = 6, 4
		o.UContact.MaxLoad, o.Dialpad.Limits.Posts = -1, -1
	})
	s.from = noon.AddDate(0, 0, -year).Format(time.DateOnly)
	s.streams = []pipeline.StreamID{"ucontact.agents", "ucontact.campaigns", "chattonic.operators", "dialpad.calls", "dialpad.texts", "dialpad.voicemails"}
	started := time.Now()
	c := s.countedRun()
	t.Logf("in %v: %+v", time.Since(started), c)
	if c.windows != year*streams {
		t.Errorf("%d windows, want %d × %d", c.windows, year, streams)
	}
	documented(t, 0.2, c.row("365 days of six streams"))
}
