package vendorsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// operators answers one object per person on today's roster, idle or not.
// status, lastConnection, queryInProgress and the envelope's queryPending are
// of now, whatever span is asked, as the vendor's pages imply.
func (w *World) operators(rw http.ResponseWriter, r *http.Request) {
	start, end, ok := w.span(rw, r)
	if !ok {
		return
	}
	d, now, unit := w.Data(), w.Now(), 1.0
	if w.settings().ChatTonic.Minutes {
		unit = 60
	}
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = rw.Write([]byte(`{"status":true,"operators":`))
	a := answer{w: rw}
	for _, o := range d.Operators() {
		m := d.OperatorSpan(o.ID, start, end)
		s, _ := d.at("chattonic.snapshot", o.ID, now.Truncate(time.Minute))
		a.begin()
		a.raw("name", fmt.Sprintf(`{"givenName":%s,"familyName":%s}`, quoted(o.GivenName), quoted(o.FamilyName)))
		a.raw("origins", quoted(o.Origins))
		a.int("profile", 500)
		a.text("_id", o.ID)
		a.text("displayName", o.DisplayName())
		if !o.Idle {
			a.text("status", []string{"online", "away"}[s.below(2)])
		}
		a.float("onlineTime", float64(m.OnlineTime)/unit)
		a.float("awayTime", float64(m.AwayTime)/unit)
		a.float("freeTime", float64(m.FreeTime)/unit)
		a.int("queriesResolved", m.QueriesResolved)
		a.float("avgDurationResolved", m.AvgDurationResolved()/unit)
		a.int("queriesAssigned", m.QueriesAssigned)
		a.float("sumDuration", float64(m.SumDuration)/unit)
		a.float("nps", m.NPS())
		if s.chance(0.5) {
			a.text("lastConnection", now.UTC().Format(time.RFC3339))
		} else {
			a.raw("lastConnection", "null")
		}
		a.int("numberOfResponsesNps", m.NPSResponses)
		a.int("queryInProgress", int64(s.below(4)))
		a.text("originsName", o.OriginsName)
		a.end()
	}
	a.close()
	s, _ := d.at("chattonic.snapshot", "", now.Truncate(time.Minute))
	_, _ = fmt.Fprintf(rw, `,"queryPending":%d}`, s.below(9))
}

func quoted(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "null"
	}
	return string(b)
}

// dashboard answers one row per group in which something happened. The
// snapshots (totals since launch, pending, progress) are of now in every row.
func (w *World) dashboard(rw http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("queryName") != "dashboard" {
		chatTonicError(rw, http.StatusBadRequest, "queryName is missing or unknown")
		return
	}
	format := r.URL.Query().Get("dateFormatGroup")
	if format == "" {
		chatTonicError(rw, http.StatusBadRequest, "dateFormatGroup is missing")
		return
	}
	start, end, ok := w.span(rw, r)
	if !ok {
		return
	}
	d, o := w.Data(), w.settings().ChatTonic
	var labels []string
	sums := map[string]DashboardMetrics{}
	quarters(start, end, func(q time.Time) {
		m, ok := d.DashboardQuarter(q)
		if !ok {
			return
		}
		label := "0"
		if !o.DateZero {
			label = strftime(format, q.In(o.ResponseZone))
		}
		sum, seen := sums[label]
		if !seen {
			labels = append(labels, label)
		}
		sums[label] = sum.Add(m)
	})
	if o.DateZero && len(labels) == 0 {
		labels = []string{"0"} // the whole window has its one row, also of zeros
	}
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	a := answer{w: rw}
	for _, label := range labels {
		dashboardRow(&a, label, sums[label], w.Now())
	}
	a.close()
}

// launch is when the simulated bot went live; its totals grow since then.
var launch = time.Date(2020, 6, 1, 0, 0, 0, 0, time.UTC)

// dashboardRow has the fields of the vendor's sample in their order.
func dashboardRow(a *answer, label string, m DashboardMetrics, now time.Time) {
	minutes := int64(now.Sub(launch) / time.Minute)
	a.begin()
	a.text("date", label)
	a.int("totalUsers", minutes/80)
	a.int("newUsers", m.NewUsers)
	a.int("activeUsers", m.ActiveUsers)
	a.int("totalMessagesReceived", minutes/6)
	a.int("messagesReceived", m.MessagesReceived)
	a.int("totalMessagesSent", minutes/5)
	a.int("messagesSent", m.MessagesSent)
	a.int("pending", minutes%7)
	a.int("progress", minutes%5)
	a.int("resolved", m.Resolved)
	a.int("failed", m.Failed)
	a.int("userEfficiency", 0)
	a.float("attention", m.Attention())
	a.float("resolution", m.Resolution())
	a.float("attentionAndResolution", ratio(m.AttentionMinutes+m.ResolutionMinutes, m.Resolved))
	a.float("nps", m.NPS())
	a.float("csat", m.CSAT())
	a.end()
}

// strftime knows the directives that make sense for grouping by time.
func strftime(format string, t time.Time) string {
	return strings.NewReplacer(
		"%Y", t.Format("2006"), "%y", t.Format("06"), "%m", t.Format("01"), "%d", t.Format("02"), "%j", t.Format("002"),
		"%H", t.Format("15"), "%M", t.Format("04"), "%S", t.Format("05"), "%F", t.Format("2006-01-02"), "%T", t.Format("15:04:05"),
		"%b", t.Format("Jan"), "%B", t.Format("January"), "%%", "%",
	).Replace(format)
}
