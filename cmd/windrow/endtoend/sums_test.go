package endtoend

import (
	"fmt"
	"testing"
	"time"

	"github.com/windrow-data/windrow/connectors/vendorsim"
)

// days are the local days of the site in a zone, as (date, start, end).
func days(t *testing.T, zoneName string, visit func(date string, start, end time.Time)) {
	t.Helper()
	zone, err := time.LoadLocation(zoneName)
	if err != nil {
		t.Fatal(err)
	}
	for d := 7; d <= 9; d++ {
		start, end := vendorsim.Day(2025, 9, d, zone)
		visit(start.Format(time.DateOnly), start, end)
	}
}

func TestTheSumsOfEveryStreamAndDayEqualTheVendors(t *testing.T) {
	onEither(t, func(t *testing.T, newSite siteMaker) {
		s := newSite(t)
		s.mustSync()
		data := s.world.Data()

		t.Run("ucontact.agents", func(t *testing.T) {
			var want []string
			days(t, s.env["WINDROW_UCONTACT_TIMEZONE"], func(date string, start, end time.Time) {
				var sum vendorsim.Metrics
				rows := 0
				for _, agent := range []string{"Agent1", "Agent2", "Agent3"} {
					m, n := data.AgentSpan(agent, start, end, time.Hour)
					sum, rows = sum.Add(m), rows+n
				}
				want = append(want, fmt.Sprintf("%s\t%d\t%d\t%d\t%d\t%d", date, rows, sum.InInteractions, sum.OutInteractions, sum.InboundAnswered, sum.Connected))
			})
			sameLines(t, s.query(`SELECT strftime(date, '%Y-%m-%d'), count(*), sum(interactions_in)::BIGINT, sum(interactions_out)::BIGINT, sum(answered)::BIGINT, sum(login_seconds)::BIGINT
				FROM {activity} WHERE stream = 'ucontact.agents' GROUP BY 1 ORDER BY 1`), want)
		})
		t.Run("ucontact.campaigns", func(t *testing.T) {
			var want []string
			days(t, s.env["WINDROW_UCONTACT_TIMEZONE"], func(date string, start, end time.Time) {
				var sum vendorsim.Metrics
				rows := 0
				for _, campaign := range []string{"Ventas", "Soporte<-"} {
					for _, channel := range []string{"telephony", "sms", "email", "whatsapp", "messenger", "instagram"} {
						m, n := data.CampaignSpan(campaign, channel, start, end, time.Hour)
						sum, rows = sum.Add(m), rows+n
					}
				}
				want = append(want, fmt.Sprintf("%s\t%d\t%d\t%d\t6", date, rows, sum.InInteractions, sum.OutInteractions))
			})
			sameLines(t, s.query(`SELECT strftime(date, '%Y-%m-%d'), count(*), sum(interactions_in)::BIGINT, sum(interactions_out)::BIGINT,
				count(DISTINCT channel) FILTER (channel IN ('voice', 'sms', 'email', 'whatsapp', 'messenger', 'instagram'))
				FROM {activity} WHERE stream = 'ucontact.campaigns' GROUP BY 1 ORDER BY 1`), want)
		})
		t.Run("chattonic.operators", func(t *testing.T) {
			var want []string
			days(t, s.env["WINDROW_CHATTONIC_TIMEZONE"], func(date string, start, end time.Time) {
				var assigned, resolved, responses int64
				operators := data.Operators()
				for _, o := range operators {
					m := data.OperatorSpan(o.ID, start, end)
					assigned, resolved, responses = assigned+m.QueriesAssigned, resolved+m.QueriesResolved, responses+m.NPSResponses
				}
				want = append(want, fmt.Sprintf("%s\t%d\t%d\t%d\t%d", date, len(operators), assigned, resolved, responses))
			})
			sameLines(t, s.query(`SELECT strftime(date, '%Y-%m-%d'), count(*), sum(assigned)::BIGINT, sum(resolved)::BIGINT, sum(nps_responses)::BIGINT
				FROM {activity} WHERE stream = 'chattonic.operators' GROUP BY 1 ORDER BY 1`), want)
		})
		t.Run("chattonic.dashboard", func(t *testing.T) {
			var want []string
			days(t, s.env["WINDROW_CHATTONIC_TIMEZONE"], func(date string, start, end time.Time) {
				m, rows := data.DashboardSpan(start, end, time.Hour)
				want = append(want, fmt.Sprintf("%s\t%d\t%d\t%d\t%d\t%d\t%d", date, rows, m.NewUsers, m.MessagesReceived, m.MessagesSent, m.Resolved, m.Failed))
			})
			sameLines(t, s.query(`SELECT strftime(date, '%Y-%m-%d'), count(*), sum(users_new)::BIGINT, sum(messages_in)::BIGINT, sum(messages_out)::BIGINT, sum(resolved)::BIGINT, sum(expired)::BIGINT
				FROM {activity} WHERE stream = 'chattonic.dashboard' GROUP BY 1 ORDER BY 1`), want)
		})
		t.Run("dialpad.calls", func(t *testing.T) {
			var want []string
			eachTargetDay(t, s, func(date string, target vendorsim.Target, start, end time.Time) {
				c := data.CallTotals(target, start, end)
				want = append(want, fmt.Sprintf("%s\t%s\t%d\t%d\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f", date, target, c.Rows, c.Entries,
					c.Talk.Seconds(), c.Hold.Seconds(), c.Ringing.Seconds(), c.InQueue.Seconds(), c.Wrapup.Seconds()))
			})
			sameLines(t, s.query(`SELECT strftime(date, '%Y-%m-%d'), scope, count(*), count(*) FILTER (is_entry), printf('%.1f', sum(talk_seconds)), printf('%.1f', sum(hold_seconds)),
				printf('%.1f', sum(ring_seconds)), printf('%.1f', sum(queue_seconds)), printf('%.1f', sum(wrapup_seconds))
				FROM {events} WHERE stream = 'dialpad.calls' GROUP BY 1, 2 ORDER BY 1, 2`), want)
		})
		t.Run("dialpad.texts", func(t *testing.T) {
			var want []string
			eachTargetDay(t, s, func(date string, target vendorsim.Target, start, end time.Time) {
				rows, sent := data.TextTotals(target, start, end)
				if rows == 0 {
					return
				}
				want = append(want, fmt.Sprintf("%s\t%s\t%d\t%d", date, target, rows, sent))
			})
			sameLines(t, s.query(`SELECT strftime(date, '%Y-%m-%d'), scope, count(*), count(*) FILTER (direction = 'outbound')
				FROM {events} WHERE stream = 'dialpad.texts' GROUP BY 1, 2 ORDER BY 1, 2`), want)
		})
		t.Run("dialpad.voicemails", func(t *testing.T) {
			var want []string
			eachTargetDay(t, s, func(date string, target vendorsim.Target, start, end time.Time) {
				if rows := data.VoicemailTotal(target, start, end); rows > 0 {
					want = append(want, fmt.Sprintf("%s\t%s\t%d", date, target, rows))
				}
			})
			sameLines(t, s.query(`SELECT strftime(date, '%Y-%m-%d'), scope, count(*) FROM {events} WHERE stream = 'dialpad.voicemails' GROUP BY 1, 2 ORDER BY 1, 2`), want)
		})
		t.Run("dialpad.calls_stats", func(t *testing.T) {
			var want []string
			eachTargetDay(t, s, func(date string, target vendorsim.Target, start, end time.Time) {
				rows := data.DayStats(target, start)
				sum := vendorsim.SumStats(rows)
				want = append(want, fmt.Sprintf("%s\t%s\t%d\t%d\t%d\t%d\t%d\t%.1f", date, target, sum.Inbound, sum.Outbound, sum.All, sum.Answered, sum.ServiceLevel, sum.Talk.Seconds()))
			})
			sameLines(t, s.query(`SELECT strftime(date, '%Y-%m-%d'), scope, sum(interactions_in)::BIGINT, sum(interactions_out)::BIGINT, sum(interactions_total)::BIGINT,
				sum(answered)::BIGINT, sum(in_service_level)::BIGINT, printf('%.1f', sum(talk_seconds))
				FROM {activity} WHERE stream = 'dialpad.calls_stats' GROUP BY 1, 2 ORDER BY 1, 2`), want)
		})
	})
}

// eachTargetDay visits the days of the two configured call centres, in the order of a query by date and scope.
func eachTargetDay(t *testing.T, s *site, visit func(date string, target vendorsim.Target, start, end time.Time)) {
	t.Helper()
	days(t, s.env["WINDROW_DIALPAD_TIMEZONE"], func(date string, start, end time.Time) {
		for _, target := range vendorsim.CallCenters()[:2] {
			visit(date, target, start, end)
		}
	})
}

func sameLines(t *testing.T, got, want []string) {
	t.Helper()
	if len(want) == 0 {
		t.Fatal("nothing to compare with")
	}
	for i := range max(len(got), len(want)) {
		g, w := "nothing", "nothing"
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			t.Errorf("line %d\n got %s\nwant %s", i, g, w)
		}
	}
}
