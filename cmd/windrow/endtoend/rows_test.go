package endtoend

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/testdata"
)

// refetch reads everything again, and says so.
func (s *site) refetch(streams ...string) pipeline.Summary {
	s.Helper()
	// The vendor's cache would answer a question of less than 3 hours ago.
	s.world.Advance(4 * time.Hour)
	e := s.engine(streams...)
	e.Select.Refetch = true
	sum := s.run(e)
	if sum.Exit != 0 {
		s.Fatalf("exit %d: %s", sum.Exit, failures(sum))
	}
	return sum
}

func TestPromise01_ReadAgainTheTableHoldsExactlyTheNewRows(t *testing.T) {
	onEither(t, func(t *testing.T, newSite siteMaker) {
		s := newSite(t)
		s.mustSync()
		whole := s.contents()
		// A day of which the vendor has other rows now, and one of which it has none.
		s.world.Edit(vendorsim.Edit{From: noon.AddDate(0, 0, -2), To: noon.AddDate(0, 0, -1), Seed: 99})
		s.world.Edit(vendorsim.Edit{From: noon.AddDate(0, 0, -4), To: noon.AddDate(0, 0, -2), Vanish: true})
		s.refetch()
		changed := s.contents()

		fresh := s.empty(t)
		fresh.mustSync()
		want := fresh.contents()
		if len(want) >= len(whole) {
			t.Fatalf("the edits took nothing away: %d rows before, %d after", len(whole), len(want))
		}
		sameRows(t, changed, want)
	})
}

func TestPromise01_AWindowThatLostItsLastRowLeavesAFileWithoutRows(t *testing.T) {
	s := newSite(t)
	s.mustSync("dialpad.texts")
	before := len(s.files())
	s.world.Edit(vendorsim.Edit{From: noon.AddDate(0, 0, -30), To: noon, Vanish: true})
	s.refetch("dialpad.texts")
	if n := len(s.files()); n != before || n == 0 {
		t.Fatalf("%d files, want the %d of before", n, before)
	}
	if got := s.query("SELECT count(*) FROM {events}"); got[0] != "0" {
		t.Fatalf("%s rows are left of nothing", got[0])
	}
	never := newSite(t)
	never.env, never.world = s.env, s.world
	never.mustSync("dialpad.texts")
	if n := len(never.files()); n != 0 {
		t.Fatalf("windows that never had a row left %d files", n)
	}
}

func TestPromise04_WhatIsNotADocumentCommitsNothing(t *testing.T) {
	type fault struct {
		name   string
		stream string
		fault  vendorsim.Fault
	}
	var faults []fault
	for stream, host := range map[string]string{
		"ucontact.agents": "ucontact", "chattonic.operators": "chattonic", "chattonic.dashboard": "chattonic", "dialpad.calls": "download",
	} {
		at := vendorsim.Fault{Host: host, Times: -1}
		if host == "chattonic" {
			at.Path = "/api/v1/acme/stats"
		}
		with := func(name string, change func(*vendorsim.Fault)) {
			f := at
			change(&f)
			faults = append(faults, fault{name, stream, f})
		}
		with("a page", func(f *vendorsim.Fault) { f.Kind = vendorsim.FaultHTML })
		with("a blank body", func(f *vendorsim.Fault) { f.Kind = vendorsim.FaultBlank })
		with("a document cut in its middle", func(f *vendorsim.Fault) { f.Kind = vendorsim.FaultTruncate })
		short := -4
		if host == "download" { // a body that is there as declared proves its last cell, but not its last row
			short = -60
		}
		with("a document whose end is missing", func(f *vendorsim.Fault) { f.Kind, f.Bytes = vendorsim.FaultTruncate, short })
		with("a connection that breaks off", func(f *vendorsim.Fault) { f.Kind = vendorsim.FaultCut })
		with("a body shorter than declared", func(f *vendorsim.Fault) { f.Kind = vendorsim.FaultShort })
	}
	operators := vendorsim.Fault{Host: "chattonic", Path: "/api/v1/acme/stats", Times: -1, Kind: vendorsim.FaultReplace}
	for name, body := range map[string]string{
		"an answer without status":    `{"operators": []}`,
		"an answer of status false":   `{"status": false, "operators": []}`,
		"an answer without operators": `{"status": true}`,
		"an array":                    `[]`,
	} {
		f := operators
		f.Body = body
		faults = append(faults, fault{name, "chattonic.operators", f})
	}
	for _, c := range faults {
		t.Run(c.stream+" "+c.name, func(t *testing.T) {
			s := newSite(t)
			s.mustSync(c.stream)
			before, files := s.contents(), s.files()
			s.world.Edit(vendorsim.Edit{From: noon.AddDate(0, 0, -30), To: noon, Seed: 1})
			s.world.Advance(4 * time.Hour)
			s.world.Inject(c.fault)
			e := s.engine(c.stream)
			e.Select.Refetch = true
			sum := s.run(e)
			if st := streamOf(t, sum, c.stream); sum.Exit != 3 || st.Committed+st.Unchanged > 0 || st.Failed != 3 || len(st.Errors) != 3 {
				t.Fatalf("exit %d, %+v", sum.Exit, st)
			}
			if !maps.Equal(files, s.files()) {
				t.Fatal("files changed")
			}
			sameRows(t, s.contents(), before)
		})
	}
}

func TestPromise04_AnEmptyDocumentIsAConfirmedEmptyWindow(t *testing.T) {
	onEither(t, func(t *testing.T, newSite siteMaker) {
		s := newSite(t)
		s.world.Edit(vendorsim.Edit{From: noon.AddDate(0, 0, -30), To: noon.AddDate(0, 0, 1), Vanish: true})
		sum := s.mustSync("ucontact.agents", "ucontact.campaigns", "dialpad.calls", "dialpad.texts", "dialpad.voicemails")
		for _, st := range sum.Streams {
			if st.Committed != 3 || st.Read != 0 {
				t.Errorf("%+v", st)
			}
		}
		if st := s.status("dialpad.calls"); st.Settled != 3 || st.Open != 0 {
			t.Errorf("%+v", st)
		}
	})
}

func TestPromise05_EveryRowReadIsAccountedFor(t *testing.T) {
	onEither(t, func(t *testing.T, newSite siteMaker) {
		s := newSite(t, func(o *vendorsim.Options) { o.Dialpad.CSV.Spill = 2 * time.Hour })
		// The office holds both call centres: their calls come twice.
		s.env["WINDROW_DIALPAD_TARGETS"] = vendorsim.CallCenters()[0].String() + "," + vendorsim.Offices()[0].String()
		sum := s.mustSync()
		for _, st := range sum.Streams {
			if st.Stream == "dialpad.onduty_time" { // of several changes of status, a row
				distinct := s.query("SELECT count(*) FROM (SELECT DISTINCT agent_id, started_at, status FROM {events} WHERE stream = 'dialpad.onduty')")[0]
				if st.Read == 0 || st.Rows == 0 || itoa(st.Read) != distinct {
					t.Errorf("%+v, of %s changes", st, distinct)
				}
				continue
			}
			if st.Read == 0 || st.Read != st.Rows+st.Rejected+st.Outside+st.Duplicate {
				t.Errorf("%s: read %d ≠ %d rows + %d rejected + %d outside + %d duplicate", st.Stream, st.Read, st.Rows, st.Rejected, st.Outside, st.Duplicate)
			}
		}
		calls := streamOf(t, sum, "dialpad.calls")
		if calls.Duplicate == 0 || calls.Outside == 0 {
			t.Errorf("calls: %+v; expected duplicates and rows outside", calls)
		}
		if got := s.query("SELECT count(*) FROM {events} WHERE stream = 'dialpad.calls'"); got[0] != itoa(calls.Rows) {
			t.Errorf("the table has %s rows, the summary %d", got[0], calls.Rows)
		}
		// A call of the first target is loaded under it alone; the rest under the office.
		twice := s.query("SELECT event_id, count(*) FROM {events} WHERE stream = 'dialpad.calls' GROUP BY 1 HAVING count(DISTINCT scope) > 1")
		if len(twice) > 0 {
			t.Errorf("%d calls are loaded under two scopes: %s", len(twice), twice[0])
		}
		first := vendorsim.CallCenters()[0]
		want := int64(0)
		for _, day := range []int{7, 8, 9} {
			start, end := s.dialpadDay(day)
			want += s.world.Data().CallTotals(first, start, end).Rows
		}
		if got := s.query("SELECT count(*) FROM {events} WHERE stream = 'dialpad.calls' AND scope = '" + first.String() + "'"); got[0] != itoa(want) {
			t.Errorf("%s rows under the first target, want all its %d", got[0], want)
		}
	})
}

func TestPromise05_ARejectedRowKeepsItsTextAndGoesWithItsWindow(t *testing.T) {
	onEither(t, func(t *testing.T, newSite siteMaker) {
		s := newSite(t)
		bad := testdata.Header("dialpad/texts/vendor.csv") + "\r\n" +
			strings.Repeat("2025-09-08 10:00:00,1,n,e,user,1,1,internal,+1,+2,,hi,,America/Chicago\r\n", 99) +
			"the day before yesterday,77,n,e,user,1,1,internal,+1,+2,,hi,,America/Chicago\r\n"
		s.env["WINDROW_DIALPAD_TARGETS"] = vendorsim.CallCenters()[0].String()
		e := s.engine("dialpad.texts")
		e.Select.From, e.Select.To = "2025-09-08", "2025-09-08"
		s.world.Inject(vendorsim.Fault{Host: "download", Kind: vendorsim.FaultReplace, Body: bad})
		sum := s.run(e)
		if st := streamOf(t, sum, "dialpad.texts"); sum.Exit != 0 || st.Read != 100 || st.Rows != 99 || st.Rejected != 1 {
			t.Fatalf("exit %d, %+v%s", sum.Exit, st, failures(sum))
		}
		rejects := s.query("SELECT row, reason, raw FROM {rejects}")
		if len(rejects) != 1 || !strings.HasPrefix(rejects[0], "100\t") || !strings.Contains(rejects[0], "the day before yesterday,77") || !strings.Contains(rejects[0], "date") {
			t.Fatalf("rejects: %q", rejects)
		}
		// The window read again without a fault has no rejects any more.
		s.world.Advance(4 * time.Hour)
		e = s.engine("dialpad.texts")
		e.Select.From, e.Select.To, e.Select.Refetch = "2025-09-08", "2025-09-08", true
		if sum := s.run(e); sum.Exit != 0 {
			t.Fatal(failures(sum))
		}
		if n := s.rejected(); n != 0 {
			t.Fatalf("%d rejects outlived their window", n)
		}
	})
}

func TestPromise05_TooManyRejectsFailTheWindow(t *testing.T) {
	onEither(t, func(t *testing.T, newSite siteMaker) {
		s := newSite(t)
		s.mustSync("dialpad.texts")
		before := s.contents()
		s.world.Advance(4 * time.Hour)
		s.world.Inject(vendorsim.Fault{Host: "download", Kind: vendorsim.FaultReplace, Times: -1,
			Body: testdata.Header("dialpad/texts/vendor.csv") + "\r\n" +
				strings.Repeat("2025-09-08 10:00:00,1,n,e,user,1,1,internal,+1,+2,,hi,,America/Chicago\r\n", 40) + "never,2,n,e,user,1,1,internal,+1,+2,,hi,,America/Chicago\r\n"})
		e := s.engine("dialpad.texts")
		e.Select.From, e.Select.To, e.Select.Refetch = "2025-09-08", "2025-09-08", true
		sum := s.run(e)
		if sum.Exit != 3 || !strings.Contains(failures(sum), "WINDROW_MAX_REJECTS") {
			t.Fatalf("exit %d%s", sum.Exit, failures(sum))
		}
		sameRows(t, s.contents(), before)
	})
}

func TestPromise06_ReadingAgainWritesNoData(t *testing.T) {
	onEither(t, func(t *testing.T, newSite siteMaker) {
		s := newSite(t)
		s.mustSync()
		before := s.stamp()
		sum := s.refetch()
		for _, st := range sum.Streams {
			if st.Committed != 0 || st.Unchanged < 3 {
				t.Errorf("%s: %d committed, %d unchanged", st.Stream, st.Committed, st.Unchanged)
			}
		}
		if after := s.stamp(); after != before || len(s.contents()) == 0 {
			t.Errorf("data were written again: before %.300s, after %.300s", before, after)
		}
	})
}
