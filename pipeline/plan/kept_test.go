package plan

import (
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

func TestAPlanLeavesOutWhatTheOwnerWantsNoLonger(t *testing.T) {
	s := daily(t, "1d", "UTC")
	s.From = "2025-09-01"
	now := mustInstant(t, "2025-09-10T12:00:00Z")
	kept := Kept{Retention: pipeline.Retention(5 * 24 * time.Hour), Now: now.Time()} // the 6th is the first day that is kept
	changed := read(t, "2025-09-02", "2025-09-03", "UTC", "2025-09-03T03:00:00Z")
	changed.Settings = "before"
	provisional := read(t, "2025-09-03", "2025-09-04", "UTC", "2025-09-03T03:00:00Z")
	provisional.Settled = false
	l := fold(read(t, "2025-09-01", "2025-09-02", "UTC", "2025-09-02T03:00:00Z"), changed, provisional, read(t, "2025-09-06", "2025-09-07", "UTC", "2025-09-07T03:00:00Z"))

	p, err := Of(s, l, Selection{}, now)
	if err != nil {
		t.Fatal(err)
	}
	if err := kept.Narrow(&p, l, Selection{}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(planned(p), "\n"); !strings.HasPrefix(got, "2025-09-07/2025-09-08 UTC new") || len(p.Windows) != 3 {
		t.Errorf("planned are\n%s", got)
	}
	if len(p.Expired) != 3 || p.Expired[0] != provisional.Window || p.Expired[2].End != mustInstant(t, "2025-09-06") || len(p.Changed) != 0 {
		t.Errorf("expired %v, changed %v", p.Expired, p.Changed)
	}
	if p.Watermark != mustInstant(t, "2025-09-07") { // the 3rd to the 5th are passed, the 6th is settled
		t.Errorf("the watermark is %s", p.Watermark)
	}
	if st := Status(s, l, now, kept); st.Watermark == nil || *st.Watermark != mustInstant(t, "2025-09-07") {
		t.Errorf("status %+v", st)
	}
	if p, err := Of(s, l, Selection{}, now); err != nil || p.Watermark != mustInstant(t, "2025-09-03") {
		t.Errorf("without a retention the watermark is %s, %v", p.Watermark, err)
	}
	if st := Status(s, l, now, kept); st.Expired != 5 || st.Settled != 1 || st.Provisional != 0 || st.Open != 3 || st.Rows != 40 {
		t.Errorf("status %+v", st)
	}

	if p, err = Of(s, l, Selection{}, now); err != nil {
		t.Fatal(err)
	}
	if err := (Kept{Now: now.Time()}).Narrow(&p, l, Selection{}); err != nil || len(p.Expired) != 0 || len(p.Windows) != 6 || len(p.Changed) != 1 {
		t.Errorf("without a retention %+v, %v", p, err)
	}
	for _, sel := range []Selection{{From: "2025-09-05", FromName: "--from"}, {To: "2025-09-04", FromName: "--from"}, {From: "2025-09-01", Refetch: true, FromName: "--from"}} {
		p, err = Of(s, l, sel, now)
		if err != nil {
			t.Fatal(err)
		}
		err := kept.Narrow(&p, l, sel)
		if pipeline.KindOf(err) != pipeline.Invalid || !strings.Contains(err.Error(), "have expired: table activity drops the rows of a day after 5 days") || !strings.Contains(err.Error(), "begin with --from 2025-09-06") {
			t.Errorf("%+v: %v", sel, err)
		}
	}
	sel := Selection{From: "2025-09-06"}
	if p, err = Of(s, l, sel, now); err != nil {
		t.Fatal(err)
	}
	if err := kept.Narrow(&p, l, sel); err != nil || len(p.Windows) != 3 {
		t.Errorf("from the first day on that is kept: %+v, %v", p.Windows, err)
	}
}
