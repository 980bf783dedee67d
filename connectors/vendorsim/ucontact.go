package vendorsim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// UContact serves POST /api/stats of uContact as the vendor's Stats page
// describes it, and its outbound hubs.
func (w *World) UContact() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/stats", w.ucontactStats)
	mux.HandleFunc("POST /api/dialer/id/{hub}/{kind}", w.ucontactHub)
	return w.serve("ucontact", mux)
}

// statsQuery is what a uContact stats request asks for.
type statsQuery struct {
	kind                  string // agent or campaign
	start, end            time.Time
	zone                  *time.Location
	minutes, months       int
	channels, resources   []string
	metrics               []string // empty: all
	byResource, byChannel bool
}

func (w *World) ucontactStats(rw http.ResponseWriter, r *http.Request) {
	o := w.settings().UContact
	if r.Header.Get("Authorization") != "Bearer "+o.Token {
		ucontactError(rw, http.StatusUnauthorized, "invalid token")
		return
	}
	q, err := parseStatsQuery(r)
	if err != nil {
		ucontactError(rw, http.StatusBadRequest, err.Error())
		return
	}
	load := int(q.end.Sub(q.start)/time.Hour+1) * len(q.resources) * max(1, len(q.channels))
	if o.MaxLoad > 0 && load > o.MaxLoad {
		ucontactError(rw, http.StatusRequestTimeout, "the query took too long")
		return
	}
	q.leaveOutUnknown(o)
	rw.Header().Set("Content-Type", "application/json;charset=utf-8")
	a := answer{w: rw}
	q.rows(w.Data(), w.Now(), func(b *bucket, resource, channel string, m Metrics) {
		q.row(&a, o.date(b, q.zone), resource, channel, m)
	})
	a.close()
}

// platformChannels are those of the vendor's documents.
var platformChannels = []string{"telephony", "sms", "email", "whatsapp", "messenger", "instagram", "webchat"}

// leaveOutUnknown takes names and channels that there are not out of the question.
func (q *statsQuery) leaveOutUnknown(o UContactOptions) {
	known := o.Agents
	if q.kind == "campaign" {
		known = o.Campaigns
	}
	only := func(asked, there []string) []string {
		return slices.DeleteFunc(asked, func(name string) bool { return !slices.Contains(there, name) })
	}
	q.resources, q.channels = only(q.resources, known), only(q.channels, platformChannels)
}

// ucontactError answers with a status of the vendor's Stats page; the body's
// form is not documented.
func ucontactError(rw http.ResponseWriter, status int, text string) {
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	_ = json.NewEncoder(rw).Encode(map[string]any{"status": status, "error": text})
}

// parseStatsQuery reads the URL's parameters and the body's resource names. A
// "+" is a plus sign here: clients have to percent-encode.
func parseStatsQuery(r *http.Request) (q statsQuery, err error) {
	p := map[string]string{}
	for part := range strings.SplitSeq(r.URL.RawQuery, "&") {
		name, value, _ := strings.Cut(part, "=")
		if p[name], err = url.PathUnescape(value); err != nil {
			return q, fmt.Errorf("parameter %s is malformed", name)
		}
	}
	if q.kind = p["type"]; q.kind != "agent" && q.kind != "campaign" {
		return q, missing(p, "type")
	}
	if q.start, q.zone, err = vendorTime(p, "initialdate"); err != nil {
		return q, err
	}
	if q.end, _, err = vendorTime(p, "finaldate"); err != nil {
		return q, err
	}
	if q.end.Before(q.start) {
		return q, fmt.Errorf("parameter finaldate is before initialdate")
	}
	calendar := map[string]int{"mth": 1, "bim": 2, "tri": 3, "sem": 6, "yer": 12}
	if q.months = calendar[p["groupnum"]]; q.months == 0 {
		q.minutes, err = strconv.Atoi(p["groupnum"])
		if err != nil || q.minutes <= 0 || q.minutes%15 != 0 || 1440%q.minutes != 0 {
			return q, missing(p, "groupnum")
		}
	}
	if q.channels = list(p["channels"]); q.kind == "campaign" && len(q.channels) == 0 {
		return q, missing(p, "channels")
	}
	if q.kind == "agent" {
		q.channels = nil
	}
	q.metrics = list(p["metrics"])
	q.byResource, q.byChannel = p["byResource"] == "true", p["byChannel"] == "true"
	var body struct{ Stats *string }
	raw, err := io.ReadAll(r.Body)
	if err != nil || json.Unmarshal(raw, &body) != nil || body.Stats == nil || *body.Stats == "" {
		return q, fmt.Errorf("body parameter stats is missing or malformed")
	}
	q.resources = list(*body.Stats)
	return q, nil
}

func missing(p map[string]string, name string) error {
	if p[name] == "" {
		return fmt.Errorf("parameter %s is missing", name)
	}
	return fmt.Errorf("parameter %s is malformed", name)
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

// vendorTime reads "2025-09-01 00:00:00 America/Chicago".
func vendorTime(p map[string]string, name string) (time.Time, *time.Location, error) {
	const wall = "2006-01-02 15:04:05"
	s := p[name]
	if len(s) < len(wall)+2 || s[len(wall)] != ' ' {
		return time.Time{}, nil, missing(p, name)
	}
	loc, err := time.LoadLocation(s[len(wall)+1:])
	if err != nil || s[len(wall)+1:] == "Local" {
		return time.Time{}, nil, fmt.Errorf("parameter %s: unknown time zone", name)
	}
	t, err := time.ParseInLocation(wall, s[:len(wall)], loc)
	if err != nil {
		return time.Time{}, nil, missing(p, name)
	}
	return t, loc, nil
}

// metricKeys are the metrics of each type in the order of an answer. The
// averages' names are those of the vendor's older interface.
var metricKeys = map[string][]string{
	"agent":    {"inInteractions", "outInteractions", "connected", "inboundAnswered", "transferedAgents", "averageAttendedTime"},
	"campaign": {"inInteractions", "outInteractions", "inboundAnswered", "transferedCampaigns", "averageAttendedTime", "serviceLevel"},
}

// row writes one object. Averages are fractions, everything else is whole.
func (q *statsQuery) row(a *answer, date, resource, channel string, m Metrics) {
	a.begin()
	a.text("date", date)
	a.text("resource", resource)
	if channel != "" {
		a.text("channel", channel)
	}
	for _, k := range metricKeys[q.kind] {
		if len(q.metrics) > 0 && !slices.Contains(q.metrics, k) {
			continue
		}
		switch k {
		case "inInteractions":
			a.int(k, m.InInteractions)
		case "outInteractions":
			a.int(k, m.OutInteractions)
		case "connected":
			a.int(k, m.Connected)
		case "inboundAnswered":
			a.int(k, m.InboundAnswered)
		case "transferedAgents", "transferedCampaigns":
			a.int(k, m.Transferred)
		case "averageAttendedTime":
			a.float(k, ratio(m.AttendedSeconds, m.InboundAnswered))
		case "serviceLevel":
			a.float(k, 100*ratio(m.InTarget, m.InInteractions))
		}
	}
	a.end()
}
