package calendar

import (
	_ "embed"
	"strings"
)

// zoneNames are the names of the time zone database, for messages: package time knows no list. A name that is new there is
// accepted all the same.
//
//go:embed zones.txt
var zoneNames string

// ZoneNames are the names that the time zone database had when the program was made.
func ZoneNames() []string { return strings.Fields(zoneNames) }
