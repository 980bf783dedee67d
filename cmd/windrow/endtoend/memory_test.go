package endtoend

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/sinktest/soak"
)

// peakOf is the peak resident memory in KiB of a sync of one day with so many
// calls, and the number of its rows.
func peakOf(t *testing.T, newSite siteMaker, calls int) (peak, rows int64) {
	t.Helper()
	s := newSite(t, func(o *vendorsim.Options) {
		o.CallsPerDay = calls
		o.UContact.MaxLoad, o.Dialpad.Limits.Posts = -1, -1
	})
	s.from = "2025-09-09"
	// Not dialpad.calls_stats: so many calls of so few users talk longer than a day lasts, which is no value.
	s.streams = []pipeline.StreamID{"dialpad.calls", "dialpad.texts", "dialpad.voicemails", "ucontact.agents", "chattonic.operators"}
	s.env["WINDROW_DIALPAD_TARGETS"] = vendorsim.CallCenters()[0].String()
	out := filepath.Join(t.TempDir(), "peak")
	if err := s.spawn(s.root, childPeak+"="+out).Wait(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	peak, err = strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.ParseInt(s.query("SELECT count(*) FROM {events}")[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return peak, n
}

func TestPromise12_PeakMemoryDoesNotGrowWithTheReport(t *testing.T) {
	calls := 20_000
	if soak.Whole() {
		calls = 40_000
	}
	onEither(t, func(t *testing.T, newSite siteMaker) {
		small, rows := peakOf(t, newSite, calls)
		large, many := peakOf(t, newSite, 10*calls)
		t.Logf("%d rows: %d KiB; %d rows: %d KiB; ratio %.2f", rows, small, many, large, float64(large)/float64(small))
		if many < 8*rows {
			t.Fatalf("the large report has only %d rows to the small one's %d", many, rows)
		}
		if float64(large) > 1.25*float64(small) {
			t.Errorf("%d KiB for %d rows, %d KiB for %d", small, rows, large, many)
		}
	})
}
