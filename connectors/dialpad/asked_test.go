package dialpad

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-data/windrow/connectors/connectortest"
	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
)

// Each stream is asked by the vendor's names of its kind and of its targets.
func TestWhatIsAskedOfEachStream(t *testing.T) {
	const targets = "callcenter:1,coachinggroup:2,coachingteam:3,department:4,office:5,room:6,staffgroup:7,user:8"
	for _, c := range []struct {
		stream  pipeline.StreamID
		change  func(*Config)
		asked   string   // of every report
		targets []string // types
	}{
		{"dialpad.recordings", nil, "records recordings", nil},
		{"dialpad.csat", nil, "records csat", surveyed},
		{"dialpad.dispositions", nil, "records dispositions", surveyed},
		{"dialpad.onduty", nil, "records onduty", nil},
		{"dialpad.screenshare", nil, "records screenshare", nil},
		{"dialpad.calls_stats", nil, "stats calls user", nil},
		{"dialpad.calls_stats", func(c *Config) { c.GroupBy = "date" }, "stats calls date", nil},
		{"dialpad.calls_stats", func(c *Config) { c.GroupBy, c.Targets = "group", "office:5" }, "stats calls group", []string{"office"}},
		{"dialpad.texts_stats", nil, "stats texts", nil},
		{"dialpad.voicemails_stats", nil, "stats voicemails", nil},
		{"dialpad.recordings_stats", nil, "stats recordings", nil},
		{"dialpad.onduty_stats", nil, "stats onduty", nil},
		{"dialpad.screenshare_stats", nil, "stats screenshare", nil},
		{"dialpad.onduty_time", nil, "records onduty", nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			sleepUntil(time.Date(2000, 1, 15, 15, 0, 0, 0, time.UTC))
			v, j := newVendor(t), newFileJournal(t)
			s := newTestSource(t, v, Options{}, func(conf *Config) {
				conf.Targets = targets
				if c.change != nil {
					c.change(conf)
				}
			})
			d := dayOf(pipeline.InstantOf(time.Now()), s.set.zone) - 2
			var types []string
			for _, r := range s.Plan(streamOf(t, s, c.stream), []pipeline.Window{{Span: dayRange{d, d}.span(s.set.zone), Zone: s.set.zone.String()}})[0].Requests {
				if _, _, err := fetch(t.Context(), s, r, j, nil); err != nil {
					t.Fatal(err)
				}
				body := v.posts[len(v.posts)-1].body
				asked := fmt.Sprint(body["export_type"], " ", body["stat_type"])
				if body["group_by"] != nil {
					asked += fmt.Sprint(" ", body["group_by"])
				}
				first := 2
				if c.stream == "dialpad.onduty_time" {
					first = 3 // the day before too
				}
				if asked != c.asked || body["days_ago_start"] != 2.0 || body["days_ago_end"] != float64(first) || body["coaching_group"] != nil || body["coaching_team"] != nil {
					t.Errorf("%s: %v", c.stream, body)
				}
				types = append(types, body["target_type"].(string))
			}
			want := c.targets
			if want == nil {
				want = targetTypes
			}
			if fmt.Sprint(types) != fmt.Sprint(want) {
				t.Errorf("%s asks %v, want %v", c.stream, types, want)
			}
		})
	}
}

func TestTraineesAreAskedOfCoachingTargetsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sleepUntil(time.Date(2000, 1, 15, 15, 0, 0, 0, time.UTC))
		v, j := newVendor(t), newFileJournal(t)
		trainees := func(c *Config) { c.Trainees, c.Targets = "true", "coachinggroup:2,coachingteam:3,user:8" }
		s := newTestSource(t, v, Options{}, trainees)
		for _, r := range s.Plan(streamOf(t, s, "dialpad.calls"), windowsOf(t, "1d", "America/New_York", "2000-01-10", 1))[0].Requests {
			if _, _, err := fetch(t.Context(), s, r, j, nil); err != nil {
				t.Fatal(err)
			}
		}
		for i, want := range [][2]any{{true, nil}, {nil, true}, {nil, nil}} {
			if got := [2]any{v.posts[i].body["coaching_group"], v.posts[i].body["coaching_team"]}; got != want {
				t.Errorf("report %d: %v, want %v", i+1, got, want)
			}
		}
		plain := newTestSource(t, v, Options{}, func(c *Config) { trainees(c); c.Trainees = "false" })
		if streamOf(t, s, "dialpad.calls").Settings == streamOf(t, plain, "dialpad.calls").Settings {
			t.Error("the digest does not see whose statistics they are")
		}
	})
}

func TestTheTraineesOfACoachingTeamHaveTheirOwnRows(t *testing.T) {
	for trainees, want := range map[string]bool{"true": true, "false": false} {
		synctest.Test(t, func(t *testing.T) {
			_, s := simulated(t, vendorsim.Options{}, func(c *Config) { c.Targets, c.Trainees = vendorsim.CoachingTeam().String(), trainees })
			_, text, err := fetch(t.Context(), s, yesterday(t, s, "dialpad.calls"), newFileJournal(t), nil)
			if rows := strings.Count(text, vendorsim.Users()[0].Email); err != nil || (rows > 0) != want {
				t.Errorf("trainees %s: %d rows, %v", trainees, rows, err)
			}
		})
	}
}

func TestTheCompanyIsNamedToTheAPIAlone(t *testing.T) {
	for id, kind := range map[string]pipeline.Kind{"": 0, "4611000000000001": 0, "4611000000000002": pipeline.Unauthorized} {
		synctest.Test(t, func(t *testing.T) {
			w, s := simulated(t, vendorsim.Options{}, func(c *Config) { c.CompanyID = id })
			_, _, err := fetch(t.Context(), s, yesterday(t, s, "dialpad.calls"), newFileJournal(t), nil)
			if pipeline.KindOf(err) != kind || kind == 0 && err != nil {
				t.Errorf("company %q: %v", id, err)
			}
			for _, call := range w.Log() {
				want := id
				if call.Host != "dialpad" {
					want = ""
				}
				if got := call.Header.Get("DP-Company-ID"); got != want {
					t.Errorf("%s %s names the company %q, want %q", call.Host, call.Path, got, want)
				}
			}
		})
	}
	digest := func(id string) string {
		return streamOf(t, newTestSource(t, newVendor(t), Options{}, func(c *Config) { c.CompanyID = id }), "dialpad.calls").Settings
	}
	if digest("7") == digest("") || digest("7") == digest("8") {
		t.Error("the digest does not see the company")
	}
}

// What is asked of today stands alone: the day before is in other tables.
func TestTheTimeInAStatusOfTodayIsAskedByIsTodayAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sleepUntil(time.Date(2000, 1, 15, 20, 0, 0, 0, time.UTC))
		v := newVendor(t)
		v.onFile = func(_ int, w http.ResponseWriter, _ *http.Request) bool {
			fmt.Fprint(w, dutyDocument(dutyRow{"2000-01-15 18:00:00", "1", "7", "available"}))
			return true
		}
		s := newTestSource(t, v, Options{}, nil)
		window := pipeline.Window{Span: dayRange{day(10971), day(10971)}.span(s.set.zone), Zone: s.set.zone.String()}
		m, text, err := fetch(t.Context(), s, s.Plan(streamOf(t, s, "dialpad.onduty_time"), []pipeline.Window{window})[0].Requests[0], newFileJournal(t), nil)
		if body := v.posts[0].body; err != nil || body["is_today"] != true || body["days_ago_end"] != nil || m.Span != window.Span {
			t.Fatalf("%v, asked %v of %s", err, body, m.Span)
		}
		b := pipeline.NewBatch(pipeline.Events)
		defer b.Release()
		for chunk, err := range streamOf(t, s, "dialpad.onduty_time").Format.Split(strings.NewReader(text), 1<<20) {
			if err := errors.Join(err, streamOf(t, s, "dialpad.onduty_time").Format.Decode(&m, chunk, b), b.Finish()); err != nil {
				t.Fatal(err)
			}
		}
		reducer, into := dutyTime.New(nil), pipeline.NewBatch(pipeline.Activity)
		defer into.Release()
		if err := reducer.Add(&m, b); err != nil {
			t.Fatal(err)
		}
		if _, err := reducer.Reduce(window, into); err != nil {
			t.Fatal(err)
		}
		rows := connectortest.Rows(t, into)
		if end := m.ExtractedAt; len(rows) != 1 || rows[0]["interval_end"] != end.String() || rows[0]["status_seconds"] != fmt.Sprint(end.Sub(instant("2000-01-15T18:00:00Z")).Seconds()) {
			t.Errorf("read at %s: %v", end, rows)
		}
	})
}
