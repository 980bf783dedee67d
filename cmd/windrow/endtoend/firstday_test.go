package endtoend

import (
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// viewed is what BigQuery's view says of the site's one stream.
func (s *site) viewed() (first, watermark pipeline.Instant) {
	s.Helper()
	rows, err := serverOf(s.T, s.root).Query(s.Context(), project, "SELECT first_day, watermark FROM "+datasetOf(s.root)+"._windrow_watermarks")
	if err != nil || len(rows) != 1 {
		s.Fatalf("%v, %v", rows, err)
	}
	watermark = pipeline.NoInstant
	if at, ok := rows[0][1].(time.Time); ok {
		watermark = pipeline.InstantOf(at)
	}
	return pipeline.InstantOf(rows[0][0].(time.Time)), watermark
}

func TestPromise03_TheViewOfWatermarksAgreesWithStatusWhateverTheFirstDayIs(t *testing.T) {
	const stream = "chattonic.operators"
	s := newBigQuerySite(t)
	for _, step := range []struct {
		name     string
		from     string // WINDROW_FROM
		selected string // --from, so that the days before stay open
		first    string
		settled  bool // up to the end, else nothing is
	}{
		{"FROM is not set", "", "2025-09-07", "2025-08-11", false},
		{"it is later than the origin", "2025-09-07", "", "2025-09-07", true},
		{"it is not set any more", "", "2025-09-07", "2025-08-11", false},
		{"no hole is left", "", "", "2025-08-11", true},
		{"it is earlier and the days before the origin are a hole", "2025-08-01", "2025-09-09", "2025-08-01", false},
		{"it is earlier and they are filled", "2025-08-01", "", "2025-08-01", true},
		{"it is removed again", "", "", "2025-08-11", true},
	} {
		s.from = step.from
		e := s.engine(stream)
		e.Select.From = step.selected
		if sum := s.run(e); sum.Exit != 0 {
			t.Fatalf("%s: exit %d: %s", step.name, sum.Exit, failures(sum))
		}
		want := pipeline.NoInstant
		if mark := s.status(stream).Watermark; mark != nil {
			want = *mark
		}
		first, got := s.viewed()
		if got != want {
			t.Errorf("%s: the view says %s, status %s", step.name, got, want)
		}
		if (got != pipeline.NoInstant) != step.settled {
			t.Errorf("%s: the watermark is %s", step.name, got)
		}
		if day := first.Time().Format(time.DateOnly); day != step.first {
			t.Errorf("%s: the view's first day is %s, want %s", step.name, day, step.first)
		}
	}
}
