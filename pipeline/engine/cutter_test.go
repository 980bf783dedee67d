package engine

import (
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

func TestPromise05_AShareOfRejectsExactlyAtTheBoundPassesAndOneMoreFails(t *testing.T) {
	for _, c := range []struct {
		read, rejected int64 // exactly at the bound
		share          float64
	}{
		{10, 2, 0.2}, {100, 1, 0.01}, {50, 50, 1}, {8, 1, 0.125}, {3000, 3, 0.001},
		// As binary fractions, these bounds times these rows are a little less than the rejects.
		{100, 29, 0.29}, {100, 57, 0.57}, {1000, 1, 0.001}, {900, 63, 0.07},
		{20, 0, 0}, {0, 0, 0},
	} {
		if err := checkRejects(c.read, c.rejected, RejectLimit{Share: c.share}); err != nil {
			t.Errorf("%d of %d rejected, a share of %g: %v", c.rejected, c.read, c.share, err)
		}
		if c.rejected == c.read && c.read > 0 {
			continue // no more rows can be rejected
		}
		if err := checkRejects(max(c.read, 1), c.rejected+1, RejectLimit{Share: c.share}); pipeline.KindOf(err) != pipeline.TooManyRejects {
			t.Errorf("%d of %d rejected, more than the share of %g: %v", c.rejected+1, c.read, c.share, err)
		}
	}
}
