package push_test

import (
	"errors"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/push"
	"github.com/windrow-data/windrow/sinks/memory"
)

// What the vendor has said to the batch counts, and nothing more leaves by a wrong clock.
func TestAnAnswerThatProvesTheClockWrongEndsThePushBehindItsBatch(t *testing.T) {
	wrong := &pipeline.Error{Op: "push", Kind: pipeline.ClockWrong, Err: errors.New("this machine's clock is 2h0m0s ahead")}
	for _, c := range []struct {
		event  push.Event
		status int
		want   push.Counts
		exit   int
		again  int // contacts that the same push sends once the clock is set
	}{
		{push.Accepted, 200, push.Counts{Sent: 2, Planned: 3}, 1, 3},
		{push.Declined, 400, push.Counts{Refused: 2, Planned: 3}, 1, 5},
		{push.Throttled, 429, push.Counts{Planned: 5}, 1, 5},
		{push.Unauthorized, 401, push.Counts{Planned: 5}, 4, 5},
		{push.Uncertain, 503, push.Counts{Unknown: 2, Planned: 3}, 5, 3},
	} {
		l := memory.NewPushLedger()
		h := newHub(func(int) push.Outcome {
			return push.Outcome{Event: c.event, Status: c.status, Clock: wrong, Text: "said"}
		})
		report := sent(t, aPush(l, h), contacts(5))
		if got := status(t, l); got != c.want || report.Exit() != c.exit || len(h.requests) != 1 {
			t.Errorf("%s: the ledger has %+v, exit code %d, %d requests", c.event, got, report.Exit(), len(h.requests))
		}
		if c.event != push.Unauthorized && pipeline.KindOf(report.Stop) != pipeline.ClockWrong {
			t.Errorf("%s: it stopped for %v", c.event, report.Stop)
		}
		h.answer = takes
		if again := sent(t, aPush(l, h), contacts(5)); again.Counts.Sent != c.again {
			t.Errorf("%s: the same push again sends %+v", c.event, again.Counts)
		}
	}
}
