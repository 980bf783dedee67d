package transforms

import (
	"bytes"
	"slices"
	"strings"
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
// other time that cannot be read, or is more than a second before the first, is NoInstant, and its field stays in extras. The answer is valid until the next
// call.
func (r *Row) Times(zone int, ordered ...int) []pipeline.Instant {
	return r.TimesBeside(zone, 0, ordered...)
}

// TimesBeside is Times where of the last fields, as many as beside says, nothing is known but that the first time was before
// them.
func (r *Row) TimesBeside(zone, beside int, ordered ...int) []pipeline.Instant {
	z := r.zone(zone)
	if z == nil {
		return nil
	}
	r.times, r.resolved, r.timed = r.times[:0], r.resolved[:0], ordered[0]
	flags := 0
	for i, f := range ordered {
		text := r.fields[f].text
		if isNoDate(text) {
			text, r.fields[f] = nil, value{}
		}
		m, ok := z.resolve(text)
		if !ok {
			if i == 0 {
				r.RejectField(pipeline.NoInstant, f, notATime(text))
				return nil
			}
			r.Keep(f) // a blank one has nothing to keep
			r.Unreadable(f)
			m = unreadableTime
		}
		r.resolved = append(r.resolved, m)
	}
	before := pipeline.NoInstant
	for i, m := range r.resolved {
		if i >= len(ordered)-beside {
			before = r.times[0]
		}
		at := m.first
		if at < before && m.second >= before {
			at = m.second
		}
		if i > 0 && at != pipeline.NoInstant && at < r.times[0].Add(-time.Second) {
			r.Keep(ordered[i])
			r.Unreadable(ordered[i])
			at, r.resolved[i] = pipeline.NoInstant, unreadableTime
		}
		if r.resolved[i].kind != calendar.LocalUnique {
			flags++
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
		return "is blank"
	}
	return "is not a time"
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
	if isNoDate(r.fields[f].text) {
		r.fields[f] = value{}
	}
	wall, ok := parseWallTime(bytes.TrimSpace(r.fields[f].text))
	if !ok {
		r.RejectField(pipeline.NoInstant, f, notATime(r.fields[f].text))
		return day, false
	}
	midnight := pipeline.LocalTime{Year: wall.Year, Month: wall.Month, Day: wall.Day}
	r.flags[f] |= readAsDay
	r.timed = f
	if wall.LocalTime != midnight || wall.zoned {
		r.Keep(f)
	}
	day = wall.dayIn(z.loc)
	if !r.meta.Span.Has(day.Start) && r.into.OtherZone == "" {
		if asked := r.zones.find([]byte(r.meta.Request.Zone), nil); asked != nil && r.meta.Span.Has(wall.dayIn(asked.loc).Start) {
			r.into.OtherZone = z.loc.String()
		}
	}
	return day, true
}

// dayIn is the day of a date in a zone.
func (w *wallTime) dayIn(loc *time.Location) pipeline.Span {
	return pipeline.Span{
		Start: calendar.DayStart(w.Year, time.Month(w.Month), w.Day, loc),
		End:   calendar.DayStart(w.Year, time.Month(w.Month), w.Day+1, loc),
	}
}

// zone returns the row's zone. The answer is nil when the row is rejected, since its zone is unknown, or when the
// document failed, since neither it nor the row names a zone.
func (r *Row) zone(f int) *zone {
	if f >= 0 {
		if name := r.fields[f].text; name != nil {
			z := r.zones.find(name, r.meta)
			if z == nil {
				r.RejectField(pipeline.NoInstant, f, "is not a known time zone")
				return nil
			}
			return z
		}
	}
	name := r.meta.ResponseZone
	if name == "" {
		name = r.meta.Request.Zone
	}
	z := r.zones.find([]byte(name), nil)
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

// find loads a zone by its IANA name, or by an abbreviation of the zone that the document was asked for in; nil when there
// is none. asked is nil where names alone count.
func (s *zones) find(name []byte, asked *pipeline.Meta) *zone {
	if s.last != nil && s.last.name == string(name) {
		return s.last
	}
	z, known := s.all[string(name)]
	if !known {
		z = loadZone(string(bytes.TrimSpace(name)), asked)
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

// loadZone loads a zone as zones.find does. "" and "Local", which time.LoadLocation knows, name none. An abbreviation of
// the asked zone wins over an IANA name: EST is one too, but New York's rows say EST the whole year.
func loadZone(name string, asked *pipeline.Meta) *zone {
	if name == "" || strings.EqualFold(name, "Local") {
		return nil
	}
	if asked != nil && asked.Request.Zone != "" && asked.Request.Zone != name {
		if loc, err := time.LoadLocation(asked.Request.Zone); err == nil && abbreviates(strings.ToUpper(name), loc, asked.Span.Start) {
			return &zone{name: name, abbreviated: true, loc: loc, clock: calendar.NewZoneClock(loc)}
		}
	}
	for _, spelt := range [...]string{name, strings.ToUpper(name), zoneName(name)} {
		if loc, err := time.LoadLocation(spelt); err == nil {
			return &zone{name: name, loc: loc, clock: calendar.NewZoneClock(loc)}
		}
	}
	return nil
}

// zoneName is an IANA name, spelt in any case, as the list of zones spells it: no two of its names differ in case alone.
func zoneName(name string) string {
	area := true // of capitals: US, GMT+5, NZ-CHAT
	var b strings.Builder
	for i, part := range strings.Split(strings.ToLower(name), "/") {
		if i > 0 {
			b.WriteByte('/')
		}
		word := 0
		for at, c := range part + "/" {
			if c != '_' && c != '-' && c != '/' {
				continue
			}
			b.WriteString(zoneWord(part[word:at], area))
			if c != '/' {
				b.WriteRune(c)
			}
			word = at + 1
		}
		area = part == "etc"
	}
	return b.String()
}

// zoneWords are the words of IANA names that do not begin with their only capital letter.
var zoneWords = map[string]string{
	"of": "of", "au": "au", "es": "es", "in": "IN", "mcmurdo": "McMurdo", "dumontdurville": "DumontDUrville", "comodrivadavia": "ComodRivadavia",
	"easterisland": "EasterIsland", "bajanorte": "BajaNorte", "bajasur": "BajaSur", "act": "ACT", "nsw": "NSW", "lhi": "LHI", "denoronha": "DeNoronha",
}

// zoneWord is a word of an IANA name. area: it may be of capitals.
func zoneWord(word string, area bool) string {
	if spelt, ok := zoneWords[word]; ok {
		return spelt
	}
	short, _, _ := strings.Cut(word, "+")
	switch {
	case word == "":
		return ""
	case area && slices.Contains(zoneCapitals, strings.TrimRight(short, "0123456789")):
		return strings.ToUpper(word)
	}
	return strings.ToUpper(word[:1]) + word[1:]
}

// zoneCapitals are those that have no small letter.
var zoneCapitals = []string{"us", "gmt", "utc", "uct", "nz", "gb", "chat"}

// zone is a loaded time zone.
type zone struct {
	name string
	// abbreviated: the name is what the asked zone's clock calls itself.
	abbreviated bool
	loc         *time.Location
	clock       *pipeline.ZoneClock
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

// wallTime is a time as a clock shows it.
type wallTime struct {
	pipeline.LocalTime
	offset time.Duration // of the clock from UTC; only where zoned
	zoned  bool          // the text says the offset
}

// parseWallTime reads YYYY-MM-DD, optionally followed by a space or T and HH:MM[:SS[.fraction]], optionally followed
// by Z, " UTC" or ±HH[[:]MM]. Digits beyond microseconds are cut off. It allocates nothing.
func parseWallTime(b []byte) (w wallTime, ok bool) {
	if len(b) < 10 || b[4] != '-' || b[7] != '-' {
		return w, false
	}
	century, ok1 := two(b)
	rest, ok2 := two(b[2:])
	month, ok3 := two(b[5:])
	day, ok4 := two(b[8:])
	w.Year, w.Month, w.Day = century*100+rest, month, day
	if !ok1 || !ok2 || !ok3 || !ok4 || w.Year == 0 || month < 1 || month > 12 || day < 1 || day > monthDays(w.Year, month) {
		return w, false
	}
	if len(b) == 10 {
		return w, true
	}
	if b[10] != ' ' && b[10] != 'T' {
		return w, false
	}
	tail, ok := w.parseClock(b[11:])
	if !ok || len(tail) == 0 {
		return w, ok
	}
	w.offset, ok = parseOffset(tail)
	w.zoned = true
	return w, ok
}

// parseClock reads HH:MM[:SS[.fraction]] and returns what follows it.
func (w *wallTime) parseClock(b []byte) (tail []byte, ok bool) {
	if len(b) < 5 || b[2] != ':' {
		return nil, false
	}
	var ok1, ok2 bool
	w.Hour, ok1 = two(b)
	w.Min, ok2 = two(b[3:])
	if !ok1 || !ok2 || w.Hour > 23 || w.Min > 59 {
		return nil, false
	}
	b = b[5:]
	if len(b) == 0 || b[0] != ':' {
		return b, true
	}
	if len(b) < 3 {
		return nil, false
	}
	if w.Sec, ok = two(b[1:]); !ok || w.Sec > 59 {
		return nil, false
	}
	b = b[3:]
	if len(b) == 0 || b[0] != '.' {
		return b, true
	}
	i := 1
	for unit := 100_000; i < len(b) && isDigit(b[i]); i++ {
		w.Micro += unit * int(b[i]-'0')
		unit /= 10
	}
	return b[i:], i > 1
}

// parseOffset reads Z, UTC, or ±HH[[:]MM], after an optional space.
func parseOffset(b []byte) (offset time.Duration, ok bool) {
	if b[0] == ' ' {
		b = b[1:]
	}
	if string(b) == "Z" || string(b) == "UTC" {
		return 0, true
	}
	if len(b) < 3 || b[0] != '+' && b[0] != '-' {
		return 0, false
	}
	hours, ok := two(b[1:])
	if !ok || hours > 15 {
		return 0, false
	}
	minutes := 0
	if tail := b[3:]; len(tail) > 0 {
		if tail[0] == ':' {
			tail = tail[1:]
		}
		if len(tail) != 2 {
			return 0, false
		}
		if minutes, ok = two(tail); !ok || minutes > 59 {
			return 0, false
		}
	}
	offset = time.Duration(hours*60+minutes) * time.Minute
	if b[0] == '-' {
		offset = -offset
	}
	return offset, true
}

// two reads the two digits that b begins with.
func two(b []byte) (int, bool) {
	hi, lo := b[0]-'0', b[1]-'0'
	return int(hi)*10 + int(lo), hi <= 9 && lo <= 9
}

// monthDays is the number of days of a month.
func monthDays(year, month int) int {
	if month == 2 {
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 30 + (month+month>>3)&1
}
