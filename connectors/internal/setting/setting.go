// Package setting understands the values of configuration variables: URLs,
// zones, durations, lists. A [Reader] collects what is wrong with them, so that
// a person sees every fault at once and none of their secrets.
//
// It reads no environment; cmd does. Each connector's Config names the
// variables and their defaults, in the tags of its fields. Start at [Read].
package setting

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/windrow-data/windrow/connectors/internal/httpclient"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

// Reader reads the variables of one source, each by its name without the
// prefix. A variable that is blank has its default. Every method returns a
// harmless value after a fault, and panics for a name that the source's Config
// does not have.
type Reader struct {
	Prefix string // WINDROW_UCONTACT_
	Faults []pipeline.ConfigError

	variables map[string]variable
}

// variable is a field of a Config.
type variable struct {
	value, def string
	shapes     bool // rows
}

// Read returns a reader of config, a struct of strings whose tags are those of
// package envconfig: the name and, where there is one, the default.
func Read(prefix string, config any) *Reader {
	r := &Reader{Prefix: prefix, variables: map[string]variable{}}
	v := reflect.ValueOf(config)
	for i := range v.NumField() {
		tag := v.Type().Field(i).Tag
		r.variables[tag.Get("envconfig")] = variable{v.Field(i).String(), tag.Get("default"), tag.Get("shape") != ""}
	}
	return r
}

func (r *Reader) variable(name string) variable {
	v, ok := r.variables[name]
	if !ok {
		panic("setting: no variable " + name)
	}
	return v
}

// Shape is what is set of the variables that shape rows: those whose fields have the tag shape, which is "asked" for what
// a vendor is asked, and "meant" for what its answers mean. A default that is typed says what an unset variable says.
func (r *Reader) Shape() map[string]string {
	shape := map[string]string{}
	for name, v := range r.variables {
		if text := r.Text(name); v.shapes && text != v.def {
			shape[name] = text
		}
	}
	return shape
}

// Default is what the variable means when it is blank; empty where it has none.
func (r *Reader) Default(name string) string { return r.variable(name).def }

// Text is the value without surrounding blanks.
func (r *Reader) Text(name string) string {
	v := r.variable(name)
	if value := strings.TrimSpace(v.value); value != "" {
		return value
	}
	return v.def
}

// Given reports whether the variable is more than blank.
func (r *Reader) Given(name string) bool { return strings.TrimSpace(r.variable(name).value) != "" }

// Fault records what is wrong with a variable. The problem continues the
// variable's name and must not repeat a secret.
func (r *Reader) Fault(name, problem, example string) {
	r.Faults = append(r.Faults, pipeline.ConfigError{Variable: r.Prefix + name, Problem: problem, Example: example})
}

// Root reads the address of a vendor's host: no path, no query.
func (r *Reader) Root(name, example string) *url.URL {
	u, err := url.Parse(r.Text(name))
	if err != nil {
		r.Fault(name, "is not a URL", example) // err would repeat a password in it
		return nil
	}
	switch err := httpclient.CheckURL(u); {
	case err != nil:
		r.Fault(name, err.Error(), example)
		return nil
	case u.Path != "" && u.Path != "/", u.RawQuery != "", u.Fragment != "":
		r.Fault(name, "must be the host's root, without a path or a query", example)
		return nil
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}
}

// Required reports a blank value as a fault.
func (r *Reader) Required(name, because, example string) bool {
	if r.Given(name) {
		return true
	}
	r.Fault(name, "is required "+because, example)
	return false
}

// Secret reads a token or a password that stands in a header or a document:
// surrounding blanks, which stored secrets often end with, are dropped.
func (r *Reader) Secret(name string) string {
	value := r.Text(name)
	if strings.ContainsFunc(value, unicode.IsControl) {
		r.Fault(name, "holds a line break or another control character", "")
		return ""
	}
	return value
}

// Token reads the credential of an Authorization header.
func (r *Reader) Token(name string) string {
	value := r.Secret(name)
	scheme, _, two := strings.Cut(value, " ")
	switch {
	case len(value) > 1 && value[0] == value[len(value)-1] && strings.Contains("\"'`", value[:1]):
		r.Fault(name, "stands in quotes, which are taken as part of it: write it without them", "")
	case two && (strings.EqualFold(scheme, "bearer") || strings.EqualFold(scheme, "basic")):
		r.Fault(name, "must be the token alone, without the word before it", "")
	case strings.ContainsFunc(value, func(c rune) bool { return c <= ' ' || c > '~' }):
		r.Fault(name, "holds a blank or a character that no token has", "")
	default:
		return value
	}
	return ""
}

// Zone reads an IANA time zone; UTC after a fault.
func (r *Reader) Zone(name, example string) *time.Location {
	value := r.Text(name)
	zone, err := time.LoadLocation(value)
	if err != nil || value == "" || value == "Local" {
		problem := fmt.Sprintf("is %q, which is not an IANA time zone", value)
		if near := pipeline.NearestZone(value); near != "" {
			problem, example = problem+" (did you mean "+near+"?)", near
		}
		r.Fault(name, problem, example)
		return time.UTC
	}
	return zone
}

var wholeDays = regexp.MustCompile(`^([0-9]{1,5})d(.*)$`)

// longest is what a duration may be; far beyond any use, far from overflow.
const longest = 20 * 366 * 24 * time.Hour

// ParseDuration reads "2d", "48h", "90m", "1d12h" or "0".
func ParseDuration(s string) (time.Duration, error) {
	var days, rest time.Duration
	s = strings.TrimSpace(s)
	m := wholeDays.FindStringSubmatch(s)
	if m != nil {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			return 0, err
		}
		days, s = time.Duration(n)*24*time.Hour, m[2]
	}
	if s != "" || m == nil {
		var err error
		if rest, err = time.ParseDuration(s); err != nil {
			return 0, errors.New("is not a duration")
		}
	}
	switch {
	case rest < 0:
		return 0, errors.New("is negative")
	case rest > longest || days > longest:
		return 0, errors.New("is longer than 20 years")
	}
	return days + rest, nil
}

// Duration reads a duration of at least least.
func (r *Reader) Duration(name string, least time.Duration) time.Duration {
	value, def := r.Text(name), r.Default(name)
	d, err := ParseDuration(value)
	switch {
	case err != nil:
		r.Fault(name, fmt.Sprintf("is %q, which %s", value, err), def)
	case d < least:
		r.Fault(name, fmt.Sprintf("is %q, which is shorter than %s", value, least), def)
	default:
		return d
	}
	return least
}

// The bounds of a rate are far beyond any use.
const leastRate, mostRate = 0.0001, 10_000.0

// Rate reads requests per second.
func (r *Reader) Rate(name string) float64 {
	value, def := r.Text(name), r.Default(name)
	n, err := strconv.ParseFloat(value, 64)
	if err != nil || !(n >= leastRate && n <= mostRate) {
		r.Fault(name, fmt.Sprintf("is %q, which is not a number of requests per second from %g to %g", value, leastRate, mostRate), def)
		return 1
	}
	return n
}

// Flag reads true or false.
func (r *Reader) Flag(name string) bool {
	switch value := r.Text(name); value {
	case "true":
		return true
	case "false", "":
	default:
		r.Fault(name, fmt.Sprintf("is %q, which is neither true nor false", value), "true")
	}
	return false
}

// List reads names between commas; blank and repeated ones are faults.
func (r *Reader) List(name, example string) []string {
	value := r.Text(name)
	if value == "" {
		return nil
	}
	var names []string
	for n := range strings.SplitSeq(value, ",") {
		n = strings.TrimSpace(n)
		switch {
		case n == "":
			r.Fault(name, "has a blank between two commas", example)
		case slices.Contains(names, n):
			r.Fault(name, fmt.Sprintf("names %q twice", n), example)
		case strings.ContainsFunc(n, unicode.IsControl):
			r.Fault(name, fmt.Sprintf("names %q, which holds a control character", n), example)
		case strings.HasPrefix(n, `"`) || strings.HasSuffix(n, `"`):
			r.Fault(name, "has quotes: a name cannot hold a comma, since the vendor's own list is separated by commas", example)
		default:
			names = append(names, n)
			continue
		}
		return nil
	}
	return names
}

// Words reads a [Reader.List] of lower-case or camel-case identifiers.
func (r *Reader) Words(name, example string) []string {
	words := r.List(name, example)
	for _, w := range words {
		if strings.ContainsFunc(w, func(c rune) bool {
			return c != '_' && c != '-' && c != '.' && !unicode.IsLetter(c) && !unicode.IsDigit(c)
		}) {
			r.Fault(name, fmt.Sprintf("names %q, which is not a word", w), example)
			return nil
		}
	}
	return words
}

// Window reads the calendar that cuts a stream's windows, in zone; blank is def.
// It must be a multiple of grain, which why explains: "the group 60".
func (r *Reader) Window(name string, def pipeline.Calendar, zone *time.Location, grain pipeline.Calendar, why string) pipeline.Calendar {
	value := r.Text(name)
	if value == "" {
		return def
	}
	c, err := calendar.ParseCalendar(value, zone)
	if err != nil || c.Unit == calendar.Minutes {
		r.Fault(name, fmt.Sprintf("is %q, which is not one of 1h, 6h, 1d, 7d, 1mo, 2mo, 3mo, 6mo, 1y", value), "1d")
		return def
	}
	if grain.Unit != calendar.AnyInstant && !c.Multiple(grain) {
		r.Fault(name, fmt.Sprintf("is %q, which is not a multiple of %s", value, why), def.String())
		return def
	}
	return c
}

// Pace is what every source has: when its windows are read, and how fast it is
// asked.
type Pace struct {
	Settle   time.Duration // after a window's end, when its numbers stop changing
	Lookback time.Duration // the trailing span that every run reads again
	Rate     float64       // requests per second
	Timeout  time.Duration // until an answer begins, and until its next bytes
}

// Pace reads SETTLE, LOOKBACK, RATE and TIMEOUT.
func (r *Reader) Pace() Pace {
	return Pace{
		Settle:   r.Duration("SETTLE", 0),
		Lookback: r.Duration("LOOKBACK", 0),
		Rate:     r.Rate("RATE"),
		Timeout:  r.Duration("TIMEOUT", time.Second),
	}
}

// Digest is a short hash of the settings that shape a stream's rows.
func Digest(parts ...any) string {
	text, err := json.Marshal(parts)
	if err != nil { // only values that JSON cannot hold, and no setting is one
		text = fmt.Append(nil, parts...)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// Sorted returns a sorted copy: the order of names shapes no row.
func Sorted(names []string) []string {
	return slices.Sorted(slices.Values(names))
}
