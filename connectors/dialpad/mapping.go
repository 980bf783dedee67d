package dialpad

import (
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/transforms"
)

// newFormat returns the format of a Stats export: stat is the API's stat_type,
// export its export_type ("records" or "stats"), groupBy its group_by ("user",
// "date" or "group"; only for calls and stats). nil: no mapping exists for it.
func newFormat(stat, export, groupBy string) pipeline.Format {
	switch export + " " + stat {
	case "records calls":
		return transforms.NewCSV(transforms.Mapping{Table: pipeline.Events})
	case "records texts":
		return transforms.NewCSV(transforms.Mapping{Table: pipeline.Events})
	case "records voicemails":
		return transforms.NewCSV(transforms.Mapping{Table: pipeline.Events})
	case "stats calls":
		return transforms.NewCSV(transforms.Mapping{Table: pipeline.Activity})
	}
	return nil
}
