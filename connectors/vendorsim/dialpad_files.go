package vendorsim

import (
	"strconv"
	"strings"
	"time"
)

// Headers as they were seen in real files, in their order.
const (
	callsHeader = "date_started,call_id,category,direction,external_number,internal_number,date_first_rang,date_queued,date_rang,date_connected,date_ended," +
		"target_id,target_kind,target_type,name,email,was_recorded,entry_point_call_id,entry_point_target_id,entry_point_target_kind,proxy_target_id,voicemail," +
		"transferred_to,transferred_to_contact_id,transferred_from_target_id,office_id,company_id,device,salesforce_activity_id,timezone,availability,time_in_system," +
		"callback_type,callback_id,master_call_id,time_to_answer,date_callback_connected,date_callback_ended,date_anonymized,categories,ringing_duration," +
		"ringing_occurrences,hold_duration,hold_occurrences,talk_duration,queued_duration,queued_occurrences,wrapup_duration,participant_type," +
		"percent_ai_talk_time,percent_ai_listen_time,percent_ai_silent_time,campaign_id,is_internal"
	textsHeader      = "date,message_id,name,email,target_type,target_id,sender_id,direction,to_phone,from_phone,encrypted_text,encrypted_aes_text,mms,timezone"
	voicemailsHeader = "call_id,target_id,name,email,external_number,internal_number,date,date_listened,listened_by_target_id,listened_by_name,listened_by_email,recording_url,transcription_text,timezone"
)

// local writes a time as naive local text; a whole second has no fraction, a
// zero time is blank.
func (c *content) local(t time.Time) string {
	switch {
	case t.IsZero():
		return ""
	case t.Nanosecond() == 0:
		return t.In(c.zone).Format("2006-01-02 15:04:05")
	}
	return t.In(c.zone).Format("2006-01-02 15:04:05.000000")
}

// spans are the parts of the asked time in the order in which a big file has
// them: one after the other, or with Shuffle hour by hour through all days.
func (c *content) spans() (all [][2]time.Time) {
	if !c.style.Shuffle {
		return [][2]time.Time{{c.start, c.end}}
	}
	for n := range 24 * time.Hour / time.Hour {
		for at := c.start.Add(n * time.Hour); at.Before(c.end); at = at.Add(24 * time.Hour) {
			all = append(all, [2]time.Time{at, earlier(at.Add(time.Hour), c.end)})
		}
	}
	return all
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// number is an id, blank when 0.
func number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// filled is a duration, blank when 0, as on rows to which it does not apply.
func filled(m Minutes) string {
	if m == 0 {
		return ""
	}
	return m.String()
}

func occurrences(m Minutes) string {
	if m == 0 {
		return "0"
	}
	return "1"
}

func (c *content) callsFile() file {
	cells := make([]string, 0, 64)
	return file{strings.Split(callsHeader, ","), func(yield func([]string) bool) {
		for _, s := range c.spans() {
			for r := range c.data.Calls(c.params.Target, s[0], s[1]) {
				cells = c.callCells(cells[:0], &r)
				if !yield(cells) {
					return
				}
			}
		}
	}}
}

func (c *content) callCells(cells []string, r *CallRow) []string {
	kind, typ := r.Target.rowKinds()
	entryTarget, entryKind, participant := "", "", ""
	if !r.IsEntry() {
		entryKind, _ = r.Line.rowKinds()
		entryTarget, participant = number(r.Line.ID), "operator"
	}
	talk, listen, silent := "", "", ""
	if r.Talk > 0 && r.Recorded {
		talk, listen, silent = "41.5", "38.25", "20.25"
	}
	return append(cells,
		c.local(r.Started), number(r.CallID), r.Category, r.Direction, r.External, r.Internal,
		c.local(r.FirstRang), c.local(r.Queued), c.local(r.Rang), c.local(r.Connected), c.local(r.Ended),
		number(r.Target.ID), kind, typ, r.Name, r.Email, strconv.FormatBool(r.Recorded), number(r.EntryID), entryTarget, entryKind, "", strconv.FormatBool(r.Voicemail),
		r.TransferredTo, "", "", number(r.Office), number(companyID), r.Device, "", c.params.Zone, r.Availability, filled(r.InSystem),
		"", "", number(r.MasterID), filled(r.ToAnswer), "", "", "", r.Categories, filled(r.Ringing),
		occurrences(r.Ringing), filled(r.Hold), occurrences(r.Hold), filled(r.Talk), filled(r.InQueue), occurrences(r.InQueue), filled(r.Wrapup), participant,
		talk, listen, silent, "", "false")
}

func (c *content) textsFile() file {
	cells := make([]string, 0, 16)
	return file{strings.Split(textsHeader, ","), func(yield func([]string) bool) {
		for _, s := range c.spans() {
			for r := range c.data.Texts(c.params.Target, s[0], s[1]) {
				direction := "external"
				if r.Internal {
					direction = "internal"
				}
				_, typ := r.Target.rowKinds()
				cells = append(cells[:0], c.local(r.At), number(r.ID), r.Name, r.Email, typ, number(r.Target.ID), number(r.Sender),
					direction, r.To, r.From, r.Encrypted, r.Text, r.MMS, c.params.Zone)
				if !yield(cells) {
					return
				}
			}
		}
	}}
}

func (c *content) voicemailsFile() file {
	cells := make([]string, 0, 16)
	return file{strings.Split(voicemailsHeader, ","), func(yield func([]string) bool) {
		for v := range c.data.Voicemails(c.params.Target, c.start, c.end) {
			r := &v.Call
			cells = append(cells[:0], number(r.CallID), number(r.Target.ID), r.Name, r.Email, r.External, r.Internal, c.local(v.At))
			if v.Listened.IsZero() || v.Listened.After(c.made) {
				cells = append(cells, "", "", "", "")
			} else {
				cells = append(cells, c.local(v.Listened), number(v.ListenedBy.ID), v.ListenedBy.Name, v.ListenedBy.Email)
			}
			if !yield(append(cells, v.RecordingURL, v.Transcription, c.params.Zone)) {
				return
			}
		}
	}}
}
