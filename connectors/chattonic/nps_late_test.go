package chattonic_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/connectors/chattonic"
	"github.com/windrow-data/windrow/pipeline"
)

func TestAFileThatComesTooLateForTheLookbackIsNamedUntilItIsRead(t *testing.T) {
	t.Parallel()
	const head = "Fecha,Puntuación,Comentario\n"
	quiet := func(c *chattonic.Config) { c.NPSRequest = "false" }
	for _, tc := range []struct {
		name  string
		at    time.Duration // when the late file was written, by what was first read
		first string        // the file that was read first; what is done with it
		named bool
	}{
		{"written since the days were read", time.Hour, "stays", true},
		{"written since, and the first file is gone", time.Hour, "goes", true},
		{"put down later than it was written", -time.Hour, "stays", true},
		{"older than what was read", -3 * time.Hour, "stays", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := newPostal(t)
			read := p.clock()
			p.now = read.Add(-2 * time.Hour)
			p.put("first.csv", head+"2025-09-08 10:00:00,9,\n2025-09-09 10:00:00,9,\n")
			p.now = read
			p.wants(p.sync(t.Context(), quiet), "2 committed, 0 unchanged, 0 awaited, 0 failed")

			p.now = read.Add(tc.at)
			p.put("late.csv", head+"2025-09-08 10:00:00,3,\n2025-09-08 11:00:00,3,\n2025-09-09 10:00:00,3,\n2025-09-13 10:00:00,3,\n")
			if tc.first == "goes" {
				if err := os.Remove(filepath.Join(p.inbox, "first.csv")); err != nil {
					t.Fatal(err)
				}
			}
			p.now = read.Add(5 * 24 * time.Hour)
			p.from, p.to = "2025-09-13", "2025-09-13"
			p.wants(p.sync(t.Context(), quiet), "1 committed, 0 unchanged, 0 awaited, 0 failed")
			const words = "late.csv: it is newer than what is committed of 2 settled windows, which no run reads by itself any more: a sync with --from 2025-09-08 --to 2025-09-09 --refetch does"
			left := p.ledger().Unplaced()
			if tc.named != slices.Contains(left, words) || !tc.named && len(left) > 0 {
				t.Fatalf("status names %q", left)
			}
			if !tc.named {
				return
			}
			p.from, p.to, p.again = "2025-09-08", "2025-09-08", true
			if s := p.sync(t.Context(), quiet); s.Committed != 1 || s.Rows != 2 {
				t.Errorf("%+v", s)
			}
			if left := p.ledger().Unplaced(); len(left) != 1 || !strings.Contains(left[0], "a settled window, which") || !strings.Contains(left[0], "--from 2025-09-09 --to 2025-09-09") {
				t.Errorf("one of two days was read, and status names %q", left)
			}
			p.from, p.to = "2025-09-09", "2025-09-09"
			p.sync(t.Context(), quiet)
			if left := p.ledger().Unplaced(); len(left) > 0 {
				t.Errorf("both days were read, and status names %q", left)
			}
		})
	}
}

func TestAFileWithRowsOfAWaivedDayIsNamedUntilItIsRead(t *testing.T) {
	t.Parallel()
	p := newPostal(t)
	quiet := func(c *chattonic.Config) { c.NPSRequest = "false" }
	zone, err := time.LoadLocation(npsZone)
	if err != nil {
		t.Fatal(err)
	}
	waived := pipeline.Span{Start: pipeline.InstantOf(time.Date(2025, 9, 6, 0, 0, 0, 0, zone)), End: pipeline.InstantOf(time.Date(2025, 9, 9, 0, 0, 0, 0, zone))}
	if err := p.store.Record(t.Context(), p.stream().Key, pipeline.Entry{Kind: pipeline.EntryWaive, Window: pipeline.Window{Span: waived, Zone: npsZone}, Note: "nobody exports it"}); err != nil {
		t.Fatal(err)
	}
	p.put("nps.csv", "Fecha,Puntuación,Comentario\n2025-09-07 10:00:00,9,\n2025-09-08 23:59:00,2,\n2025-09-09 10:00:00,9,\n")
	p.from, p.to = "2025-09-06", "2025-09-09"
	p.wants(p.sync(t.Context(), quiet), "1 committed, 0 unchanged, 0 awaited, 0 failed")
	for _, named := range []string{
		"nps.csv: it has rows of 2 waived windows, which no run reads by itself: a sync with --from 2025-09-07 --to 2025-09-08 --refetch does",
		"nps.csv: it has rows of a waived window, which no run reads by itself: a sync with --from 2025-09-08 --to 2025-09-08 --refetch does",
		"",
	} {
		if left := strings.Join(p.ledger().Unplaced(), "\n"); left != named {
			t.Errorf("status names %q, want %q", left, named)
		}
		p.from, p.to, p.again = "2025-09-07", "2025-09-07", true
		if strings.Contains(named, "a waived window") {
			p.from, p.to = "2025-09-08", "2025-09-08"
		}
		p.sync(t.Context(), quiet)
	}
}

// A file of a kind that is not read is named, with what to do, and no window is held against it.
func TestAFileThatIsNotReadIsNamed(t *testing.T) {
	t.Parallel()
	p := newPostal(t)
	p.to = p.from
	p.sync(t.Context())
	p.pass(time.Hour)
	p.put("nps.xls", "binary")
	p.wants(p.sync(t.Context()), "0 committed, 0 unchanged, 1 awaited, 0 failed")
	left := p.ledger().Unplaced()
	if len(left) != 1 || !strings.HasPrefix(left[0], "nps.xls: it cannot be read: ") || !strings.Contains(left[0], "save it as .csv or .xlsx") {
		t.Errorf("status names %q", left)
	}
}
