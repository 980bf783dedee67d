package contacts

import (
	"strings"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
	"github.com/windrow-data/windrow/pipeline/push"
)

// zone is the time zone of contacts.
type zone struct {
	name  string
	clock *pipeline.ZoneClock
}

// zones remembers the zones that rows name.
type zones struct {
	known map[string]*zone
	bad   string // the last name that is none, since it comes in crowds
	said  string // what to do about it
}

// find is the zone of an IANA name, links included; nil where there is none.
func (s *zones) find(name string) *zone {
	if z := s.known[name]; z != nil {
		return z
	}
	if name == "" || name == "Local" || name == "Factory" || name == "localtime" || strings.HasPrefix(name, "posix") || strings.HasPrefix(name, "right/") {
		return nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	z := &zone{name, calendar.NewZoneClock(loc)}
	if s.known == nil {
		s.known = make(map[string]*zone)
	}
	s.known[name] = z
	return z
}

// remedy is what to do about a name that is none.
func (s *zones) remedy(name string) string {
	if s.said == "" || s.bad != name {
		s.bad, s.said = name, zoneRemedy(name)
	}
	return s.said
}

// zoneRemedy names the zone that is most like a name which is none.
func zoneRemedy(name string) string {
	if near := pipeline.NearestZone(name); near != "" {
		return "write " + near + ", if that is meant"
	}
	return "write a name of the time zone database, like America/Montevideo"
}

// readZone reads the zone of a contact, which is that of the options where the row names none.
func readZone(r *reading, cells []column) ([]byte, *fault) {
	if len(cells) > 0 {
		name, f := cells[0].text()
		if f != nil {
			return nil, f
		}
		name = strings.TrimSpace(name)
		if r.zone = r.in.zones.find(name); r.zone == nil {
			return nil, cells[0].fault("is no time zone", r.in.zones.remedy(name))
		}
	}
	if r.zone == nil {
		return nil, nil
	}
	return quoted(column{}, r.zone.name)
}

// scheduleLayout is how the vendor writes a time of day.
const scheduleLayout = "2006-01-02 15:04:05"

// readSchedule reads when a lead is to be contacted. A time that the zone's clock shows twice is accepted: which of the two
// is meant is the vendor's to say; it is past when the first of them is.
func readSchedule(r *reading, cells []column) ([]byte, *fault) {
	if len(cells) == 0 {
		return nil, nil
	}
	c := cells[0]
	text := strings.TrimSpace(c.Text)
	if c.Kind == push.WallTime && len(text) > len(scheduleLayout) {
		text = text[:len(scheduleLayout)] // the vendor knows no fractions
	}
	at, err := time.Parse(scheduleLayout, text)
	if err != nil || len(text) != len(scheduleLayout) {
		return nil, c.fault("is no date and time", "write it like 2025-12-25 09:30:00, without a zone: timezone says that")
	}
	if r.zone == nil {
		return nil, c.fault("has no time zone", "give the row a timezone, or say --timezone")
	}
	wall := pipeline.LocalTime{Year: at.Year(), Month: int(at.Month()), Day: at.Day(), Hour: at.Hour(), Min: at.Minute(), Sec: at.Second()}
	first, _, kind := r.zone.clock.Resolve(wall)
	switch {
	case kind == calendar.LocalSkipped:
		return nil, c.fault("does not exist in its time zone, whose clocks go forward over it", "choose a time an hour later")
	case !r.in.options.AllowPast && first < pipeline.InstantOf(r.in.options.Now()):
		return nil, c.fault("is past", "choose a later time, or say --allow-past")
	case !r.in.options.Hours.hold(at):
		return nil, c.fault("is outside of the hours "+r.in.options.Hours.String(), "choose a time within --hours, in the contact's time zone")
	}
	return quoted(c, text)
}

// Hours are a part of each day, half-open. Hours that end before they begin go over midnight.
type Hours struct{ from, to time.Duration }

// ParseHours reads hours like 09:00-20:00.
func ParseHours(text string) (Hours, error) {
	from, to, _ := strings.Cut(text, "-")
	h := Hours{}
	var fromOK, toOK bool
	h.from, fromOK = clock(strings.TrimSpace(from))
	h.to, toOK = clock(strings.TrimSpace(to))
	if !fromOK || !toOK || h.from == 24*time.Hour || h.from == h.to {
		return Hours{}, invalid([]string{"--hours are no hours; for example 09:00-20:00"})
	}
	return h, nil
}

// clock reads a time of day: 09:00, or 24:00 for the day's end.
func clock(text string) (time.Duration, bool) {
	if text == "24:00" {
		return 24 * time.Hour, true
	}
	at, err := time.Parse("15:04", text)
	return time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute, err == nil && len(text) == len("15:04")
}

func (h Hours) String() string {
	show := func(d time.Duration) string {
		if d == 24*time.Hour {
			return "24:00"
		}
		return time.Time{}.Add(d).Format("15:04")
	}
	return show(h.from) + "-" + show(h.to)
}

// hold reports whether the hours hold what a wall clock shows.
func (h Hours) hold(at time.Time) bool {
	of := time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute + time.Duration(at.Second())*time.Second
	switch {
	case h == Hours{}:
		return true
	case h.from < h.to:
		return h.from <= of && of < h.to
	}
	return h.from <= of || of < h.to
}
