package dialpad

import (
	"strings"
	"unicode"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/transforms"
)

// Columns of the events table that the mappings of records set themselves.
var (
	eventKind     = pipeline.Events.Index("kind")
	eventID       = pipeline.Events.Index("event_id")
	eventEntry    = pipeline.Events.Index("entry_id")
	eventIsEntry  = pipeline.Events.Index("is_entry")
	eventChannel  = pipeline.Events.Index("channel")
	eventWay      = pipeline.Events.Index("direction")
	eventStarted  = pipeline.Events.Index("started_at")
	eventQueued   = pipeline.Events.Index("queued_at")
	eventFirst    = pipeline.Events.Index("first_rang_at")
	eventRang     = pipeline.Events.Index("rang_at")
	eventAnswered = pipeline.Events.Index("connected_at")
	eventEnded    = pipeline.Events.Index("ended_at")
	eventResource = pipeline.Events.Index("resource_type")
	eventAgent    = pipeline.Events.Index("agent_id")
	eventAgentIs  = pipeline.Events.Index("agent_name")
	eventAgentAt  = pipeline.Events.Index("agent_email")
	eventCustomer = pipeline.Events.Index("customer_address")
	eventInternal = pipeline.Events.Index("internal_address")
	eventText     = pipeline.Events.Index("text")
	eventScore    = pipeline.Events.Index("score")
)

// companyField names the company in exports of records that have it.
const companyField = "company_id"

// started reads the row's only time, from the given field, in the row's zone.
// false: the row was rejected.
func started(r *transforms.Row, zone, date int) bool {
	times := r.Times(zone, date)
	if times == nil {
		return false
	}
	r.At(times[0])
	r.SetInstant(eventStarted, times[0])
	return true
}

// setGroupName says that the field with the target's name names no person, where the target is of a type that is a
// group.
func setGroupName(r *transforms.Row, resourceType string, name int) {
	switch resourceType {
	case "call_center", "department", "office", "company", "call_router", "channel", "coaching_group", "coaching_team", "staff_group":
		r.NotPersonal(name)
	}
}

// resourceType is the vendor's name of a kind of target in snake case. The
// vendor spells the same one call_center, CallCenter and callcenter, and a user
// also UserProfile.
func resourceType(kind []byte) string {
	switch string(kind) {
	case "user", "User", "UserProfile":
		return "user"
	case "call_center", "CallCenter", "callcenter":
		return "call_center"
	case "department", "Department":
		return "department"
	case "office", "Office":
		return "office"
	case "coachinggroup":
		return "coaching_group"
	case "coachingteam":
		return "coaching_team"
	case "staffgroup":
		return "staff_group"
	}
	return snakeCase(string(kind))
}

// snakeCase writes CallRouter, "Call router" and call-router as call_router.
func snakeCase(s string) string {
	var b strings.Builder
	gap := false
	for i, c := range s {
		switch {
		case unicode.IsLetter(c) || unicode.IsDigit(c):
			if b.Len() > 0 && (gap || unicode.IsUpper(c) && !upperBefore(s, i)) {
				b.WriteByte('_')
			}
			b.WriteRune(unicode.ToLower(c))
			gap = false
		default:
			gap = true
		}
	}
	return b.String()
}

// upperBefore reports whether an ASCII capital stands before position i.
func upperBefore(s string, i int) bool { return i > 0 && s[i-1] >= 'A' && s[i-1] <= 'Z' }
