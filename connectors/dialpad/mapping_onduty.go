package dialpad

import (
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/transforms"
)

// Fields of the onduty export.
const (
	dutyDate = iota
	dutyZone
	dutyRecord
	dutyTargetType
	dutyTargetID
	dutyName
	dutyEmail
)

// onDutyMapping reads onduty with export_type=records: a row for each change of an
// agent's status, and perhaps one for each centre that the agent works for.
// reason is one of the office's own labels, such as Lunch.
func onDutyMapping(*Settings) transforms.Mapping {
	return transforms.Mapping{
		Table: pipeline.Events,
		Fields: []transforms.Field{
			dutyDate:       dateField("date"),
			dutyZone:       {Source: "timezone", Conv: transforms.Zone},
			dutyRecord:     {Source: "record_id", Column: "event_id", Conv: transforms.Digits},
			dutyTargetType: {Source: "target_type", Conv: transforms.Custom},
			dutyTargetID:   {Source: "target_id", Column: "resource_id", Conv: transforms.Digits},
			dutyName:       {Source: "name", Column: "resource_name"},
			dutyEmail:      {Source: "email", Column: "resource_email"},
			{Source: "on_duty_status", Column: "status"},
			{Source: "reason", Column: "tags", Conv: transforms.Tag},
		},
		Keys: []string{"record_id", "date", "target_id", "on_duty_status"},
		Last: "timezone",
		Unit: companyField,
		Row:  onDutyRow,
		Personal: map[string]pipeline.Personal{
			"name": pipeline.PersonalName, "email": pipeline.PersonalEmail,
			"setter_name": pipeline.PersonalName, "setter_email": pipeline.PersonalEmail,
		},
		Harmless: []string{"availability_status", "call_center_id", "setter_role", companyField},
	}
}

func onDutyRow(r *transforms.Row) {
	if !started(r, dutyZone, dutyDate) {
		return
	}
	r.SetString(eventKind, "duty_status")
	setResourceType(r, dutyTargetType)
	setAgent(r, dutyTargetID, dutyName, dutyEmail)
}

// dutyTimeMapping reads the same rows for the time in each status, which belongs to
// an agent: a row that names none is rejected.
func dutyTimeMapping(s *Settings) transforms.Mapping {
	m := onDutyMapping(s)
	m.Row = func(r *transforms.Row) {
		onDutyRow(r)
		if r.Raw(dutyTargetID) == nil {
			r.RejectField(pipeline.NoInstant, dutyTargetID, "is blank")
		}
	}
	return m
}
