package endtoend

import (
	"fmt"
	"testing"
	"time"

	"github.com/windrow-data/windrow/connectors/vendorsim"
)

func TestPromise09_TheDayThatLasts25HoursHasItsRepeatedHourTwice(t *testing.T) {
	onEither(t, func(t *testing.T, newSite siteMaker) {
		s := newSite(t)
		for _, v := range []string{"UCONTACT", "DIALPAD"} {
			s.env["WINDROW_"+v+"_TIMEZONE"] = "America/Chicago"
		}
		s.from = "2025-11-01"
		s.world.SetNow(time.Date(2025, 11, 4, 18, 0, 0, 0, time.UTC))
		s.mustSync("ucontact.campaigns", "dialpad.calls", "dialpad.calls_stats")

		chicago, err := time.LoadLocation("America/Chicago")
		if err != nil {
			t.Fatal(err)
		}
		start, end := vendorsim.Day(2025, 11, 2, chicago)
		if end.Sub(start) != 25*time.Hour {
			t.Fatalf("the day lasts %v", end.Sub(start))
		}
		data := s.world.Data()
		want := 0
		for _, campaign := range []string{"Ventas", "Soporte<-"} {
			for _, channel := range []string{"telephony", "sms", "email", "whatsapp", "messenger", "instagram"} {
				_, rows := data.CampaignSpan(campaign, channel, start, end, time.Hour)
				want += rows
			}
		}
		got := s.query("SELECT count(*), (max(window_end) - min(window_start))::VARCHAR FROM {activity} WHERE stream = 'ucontact.campaigns' AND local_date = '2025-11-02'")
		if got[0] != fmt.Sprintf("%d\t1 day 01:00:00", want) && got[0] != fmt.Sprintf("%d\t25:00:00", want) {
			t.Errorf("uContact has %s, want %d rows in a window of 25 hours", got[0], want)
		}
		calls := int64(0)
		for _, target := range vendorsim.CallCenters()[:2] {
			calls += data.CallTotals(target, start, end).Rows
		}
		if got := s.query("SELECT count(*) FROM {events} WHERE local_date = '2025-11-02'"); got[0] != itoa(calls) {
			t.Errorf("%s calls, want %d", got[0], calls)
		}
		// Times that occur twice are flagged, and stay in their window.
		if got := s.query("SELECT count(*) FROM {events} WHERE started_at < window_start OR started_at >= window_end"); got[0] != "0" {
			t.Errorf("%s calls lie outside their window", got[0])
		}
		for _, window := range s.query("SELECT DISTINCT epoch(window_end - window_start)::BIGINT // 3600 FROM {activity} WHERE stream = 'dialpad.calls_stats' AND local_date = '2025-11-02'") {
			if window != "25" {
				t.Errorf("the stats window lasts %s hours", window)
			}
		}
	})
}

func TestPromise09_AWrongResponseZoneFailsInsteadOfShifting(t *testing.T) {
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, func(o *vendorsim.Options) { o.UContact.ResponseZone = tokyo })
	sum := s.sync("ucontact.agents")
	if st := streamOf(t, sum, "ucontact.agents"); sum.Exit != 3 || st.Failed == 0 || st.Errors[0].ErrorKind != "other_zone" {
		t.Fatalf("exit %d: %+v", sum.Exit, st)
	}
	s.env["WINDROW_UCONTACT_RESPONSE_TIMEZONE"] = "Asia/Tokyo"
	s.mustSync("ucontact.agents")
	zone, _ := time.LoadLocation(s.env["WINDROW_UCONTACT_TIMEZONE"])
	start, end := vendorsim.Day(2025, 9, 8, zone)
	sum9, _ := s.world.Data().AgentSpan("Agent1", start, end, time.Hour)
	if got := s.query("SELECT sum(interactions_in)::BIGINT FROM {activity} WHERE resource_id = 'Agent1' AND date = '2025-09-08'"); got[0] != itoa(sum9.InInteractions) {
		t.Fatalf("%s, want %d", got[0], sum9.InInteractions)
	}
}

func TestPromise10_AReportOfOtherDaysIsNotCommitted(t *testing.T) {
	onEither(t, func(t *testing.T, newSite siteMaker) {
		for shift, kind := range map[int]string{-1: "shifted", 1: "shifted", -3: "stale"} { // by three days all rows lie outside
			t.Run(fmt.Sprintf("shifted by %d days", shift), func(t *testing.T) {
				s := newSite(t)
				s.mustSync("dialpad.calls")
				before := s.contents()
				s.world.Set(func(o *vendorsim.Options) { o.Dialpad.CSV.ShiftDays = shift })
				s.world.Advance(4 * time.Hour)
				e := s.engine("dialpad.calls")
				e.Select.Refetch = true
				sum := s.run(e)
				if st := streamOf(t, sum, "dialpad.calls"); sum.Exit != 3 || st.Failed != 3 || st.Errors[0].ErrorKind != kind {
					t.Fatalf("exit %d: %+v", sum.Exit, st)
				}
				sameRows(t, s.contents(), before)
				if st := s.status("dialpad.calls"); st.Settled != 3 || st.Watermark == nil {
					t.Fatalf("the failed re-read moved the watermark back: %+v", st)
				}
			})
		}
	})
}

func TestPromise10_AReportCachedBeforeMidnightIsNotTakenForTodaysQuestion(t *testing.T) {
	onEither(t, func(t *testing.T, newSite siteMaker) {
		s := newSite(t)
		zone, err := time.LoadLocation(s.env["WINDROW_DIALPAD_TIMEZONE"])
		if err != nil {
			t.Fatal(err)
		}
		// At 22:30 somebody asks for the days 1 to 3 ago; after midnight the same
		// parameters mean other days, and the vendor answers from its cache.
		evening := time.Date(2025, 9, 10, 22, 30, 0, 0, zone)
		s.from = "2025-09-07"
		s.world.SetNow(evening)
		s.mustSync("dialpad.calls")
		s.world.SetNow(evening.Add(2 * time.Hour)) // 00:30
		s.from = "2025-09-08"
		later := s.empty(t)
		later.env["WINDROW_DIALPAD_SETTLE"] = "10m" // so that yesterday is due
		sum := later.sync("dialpad.calls")
		if sum.Exit != 3 {
			t.Fatalf("exit %d: the cached report of other days was committed: %+v", sum.Exit, sum.Streams)
		}
		s.world.Advance(3 * time.Hour)
		later.mustSync("dialpad.calls")
		start, end := s.dialpadDay(10)
		want := int64(0)
		for _, target := range vendorsim.CallCenters()[:2] {
			want += s.world.Data().CallTotals(target, start, end).Rows
		}
		if got := later.query("SELECT count(*) FROM {events} WHERE date = '2025-09-10'"); got[0] != itoa(want) {
			t.Fatalf("%s rows, want %d", got[0], want)
		}
	})
}
