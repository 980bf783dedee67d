package chattonic

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

func TestBothQuestionsAreProven(t *testing.T) {
	for _, c := range []struct {
		says      string
		code      int
		dashboard string
		kind      pipeline.Kind // Internal: none
	}{
		{"a list", 200, `[{"date":"2025-09-10 17","newUsers":1}]`, 0},
		{"a list behind a mark", 200, "\ufeff[]", 0},
		{"an empty list", 200, `[]`, 0},
		{"an error that came with 200", 200, `{"status":false,"message":"no such query"}`, pipeline.Malformed},
		{"a page", 200, `<html>`, pipeline.Malformed},
		{"a blank", 200, ``, pipeline.Malformed},
		{"a bot without a dashboard", 404, ``, pipeline.Refused},
		{"a user who may not see it", 403, ``, pipeline.Unauthorized},
		{"trouble", 500, ``, pipeline.Unavailable},
	} {
		t.Run(c.says, func(t *testing.T) {
			var asked string
			h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.URL.Path == loginPath:
					_, _ = io.WriteString(w, `{"token":"abc","appCodename":"acme"}`)
				case strings.HasSuffix(r.URL.Path, "stats/operator"):
					_, _ = io.WriteString(w, `{"status":true,"operators":[]}`)
				default:
					asked = r.URL.Query().Get("startDate") + " " + r.URL.Query().Get("endDate")
					w.WriteHeader(c.code)
					_, _ = io.WriteString(w, c.dashboard)
				}
			})
			s := newSource(t, h, Options{Clock: func() time.Time { return time.Date(2025, 9, 10, 18, 30, 0, 0, time.UTC) }}, nil)
			proofs := s.Prove(t.Context(), []pipeline.StreamID{Operators, Dashboard})
			if len(proofs) != 2 || proofs[0].Err != nil || proofs[0].What != "" || proofs[1].What != "dashboard" {
				t.Fatalf("%+v", proofs)
			}
			if err := proofs[1].Err; pipeline.KindOf(err) != c.kind || (err == nil) != (c.kind == 0) {
				t.Errorf("%v", err)
			}
			if asked != "2025-09-10T17:00:00.000Z 2025-09-10T17:59:59.999Z" {
				t.Errorf("asked %s", asked)
			}
			asked = ""
			if proofs := s.Prove(t.Context(), []pipeline.StreamID{Operators}); len(proofs) != 1 || asked != "" {
				t.Errorf("a dashboard that is not read: %+v, asked %s", proofs, asked)
			}
		})
	}
}

func TestBehindARefusedLoginNothingIsAsked(t *testing.T) {
	v := &vendor{t: t, password: "x"}
	proofs := newSource(t, v, Options{}, nil).Prove(t.Context(), []pipeline.StreamID{Operators, Dashboard})
	if len(proofs) != 1 || pipeline.KindOf(proofs[0].Err) != pipeline.Unauthorized || v.logins != 1 {
		t.Errorf("%d logins, %+v", v.logins, proofs)
	}
}
