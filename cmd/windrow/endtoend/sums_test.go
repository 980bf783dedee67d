package endtoend

import (
	"testing"
)

func TestASyncOfThreeVendors(t *testing.T) {
	s := newSite(t)
	sum := s.mustSync()
	for _, st := range sum.Streams {
		t.Logf("%+v", st)
	}
	for _, line := range s.query("SELECT stream, date, count(*) FROM {activity} GROUP BY ALL ORDER BY ALL") {
		t.Log(line)
	}
	for _, line := range s.query("SELECT stream, date, count(*) FROM {events} GROUP BY ALL ORDER BY ALL") {
		t.Log(line)
	}
}
