package push_test

import (
	"context"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline/push"
	"github.com/windrow-data/windrow/sinks/memory"
)

// vouching is a ledger that knows of everybody the same.
type vouching struct {
	*memory.PushLedger
	life push.Life
}

func (vouching) Run() string                              { return "run" }
func (l vouching) Life(context.Context, string) push.Life { return l.life }

func TestABatchThatAnotherPushIsSendingIsWaitedForUnlessThatIsDead(t *testing.T) {
	for _, c := range []struct {
		says  string
		life  push.Life
		late  time.Duration // of the second push's clock
		in    rows
		waits bool
		want  push.Tally
		exit  int
	}{
		{"it lives", push.Alive, 48 * time.Hour, contacts(2), true, push.Tally{Read: 2, AlreadySent: 2}, 0},
		{"it lives, and sends others", push.Alive, 48 * time.Hour, rows{"+1", "+2"}, false, push.Tally{Read: 2, Sent: 2}, 0},
		{"it is dead", push.Dead, 0, contacts(2), false, push.Tally{Read: 2, Unknown: 2}, 5},
		{"it is dead, and sent others", push.Dead, 0, rows{"+1", "+2"}, false, push.Tally{Read: 2, Sent: 2}, 5},
		{"it is out of sight", push.Doubtful, 59 * time.Second, contacts(2), true, push.Tally{Read: 2, AlreadySent: 2}, 0},
		{"it is out of sight, and this clock is slow", push.Doubtful, -59 * time.Second, contacts(2), true, push.Tally{Read: 2, AlreadySent: 2}, 0},
		{"it is out of sight, and sends others", push.Doubtful, 59 * time.Second, rows{"+1", "+2"}, false, push.Tally{Read: 2, Sent: 2}, 0},
		{"it is out of sight for long", push.Doubtful, 61 * time.Second, contacts(2), false, push.Tally{Read: 2, Unknown: 2}, 5},
	} {
		l, now := vouching{memory.NewPushLedger(), c.life}, time.Now()
		first := aPush(l, newHub(takes))
		first.Now = func() time.Time { return now }
		second, waits, over := aPush(l, newHub(takes)), make(chan struct{}), make(chan push.Report, 1)
		second.Now = func() time.Time { return now.Add(c.late) }
		waited, noted := false, make(chan struct{})
		second.Pace.Others = time.Minute
		second.Pace.Pause = func(ctx context.Context, _ time.Duration) error {
			if !waited {
				waited = true
				close(waits)
				<-noted
			}
			return ctx.Err()
		}
		first.Hub.(*hub).during = func() {
			go func() {
				r, err := second.Prepare(t.Context(), c.in, push.Sieve{Suppressed: nobody})
				if err != nil {
					t.Error(err)
				}
				report, err := r.Send(t.Context())
				if err != nil {
					t.Error(err)
				}
				over <- report
			}()
			select {
			case <-waits:
			case report := <-over:
				over <- report
			}
		}
		if report := sent(t, first, contacts(2)); report.Exit() != 0 && c.exit == 0 || report.Counts.Sent != 2 {
			t.Errorf("%s: the first: %+v", c.says, report)
		}
		close(noted)
		report := <-over
		report.Counts.ToSend, report.Counts.Changed = 0, 0
		if report.Counts != c.want || report.Exit() != c.exit || waited != c.waits || report.Unknown != len(report.Batches)-c.want.Sent/2 {
			t.Errorf("%s: exit code %d, waited %v, %+v", c.says, report.Exit(), waited, report)
		}
	}
}

// forgetful is a store whose answers to what it has added are lost.
type forgetful struct{ *memory.PushLedger }

func (l forgetful) Append(ctx context.Context, k push.Key, after push.Position, changes ...push.Change) (push.Position, error) {
	if _, err := l.PushLedger.Append(ctx, k, after, changes...); err != nil {
		return after, err
	}
	return after, push.ErrMoved
}

func TestABatchThatWasNotedThoughTheAnswerWasLostIsSent(t *testing.T) {
	l, h := forgetful{memory.NewPushLedger()}, newHub(takes)
	if report := sent(t, aPush(l, h), contacts(4)); report.Exit() != 0 || report.Counts.Sent != 4 || len(h.requests) != 2 {
		t.Errorf("%+v", report)
	}
	if got := status(t, l); got != (push.Counts{Sent: 4}) {
		t.Errorf("%+v", got)
	}
}
