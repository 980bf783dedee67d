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
		Table:    pipeline.Activity,
		Fields:   append(statsFields(dateField("date")), measures()...),
		Personal: map[string]pipeline.Personal{"name": pipeline.PersonalName, "email": pipeline.PersonalEmail},
		Harmless: strings.Fields(otherMeasures),
	}
	switch s.groupBy {
	case byDate:
		m.Keys, m.Last, m.Row = []string{"date"}, "avg_time_open_minutes", dateStatsRow
	case byGroup:
		m.Keys, m.Row = []string{"name"}, groupStatsRow
	default:
		m.Keys, m.Row = []string{"date", "user_id"}, userStatsRow
	}
	return m
}

// statsFields are the fields that say what a row of statistics is about.
func statsFields(date transforms.Field) []transforms.Field {
	return []transforms.Field{
		statDate:       date,
		statZone:       {Source: "timezone", Conv: transforms.Zone},
		statName:       {Source: "name", Column: "resource_name"},
		statEmail:      {Source: "email", Column: "resource_email"},
		statType:       {Source: "type", Fills: true},
		statTargetType: {Source: "target_type", Fills: true},
		statTargetKind: {Source: "target_kind", Fills: true},
		statUserID:     {Source: "user_id", Conv: transforms.Digits},
		statTargetID:   {Source: "target_id", Conv: transforms.Digits},
		statGroupID:    {Source: "group_id", Conv: transforms.Digits},
	}
}

// otherMeasures are the measures of the vendor's files that have no column.
const otherMeasures = `
	android_calls ios_calls web_app_calls desktop_app_calls deskphone_calls internal_calls rejected ring_no_answer
	forwarded cancelled minutes inbound_minutes outbound_minutes time_in_system acd message spam
	outbound_connected connected_transferred transferred_out transferred_in answered_transferred missed_transferred open_transferred
	open_inbound_calls open_missed_calls open_abandoned_calls
	callbacks_requested callbacks_completed callbacks_cancelled callbacks_connected callbacks_unconnected
	callback_agent_missed_rejected direct_callback_agent_missed_rejected direct_callback_cancelled
	missed_voicemails other_voicemails in_queue_voicemail dtmf_voicemail direct_to_voicemail transfer_voicemail
	total_voicemails unresolved_voicemails resolved_voicemails
	dtmf_transfer auto_transfer router_transfer forward_transfer scripted_ivr_transfer
	avg_talk_duration avg_hold_duration avg_ringing_duration avg_queued_duration avg_wrapup_duration
	avg_voicemail_handle_time_minutes avg_voicemail_assignment_time_minutes avg_time_open_minutes`

func measures() []transforms.Field {
	return []transforms.Field{
		{Source: "inbound_calls", Column: "interactions_in", Conv: transforms.Count},
		{Source: "outbound_calls", Column: "interactions_out", Conv: transforms.Count},
		{Source: "all_calls", Column: "interactions_total", Conv: transforms.Count},
		{Source: "answered", Column: "answered", Conv: transforms.Count},
		{Source: "missed", Column: "missed", Conv: transforms.Count},
		{Source: "abandoned", Column: "abandoned", Conv: transforms.Count},
		{Source: "short_abandoned", Column: "short_abandoned", Conv: transforms.Count},
		{Source: "handled", Column: "handled", Conv: transforms.Count},
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
	day, ok := setDay(r)
	if !ok {
		return
	}
	kind := setStatsType(r)
	if kind == "" {
		kind = "user"
		r.SetString(activityType, kind)
	}
	switch kind {
	case "user", "agent", "operator":
		r.Within(day)
	}
	setStatsID(r, statUserID)
}

// dateStatsRow: the row is about what the report was asked for.
func dateStatsRow(r *transforms.Row) {
	if _, ok := setDay(r); !ok {
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
	r.NotPersonal(statName)
	if setStatsType(r) == "" {
		r.SetString(activityType, "group")
	}
	setStatsID(r, statTargetID, statGroupID, statName)
}

// setDay makes the row's date its interval; false when the row was rejected.
func setDay(r *transforms.Row) (day pipeline.Span, ok bool) {
	day, ok = r.LocalDay(statZone, statDate)
	if ok {
		setInterval(r, day)
		r.At(day.Start)
	}
	return day, ok
}

func setInterval(r *transforms.Row, s pipeline.Span) {
	r.SetInstant(activityStart, s.Start)
	r.SetInstant(activityEnd, r.Meta().IntervalEnd(s))
	r.SetString(activityChannel, "voice")
}

// setStatsType sets resource_type from the first column that names a kind, and returns it; empty when none does.
func setStatsType(r *transforms.Row) string {
	for _, f := range [...]int{statType, statTargetType, statTargetKind} {
		if text := r.Raw(f); text != nil {
			kind := resourceType(text)
			r.SetString(activityType, kind)
			setGroupName(r, kind, statName)
			r.Skip(f)
			return kind
		}
	}
	return ""
}

// setStatsID sets resource_id from the first of the fields that is not blank.
func setStatsID(r *transforms.Row, fields ...int) {
	f := firstOf(r, fields...)
	if f < 0 {
		r.RejectField(pipeline.NoInstant, fields[len(fields)-1], "is blank")
		return
	}
	r.SetFrom(activityID, f, r.Raw(f))
	if f != statName && f != statEmail {
		r.Skip(f)
	}
}

// firstOf is the first of the fields that is not blank; -1 when all are.
func firstOf(r *transforms.Row, fields ...int) int {
	for _, f := range fields {
		if r.Raw(f) != nil {
			return f
		}
	}
	return -1
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
