//go:build slow

package bigquery

import (
	"testing"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
)

// A year of six daily streams, as the engine's groups bring it: in no order of
// theirs, all streams mixed.
func TestAYearOfSixStreamsIsFiveCommitsAndStaysUnderEveryLimit(t *testing.T) {
	p := newPlace(t)
	s := p.open(t, p.options())
	plan := sixStreams(365, 1)
	var group []pipeline.Sealed
	for d := range 365 {
		for i, stream := range plan {
			group = append(group, sealOf(t, s, stream.Stream.Key, dayWindow(d), 1, 0, "ana"))
			if len(group) == Grouping().Windows || d == 364 && i == len(plan)-1 {
				mustCommit(t, s, pipeline.Committed, group...)
				group = nil
			}
		}
	}
	counts := p.server.CountJobs("")
	t.Logf("2,190 windows: %v, receipt %+v", counts, s.Receipt())
	if counts[bigquerytest.Load] != 10 || counts[bigquerytest.Script] != 10 {
		t.Errorf("2,190 windows took %v, want 10 loads and 10 scripts", counts)
	}
	for _, name := range []string{"activity", "events"} {
		jobs := p.server.CountJobs("contact_centre." + name)
		if jobs[bigquerytest.Load] != 0 || jobs[bigquerytest.Script] != 5 {
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
	if n := p.logged(t); n != 2190 {
		t.Errorf("the log has %d commits", n)
	}
}
