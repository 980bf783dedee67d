package transforms

import (
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// zones remembers the zones that one document's rows name.
type zones struct {
	last *zone
	all  map[string]*zone
}

// zone is a loaded time zone.
type zone struct {
	name string
	loc  *time.Location
}

// moment is a local time with the instants that it may stand for.
type moment struct {
	first, second pipeline.Instant
}
