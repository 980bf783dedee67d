package dialpad

import (
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/transforms"
)

// Nobody has published the header of these exports, nor whether the vendor
// answers them at all. Names that its other files have mean here what they mean
// there, and everything else stays in extras: no measure is guessed.

// anyDate begins the names of columns with a date.
const anyDate = "date"

// anyDateField is the first column whose name begins with date.
func anyDateField() transforms.Field {
	return transforms.Field{Source: anyDate, Prefix: true, Conv: transforms.Custom}
}

// isDated tells whether the row has a date. One without belongs to the window that
// was asked for, and is rejected where the report serves several, as it does once a header had a date.
func isDated(r *transforms.Row, date int) bool {
	if r.Raw(date) != nil {
		return true
	}
	if len(r.Meta().Request.Windows) > 1 {
		r.RejectField(pipeline.NoInstant, date, "is blank in a report of several windows; WINDROW_ON_DRIFT=warn asks for each by itself")
	}
	return false
}

// startedIfDated is started for an export whose rows may have no date. false:
// the row was rejected.
func startedIfDated(r *transforms.Row, zone, date int) bool {
	if isDated(r, date) {
		return started(r, zone, date)
	}
	return !r.Rejected()
}

// screenshareMapping reads screenshare with export_type=records.
func screenshareMapping(*Settings) transforms.Mapping {
	return transforms.Mapping{
		Table: pipeline.Events,
		Fields: about(anyDateField(), transforms.Field{Source: "call_id", Conv: transforms.Digits},
			transforms.Field{Source: "record_id", Conv: transforms.Digits},
			transforms.Field{Source: "master_call_id", Column: "parent_id", Conv: transforms.Digits},
			transforms.Field{Source: "direction", Column: "direction", Conv: transforms.Lower},
		),
		Personal: onCall(nil),
		Unit:     companyField,
		Harmless: []string{"office_id", companyField},
		Row: func(r *transforms.Row) {
			if !startedIfDated(r, aboutZone, aboutDate) {
				return
			}
			r.SetString(eventKind, "screenshare")
			setGroupName(r, setResourceType(r, aboutTargetType, aboutTargetKind), aboutName)
			for _, id := range [...]int{aboutFirst, aboutCall} {
				if text := r.Raw(id); text != nil {
					r.SetFrom(eventID, id, text)
					r.Skip(id)
					break
				}
			}
			r.SetString(eventID, "") // where no known column names the event
		},
	}
}

// otherStatsMapping reads statistics of anything but calls. Their counts are those
// of the calls' statistics where they have the same names; durations stay as they
// are, for nobody has said that they are minutes here too.
func otherStatsMapping(channel string) func(*Settings) transforms.Mapping {
	return func(*Settings) transforms.Mapping {
		fields := statsFields(anyDateField())
		for _, f := range measures() {
			if f.Conv == transforms.Count {
				fields = append(fields, f)
			}
		}
		return transforms.Mapping{
			Table:    pipeline.Activity,
			Fields:   fields,
			Personal: map[string]pipeline.Personal{"name": pipeline.PersonalName, "email": pipeline.PersonalEmail},
			Row:      func(r *transforms.Row) { otherStatsRow(r, channel) },
		}
	}
}

func otherStatsRow(r *transforms.Row, channel string) {
	r.SetString(activityChannel, channel)
	if isDated(r, statDate) {
		if _, ok := setDay(r); !ok {
			return
		}
	} else {
		setInterval(r, r.Meta().Span)
	}
	kind, id := scopeResource(r.Meta().Request.Scope)
	who := firstOf(r, statUserID, statTargetID, statGroupID, statEmail, statName)
	typ := setStatsType(r)
	switch {
	case who < 0: // the row is about what the report was asked for
		r.SetString(activityID, id)
		r.SetString(activityType, kind)
	case typ == "" && (who == statUserID || who == statEmail):
		r.SetString(activityType, "user")
	case typ == "":
		r.SetString(activityType, "group")
	}
	if who >= 0 {
		setStatsID(r, who)
	}
}
