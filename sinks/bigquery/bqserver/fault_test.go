package bqserver_test

import (
	"testing"

	"github.com/windrow-data/windrow/sinks/bigquery/bqserver"
)

func TestEachFaultBreaksALoadInItsOwnWay(t *testing.T) {
	want := map[bqserver.Fault]struct {
		reason string // as the client sees it; empty for a broken connection or for none
		jobs   int
		rows   bool
	}{
		bqserver.UnavailableBefore: {"backendError", 0, false},
		bqserver.UnavailableAfter:  {"backendError", 1, true},
		bqserver.LostBefore:        {"", 0, false},
		bqserver.LostAfter:         {"", 1, true},
		bqserver.QuotaExceeded:     {"quotaExceeded", 0, false},
		bqserver.RateLimitExceeded: {"rateLimitExceeded", 0, false},
		bqserver.Unauthorized:      {"authError", 0, false},
		bqserver.Forbidden:         {"accessDenied", 0, false},
		bqserver.Duplicate:         {"duplicate", 0, false},
		bqserver.JobBackendError:   {"backendError", 1, false},
		bqserver.JobQuotaExceeded:  {"quotaExceeded", 1, false},
		bqserver.JobConflict:       {"", 1, true}, // loads append and conflict with nothing
	}
	for _, f := range bqserver.Faults() {
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
			if (err == nil) != (f == bqserver.JobConflict) {
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
