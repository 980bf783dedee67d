package vendorsim

import (
	"strconv"
	"strings"
	"time"
)

const (
	// byDateHeader has 68 columns, as seen in a real file.
	byDateHeader = "date,all_calls,inbound_calls,outbound_calls,voicemails,missed,abandoned,forwarded,cancelled,minutes,acd,aht,inbound_minutes,outbound_minutes," +
		"time_in_system,service_level,callbacks_requested,callbacks_completed,callbacks_cancelled,open_inbound_calls,open_missed_calls,open_abandoned_calls," +
		"callbacks_connected,callbacks_unconnected,missed_voicemails,other_voicemails,missed_transferred,asa,open_transferred,short_abandoned,handled,answered," +
		"answered_transferred,message,spam,in_queue_voicemail,dtmf_voicemail,direct_to_voicemail,transfer_voicemail,outbound_connected,connected_transferred," +
		"transferred_out,transferred_in,dtmf_transfer,auto_transfer,router_transfer,forward_transfer,timezone,ringing_duration,avg_ringing_duration,hold_duration," +
		"avg_hold_duration,talk_duration,avg_talk_duration,queued_duration,avg_queued_duration,wrapup_duration,avg_wrapup_duration," +
		"callback_agent_missed_rejected,direct_callback_agent_missed_rejected,direct_callback_cancelled,scripted_ivr_transfer,total_voicemails,unresolved_voicemails," +
		"resolved_voicemails,avg_voicemail_handle_time_minutes,avg_voicemail_assignment_time_minutes,avg_time_open_minutes"
	// byUserHeader has 55 columns. The names up to wrapup_duration were seen,
	// their order and the rest are plausible.
	byUserHeader = "date,user_id,name,email,type,all_calls,inbound_calls,outbound_calls,internal_calls,answered,missed,abandoned,rejected,ring_no_answer," +
		"talk_duration,hold_duration,wrapup_duration,android_calls,ios_calls,web_app_calls,desktop_app_calls,deskphone_calls,voicemails,forwarded,cancelled,minutes,acd," +
		"aht,asa,inbound_minutes,outbound_minutes,time_in_system,service_level,callbacks_requested,callbacks_completed,callbacks_cancelled,handled,message,spam," +
		"outbound_connected,connected_transferred,transferred_out,transferred_in,timezone,ringing_duration,avg_ringing_duration,avg_hold_duration,avg_talk_duration," +
		"queued_duration,avg_queued_duration,avg_wrapup_duration,missed_voicemails,other_voicemails,direct_to_voicemail,open_inbound_calls"
)

// callStatsFile has one row per local day, per user and day, or per group.
func (c *content) callStatsFile() file {
	p := c.params
	header := strings.Split(byUserHeader, ",")
	switch p.GroupBy {
	case "date":
		header = strings.Split(byDateHeader, ",")
	case "group":
		header = append([]string{"name", "type"}, header[5:]...)
	}
	return file{header, func(yield func([]string) bool) {
		emit := func(day string, s CallStats) bool {
			if c.zeros {
				s = CallStats{ID: s.ID, Name: s.Name, Email: s.Email, Kind: s.Kind}
			}
			cells := make([]string, 0, len(header)+len(c.style.ExtraColumns))
			for _, name := range header {
				cells = append(cells, s.cell(name, day, p.Zone))
			}
			return yield(cells)
		}
		if p.GroupBy == "group" {
			for _, s := range c.data.CallStatsByGroup(p.Target, c.start, c.end) {
				if !emit("", s) {
					return
				}
			}
			return
		}
		for _, day := range c.days {
			end := earlier(addDays(day, 1, c.zone), c.end)
			rows := []CallStats{}
			if p.GroupBy == "date" {
				rows = append(rows, c.data.CallStatsByDate(p.Target, day, end))
			} else {
				rows = c.data.CallStatsByUser(p.Target, day, end)
			}
			for _, s := range rows {
				if !emit(day.In(c.zone).Format(time.DateOnly), s) {
					return
				}
			}
		}
	}}
}

// cell is the text of one column. Durations are minutes, service_level is a
// count; what is not simulated is 0 as in real files.
func (s CallStats) cell(name, day, zone string) string {
	whole := func(n int64) string { return strconv.FormatInt(n, 10) }
	switch name {
	case "date":
		return day
	case "timezone":
		return zone
	case "user_id":
		return number(s.ID)
	case "name":
		return s.Name
	case "email":
		return s.Email
	case "type":
		return s.Kind
	case "all_calls":
		return whole(s.All)
	case "inbound_calls", "open_inbound_calls":
		return whole(s.Inbound)
	case "outbound_calls":
		return whole(s.Outbound)
	case "internal_calls":
		return whole(s.Internal)
	case "answered":
		return whole(s.Answered)
	case "handled":
		return whole(s.Answered + s.OutboundConnected)
	case "missed", "open_missed_calls":
		return whole(s.Missed)
	case "abandoned", "open_abandoned_calls":
		return whole(s.Abandoned)
	case "short_abandoned":
		return whole(s.ShortAbandoned)
	case "voicemails", "missed_voicemails", "total_voicemails", "unresolved_voicemails":
		return whole(s.Voicemail)
	case "ring_no_answer":
		return whole(s.RingNoAnswer)
	case "service_level":
		return whole(s.ServiceLevel)
	case "outbound_connected":
		return whole(s.OutboundConnected)
	case "transferred_out":
		return whole(s.TransferredOut)
	}
	if m, ok := s.minutes(name); ok {
		return m.String()
	}
	return "0"
}

// minutes are the columns that hold minutes.
func (s CallStats) minutes(name string) (Minutes, bool) {
	calls := s.Answered + s.OutboundConnected
	switch name {
	case "minutes", "talk_duration":
		return s.Talk, true
	case "inbound_minutes":
		return s.InboundMinutes, true
	case "outbound_minutes":
		return s.OutboundMinutes, true
	case "hold_duration":
		return s.Hold, true
	case "ringing_duration":
		return s.Ringing, true
	case "queued_duration":
		return s.InQueue, true
	case "wrapup_duration":
		return s.Wrapup, true
	case "time_in_system":
		return s.InSystem, true
	case "aht":
		return s.AHT(), true
	case "asa":
		return s.ASA(), true
	case "acd", "avg_talk_duration":
		return mean(s.Talk, calls), true
	case "avg_hold_duration":
		return mean(s.Hold, calls), true
	case "avg_ringing_duration":
		return mean(s.Ringing, calls), true
	case "avg_queued_duration":
		return mean(s.InQueue, s.All), true
	case "avg_wrapup_duration":
		return mean(s.Wrapup, calls), true
	}
	return 0, false
}

// otherStatsFile is a plausible form of the stats exports whose headers nobody
// has published: counts per user and day.
func (c *content) otherStatsFile() file {
	p := c.params
	header := []string{"date", "user_id", "name", "email", "type", "total", "inbound", "outbound", "timezone"}
	return file{header, func(yield func([]string) bool) {
		for _, day := range c.days {
			end := earlier(addDays(day, 1, c.zone), c.end)
			for _, u := range Users() {
				in, out := c.countOf(u, day, end)
				if in+out == 0 {
					continue
				}
				if c.zeros {
					in, out = 0, 0
				}
				n := strconv.FormatInt
				if !yield([]string{day.In(c.zone).Format(time.DateOnly), number(u.ID), u.Name, u.Email, "user",
					n(in+out, 10), n(in, 10), n(out, 10), p.Zone}) {
					return
				}
			}
		}
	}}
}

// countOf is what a user received and sent of the report's kind of thing.
func (c *content) countOf(u User, start, end time.Time) (in, out int64) {
	switch c.params.Stat {
	case "texts":
		for x := range c.data.Texts(c.params.Target, start, end) {
			if x.Sender == u.ID {
				out++
			} else if x.Target.ID == u.ID {
				in++
			}
		}
	case "voicemails":
		for v := range c.data.Voicemails(c.params.Target, start, end) {
			if v.ListenedBy.ID == u.ID {
				in++
			}
		}
	case "onduty", "screenshare":
		for x := range c.data.OnDuty(c.params.Target, start, end) {
			if x.User.ID == u.ID {
				in++
			}
		}
	default:
		for r := range c.data.Calls(c.params.Target, start, end) {
			if r.Target.ID == u.ID && r.Recorded {
				in++
			}
		}
	}
	return in, out
}
