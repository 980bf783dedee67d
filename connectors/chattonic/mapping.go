package chattonic

import (
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/transforms"
)

// newOperatorsFormat reads an answer of stats/operator; unit is seconds,
// minutes or empty.
func newOperatorsFormat(unit string) pipeline.Format {
	return transforms.NewJSON(transforms.Mapping{Table: pipeline.Activity}, transforms.JSONOptions{Rows: "operators", True: "status"})
}

// newDashboardFormat reads an answer of stats/bigquery?queryName=dashboard.
func newDashboardFormat() pipeline.Format {
	return transforms.NewJSON(transforms.Mapping{Table: pipeline.Activity}, transforms.JSONOptions{})
}
