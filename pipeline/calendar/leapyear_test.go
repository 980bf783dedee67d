package calendar

import (
	"encoding/binary"
	"testing"
	"time"
)

// ruled is a zone whose file lists no change of its clock and ends with the rules of all years, as the files of many machines
// do, and those within the program, for the years since a law last changed.
func ruled(t *testing.T, name string, standard int32, rules string) *time.Location {
	t.Helper()
	block := []byte("TZif2" + string(make([]byte, 15)))
	for _, count := range []uint32{0, 0, 0, 0, 1, 4} {
		block = binary.BigEndian.AppendUint32(block, count)
	}
	block = binary.BigEndian.AppendUint32(block, uint32(standard))
	block = append(block, 0, 0, 'S', 'T', 'D', 0)
	loc, err := time.LoadLocationFromTZData(name, []byte(string(block)+string(block)+"\n"+rules+"\n"))
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestPromise09_TheLastDayOfALeapYearEndsInAZoneOfRules(t *testing.T) {
	zones := []*time.Location{
		ruled(t, "north", -6*3600, "CST6CDT,M3.2.0,M11.1.0"),
		ruled(t, "south", 10*3600, "AEST-10AEDT,M10.1.0,M4.1.0/3"),
		ruled(t, "half", 10*3600+1800, "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"),
		mustZone(t, "America/Chicago"), // whichever file this machine has
	}
	for _, loc := range zones {
		z := NewZoneClock(loc)
		for at := time.Date(2019, 12, 30, 0, 0, 0, 0, time.UTC); at.Year() < 2051; at = at.Add(6 * time.Hour) {
			seg := z.at(at.Unix())
			if seg.start > at.Unix() || seg.end <= at.Unix() {
				t.Fatalf("%s: %s is not within its own stretch, which ends at %s", loc, at, time.Unix(seg.end, 0).UTC())
			}
			if _, offset := at.In(loc).Zone(); int64(offset) != seg.offset {
				t.Fatalf("%s: the offset at %s is %d, not %d", loc, at, seg.offset, offset)
			}
		}
		start, end := DayStart(2024, 1, 1, loc), DayStart(2049, 1, 1, loc)
		for _, c := range []Calendar{{Days, 1, loc}, {Hours, 1, loc}, {Months, 1, loc}} {
			pieces := c.Cut(Span{Start: start, End: end})
			want := map[Unit]int{Days: 25*365 + 7, Hours: (25*365 + 7) * 24, Months: 25 * 12}[c.Unit]
			if len(pieces) != want && (c.Unit != Hours || loc.String() != "half") { // half an hour is a piece of its own where the clock is put back by one
				t.Errorf("%s: 25 years are %d pieces of %s, not %d", loc, len(pieces), c, want)
			}
		}
		for _, year := range []int{2024, 2028, 2040} {
			i, again, kind := z.Resolve(LocalTime{Year: year, Month: 12, Day: 31, Hour: 12})
			if want := InstantOf(time.Date(year, 12, 31, 12, 0, 0, 0, loc)); i != want || again != want || kind != LocalUnique {
				t.Errorf("%s: noon of the last day of %d is %s, %s, kind %d; want %s", loc, year, i, again, kind, want)
			}
		}
	}
}
