package dialpad

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// heard collects warnings.
type heard struct {
	mu    sync.Mutex
	texts []string
}

func (h *heard) warn(text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.texts = append(h.texts, text)
}

func TestTheVendorIsMetBeforeTheFirstPOST(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, j := newVendor(t), newFileJournal(t)
		v.onMeet = func(w http.ResponseWriter) bool {
			if len(v.posts) > 0 || w.Header().Get("Authorization") != "" {
				t.Error("a POST came first")
			}
			return false
		}
		s := newTestSource(t, v, Options{}, nil)
		noErrors(t, fetchMany(t.Context(), t, s, j, nil, 2, 5))
		if len(v.meets) != 1 || len(v.posts) != 5 {
			t.Errorf("%d first calls, %d POSTs", len(v.meets), len(v.posts))
		}
	})
}

func TestWhoHasHeardFromTheVendorDoesNotAskFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor(t)
		s := newTestSource(t, v, Options{}, nil)
		if err := s.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		noErrors(t, fetchMany(t.Context(), t, s, newFileJournal(t), nil, 2, 1))
		if len(v.meets) != 1 {
			t.Errorf("%d calls before the POST", len(v.meets))
		}
	})
}

func TestAKeyThatIsRefusedCostsNoPOST(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, j := newVendor(t), newFileJournal(t)
		v.onMeet = func(w http.ResponseWriter) bool { w.WriteHeader(http.StatusUnauthorized); return true }
		s := newTestSource(t, v, Options{}, nil)
		check := s.Check(t.Context())
		s = newTestSource(t, v, Options{}, nil)
		err := fetchMany(t.Context(), t, s, j, nil, 2, 1)[0]
		if pipeline.KindOf(err) != pipeline.Unauthorized || err.Error() != check.Error() {
			t.Errorf("fetch says %v, check %v", err, check)
		}
		if notes, _ := j.Since(t.Context(), s.tenant(), time.Time{}); len(notes) != 0 || len(v.posts) != 0 {
			t.Errorf("%d notes, %d POSTs", len(notes), len(v.posts))
		}
	})
}

func TestBehindAWrongClockNothingIsNotedOrOrdered(t *testing.T) {
	for _, ahead := range []time.Duration{61 * time.Minute, -61 * time.Minute, 240 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			v, j := newVendor(t), newFileJournal(t)
			v.ahead = &ahead
			s := newTestSource(t, v, Options{}, nil)
			for _, err := range fetchMany(t.Context(), t, s, j, nil, 2, 5) {
				if pipeline.KindOf(err) != pipeline.ClockWrong || !strings.Contains(err.Error(), "dialpad.test") {
					t.Errorf("%s: %v", ahead, err)
				}
			}
			if notes, _ := j.Since(t.Context(), s.tenant(), time.Time{}); len(notes) != 0 || len(v.posts) != 0 || len(v.meets) != 1 {
				t.Errorf("%s: %d notes, %d POSTs, %d calls", ahead, len(notes), len(v.posts), len(v.meets))
			}
		})
	}
}

func TestPromise11_NotesFromTheFutureAreNamedAndCountForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, j, h := newVendor(t), newFileJournal(t), &heard{}
		s := newTestSource(t, v, Options{Warn: h.warn}, smallQuota)
		add := func(after time.Duration) {
			t.Helper()
			if err := j.Add(t.Context(), pipeline.Note{Tenant: s.tenant(), At: time.Now().Add(after), Kind: postNote, Text: "by another"}); err != nil {
				t.Fatal(err)
			}
		}
		for range 5 { // the whole quota, by a clock that was ten days ahead
			add(240 * time.Hour)
		}
		add(4 * time.Minute) // by one that is a little ahead: it counts
		began := time.Now()
		noErrors(t, fetchMany(t.Context(), t, s, j, nil, 2, 4))
		if took := time.Since(began); took > time.Minute {
			t.Errorf("four reports beside one took %s", took)
		}
		noErrors(t, fetchMany(t.Context(), t, s, j, nil, 7, 1))
		if took := time.Since(began); took < time.Hour {
			t.Errorf("the sixth report of five an hour took %s", took)
		}
		if len(h.texts) != 1 || !strings.Contains(h.texts[0], "5 notes from the future, the last of "+began.Add(240*time.Hour).UTC().Format(time.RFC3339)) {
			t.Errorf("told %q", h.texts)
		}
	})
}
