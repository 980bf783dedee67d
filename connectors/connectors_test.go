package connectors_test

import (
	"testing"

	"github.com/windrow-data/windrow/connectors"
	"github.com/windrow-data/windrow/pipeline"
)

func TestASourceHasAnAccount(t *testing.T) {
	if _, err := (connectors.Options{}).Complete(); pipeline.KindOf(err) != pipeline.Internal {
		t.Errorf("error %v", err)
	}
	o, err := connectors.Options{Account: "mx"}.Complete()
	if err != nil || o.Account != "mx" || o.Now == nil || o.Clock == nil || o.Tasks != 1 {
		t.Errorf("%+v, %v", o, err)
	}
}

func TestATaskTakesItsPartOfWhatTheVendorGrantsToAll(t *testing.T) {
	for _, c := range []struct {
		says      string
		tasks     int
		rate      float64
		wantRate  float64
		count     int
		wantShare int
	}{
		{"tasks not set", 0, 20, 20, 200, 200},
		{"alone", 1, 20, 20, 200, 200},
		{"four tasks", 4, 20, 5, 200, 50},
		{"a count that does not divide is rounded down", 3, 1, 1.0 / 3, 200, 66},
		{"never less than one", 300, 0, 0, 200, 1},
	} {
		o := connectors.Options{Tasks: c.tasks}
		if got := o.Rate(c.rate); got != c.wantRate {
			t.Errorf("%s: %v of %v requests a second, want %v", c.says, got, c.rate, c.wantRate)
		}
		if got := o.Share(c.count); got != c.wantShare {
			t.Errorf("%s: %d of %d, want %d", c.says, got, c.count, c.wantShare)
		}
	}
}
