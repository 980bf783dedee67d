package engine

import (
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
	"github.com/windrow-data/windrow/sinks/memory"
)

// daily is a source of one stream of days, which is planned and never read.
type daily struct{ pipeline.Source }

func (daily) Streams() []pipeline.Stream {
	return []pipeline.Stream{{
		Key: pipeline.StreamKey{Account: "default", Stream: "acme.calls"}, Table: pipeline.Events, From: "2025-09-07",
		Calendar: pipeline.Calendar{Unit: calendar.Days, Every: 1, Zone: time.UTC},
	}}
}

func (daily) Plan(_ pipeline.Stream, due []pipeline.Window) []pipeline.Extraction {
	return []pipeline.Extraction{{Windows: due}}
}

// Of a long ledger it is much that a sync compares its readings with; a plan that is only shown does without.
func TestAPlanThatIsShownRemembersNothing(t *testing.T) {
	clock := func() time.Time { return time.Date(2025, 9, 10, 18, 0, 0, 0, time.UTC) }
	e := &Engine{Store: memory.New(memory.Options{}), Sources: []pipeline.Source{daily{}}, Clock: clock, Now: clock}
	for _, carriedOut := range []bool{false, true} {
		plans, _, damaged, err := e.plans(t.Context(), carriedOut)
		if err != nil || damaged != nil || len(plans) != 1 || len(plans[0].Windows) == 0 {
			t.Fatal(plans, damaged, err)
		}
		if remembers := plans[0].history != nil; remembers != carriedOut {
			t.Errorf("carried out %v, and it remembers %v", carriedOut, remembers)
		}
	}
}
