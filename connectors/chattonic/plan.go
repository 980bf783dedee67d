package chattonic

import (
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// Plan asks once for each window: an operators answer has no intervals of its own.
func (s *Source) Plan(stream pipeline.Stream, due []pipeline.Window) []pipeline.Extraction {
	plan := make([]pipeline.Extraction, 0, len(due))
	for _, w := range due {
		windows := []pipeline.Window{w}
		plan = append(plan, pipeline.Extraction{Windows: windows, Requests: []pipeline.Request{{
			Tenant:  pipeline.TenantKey{Source: SourceID, Account: stream.Key.Account},
			Stream:  stream.Key.Stream,
			Windows: windows,
			Span:    w.Span,
			Zone:    time.UTC.String(), // of the parameters
		}}})
	}
	return plan
}
