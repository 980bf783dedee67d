package endtoend

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/connectors/dialpad"
	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
)

// The clocks of New York go back on the second of November; the call centres work on Sundays too.
func TestTheSumsOfDialpadsStreamsOnALongDayEqualTheVendors(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, func(o *vendorsim.Options) { o.Dialpad.Zone = zone })
	s.world.SetNow(time.Date(2025, 11, 5, 18, 0, 0, 0, time.UTC))
	s.from = "2025-11-01"
	s.env["WINDROW_DIALPAD_TIMEZONE"] = zone.String()
	s.env["WINDROW_DIALPAD_RECORDING_UNIT"] = "minutes"
	of := newProofs(t, dialpad.Streams(nil, pipeline.DefaultAccount, pipeline.Policy{}))
	s.mustSync(of.streams...)
	data := s.world.Data()

	// alone is a time as a row tells it that has no other: of an hour that comes twice, it is the first.
	alone := func(at time.Time) time.Time {
		if first := at.Add(-time.Hour); first.In(zone).Format(time.DateTime) == at.In(zone).Format(time.DateTime) {
			return first
		}
		return at
	}
	// each says for each day and call centre what the vendor has of it; empty: no row.
	each := func(of func(target vendorsim.Target, start, end time.Time) string) (lines []string) {
		for d := 1; d <= 4; d++ {
			start, end := vendorsim.Day(2025, 11, d, zone)
			if hours := end.Sub(start).Hours(); d == 2 && hours != 25 {
				t.Fatalf("a day of %v hours", hours)
			}
			for _, target := range vendorsim.CallCenters()[:2] {
				if text := of(target, start, end); text != "" {
					lines = append(lines, start.Format(time.DateOnly)+"\t"+target.String()+"\t"+text)
				}
			}
		}
		return lines
	}
	sums := func(stream, columns string) []string {
		table := "events"
		if strings.HasSuffix(stream, "_stats") {
			table = "activity"
		}
		return s.query(`SELECT strftime(local_date, '%Y-%m-%d'), scope, count(*), ` + columns + ` FROM {` + table + `} WHERE stream = 'dialpad.` + stream + `' GROUP BY 1, 2 ORDER BY 1, 2`)
	}

	of.prove("dialpad.calls", func(t *testing.T) {
		want := each(func(target vendorsim.Target, start, end time.Time) string {
			var times extremes
			for c := range data.Calls(target, start, end) {
				times.add(c.FirstRang)
			}
			return fmt.Sprintf("%d\t%s", data.CallTotals(target, start, end).Rows, times)
		})
		sameLines(t, sums("calls", extremesOf("first_rang_at")), want)
	})
	of.prove("dialpad.texts", func(t *testing.T) {
		want := each(func(target vendorsim.Target, start, end time.Time) string {
			var rows, sent int
			var times extremes
			for x := range data.Texts(target, start, end) {
				rows, sent = rows+1, sent+one(x.Internal)
				times.add(alone(x.At))
			}
			return line(rows, fmt.Sprintf("%d\t%s", sent, times))
		})
		sameLines(t, sums("texts", `count(*) FILTER (direction = 'outbound'), `+extremesOf("started_at")), want)
	})
	of.prove("dialpad.voicemails", func(t *testing.T) {
		want := each(func(target vendorsim.Target, start, end time.Time) string {
			var rows, texts int
			var times extremes
			for x := range data.Voicemails(target, start, end) {
				rows, texts = rows+1, texts+one(x.Transcription != "")
				times.add(alone(x.At))
			}
			return line(rows, fmt.Sprintf("%d\t%s", texts, times))
		})
		sameLines(t, sums("voicemails", `count(text), `+extremesOf("started_at")), want)
	})
	of.prove("dialpad.screenshare", func(t *testing.T) {
		want := each(func(target vendorsim.Target, start, end time.Time) string {
			var talk vendorsim.Minutes
			var times extremes
			agents, sessions := map[int64]bool{}, map[int64]bool{}
			for x := range data.ScreenShares(target, start, end) {
				talk, agents[x.Target.ID], sessions[x.CallID] = talk+x.Talk, true, true
				times.add(alone(x.Started))
			}
			return line(times.n, fmt.Sprintf("%d\t%d\t%d\t%s", len(agents), len(sessions), talk, times))
		})
		// Nobody has published what its columns mean, so that most stay in extras.
		sameLines(t, sums("screenshare", `count(DISTINCT resource_id), count(DISTINCT extras->>'session_id'), sum(round(100 * (extras->>'duration')::DOUBLE))::BIGINT, `+extremesOf("started_at")), want)
	})
	of.prove("dialpad.recordings", func(t *testing.T) {
		want := each(func(target vendorsim.Target, start, end time.Time) string {
			var rows int
			var talk vendorsim.Minutes
			var times extremes
			urls := map[string]bool{}
			for c, url := range data.Recordings(target, start, end) {
				rows, talk, urls[url] = rows+1, talk+c.Talk, true
				times.add(alone(c.Started))
			}
			return line(rows, fmt.Sprintf("%.1f\t%d\t%s", talk.Seconds(), len(urls), times))
		})
		sameLines(t, sums("recordings", `printf('%.1f', sum(talk_seconds)), count(DISTINCT recording_url), `+extremesOf("started_at")), want)
	})
	of.prove("dialpad.dispositions", func(t *testing.T) {
		want := each(func(target vendorsim.Target, start, end time.Time) string {
			var rows, sales, notes int
			var times extremes
			for x := range data.Dispositions(target, start, end) {
				rows++
				if strings.HasPrefix(x.Code, "Sale~") {
					sales++
				}
				if x.Note != "" {
					notes++
				}
				times.add(x.Call.Ended)
			}
			return line(rows, fmt.Sprintf("%d\t%d\t%s", sales, notes, times))
		})
		sameLines(t, sums("dispositions", `count(*) FILTER (status LIKE 'Sale~%'), count(text), `+extremesOf("ended_at")), want)
	})
	of.prove("dialpad.csat", func(t *testing.T) {
		want := each(func(target vendorsim.Target, start, end time.Time) string {
			var rows, scores, sum int
			var times extremes
			for x := range data.Surveys(target, start, end) {
				rows++
				if n, err := strconv.Atoi(x.Response); err == nil {
					scores, sum = scores+1, sum+n
				}
				times.add(alone(x.Call.Started))
			}
			return line(rows, fmt.Sprintf("%d\t%d\t%d\t%s", scores, sum, rows-scores, times))
		})
		sameLines(t, sums("csat", `count(score), sum(score)::BIGINT, count(text), `+extremesOf("started_at")), want)
	})
	of.prove("dialpad.onduty", func(t *testing.T) {
		want := each(func(target vendorsim.Target, start, end time.Time) string {
			var rows, lunches int
			var times extremes
			for x := range data.OnDuty(target, start, end) {
				rows++
				if x.Reason != "" {
					lunches++
				}
				times.add(alone(x.At))
			}
			return line(rows, fmt.Sprintf("%d\t%s", lunches, times))
		})
		sameLines(t, sums("onduty", `count(*) FILTER (len(tags) > 0), `+extremesOf("started_at")), want)
	})
	of.prove("dialpad.calls_stats", func(t *testing.T) {
		want := each(func(target vendorsim.Target, start, _ time.Time) string {
			rows := data.DayStats(target, start)
			sum := vendorsim.SumStats(rows)
			return line(len(rows), fmt.Sprintf("%d\t%d\t%d\t%d\t%d\t%d\t%d\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f", sum.Inbound, sum.Answered, sum.Missed, sum.Abandoned, sum.Voicemail,
				sum.ServiceLevel, sum.Answered+sum.OutboundConnected, sum.Talk.Seconds(), sum.Hold.Seconds(), sum.Ringing.Seconds(), sum.InQueue.Seconds(), sum.Wrapup.Seconds()))
		})
		// The vendor's rows of users have no column short_abandoned.
		sameLines(t, sums("calls_stats", `sum(interactions_in)::BIGINT, sum(answered)::BIGINT, sum(missed)::BIGINT, sum(abandoned)::BIGINT, sum(voicemails)::BIGINT,
			sum(in_service_level)::BIGINT, sum(handled)::BIGINT, printf('%.1f', sum(talk_seconds)), printf('%.1f', sum(hold_seconds)),
			printf('%.1f', sum(ring_seconds)), printf('%.1f', sum(queue_seconds)), printf('%.1f', sum(wrapup_seconds))`), want)
	})
	of.prove("dialpad.onduty_time", func(t *testing.T) {
		var want []string
		for d := 1; d <= 4; d++ {
			before, start := vendorsim.Day(2025, 11, d-1, zone)
			_, end := vendorsim.Day(2025, 11, d, zone)
			want = append(want, dutyTimes(data, before, start, end)...)
		}
		sameLines(t, s.query(`SELECT strftime(local_date, '%Y-%m-%d'), resource_id, status, printf('%.3f', status_seconds)
			FROM {activity} WHERE stream = 'dialpad.onduty_time' AND status_seconds > 0 ORDER BY 1, 2, 3`), want)
	})
	duties := func(target vendorsim.Target, u vendorsim.User, start, end time.Time) (in, _ int) {
		for x := range data.OnDuty(target, start, end) {
			in += one(x.User.ID == u.ID)
		}
		return in, 0
	}
	for stream, counted := range map[string]func(vendorsim.Target, vendorsim.User, time.Time, time.Time) (in, out int){
		"texts_stats": func(target vendorsim.Target, u vendorsim.User, start, end time.Time) (in, out int) {
			for x := range data.Texts(target, start, end) {
				switch u.ID {
				case x.Sender:
					out++
				case x.Target.ID:
					in++
				}
			}
			return in, out
		},
		"voicemails_stats": func(target vendorsim.Target, u vendorsim.User, start, end time.Time) (in, _ int) {
			for v := range data.Voicemails(target, start, end) {
				in += one(v.ListenedBy.ID == u.ID)
			}
			return in, 0
		},
		"recordings_stats": func(target vendorsim.Target, u vendorsim.User, start, end time.Time) (in, _ int) {
			for c := range data.Calls(target, start, end) {
				in += one(c.Recorded && c.Target.ID == u.ID)
			}
			return in, 0
		},
		"onduty_stats": duties, "screenshare_stats": duties, // the vendor of the tests counts the same of both
	} {
		of.prove("dialpad."+stream, func(t *testing.T) {
			want := each(func(target vendorsim.Target, start, end time.Time) string {
				var rows, in, out int
				for _, u := range vendorsim.Users() {
					i, o := counted(target, u, start, end)
					rows, in, out = rows+one(i+o > 0), in+i, out+o
				}
				return line(rows, fmt.Sprintf("%d\t%d\t%d", in, out, in+out))
			})
			// Nobody has published what their columns mean, so that they stay in extras.
			sameLines(t, sums(stream, `sum((extras->>'inbound')::BIGINT)::BIGINT, sum((extras->>'outbound')::BIGINT)::BIGINT, sum((extras->>'total')::BIGINT)::BIGINT`), want)
		})
	}
}

// dutyTimes are how long each agent was in each status on the day from start on: each change holds until the agent's next
// one or the day's end, and what the day before ended with until the first.
func dutyTimes(data vendorsim.Data, before, start, end time.Time) (lines []string) {
	changes := map[int64][]vendorsim.OnDutyRow{}
	for _, target := range vendorsim.CallCenters()[:2] {
		for x := range data.OnDuty(target, before, end) {
			changes[x.User.ID] = append(changes[x.User.ID], x)
		}
	}
	for agent, all := range changes {
		slices.SortFunc(all, func(a, b vendorsim.OnDutyRow) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) })
		times := map[string]time.Duration{}
		for i, x := range all {
			from, until := x.At, end
			if i+1 < len(all) {
				until = all[i+1].At
			}
			if from.Before(start) {
				from = start
			}
			status := x.Status
			if strings.HasSuffix(status, "-end") {
				status = "unknown"
			}
			times[status] += max(until.Sub(from), 0)
		}
		for status, took := range times {
			if took > 0 {
				lines = append(lines, fmt.Sprintf("%s\t%d\t%s\t%.3f", start.Format(time.DateOnly), agent, status, took.Seconds()))
			}
		}
	}
	slices.Sort(lines)
	return lines
}

// Rows by date have the column that rows of users have not.
func TestTheSumsOfCallsByDateHaveWhoHungUpSoon(t *testing.T) {
	s := newSite(t)
	s.env["WINDROW_DIALPAD_GROUP_BY"] = "date"
	s.mustSync("dialpad.calls_stats")
	var want []string
	eachTargetDay(t, s, func(date string, target vendorsim.Target, start, end time.Time) {
		sum := s.world.Data().CallStatsByDate(target, start, end)
		want = append(want, fmt.Sprintf("%s\t%s\t1\t%d\t%d\t%d", date, target, sum.ShortAbandoned, sum.Abandoned, sum.Answered+sum.OutboundConnected))
	})
	got := s.query(`SELECT strftime(local_date, '%Y-%m-%d'), scope, count(*), sum(short_abandoned)::BIGINT, sum(abandoned)::BIGINT, sum(handled)::BIGINT
		FROM {activity} WHERE stream = 'dialpad.calls_stats' GROUP BY 1, 2 ORDER BY 1, 2`)
	sameLines(t, got, want)
	if all := s.query(`SELECT sum(short_abandoned) > 0 AND sum(short_abandoned) < sum(abandoned) FROM {activity}`); !slices.Equal(all, []string{"true"}) {
		t.Errorf("the world has nobody who hung up soon, or none who waited: %v", got)
	}
}

// extremes are how many times there are, the first and the last.
type extremes struct {
	n           int
	first, last time.Time
}

func (e *extremes) add(at time.Time) {
	if at.IsZero() {
		return
	}
	if e.n == 0 || at.Before(e.first) {
		e.first = at
	}
	if at.After(e.last) {
		e.last = at
	}
	e.n++
}

// String has the whole seconds of a report.
func (e extremes) String() string {
	if e.n == 0 {
		return "0\tNULL\tNULL"
	}
	return fmt.Sprintf("%d\t%d\t%d", e.n, e.first.Unix(), e.last.Unix())
}

// extremesOf asks for what extremes shows.
func extremesOf(column string) string {
	return strings.ReplaceAll(`count(C), epoch_us(min(C)) // 1000000, epoch_us(max(C)) // 1000000`, "C", column)
}

// line is a line of rows; none: there is no line.
func line(rows int, text string) string {
	if rows == 0 {
		return ""
	}
	return strconv.Itoa(rows) + "\t" + text
}

func one(is bool) int {
	if is {
		return 1
	}
	return 0
}
