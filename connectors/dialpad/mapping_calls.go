package dialpad

import (
	"bytes"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/transforms"
)

// Fields of the calls export.
const (
	callID = iota
	callMaster
	callEntry
	callStarted
	callQueued
	callFirstRang
	callRang
	callConnected
	callEnded
	callZone
	callDirection
	callTargetType
	callTargetKind
	callTargetID
	callName
	callEmail
	callCategory
	callCategories
	callExternal
	callOwn
	callTalk
	callHold
	callRing
	callQueue
	callWrapup
	callAnswer
	callIsInternal
)

// callsMapping reads calls with export_type=records: a row per call of a group
// or a user, and one per leg that rang for an agent, whose entry_point_call_id
// is the call_id of the group's row.
//
// The agent is named on every row whose target is a user: on legs, and on
// direct calls to a user, which are entry rows at the same time.
func callsMapping(*Settings) transforms.Mapping {
	return transforms.Mapping{
		Table: pipeline.Events,
		Fields: []transforms.Field{
			callID:         {Source: "call_id", Column: "event_id", Conv: transforms.Digits},
			callMaster:     {Source: "master_call_id", Column: "parent_id", Conv: transforms.Digits},
			callEntry:      {Source: "entry_point_call_id", Column: "entry_id", Conv: transforms.Digits},
			callStarted:    {Source: "date_started", Conv: transforms.Custom},
			callQueued:     {Source: "date_queued", Conv: transforms.Custom},
			callFirstRang:  {Source: "date_first_rang", Conv: transforms.Custom},
			callRang:       {Source: "date_rang", Conv: transforms.Custom},
			callConnected:  {Source: "date_connected", Conv: transforms.Custom},
			callEnded:      {Source: "date_ended", Conv: transforms.Custom},
			callZone:       {Source: "timezone", Conv: transforms.Zone},
			callDirection:  {Source: "direction", Column: "direction", Conv: transforms.Lower},
			callTargetType: {Source: "target_type", Conv: transforms.Custom},
			callTargetKind: {Source: "target_kind", Fills: true},
			callTargetID:   {Source: "target_id", Column: "resource_id", Conv: transforms.Digits},
			callName:       {Source: "name", Column: "resource_name"},
			callEmail:      {Source: "email", Column: "resource_email"},
			callCategory:   {Source: "category", Column: "status"},
			callCategories: {Source: "categories", Column: "tags", Conv: transforms.Tags},
			callExternal:   {Source: "external_number", Column: "customer_address"},
			callOwn:        {Source: "internal_number", Column: "internal_address"},
			callTalk:       {Source: "talk_duration", Column: "talk_seconds", Conv: transforms.Minutes},
			callHold:       {Source: "hold_duration", Column: "hold_seconds", Conv: transforms.Minutes},
			callRing:       {Source: "ringing_duration", Column: "ring_seconds", Conv: transforms.Minutes},
			callQueue:      {Source: "queued_duration", Column: "queue_seconds", Conv: transforms.Minutes},
			callWrapup:     {Source: "wrapup_duration", Column: "wrapup_seconds", Conv: transforms.Minutes},
			callAnswer:     {Source: "time_to_answer", Column: "answer_seconds", Conv: transforms.Minutes},
			callIsInternal: {Source: "is_internal", Conv: transforms.Bool},
		},
		Keys: []string{"call_id", "date_started", "entry_point_call_id"},
		Last: "is_internal",
		Unit: companyField,
		Row:  callRow,
		Personal: map[string]pipeline.Personal{
			"name": pipeline.PersonalName, "email": pipeline.PersonalEmail,
			"external_number": pipeline.PersonalPhone, "internal_number": pipeline.PersonalPhone, "transferred_to": pipeline.PersonalAddress,
		},
		Harmless: []string{
			"date_callback_connected", "date_callback_ended", "date_anonymized",
			"entry_point_target_id", "entry_point_target_kind", "proxy_target_id", "transferred_to_contact_id", "transferred_from_target_id",
			"office_id", companyField, "campaign_id", "callback_id", "callback_type", "salesforce_activity_id",
			"was_recorded", "voicemail", "device", "availability", "participant_type", "time_in_system",
			"ringing_occurrences", "hold_occurrences", "queued_occurrences",
			"percent_ai_talk_time", "percent_ai_listen_time", "percent_ai_silent_time",
		},
	}
}

func callRow(r *transforms.Row) {
	times := r.TimesBeside(callZone, 1, callStarted, callQueued, callRang, callConnected, callEnded, callFirstRang)
	if times == nil {
		return
	}
	setCallTimes(r, times)
	r.SetInstant(eventFirst, times[5]) // some callers ring before they are queued, others after
	r.SetString(eventKind, "call")
	r.SetString(eventChannel, "voice")

	own, entry := r.Raw(callID), r.Raw(callEntry)
	isEntry := entry == nil || bytes.Equal(entry, own)
	r.SetBool(eventIsEntry, isEntry)
	if isEntry && own != nil {
		r.SetFrom(eventEntry, callID, own)
	}
	checkTalk(r, times[3], times[4])
	kind := setResourceType(r, callTargetType, callTargetKind)
	setGroupName(r, kind, callName)
	if kind == "user" {
		setAgent(r, callTargetID, callName, callEmail)
	}
}

// setCallTimes sets the row's time and the other times of a call: started, queued, rang, connected, ended.
func setCallTimes(r *transforms.Row, times []pipeline.Instant) {
	r.At(times[0])
	for i, col := range [...]int{eventStarted, eventQueued, eventRang, eventAnswered, eventEnded} {
		r.SetInstant(col, times[i])
	}
}

// checkTalk spoils the time talked and the time on hold where they took longer than the call was connected. A minute is
// left for the vendor's rounding.
func checkTalk(r *transforms.Row, connected, ended pipeline.Instant) {
	if connected == pipeline.NoInstant || ended == pipeline.NoInstant {
		return
	}
	talk, _ := r.Seconds(callTalk)
	hold, _ := r.Seconds(callHold)
	if talk+hold > ended.Sub(connected).Seconds()+60 {
		r.Spoil(callTalk)
		r.Spoil(callHold)
	}
}

// setResourceType sets resource_type from the first of the fields that is not
// blank, and returns it.
func setResourceType(r *transforms.Row, fields ...int) string {
	for _, f := range fields {
		if text := r.Raw(f); text != nil {
			kind := resourceType(text)
			r.SetString(eventResource, kind)
			return kind
		}
	}
	return ""
}

// setAgent copies an agent's id, name and e-mail address from the given fields.
func setAgent(r *transforms.Row, id, name, email int) {
	for _, c := range [...]struct{ col, field int }{{eventAgent, id}, {eventAgentIs, name}, {eventAgentAt, email}} {
		if text := r.Raw(c.field); text != nil {
			r.SetFrom(c.col, c.field, text)
		}
	}
}
