package chattonic

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
	"github.com/windrow-data/windrow/transforms"
)

var (
	columnType    = pipeline.Activity.Index("resource_type")
	columnID      = pipeline.Activity.Index("resource_id")
	columnName    = pipeline.Activity.Index("resource_name")
	columnChannel = pipeline.Activity.Index("channel")
	columnStart   = pipeline.Activity.Index("interval_start")
	columnEnd     = pipeline.Activity.Index("interval_end")
)

// hint is what helps against an answer that is not the document it should be.
func (s *Settings) hint() string {
	return "check " + s.prefix + "URL and " + s.prefix + "CODENAME, and read the window again"
}

// Fields of an operator that mapOperator reads.
const (
	operatorID = iota
	operatorDisplayName
	operatorName
	operatorNPS
	operatorResponses
	operatorInProgress
)

// operatorsFormat reads an answer of stats/operator: an object with the
// array operators, one row for each for the whole span, and queryPending. The
// answer is one only when its status is true.
//
// The vendor does not publish the unit of the durations. It is set to seconds or
// minutes; when it is not set, they stay in extras and their columns are null.
func operatorsFormat(s *Settings, p pipeline.Policy) pipeline.Format {
	m := transforms.Mapping{
		Table: pipeline.Activity,
		Fields: []transforms.Field{
			operatorID:          {Source: "_id", Column: "resource_id", Conv: transforms.ID},
			operatorDisplayName: {Source: "displayName", Column: "resource_name"},
			operatorName:        {Source: "name"},
			operatorNPS:         {Source: "nps", Column: "nps", Conv: transforms.Number},
			operatorResponses:   {Source: "numberOfResponsesNps", Column: "nps_responses", Conv: transforms.Count},
			operatorInProgress:  {Source: "queryInProgress", Column: "in_progress", Conv: transforms.Count, Snapshot: true},
			{Source: "queriesAssigned", Column: "assigned", Conv: transforms.Count},
			{Source: "queriesResolved", Column: "resolved", Conv: transforms.Count},
			{Source: "queryPending", Conv: transforms.Count, Snapshot: true},
			{Source: "status", Snapshot: true},
			{Source: "lastConnection", Snapshot: true},
		},
		Keys:     []string{"_id"},
		Row:      mapOperator,
		Personal: map[string]pipeline.Personal{"displayName": pipeline.PersonalName, "name": pipeline.PersonalName},
		Harmless: []string{"origins", "originsName", "profile"},
	}
	for _, d := range []transforms.Field{
		{Source: "onlineTime", Column: "login_seconds"},
		{Source: "awayTime", Column: "away_seconds"},
		{Source: "freeTime", Column: "free_seconds"},
		{Source: "sumDuration", Column: "handle_seconds"},
		{Source: "avgDurationResolved", Column: "avg_resolution_seconds"},
	} {
		switch s.unit {
		case "seconds":
			d.Conv = transforms.Number
		case "minutes":
			d.Conv = transforms.Minutes
		default:
			if d.Source != "onlineTime" {
				continue
			}
			d.Column, d.Limits = "", s.onlineLimits()
		}
		m.Fields = append(m.Fields, d)
	}
	return transforms.NewJSON(m, transforms.JSONOptions{Rows: "operators", True: "status", Hint: s.hint()}, p)
}

// onlineLimits are what tells that the operators' times are not in a unit: nobody is online for longer than the window is,
// be it one in which the clocks go back or the longest of its months.
func (s *Settings) onlineLimits() []pipeline.FieldLimit {
	hours := 25 * s.window.Every
	switch s.window.Unit {
	case calendar.Hours:
		hours = s.window.Every + 1
	case calendar.Weeks:
		hours *= 7
	case calendar.Months:
		hours *= 31
	}
	limit := func(above int, is, fits string) pipeline.FieldLimit {
		return pipeline.FieldLimit{Above: float64(above), Says: fmt.Sprintf("an operator was online for more than %d in a window of %s, so that the unit is %s: the times stay in extras until %s says it, and %s",
			above, s.window, is, s.variable("DURATION_UNIT"), fits)}
	}
	return []pipeline.FieldLimit{
		limit(60*hours, "not minutes", "seconds may fit"),
		limit(3600*hours, "neither minutes nor seconds", "neither fits"),
	}
}

func mapOperator(r *transforms.Row) {
	setInterval(r, r.Meta().Span)
	r.Within(r.Meta().Span)
	r.SetString(columnType, "operator")
	if r.Raw(operatorID) == nil {
		r.RejectField(r.Meta().Span.Start, operatorID, "is missing")
		return
	}
	if r.Raw(operatorDisplayName) == nil {
		if name := fullName(r.Raw(operatorName)); name != "" {
			r.SetFrom(columnName, operatorName, []byte(name))
		}
	}
	if isZero(r.Raw(operatorResponses)) { // of nobody's answers the vendor says 0, which would be a score
		setAside(r, operatorNPS)
	}
	if r.Meta().Late() {
		setAside(r, operatorInProgress)
	}
}

// setInterval makes span what the row counts, on all channels.
func setInterval(r *transforms.Row, span pipeline.Span) {
	r.At(span.Start)
	r.SetInstant(columnStart, span.Start)
	r.SetInstant(columnEnd, r.Meta().IntervalEnd(span))
	r.SetString(columnChannel, "all")
}

// setAside leaves a field's column null and the field in extras.
func setAside(r *transforms.Row, field int) {
	r.Skip(field)
	r.Keep(field)
}

// fullName joins the parts of an operator's name.
func fullName(raw []byte) string {
	var name struct{ GivenName, FamilyName string }
	if len(raw) == 0 || raw[0] != '{' || json.Unmarshal(raw, &name) != nil {
		return ""
	}
	return strings.TrimSpace(name.GivenName + " " + name.FamilyName)
}

// isZero reports whether a number is 0, 0.0, -0 ….
func isZero(raw []byte) bool {
	raw = bytes.TrimSpace(raw)
	mantissa, _, _ := bytes.Cut(bytes.ToLower(raw), []byte("e"))
	return bytes.IndexByte(mantissa, '0') >= 0 && len(bytes.Trim(mantissa, "-0.")) == 0
}
