package transforms

import (
	"bytes"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

// Times reads the local times of the fields in ordered, which happened in that order, and resolves them together. A
// time in the hour that occurs twice becomes the earliest of its two instants that keeps the order; if neither does,
// the earlier one. A time that never occurs moves forward by the gap. Both are listed in extras, under
// "_time_ambiguous". A time with an offset of its own is one instant.
//
// zone is the field that names the row's zone; -1 when there is none. A row that names no zone is in the document's.
// The first time is the row's key: when it or the zone cannot be read, the row is rejected and the answer is nil. Any
// other time that cannot be read is NoInstant, and its field stays in extras. The answer is valid until the next
// call.
func (r *Row) Times(zone int, ordered ...int) []pipeline.Instant {
	z := r.zone(zone)
	if z == nil {
		return nil
	}
	r.times, r.resolved = r.times[:0], r.resolved[:0]
	flags := 0
	for i, f := range ordered {
		text := r.fields[f].text
		m, ok := z.resolve(text)
		if !ok {
			if i == 0 {
				r.Reject(pipeline.NoInstant, r.mapping.Fields[f].Source+notATime(text))
				return nil
			}
			r.Keep(f) // a blank one has nothing to keep
			r.Unreadable(f)
			m = unreadableTime
		}
		if m.kind != calendar.LocalUnique {
			flags++
		}
		r.resolved = append(r.resolved, m)
	}
	before := pipeline.NoInstant
	for _, m := range r.resolved {
		at := m.first
		if at < before && m.second >= before {
			at = m.second
		}
		r.times = append(r.times, at)
		before = max(before, at)
	}
	if flags > 0 {
		r.flagTimes(ordered)
	}
	return r.times
}

// notATime is the end of a reason: what is wrong with a text that is no time.
func notATime(text []byte) string {
	if text == nil {
		return " is blank"
	}
	return " is not a time"
}

// ambiguousName is the member of extras that lists times which the clock shows twice or never.
var ambiguousName = newExtraName("_time_ambiguous")

// flagTimes lists in extras the times that stand for two instants or none.
func (r *Row) flagTimes(ordered []int) {
	list := []byte{'['}
	for i, m := range r.resolved {
		if m.kind == calendar.LocalUnique {
			continue
		}
		if len(list) > 1 {
			list = append(list, ',')
		}
		list = appendQuoted(list, []byte(r.mapping.Fields[ordered[i]].Source), false)
	}
	list = append(list, ']')
	r.putUnlisted(ambiguousName, value{text: list, token: list})
}

// LocalDay reads field f as a local date and returns that day in the row's zone: 23, 24 or 25 hours. zone is as in
// Times. A time of day behind the date does not count; unless it is midnight, the field stays in extras. When the
// date or the zone cannot be read, the row is rejected and ok is false.
func (r *Row) LocalDay(zone, f int) (day pipeline.Span, ok bool) {
	z := r.zone(zone)
	if z == nil {
		return day, false
	}
	wall, ok := parseWallTime(bytes.TrimSpace(r.fields[f].text))
	if !ok {
		r.Reject(pipeline.NoInstant, r.mapping.Fields[f].Source+notATime(r.fields[f].text))
		return day, false
	}
	midnight := pipeline.LocalTime{Year: wall.Year, Month: wall.Month, Day: wall.Day}
	r.flags[f] |= readAsDay
	if wall.LocalTime != midnight || wall.zoned {
		r.Keep(f)
	}
	return pipeline.Span{
		Start: calendar.DayStart(wall.Year, time.Month(wall.Month), wall.Day, z.loc),
		End:   calendar.DayStart(wall.Year, time.Month(wall.Month), wall.Day+1, z.loc),
	}, true
}

// zone returns the row's zone. The answer is nil when the row is rejected, since its zone is unknown, or when the
// document failed, since neither it nor the row names a zone.
func (r *Row) zone(f int) *zone {
	if f >= 0 {
		if name := r.fields[f].text; name != nil {
			z := r.zones.find(name)
			if z == nil {
				r.Reject(pipeline.NoInstant, r.mapping.Fields[f].Source+" is not a known time zone")
			}
			return z
		}
	}
	name := r.meta.ResponseZone
	if name == "" {
		name = r.meta.Request.Zone
	}
	z := r.zones.find([]byte(name))
	if z == nil {
		r.Fail(&pipeline.Error{
			Op: "read times", Kind: pipeline.Mismatch,
			Hint: "name the response's time zone",
			Err:  errNoZone,
		})
	}
	return z
}

type constError string

func (e constError) Error() string { return string(e) }

const errNoZone = constError("neither the row nor the document names a known time zone")

// zones remembers the zones that one document's rows name.
type zones struct {
	last *zone
	all  map[string]*zone // nil: no such zone
}

// find loads a zone by its IANA name; nil when there is none.
func (s *zones) find(name []byte) *zone {
	if s.last != nil && s.last.name == string(name) {
		return s.last
	}
	z, known := s.all[string(name)]
	if !known {
		z = loadZone(string(bytes.TrimSpace(name)))
		if s.all == nil {
			s.all = make(map[string]*zone)
		}
		if len(s.all) < maxZones {
			s.all[string(name)] = z
		}
	}
	if z != nil && z.name == string(name) {
		s.last = z
	}
	return z
}

// maxZones bounds the names of zones that a hostile document can fill memory with.
const maxZones = 1000

// loadZone loads a zone by its IANA name; nil when there is none. "" and "Local", which time.LoadLocation knows, name
// none.
func loadZone(name string) *zone {
	if name == "" || name == "Local" {
		return nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil
	}
	return &zone{name: name, loc: loc, clock: calendar.NewZoneClock(loc)}
}

// zone is a loaded time zone.
type zone struct {
	name  string
	loc   *time.Location
	clock *pipeline.ZoneClock
}

// resolvedTime is a local time as the instants that it may stand for. Both are the same unless the clock shows the time
// twice.
type resolvedTime struct {
	first, second pipeline.Instant
	kind          calendar.LocalKind
}

var unreadableTime = resolvedTime{first: pipeline.NoInstant, second: pipeline.NoInstant}

// resolve reads a time as the vendor writes it.
func (z *zone) resolve(text []byte) (m resolvedTime, ok bool) {
	w, ok := parseWallTime(bytes.TrimSpace(text))
	if !ok {
		return resolvedTime{}, false
	}
	if w.zoned {
		utc := time.Date(w.Year, time.Month(w.Month), w.Day, w.Hour, w.Min, w.Sec, w.Micro*1000, time.UTC)
		m.first = pipeline.InstantOf(utc.Add(-w.offset))
		m.second = m.first
		return m, true
	}
	m.first, m.second, m.kind = z.clock.Resolve(w.LocalTime)
	return m, true
}
