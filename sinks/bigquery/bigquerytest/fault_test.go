package bigquerytest_test

import (
	"testing"

	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
)

func TestEachFaultBreaksALoadInItsOwnWay(t *testing.T) {
	want := map[bigquerytest.Fault]struct {
		reason string // as the client sees it; empty for a broken connection or for none
		jobs   int
		rows   bool
	}{
		bigquerytest.UnavailableBefore: {"backendError", 0, false},
		bigquerytest.UnavailableAfter:  {"backendError", 1, true},
		bigquerytest.LostBefore:        {"", 0, false},
		bigquerytest.LostAfter:         {"", 1, true},
		bigquerytest.QuotaExceeded:     {"quotaExceeded", 0, false},
		bigquerytest.RateLimitExceeded: {"rateLimitExceeded", 0, false},
		bigquerytest.Unauthorized:      {"authError", 0, false},
		bigquerytest.Forbidden:         {"accessDenied", 0, false},
		bigquerytest.Duplicate:         {"duplicate", 0, false},
		bigquerytest.JobBackendError:   {"backendError", 1, false},
		bigquerytest.JobQuotaExceeded:  {"quotaExceeded", 1, false},
		bigquerytest.JobConflict:       {"", 1, true}, // loads append and conflict with nothing
	}
	for _, f := range bigquerytest.Faults() {
		t.Run(f.String(), func(t *testing.T) {
			b := newBench(t)
			w, known := want[f]
			if !known {
				t.Fatal("nothing is expected of this fault")
			}
			hit := b.server.FailNth(1, f)
			err := b.load("activity", "load-1", b.file(monday, "a"))
			if w.reason != "" && reason(err) != w.reason {
				t.Errorf("the client saw %v, want %s", err, w.reason)
			}
			if (err == nil) != (f == bigquerytest.JobConflict) {
				t.Errorf("the client saw %v", err)
			}
			if n := len(b.server.Jobs()); n != w.jobs || hit.Broke() != 1 {
				t.Errorf("%d jobs after %d faults, want %d", n, hit.Broke(), w.jobs)
			}
			if rows := b.ids() != ""; rows != w.rows {
				t.Errorf("rows are there: %v, want %v", rows, w.rows)
			}
		})
	}
}
