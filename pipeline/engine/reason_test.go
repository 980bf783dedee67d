package engine

import (
	"errors"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

func TestTheReasonOfAFailedWindowLeavesOutWhatStandsBesideIt(t *testing.T) {
	day := calendar.Span{Start: 0, End: calendar.Instant(0).Add(24 * time.Hour)}
	half := calendar.Span{Start: 0, End: calendar.Instant(0).Add(12 * time.Hour)}
	cause := errors.New("HTTP 401")
	about := func(span calendar.Span) *pipeline.Error {
		return &pipeline.Error{Op: "POST /api/stats", Stream: "ucontact.agents", Window: span, Kind: pipeline.Unauthorized, Err: cause}
	}
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"the window itself", about(day), "POST /api/stats: unauthorized: HTTP 401"},
		{"a part of it stays", about(half), "1970-01-01T00:00:00Z/1970-01-01T12:00:00Z - POST /api/stats: unauthorized: HTTP 401"},
		{"met while a document was read", &brokenBody{about(day)}, "POST /api/stats: unauthorized: HTTP 401"},
		{"what was joined to it is not lost", errors.Join(about(day), errors.New("no ledger")), about(day).Error() + "\nno ledger"},
		{"an error of another kind", cause, "HTTP 401"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := reasonOf(tt.err, day); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}
