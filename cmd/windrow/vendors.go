package main

import (
	"github.com/windrow-data/windrow/connectors/chattonic"
	"github.com/windrow-data/windrow/connectors/dialpad"
	"github.com/windrow-data/windrow/connectors/ucontact"
)

// vendors lists every connector. A new one is a folder under connectors and a
// line here.
var vendors = []vendor{
	connector[ucontact.Config]("ucontact", ucontact.New, ucontact.Streams),
	connector[chattonic.Config]("chattonic", chattonic.New, chattonic.Streams),
	connector[dialpad.Config]("dialpad", dialpad.New, dialpad.Streams),
}
