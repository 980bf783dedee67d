package main

import (
	"github.com/windrow-data/windrow/connectors"
	"github.com/windrow-data/windrow/connectors/chattonic"
	"github.com/windrow-data/windrow/connectors/dialpad"
	"github.com/windrow-data/windrow/connectors/ucontact"
	"github.com/windrow-data/windrow/pipeline/push"
)

// vendors lists every connector. A new one is a folder under connectors and a
// line here.
var vendors = []vendor{
	connector[ucontact.Config]("ucontact", ucontact.New, ucontact.Streams, outbound),
	connector[chattonic.Config]("chattonic", chattonic.New, chattonic.Streams, nil),
	connector[dialpad.Config]("dialpad", dialpad.New, dialpad.Streams, nil),
}

func outbound(s *ucontact.Settings, o connectors.Options) (push.Hub, error) {
	return ucontact.NewHub(s, o)
}
