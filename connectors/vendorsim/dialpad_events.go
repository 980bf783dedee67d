package vendorsim

import "strings"

const (
	onDutyHeader       = "date,record_id,target_id,availability_status,on_duty_status,reason,name,email,target_type,call_center_id,setter_name,setter_email,setter_role,timezone"
	dispositionsHeader = "date_started,call_id,operator_id,operator_name,operator_email,disposition,direction,external_number,internal_number,date_rang,date_queued,date_connected,date_ended,target_id,target_kind,office_id,company_id,salesforce_activity_id,recording_url,note,timezone"
	recordingsHeader   = "call_id,target_id,name,email,operator_id,operator_name,operator_email,external_number,internal_number,date,recording_url,duration,timezone"
	// Only call_id and response were seen of csat, nothing of screenshare: the rest is plausible.
	csatHeader        = "call_id,date_started,response,question,timezone"
	screenshareHeader = "date,session_id,target_id,name,email,duration,timezone"
)

func (c *content) onDutyFile() file {
	return file{strings.Split(onDutyHeader, ","), func(yield func([]string) bool) {
		for r := range c.data.OnDuty(c.params.Target, c.start, c.end) {
			if !yield([]string{c.local(r.At), number(r.ID), number(r.User.ID), r.Availability, r.Status, r.Reason, r.User.Name, r.User.Email,
				"user", number(r.Center.ID), r.User.Name, r.User.Email, "agent", c.params.Zone}) {
				return
			}
		}
	}}
}

func (c *content) dispositionsFile() file {
	return file{strings.Split(dispositionsHeader, ","), func(yield func([]string) bool) {
		for x := range c.data.Dispositions(c.params.Target, c.start, c.end) {
			r := &x.Call
			kind, _ := r.Target.rowKinds()
			if !yield([]string{c.local(r.Started), number(r.CallID), number(x.User.ID), x.User.Name, x.User.Email, x.Code, r.Direction, r.External, r.Internal,
				c.local(r.Rang), c.local(r.Queued), c.local(r.Connected), c.local(r.Ended), number(r.Target.ID), kind, number(r.Office), number(companyID), "", "", x.Note, c.params.Zone}) {
				return
			}
		}
	}}
}

func (c *content) recordingsFile() file {
	return file{strings.Split(recordingsHeader, ","), func(yield func([]string) bool) {
		for r, url := range c.data.Recordings(c.params.Target, c.start, c.end) {
			if !yield([]string{number(r.CallID), number(r.Target.ID), r.Name, r.Email, "", "", "", r.External, r.Internal,
				c.local(r.Started), url, c.length(r.Talk), c.params.Zone}) {
				return
			}
		}
	}}
}

// length is how long a recording is, as its file has it.
func (c *content) length(m Minutes) string {
	if c.style.Milliseconds {
		return number(int64(m) * 600)
	}
	return m.String()
}

func (c *content) csatFile() file {
	return file{strings.Split(csatHeader, ","), func(yield func([]string) bool) {
		for x := range c.data.Surveys(c.params.Target, c.start, c.end) {
			if !yield([]string{number(x.Call.CallID), c.local(x.Call.Started), x.Response, "How did we do?", c.params.Zone}) {
				return
			}
		}
	}}
}

func (c *content) screenshareFile() file {
	return file{strings.Split(screenshareHeader, ","), func(yield func([]string) bool) {
		for r := range c.data.ScreenShares(c.params.Target, c.start, c.end) {
			if !yield([]string{c.local(r.Started), number(r.CallID), number(r.Target.ID), r.Name, r.Email, r.Talk.String(), c.params.Zone}) {
				return
			}
		}
	}}
}
