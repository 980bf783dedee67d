package endtoend

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/windrow-data/windrow/connectors/chattonic"
	"github.com/windrow-data/windrow/connectors/ucontact"
	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
)

// proofs are of every stream of a list.
type proofs struct {
	t       *testing.T
	streams []string
	proven  map[string]bool
}

// newProofs are those that t fails without, at its end.
func newProofs(t *testing.T, list []pipeline.Stream) *proofs {
	t.Helper()
	p := &proofs{t: t, proven: map[string]bool{}}
	for _, s := range list {
		p.streams = append(p.streams, string(s.Key.Stream))
	}
	t.Cleanup(func() {
		for _, name := range p.streams {
			if !p.proven[name] && !t.Skipped() {
				t.Errorf("no sum of %s is compared with the vendor's", name)
			}
		}
	})
	return p
}

func (p *proofs) prove(stream string, f func(t *testing.T)) {
	p.t.Helper()
	p.proven[stream] = p.t.Run(stream, f)
}

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
		of := newProofs(t, slices.Concat(ucontact.Streams(nil, pipeline.DefaultAccount, pipeline.Policy{}), chattonic.Streams(nil, pipeline.DefaultAccount, pipeline.Policy{})))

		of.prove("ucontact.agents", func(t *testing.T) {
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
		of.prove("ucontact.campaigns", func(t *testing.T) {
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
		of.prove("chattonic.operators", func(t *testing.T) {
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
		of.prove("chattonic.dashboard", func(t *testing.T) {
			var want []string
			days(t, s.env["WINDROW_CHATTONIC_TIMEZONE"], func(date string, start, end time.Time) {
				m, rows := data.DashboardSpan(start, end, time.Hour)
				want = append(want, fmt.Sprintf("%s\t%d\t%d\t%d\t%d\t%d\t%d", date, rows, m.NewUsers, m.MessagesReceived, m.MessagesSent, m.Resolved, m.Failed))
			})
			sameLines(t, s.query(`SELECT strftime(date, '%Y-%m-%d'), count(*), sum(users_new)::BIGINT, sum(messages_in)::BIGINT, sum(messages_out)::BIGINT, sum(resolved)::BIGINT, sum(expired)::BIGINT
				FROM {activity} WHERE stream = 'chattonic.dashboard' GROUP BY 1 ORDER BY 1`), want)
		})
		of.prove("chattonic.nps", func(t *testing.T) {
			var want []string
			days(t, s.env["WINDROW_CHATTONIC_TIMEZONE"], func(date string, start, end time.Time) {
				var times extremes
				score, texts, bands := 0, 0, map[string]int{}
				answers := data.NPSAnswers(start, end)
				for _, a := range answers {
					times.add(a.At)
					score, texts = score+a.Score, texts+one(a.Comment != "")
					switch {
					case a.Score > 8:
						bands["promoter"]++
					case a.Score > 6:
						bands["passive"]++
					default:
						bands["detractor"]++
					}
				}
				want = append(want, fmt.Sprintf("%s\t%d\t%d\t%d\t%d\t%d\t%d\t%s", date, len(answers), score, bands["promoter"], bands["passive"], bands["detractor"], texts, times))
			})
			sameLines(t, s.query(`SELECT strftime(date, '%Y-%m-%d'), count(*), sum(score)::BIGINT, count(*) FILTER (status = 'promoter'), count(*) FILTER (status = 'passive'),
				count(*) FILTER (status = 'detractor'), count(text), `+extremesOf("started_at")+` FROM {events} WHERE stream = 'chattonic.nps' AND kind = 'nps' GROUP BY 1 ORDER BY 1`), want)
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
				want = append(want, fmt.Sprintf("%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%.1f", date, target, sum.Inbound, sum.Outbound, sum.All, sum.Answered, sum.Answered+sum.OutboundConnected, sum.ServiceLevel, sum.Talk.Seconds()))
			})
			sameLines(t, s.query(`SELECT strftime(date, '%Y-%m-%d'), scope, sum(interactions_in)::BIGINT, sum(interactions_out)::BIGINT, sum(interactions_total)::BIGINT,
				sum(answered)::BIGINT, sum(handled)::BIGINT, sum(in_service_level)::BIGINT, printf('%.1f', sum(talk_seconds))
				FROM {activity} WHERE stream = 'dialpad.calls_stats' GROUP BY 1, 2 ORDER BY 1, 2`), want)
		})
	})
}

// group is an interval that a vendor is asked for rows of, and the windows that are made of it.
type group struct {
	name, window, from string
	step               time.Duration // of a row; 0: the whole window is one
}

func TestTheSumsOfEveryGroupOfUContactEqualTheVendors(t *testing.T) {
	s := newSite(t)
	s.env["WINDROW_UCONTACT_METRICS"] = "transferedAgents=missed:count,averageAttendedTime=avg_handle_seconds:seconds,transferedCampaigns=extras:sum"
	data := s.world.Data()
	for _, g := range []group{
		{"15", "", "2025-09-08", 15 * time.Minute},
		{"30", "6h", "2025-09-09", 30 * time.Minute},
		{"60", "7d", "2025-08-25", time.Hour},
		{"120", "1d", "2025-09-08", 2 * time.Hour},
		{"1440", "1mo", "2025-08-01", 24 * time.Hour}, // no clock of Mexico City changes then
		{"mth", "", "2025-07-01", 0},
		{"bim", "", "2025-05-01", 0},
		{"tri", "", "2025-04-01", 0},
		{"sem", "", "2025-01-01", 0},
		{"yer", "", "2024-01-01", 0},
	} {
		t.Run(g.name+" in "+g.window, func(t *testing.T) {
			s.env["WINDROW_UCONTACT_GROUPNUM"], s.env["WINDROW_UCONTACT_WINDOW"] = g.name, g.window
			s.root, s.from = folder(t), g.from
			s.mustSync("ucontact.agents")
			var want []string
			for _, w := range s.query(`SELECT DISTINCT epoch_us(window_start), epoch_us(window_end) FROM {activity} ORDER BY 1`) {
				var from, to int64
				if _, err := fmt.Sscanf(w, "%d\t%d", &from, &to); err != nil {
					t.Fatal(err)
				}
				start, end := time.UnixMicro(from), time.UnixMicro(to)
				step := g.step
				if step == 0 {
					step = end.Sub(start)
				}
				for _, agent := range []string{"Agent1", "Agent2", "Agent3"} {
					m, rows := data.AgentSpan(agent, start, end, step)
					if rows > 0 {
						want = append(want, fmt.Sprintf("%d\t%s\t%d\t%d\t%d\t%d\t%d\t%s", from, agent, rows, m.InInteractions, m.InboundAnswered, m.Connected, m.Transferred, mean(&g, m)))
					}
				}
			}
			shown := "''"
			if g.step == 0 {
				shown = "printf('%.2f', max(avg_handle_seconds))"
			}
			sameLines(t, s.query(`SELECT epoch_us(window_start), resource_id, count(*), sum(interactions_in)::BIGINT, sum(answered)::BIGINT, sum(login_seconds)::BIGINT, sum(missed)::BIGINT,
				`+shown+` FROM {activity} GROUP BY 1, 2 ORDER BY 1, 2`), want)
			if g.step == 0 {
				sameLines(t, s.query(`SELECT DISTINCT interval_start = window_start AND interval_end = window_end, timezone FROM {activity}`), []string{"true\tAmerica/Mexico_City"})
			}
		})
	}
}

// mean is what the vendor says of the only row of a window; a window of several rows has no mean.
func mean(g *group, m vendorsim.Metrics) string {
	if g.step > 0 {
		return ""
	}
	return fmt.Sprintf("%.2f", float64(100*m.AttendedSeconds/m.InboundAnswered)/100) // it writes two decimals, cut off
}

func TestTheSumsOfEveryGroupOfChatTonicEqualTheVendors(t *testing.T) {
	zone, err := time.LoadLocation("America/Argentina/Buenos_Aires")
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, func(o *vendorsim.Options) { o.ChatTonic.ResponseZone = zone })
	s.env["WINDROW_CHATTONIC_RESPONSE_TIMEZONE"] = zone.String()
	data := s.world.Data()
	for _, g := range []group{
		{"%Y-%m-%d %H", "6h", "2025-09-09", time.Hour},
		{"%d/%m/%Y", "", "2025-09-07", 24 * time.Hour},
		{"%Y-%m-%d", "7d", "2025-08-25", 24 * time.Hour},
		{"%Y-%m", "", "2025-07-01", 0},
	} {
		t.Run(g.name+" in "+g.window, func(t *testing.T) {
			s.env["WINDROW_CHATTONIC_DATE_FORMAT_GROUP"], s.env["WINDROW_CHATTONIC_WINDOW"] = g.name, g.window
			s.root, s.from = folder(t), g.from
			s.mustSync("chattonic.dashboard")
			var want []string
			for _, w := range s.query(`SELECT DISTINCT epoch_us(window_start), epoch_us(window_end) FROM {activity} ORDER BY 1`) {
				var from, to int64
				if _, err := fmt.Sscanf(w, "%d\t%d", &from, &to); err != nil {
					t.Fatal(err)
				}
				step := g.step
				if step == 0 {
					step = time.UnixMicro(to).Sub(time.UnixMicro(from))
				}
				m, rows := data.DashboardSpan(time.UnixMicro(from), time.UnixMicro(to), step)
				want = append(want, fmt.Sprintf("%d\t%d\t%d\t%d\t%d", from, rows, m.NewUsers, m.MessagesReceived, m.Resolved))
			}
			sameLines(t, s.query(`SELECT epoch_us(window_start), count(*), sum(users_new)::BIGINT, sum(messages_in)::BIGINT, sum(resolved)::BIGINT FROM {activity} GROUP BY 1 ORDER BY 1`), want)
		})
	}
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
