package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/archive"
)

// asked is what makes two requests the same one, beside their windows. Its JSON is hashed: a member that is added is left
// out where it is empty.
type asked struct {
	Source       pipeline.SourceID   `json:"source"`
	Account      pipeline.AccountID  `json:"account"`
	Stream       pipeline.StreamID   `json:"stream"`
	Span         pipeline.Span       `json:"span"`
	Resources    []string            `json:"resources,omitempty"`
	Group        string              `json:"group,omitempty"`
	ResponseZone string              `json:"response_zone,omitempty"`
	Days         *pipeline.AskedDays `json:"days,omitempty"`
	Portion      *pipeline.Portion   `json:"portion,omitempty"`
}

// meta is the JSON beside a body.
type meta struct {
	Request  asked             `json:"request"`
	Windows  []pipeline.Window `json:"windows"`
	Zone     string            `json:"zone"`
	Scope    string            `json:"scope"`
	Bytes    int64             `json:"bytes"`
	SHA256   string            `json:"sha256"`
	Redacted string            `json:"redacted,omitempty"` // as in [pipeline.Meta]
	Readings []archive.Reading `json:"readings"`
}

// metaOf describes a body before it is read.
func metaOf(m pipeline.Meta) meta {
	r := m.Request
	a := asked{Source: r.Tenant.Source, Account: r.Tenant.Account, Stream: r.Stream, Span: m.Span, Resources: r.Resources, Group: m.Group, ResponseZone: m.ResponseZone, Portion: m.Portion}
	if m.Days != nil {
		days := *m.Days
		days.EdgesMustHaveRows = false // a reading's
		a.Days = &days
	}
	return meta{Request: a, Windows: r.Windows, Zone: r.Zone, Scope: r.Scope, Redacted: m.Redacted}
}

// digest tells the request from others.
func (m *meta) digest() string {
	of := []any{m.Request, m.Windows, m.Zone, m.Scope}
	if m.Redacted != "" { // the same bytes mean something else
		of = append(of, m.Redacted)
	}
	text, err := json.Marshal(of)
	if err != nil {
		panic(err) // they are texts and numbers
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])[:digits]
}

// body is what the meta says of its body, but for the times.
func (m *meta) body() pipeline.Meta {
	a := m.Request
	return pipeline.Meta{
		Request: pipeline.Request{Tenant: pipeline.TenantKey{Source: a.Source, Account: a.Account}, Stream: a.Stream, Windows: m.Windows, Span: a.Span,
			Zone: m.Zone, Scope: m.Scope, Resources: a.Resources},
		Span: a.Span, Group: a.Group, ResponseZone: a.ResponseZone, Days: a.Days, Portion: a.Portion, Redacted: m.Redacted,
	}
}

// text is the JSON. Settings that are those of the reading before are left out.
func (m meta) text() ([]byte, error) {
	slices.SortStableFunc(m.Readings, func(a, b archive.Reading) int { return int(min(max(a.ReadAt-b.ReadAt, -1), 1)) })
	short := slices.Clone(m.Readings)
	for i := len(short) - 1; i > 0; i-- {
		if maps.Equal(short[i].Shape, short[i-1].Shape) {
			short[i].Shape = nil
		}
	}
	m.Readings = short
	text, err := json.MarshalIndent(m, "", "  ")
	return append(text, '\n'), err
}

// parse understands a text.
func parse(text []byte) (m meta, err error) {
	if err := json.Unmarshal(text, &m); err != nil {
		return m, err
	}
	if len(m.Windows) == 0 || len(m.Readings) == 0 || len(m.SHA256) != 2*sha256.Size {
		return m, errors.New("it lacks windows, readings or a checksum")
	}
	for i := range m.Readings {
		if i > 0 && m.Readings[i].Shape == nil {
			m.Readings[i].Shape = m.Readings[i-1].Shape
		}
	}
	return m, nil
}

const (
	digits     = 16 // of digests in names
	metaSuffix = ".meta.json"
	zstdSuffix = ".zst"
	timeLayout = "20060102T150405.000000Z"
)

// stem is the part of their names that a body and its meta share: it ends with tail.
func stem(readAt pipeline.Instant, tail string) string {
	return readAt.Time().UTC().Format(timeLayout) + tail
}

// tail tells the same bytes for the same request.
func (m *meta) tail() string { return fmt.Sprintf("_%s_%s", m.digest(), m.SHA256[:digits]) }

// split takes a name apart; not ok: it is none of an archive's.
func split(name string) (stem string, isMeta, ok bool) {
	base := name[strings.LastIndexByte(name, '/')+1:]
	at, rest, _ := strings.Cut(base, "_")
	if _, err := time.Parse(timeLayout, at); err != nil {
		return "", false, false
	}
	if cut, is := strings.CutSuffix(name, metaSuffix); is {
		return cut, true, strings.Count(rest, "_") == 1
	}
	cut, is := strings.CutSuffix(name, zstdSuffix)
	dot := strings.LastIndexByte(cut, '.')
	if !is || dot <= strings.LastIndexByte(cut, '_') {
		return "", false, false
	}
	return cut[:dot], false, strings.Count(rest, "_") == 1
}
