package dialpad

import (
	"strings"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/transforms"
)

// Columns of the activity table that the mappings of statistics set themselves.
var (
	activityType    = pipeline.Activity.Index("resource_type")
	activityID      = pipeline.Activity.Index("resource_id")
	activityChannel = pipeline.Activity.Index("channel")
	activityStart   = pipeline.Activity.Index("interval_start")
	activityEnd     = pipeline.Activity.Index("interval_end")
)

// Fields of the calls statistics; the measures follow them.
const (
	statDate = iota
	statZone
	statName
	statEmail
	statType
	statTargetType
	statTargetKind
	statUserID
	statTargetID
	statGroupID
)

// callStatsMapping reads calls with export_type=stats, in one of the three
// groupings. user: a row per user and day (sometimes several), whose type tells
// people from groups. date: a row per day for the whole scope. group: a row per
// group for the whole span asked, without a date.
//
// service_level is a count of calls answered in time. aht and asa are minutes,
// as all durations of the file.
func callStatsMapping(s *Settings) transforms.Mapping {
	m := transforms.Mapping{
		Table: pipeline.Activity,
		Fields: append([]transforms.Field{
			statDate:       {Source: "date", Conv: transforms.Custom},
			statZone:       {Source: "timezone", Column: "timezone"},
			statName:       {Source: "name", Column: "resource_name"},
			statEmail:      {Source: "email", Column: "resource_email"},
			statType:       {Source: "type"},
			statTargetType: {Source: "target_type"},
			statTargetKind: {Source: "target_kind"},
			statUserID:     {Source: "user_id"},
			statTargetID:   {Source: "target_id"},
			statGroupID:    {Source: "group_id"},
		}, measures()...),
	}
	switch s.groupBy {
	case "date":
		m.Keys, m.Last, m.Row = []string{"date"}, "avg_time_open_minutes", dateStatsRow
	case "group":
		m.Keys, m.Row = []string{"name"}, groupStatsRow
	default:
		m.Keys, m.Row = []string{"date", "user_id"}, userStatsRow
	}
	return m
}

func measures() []transforms.Field {
	return []transforms.Field{
		{Source: "inbound_calls", Column: "interactions_in", Conv: transforms.Count},
		{Source: "outbound_calls", Column: "interactions_out", Conv: transforms.Count},
		{Source: "all_calls", Column: "interactions_total", Conv: transforms.Count},
		{Source: "answered", Column: "answered", Conv: transforms.Count},
		{Source: "missed", Column: "missed", Conv: transforms.Count},
		{Source: "abandoned", Column: "abandoned", Conv: transforms.Count},
		{Source: "voicemails", Column: "voicemails", Conv: transforms.Count},
		{Source: "service_level", Column: "in_service_level", Conv: transforms.Count},
		{Source: "talk_duration", Column: "talk_seconds", Conv: transforms.Minutes},
		{Source: "hold_duration", Column: "hold_seconds", Conv: transforms.Minutes},
		{Source: "ringing_duration", Column: "ring_seconds", Conv: transforms.Minutes},
		{Source: "queued_duration", Column: "queue_seconds", Conv: transforms.Minutes},
		{Source: "wrapup_duration", Column: "wrapup_seconds", Conv: transforms.Minutes},
		{Source: "aht", Column: "avg_handle_seconds", Conv: transforms.Minutes},
		{Source: "asa", Column: "avg_answer_seconds", Conv: transforms.Minutes},
	}
}

// userStatsRow: a row without a type is a user's.
func userStatsRow(r *transforms.Row) {
	if !setDay(r) {
		return
	}
	if !setStatsType(r) {
		r.SetString(activityType, "user")
	}
	setStatsID(r, "user_id is blank", statUserID)
}

// dateStatsRow: the row is about what the report was asked for.
func dateStatsRow(r *transforms.Row) {
	if !setDay(r) {
		return
	}
	kind, id := scopeResource(r.Meta().Request.Scope)
	r.SetString(activityType, kind)
	r.SetString(activityID, id)
}

// groupStatsRow: the row counts the whole span asked. Where the vendor gives no
// id, a group's name is its id.
func groupStatsRow(r *transforms.Row) {
	setInterval(r, r.Meta().Span)
	r.Keep(statDate) // none is expected
	if !setStatsType(r) {
		r.SetString(activityType, "group")
	}
	setStatsID(r, "name is blank", statTargetID, statGroupID, statName)
}

// setDay makes the row's date its interval; false when the row was rejected.
func setDay(r *transforms.Row) bool {
	day, ok := r.LocalDay(statZone, statDate)
	if ok {
		setInterval(r, day)
		r.At(day.Start)
	}
	return ok
}

func setInterval(r *transforms.Row, s pipeline.Span) {
	r.SetInstant(activityStart, s.Start)
	r.SetInstant(activityEnd, s.End)
	r.SetString(activityChannel, "voice")
}

// setStatsType sets resource_type from the first column that names a kind.
func setStatsType(r *transforms.Row) bool {
	for _, f := range [...]int{statType, statTargetType, statTargetKind} {
		if text := r.Raw(f); text != nil {
			r.SetString(activityType, resourceType(text))
			r.Skip(f)
			return true
		}
	}
	return false
}

// setStatsID sets resource_id from the first of the fields that is not blank.
func setStatsID(r *transforms.Row, blank string, fields ...int) {
	for _, f := range fields {
		if text := r.Raw(f); text != nil {
			r.SetText(activityID, text)
			if f != statName {
				r.Skip(f)
			}
			return
		}
	}
	r.Reject(pipeline.NoInstant, blank)
}

// scopeResource is the resource that a scope names: callcenter:123 is
// call_center 123, and the company is its own id.
func scopeResource(scope string) (kind, id string) {
	kind, id, found := strings.Cut(scope, ":")
	if !found {
		return "company", "company"
	}
	return resourceType([]byte(kind)), id
}
