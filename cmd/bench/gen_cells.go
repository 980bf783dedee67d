package main

import (
	"strconv"
	"strings"
	"time"
)

// render writes the row's cells in the order of the header.
func (c *callsWriter) render(k *call) {
	c.time(k, k.started)
	c.id(k.id)
	c.plain(k.category)
	c.plain(k.direction)
	c.plain("+52155" + strconv.Itoa(10_000_000+c.random.IntN(80_000_000)))
	c.plain("+1312555" + strconv.Itoa(1000+int(k.target%9000)))
	for _, t := range []time.Time{k.firstRang, k.queued, k.rang, k.connected, k.ended} {
		c.time(k, t)
	}
	c.id(k.target)
	c.plain(k.kind)
	c.plain(k.typ)
	c.text(k.name)
	c.plain(k.email)
	c.plain(strconv.FormatBool(k.recorded))
	c.id(k.entry)
	c.id(k.entryTarget)
	c.plain(only(k.entryTarget != 0, "CallCenter"))
	c.id(only(k.entryTarget != 0, k.entryTarget+7)) // proxy_target_id
	c.plain(strconv.FormatBool(k.voicemail))
	c.text(k.note)
	c.id(only(k.note != "", k.target+11)) // transferred_to_contact_id
	c.plain("")
	c.id(k.office)
	c.id(4_700_000_000_000_001)
	c.plain(devices[k.id%4])
	c.plain("00T5e0000" + strconv.FormatUint(k.id%100_000_000_000+10_000_000_000, 36)) // salesforce_activity_id
	c.plain(zoneNames[k.zone])
	c.plain("open")
	c.minutes(k.inSystem)
	c.plain("")
	c.plain("")
	c.id(k.id)
	c.minutes(only(k.recorded, k.wait+k.ring))
	c.plain("")
	c.plain("")
	c.plain("")
	c.text(k.categories)
	for _, d := range []time.Duration{k.ring, k.hold} {
		c.minutes(d)
		c.occurrences(d)
	}
	c.minutes(k.talk)
	c.minutes(k.wait)
	c.occurrences(k.wait)
	c.minutes(k.wrap)
	c.plain(only(k.leg, "operator"))
	c.plain(only(k.recorded, "41.5"))
	c.plain(only(k.recorded, "38.25"))
	c.plain(only(k.recorded, "20.25"))
	c.plain("")
	c.buf = append(append(c.buf, "false"...), c.lineEnd...)
}

// only is v where ok, else the zero value: a blank cell.
func only[T any](ok bool, v T) (blank T) {
	if ok {
		return v
	}
	return blank
}

func (c *callsWriter) plain(s string) { c.buf = append(append(c.buf, s...), ',') }

func (c *callsWriter) id(n uint64) {
	if n != 0 {
		c.buf = strconv.AppendUint(c.buf, n, 10)
	}
	c.buf = append(c.buf, ',')
}

// time writes naive local text in the row's zone.
func (c *callsWriter) time(k *call, t time.Time) {
	layout := "2006-01-02 15:04:05.000000"
	if t.Nanosecond() == 0 {
		layout = "2006-01-02 15:04:05"
	}
	if !t.IsZero() {
		c.buf = t.In(c.zones[k.zone]).AppendFormat(c.buf, layout)
	}
	c.buf = append(c.buf, ',')
}

// minutes writes decimal minutes: mostly hundredths, now and then all digits.
func (c *callsWriter) minutes(d time.Duration) {
	switch {
	case d == 0:
	case c.random.IntN(20) == 0:
		c.buf = strconv.AppendFloat(c.buf, d.Minutes(), 'f', -1, 64)
	default:
		c.buf = strconv.AppendFloat(c.buf, float64(d*100/time.Minute)/100, 'f', -1, 64)
	}
	c.buf = append(c.buf, ',')
}

func (c *callsWriter) occurrences(d time.Duration) { c.plain(only(d > 0, "1")) }

// text quotes where RFC 4180 wants it.
func (c *callsWriter) text(s string) {
	if strings.ContainsAny(s, ",\"\r\n") {
		s = `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
	}
	c.plain(s)
}
