package ucontact

import (
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/transforms"
)

// newFormat reads an answer of /api/stats; kind is agent or campaign.
func newFormat(kind string) pipeline.Format {
	return transforms.NewJSON(transforms.Mapping{Table: pipeline.Activity}, transforms.JSONOptions{})
}
