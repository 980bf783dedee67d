package dialpad

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// company opens one of several accounts, as the command line does: its own
// prefix, zone, key and quota, and the store of all of them.
func company(t *testing.T, v *vendor, account pipeline.AccountID, zone, quota string) *Source {
	t.Helper()
	prefix := Prefix + strings.ToUpper(string(account)) + "_"
	set, faults := Config{URL: apiHost + "/api/v2", Token: "key-of-" + string(account), Timezone: zone, PostQuota: quota}.Settings(prefix)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	s, err := New(set, Options{Account: account, RetryFor: time.Minute, Transport: v})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTwoAccountsHaveTheirOwnZonesQuotasAndJournals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sleepUntil(time.Date(2000, 1, 5, 20, 0, 0, 0, time.UTC)) // the sixth in Tokyo
		v, j := newVendor(t), newFileJournal(t)
		mx, jp := company(t, v, "mx", "America/Mexico_City", "2/1h"), company(t, v, "jp", "Asia/Tokyo", "3/1h")

		began := time.Now()
		noErrors(t, fetchMany(t.Context(), t, mx, j, &told{}, 2, 2))
		noErrors(t, fetchMany(t.Context(), t, jp, j, &told{}, 2, 3))
		if took := time.Since(began); took > 10*time.Minute {
			t.Errorf("both quotas took %s: one company waited for the other's", took)
		}
		n := &told{}
		noErrors(t, fetchMany(t.Context(), t, mx, j, n, 10, 1))
		if took := time.Since(began); took < time.Hour || !n.has("the quota of 2/1h reports is used up") {
			t.Errorf("the third report of the first company came after %s, told %v", took, n.notices)
		}

		for _, c := range []struct {
			s         *Source
			account   pipeline.AccountID
			zone, key string
			notes     int
			yesterday string
		}{
			{mx, "mx", "America/Mexico_City", "key-of-mx", 3, "2000-01-04"},
			{jp, "jp", "Asia/Tokyo", "key-of-jp", 3, "2000-01-05"},
		} {
			tenant := pipeline.TenantKey{Source: SourceID, Account: c.account}
			notes, err := j.Since(t.Context(), tenant, time.Time{})
			if err != nil || len(notes) != c.notes {
				t.Errorf("%s: %d notes, %v", c.account, len(notes), err)
			}
			for _, note := range notes {
				if !strings.HasSuffix(note.Text, c.zone) {
					t.Errorf("%s: note %q", c.account, note.Text)
				}
			}
			for _, st := range c.s.Streams() {
				if st.Key.Account != c.account || st.Calendar.Zone.String() != c.zone {
					t.Errorf("%s: stream %s in %s", c.account, st.Key, st.Calendar.Zone)
				}
			}
			r := yesterday(t, c.s, "dialpad.calls")
			meta, _, err := fetch(t.Context(), c.s, r, newFileJournal(t), nil)
			if err != nil || meta.Request.Tenant != tenant || meta.ResponseZone != c.zone || daysOf(meta.Span, c.s.set.zone).first.String() != c.yesterday {
				t.Errorf("%s: %+v, %v", c.account, meta, err)
			}
			last := v.posts[len(v.posts)-1]
			if last.auth != "Bearer "+c.key || last.body["timezone"] != c.zone {
				t.Errorf("%s: posted %v with %q", c.account, last.body, last.auth)
			}
		}
	})
}

func TestAnAccountsHintsNameItsOwnVariables(t *testing.T) {
	s := company(t, newVendor(t), "mx", "America/Mexico_City", "2/1h")
	err := s.explain(&pipeline.Error{Op: "GET", Kind: pipeline.Unauthorized})
	if !strings.Contains(err.Error(), "WINDROW_DIALPAD_MX_TOKEN") {
		t.Errorf("error %v", err)
	}
}
