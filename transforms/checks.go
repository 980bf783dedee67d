package transforms

import (
	"bytes"
	"strconv"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// fieldChecks is what is known of a declared field's values beforehand.
type fieldChecks uint8

const (
	placeholders fieldChecks = 1 << iota // a text that stands for nothing is blank
	zeroIsBlank                          // so is "0"
	digitsOnly                           // anything but digits rejects the row
	amount                               // a count or a duration: never negative
	duration                             // seconds, which may be written h:mm:ss
	bounded                              // adds up over an interval, so that one person's is within it
)

// checksOf says what is checked of a field that fills the column; col is nil where none is filled.
func checksOf(d *Field, col *pipeline.Column, personal pipeline.Personal) (c fieldChecks) {
	if personal != pipeline.PersonalName && personal != pipeline.PersonalText {
		switch {
		case d.Fills, d.Conv == Custom, d.Conv == Zone, d.Conv == ID, d.Conv == Digits:
			c |= placeholders
		case col != nil && col.Name != "resource_name" && col.Name != "agent_name" && col.Name != "text":
			c |= placeholders
		}
	}
	if d.Conv == ID || d.Conv == Digits {
		c |= zeroIsBlank
	}
	if d.Conv == Digits {
		c |= digitsOnly
	}
	if col == nil {
		return c
	}
	switch col.Unit {
	case "count":
		c |= amount
	case "s":
		c |= amount | duration
		if col.Aggregation == pipeline.Sum {
			c |= bounded
		}
	}
	return c
}

// tidy makes blank what stands for nothing, and takes off the ids what floating point has left behind them. What a decoder
// has found spoilt is damage, not a placeholder.
func (r *Row) tidy() {
	r.strange = -1
	for _, f := range r.mapping.tidied {
		text := r.fields[f].text
		if text == nil {
			continue
		}
		checks := r.mapping.checks[f]
		if len(text) <= maxPlaceholder && isPlaceholder(text, checks) && r.flags[f]&unreadable == 0 {
			r.fields[f] = value{token: text}
			continue
		}
		if checks&digitsOnly == 0 {
			continue
		}
		switch id, ok := digits(text); {
		case !ok:
			if r.strange < 0 {
				r.strange = f
			}
		case len(id) == 1 && id[0] == '0': // 0.0
			r.fields[f] = value{}
		case len(id) < len(text):
			r.fields[f] = value{text: id}
		}
	}
}

// maxPlaceholder bounds the cells that are held against the placeholders, blanks around them included.
const maxPlaceholder = 16

// isPlaceholder reports whether a whole cell stands for nothing.
func isPlaceholder(text []byte, checks fieldChecks) bool {
	text = bytes.TrimSpace(text)
	switch len(text) {
	case 1:
		return text[0] == '-' && checks&placeholders != 0 || text[0] == '0' && checks&zeroIsBlank != 0
	case 3, 4:
		if checks&placeholders == 0 || text[0]|0x20 != 'n' {
			return false
		}
		for _, p := range [...]string{"none", "null", "nan", "n/a"} {
			if bytes.EqualFold(text, []byte(p)) {
				return true
			}
		}
	}
	return false
}

// digits returns an id of digits without blanks around it and without the ".0" of floating point.
func digits(text []byte) (id []byte, ok bool) {
	id = bytes.TrimSpace(text)
	id = bytes.TrimSuffix(id, []byte(".0"))
	for _, c := range id {
		if !isDigit(c) {
			return nil, false
		}
	}
	return id, len(id) > 0
}

// Within says that the row counts what one agent, user or operator did in the interval: a duration above it cannot be read.
// Of a group the durations of many add up.
func (r *Row) Within(interval pipeline.Span) {
	r.limit = interval.End.Time().Sub(interval.Start.Time()).Seconds()
}

// Seconds reads field f, which fills a column in seconds, as the column would; false where it is blank or cannot be read.
func (r *Row) Seconds(f int) (seconds float64, ok bool) {
	text := r.fields[f].text
	if text == nil {
		return 0, false
	}
	return r.mapping.measure(f, text)
}

// Spoil says that the value of field f cannot be true: its column stays null, and it is kept and counted as unreadable. It
// may be anything.
func (r *Row) Spoil(f int) {
	if r.fields[f].text != nil {
		r.Skip(f)
		r.Keep(f)
		r.Unreadable(f)
		r.flags[f] |= spoilt
	}
}

// count reads a field of Count. Three decimals are a vendor's thousands as likely as a fraction.
func (c *compiledMapping) count(f int, text []byte) (int64, bool) {
	n, ok := parseCount(text)
	return n, ok && (n >= 0 || c.checks[f]&amount == 0) && !hasThousandths(text)
}

// hasThousandths reports whether a number has exactly three decimals.
func hasThousandths(text []byte) bool {
	text = bytes.TrimSpace(text)
	i := len(text) - 4
	return i >= 0 && text[i] == '.' && isDigit(text[i+1]) && isDigit(text[i+2]) && isDigit(text[i+3])
}

// measure reads a field of Number, Minutes or Milliseconds.
func (c *compiledMapping) measure(f int, text []byte) (float64, bool) {
	x, ok := parseMeasure(c.Fields[f].Conv, text)
	if !ok && c.checks[f]&duration != 0 {
		x, ok = parseHours(text)
	}
	return x, ok && (x >= 0 || c.checks[f]&amount == 0)
}

// parseHours reads a duration h:mm:ss, maybe with a fraction of a second, in seconds.
func parseHours(b []byte) (seconds float64, ok bool) {
	hours, rest, found := bytes.Cut(bytes.TrimSpace(b), []byte(":"))
	if !found || len(hours) == 0 || len(hours) > 5 || len(rest) < 5 || rest[2] != ':' {
		return 0, false
	}
	n := 0
	for _, c := range hours {
		if !isDigit(c) {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	minutes, ok := two(rest)
	whole, ok2 := two(rest[3:])
	if !ok || !ok2 || minutes > 59 || whole > 59 {
		return 0, false
	}
	if fraction := rest[5:]; len(fraction) > 0 {
		if fraction[0] != '.' || len(fraction) == 1 {
			return 0, false
		}
		if seconds, ok = parseNumber(fraction); !ok {
			return 0, false
		}
	}
	return float64(n*3600+minutes*60+whole) + seconds, true
}

// NoYear is the year of a clock's epoch: its dates stand for none.
const NoYear = 1970

// isNoDate reports whether a text is a date that stands for none: the zeros of a database, the epoch of a clock.
func isNoDate(text []byte) bool {
	text = bytes.TrimSpace(text)
	return bytes.HasPrefix(text, []byte("0000-00-00")) || bytes.HasPrefix(text, noYear)
}

var noYear = []byte(strconv.Itoa(NoYear) + "-")

// abbreviates reports whether the zone's own clock calls itself so in some part of the years around the instant: EST is
// New York, in September too.
func abbreviates(name string, loc *time.Location, at pipeline.Instant) bool {
	if name == "" || loc == nil {
		return false
	}
	for month := -12; month <= 12; month++ {
		if short, _ := at.Time().In(loc).AddDate(0, month, 0).Zone(); short == name {
			return true
		}
	}
	return false
}
