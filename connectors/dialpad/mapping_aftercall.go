package dialpad

import (
	"fmt"
	"maps"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/transforms"
)

// What is left of a call when it is over: its recordings, what its agent noted,
// and what its customer answered. All three name the call by its call_id, and
// several rows may have the same one.

// onCall are the personal fields that rows about a call share, and more.
func onCall(more map[string]pipeline.Personal) map[string]pipeline.Personal {
	all := map[string]pipeline.Personal{
		"name": pipeline.PersonalName, "email": pipeline.PersonalEmail,
		"operator_name": pipeline.PersonalName, "operator_email": pipeline.PersonalEmail,
		"external_number": pipeline.PersonalPhone, "internal_number": pipeline.PersonalPhone, "recording_url": pipeline.PersonalLink,
	}
	maps.Copy(all, more)
	return all
}

// people are the fields of an agent and of the two ends of a call.
func people() []transforms.Field {
	return []transforms.Field{
		{Source: "operator_id", Column: "agent_id", Conv: transforms.Digits},
		{Source: "operator_name", Column: "agent_name"},
		{Source: "operator_email", Column: "agent_email"},
		{Source: "external_number", Column: "customer_address"},
		{Source: "internal_number", Column: "internal_address"},
		{Source: "recording_url", Column: "recording_url"},
	}
}

// Fields that rows about a call, and of other records, have in common; people
// and those of the export follow.
const (
	aboutDate = iota
	aboutZone
	aboutTargetType
	aboutTargetKind
	aboutName
	aboutCall
	aboutFirst // the first field of the export's own
)

// about are the common fields. date is the name of the row's time.
func about(date, id transforms.Field, own ...transforms.Field) []transforms.Field {
	return append(append([]transforms.Field{
		aboutDate:       date,
		aboutZone:       {Source: "timezone", Conv: transforms.Zone},
		aboutTargetType: {Source: "target_type", Conv: transforms.Custom},
		aboutTargetKind: {Source: "target_kind", Conv: transforms.Custom},
		aboutName:       {Source: "name", Column: "resource_name"},
		aboutCall:       id,
	}, own...), append(people(),
		transforms.Field{Source: "target_id", Column: "resource_id", Conv: transforms.Digits},
		transforms.Field{Source: "email", Column: "resource_email"},
	)...)
}

// aboutCallRow sets what rows about a call have in common. The date has been read.
func aboutCallRow(r *transforms.Row, kind string) {
	r.SetString(eventKind, kind)
	r.SetString(eventChannel, "voice")
	setGroupName(r, setResourceType(r, aboutTargetType, aboutTargetKind), aboutName)
}

func callIDField() transforms.Field {
	return transforms.Field{Source: "call_id", Column: "event_id", Conv: transforms.Digits}
}

func dateField(source string) transforms.Field {
	return transforms.Field{Source: source, Conv: transforms.Custom}
}

// recordingUnits are the values of RECORDING_UNIT, and how a duration is read in each.
var recordingUnits = map[string]transforms.Conv{
	"": transforms.Text, "seconds": transforms.Number, "minutes": transforms.Minutes, "milliseconds": transforms.Milliseconds,
}

// smallerUnits say what fits durations that are too long in a unit.
var smallerUnits = map[string]string{
	"minutes": "seconds or milliseconds may fit", "seconds": "milliseconds may fit", "milliseconds": "no unit fits",
}

const (
	// recordingDuration is the one field that recordings alone have.
	recordingDuration = aboutFirst
	// longestRecording is how many seconds a recording may last.
	longestRecording = 24 * 60 * 60
)

var eventTalk = pipeline.Events.Index("talk_seconds")

// recordingsMapping reads recordings with export_type=records. No document says
// in which unit their duration is, and three are likely: until the setting does,
// it stays in extras as it is. A recording of more than a day says that the unit is a smaller one.
func recordingsMapping(s *Settings) transforms.Mapping {
	duration, unit := transforms.Field{Source: "duration"}, recordingUnits[s.recordingUnit]
	if s.recordingUnit == "" {
		limit := func(above int, is, fits string) pipeline.FieldLimit {
			return pipeline.FieldLimit{Above: float64(above), Says: fmt.Sprintf("a recording's duration is above %d, so that its unit is %s: they stay in extras until %sRECORDING_UNIT says it, and %s may fit",
				above, is, s.prefix, fits)}
		}
		duration.Limits = []pipeline.FieldLimit{
			limit(longestRecording/60, "not minutes", "seconds or milliseconds"),
			limit(longestRecording, "neither minutes nor seconds", "milliseconds"),
		}
	} else {
		duration.Conv = transforms.Custom
		duration.Hint = fmt.Sprintf("%sRECORDING_UNIT is %s, in which recordings would last for more than a day: %s; ", s.prefix, s.recordingUnit, smallerUnits[s.recordingUnit])
	}
	return transforms.Mapping{
		Table:    pipeline.Events,
		Fields:   about(dateField("date"), callIDField(), duration),
		Keys:     []string{"call_id", "date"},
		Last:     "timezone",
		Unit:     companyField,
		Personal: onCall(nil),
		Harmless: []string{"recording_id", "recording_type", companyField},
		Row: func(r *transforms.Row) {
			if !started(r, aboutZone, aboutDate) {
				return
			}
			aboutCallRow(r, "recording")
			if s.recordingUnit != "" && r.Raw(recordingDuration) != nil && !r.SetMeasure(eventTalk, recordingDuration, unit, longestRecording) {
				r.Keep(recordingDuration)
				r.Unreadable(recordingDuration)
			}
		},
	}
}

// Fields that dispositions alone have.
const (
	dispositionRang = aboutFirst + iota
	dispositionQueued
	dispositionConnected
	dispositionEnded
)

// dispositionsMapping reads dispositions with export_type=records: what an agent
// noted of a call, Category~Sub or Category; blank is a call without.
func dispositionsMapping(*Settings) transforms.Mapping {
	return transforms.Mapping{
		Table: pipeline.Events,
		Fields: about(dateField("date_started"), callIDField(),
			dateField("date_rang"), dateField("date_queued"), dateField("date_connected"), dateField("date_ended"),
			transforms.Field{Source: "direction", Column: "direction", Conv: transforms.Lower},
			transforms.Field{Source: "disposition", Column: "status"},
			transforms.Field{Source: "note", Column: "text"},
		),
		Keys:     []string{"call_id", "date_started", "disposition"},
		Last:     "timezone",
		Unit:     companyField,
		Personal: onCall(map[string]pipeline.Personal{"note": pipeline.PersonalText}),
		Harmless: []string{"office_id", companyField, "salesforce_activity_id"},
		Row: func(r *transforms.Row) {
			times := r.Times(aboutZone, aboutDate, dispositionQueued, dispositionRang, dispositionConnected, dispositionEnded)
			if times == nil {
				return
			}
			setCallTimes(r, times)
			aboutCallRow(r, "disposition")
		},
	}
}

// csatResponse is the one field that csat alone has.
const csatResponse = aboutFirst

// csatMapping reads csat with export_type=records: a row for each question that a
// customer was asked after a call, with a number or a text; blank is a survey
// that nobody answered. Only call_id and response were ever seen of its header.
func csatMapping(*Settings) transforms.Mapping {
	return transforms.Mapping{
		Table:    pipeline.Events,
		Fields:   about(anyDateField(), callIDField(), transforms.Field{Source: "response", Conv: transforms.Custom}),
		Keys:     []string{"call_id", "response"},
		Unit:     companyField,
		Harmless: []string{companyField},
		Personal: onCall(map[string]pipeline.Personal{"response": pipeline.PersonalText}),
		Row: func(r *transforms.Row) {
			if !startedIfDated(r, aboutZone, aboutDate) {
				return
			}
			aboutCallRow(r, "csat")
			if text := r.Raw(csatResponse); text != nil && !r.SetNumber(eventScore, csatResponse) {
				r.SetFrom(eventText, csatResponse, text)
			}
		},
	}
}
