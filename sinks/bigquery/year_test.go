package bigquery

import (
	"testing"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
	"github.com/windrow-data/windrow/sinks/sinktest/soak"
)

// A year of six daily streams, as the engine's groups bring it: in no order of
// theirs, all streams mixed. A sample has a third of the year.
func TestAYearOfSixStreamsIsFewCommitsAndStaysUnderEveryLimit(t *testing.T) {
	first, days := 0, 365
	if !soak.Whole() {
		days = 120
		first = int(soak.Seed(t) % 245)
	}
	p := newPlace(t)
	s := p.open(t, p.options())
	plan := sixStreams(days, 1)
	var group []pipeline.Sealed
	for d := range days {
		for i, stream := range plan {
			group = append(group, sealOf(t, s, stream.Stream.Key, dayWindow(first+d), 1, 0, "ana"))
			if len(group) == Grouping().Windows || d == days-1 && i == len(plan)-1 {
				mustCommit(t, s, pipeline.Committed, group...)
				group = nil
			}
		}
	}
	counts, windows := p.server.CountJobs(""), days*len(plan)
	groups := (windows + Grouping().Windows - 1) / Grouping().Windows
	t.Logf("%d windows: %v, receipt %+v", windows, counts, s.Receipt())
	if counts[bigquerytest.Load] != 2*groups || counts[bigquerytest.Script] != 2*groups {
		t.Errorf("%d windows took %v, want %d loads and as many scripts", windows, counts, 2*groups)
	}
	for _, name := range []string{"activity", "events"} {
		jobs := p.server.CountJobs("contact_centre." + name)
		if jobs[bigquerytest.Load] != 0 || jobs[bigquerytest.Script] != groups {
			t.Errorf("table %s was written by %v", name, jobs)
		}
	}
	loaded := map[string]int{}
	for _, j := range p.server.Jobs() {
		if j.Failed() || len(j.FullScans) > 0 {
			t.Errorf("job %s failed with %q, or scanned the whole of %v", j.ID, j.Message, j.FullScans)
		}
		if j.Kind == bigquerytest.Load {
			loaded[j.Writes[0]]++
		}
	}
	for name, n := range loaded {
		if n > 1 {
			t.Errorf("%d loads of table %s: 1,500 of one name are a day's", n, name)
		}
	}
	if n := p.logged(t); n != windows {
		t.Errorf("the log has %d commits", n)
	}
}
