package engine

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// watched is a body that tells whether it was closed.
type watched struct {
	io.Reader
	closed bool
}

func (w *watched) Close() error {
	w.closed = true
	return nil
}

func TestABodyThatWasOpenedTooLongAgoIsAskedForAgain(t *testing.T) {
	at := time.Date(2025, 9, 10, 12, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		waited time.Duration
		again  bool
	}{{0, false}, {10 * time.Second, false}, {10*time.Second + time.Nanosecond, true}} {
		first, second := &watched{Reader: strings.NewReader("first")}, &watched{Reader: strings.NewReader("second")}
		o := &prefetched{body: first, at: at, now: func() time.Time { return at.Add(c.waited) }, again: func(context.Context) (io.ReadCloser, error) { return second, nil }, cancel: func(error) {}}
		body, err := o.open(t.Context())
		if err != nil || (body == second) != c.again || first.closed != c.again {
			t.Errorf("after %s: %v, asked again: %v, the first one closed: %v", c.waited, err, body == second, first.closed)
		}
		if again, err := o.open(t.Context()); err != nil || again != second {
			t.Errorf("after %s: opened twice, the same body comes twice: %v", c.waited, err)
		}
		if o.close(); second.closed {
			t.Error("a body that was handed over is closed")
		}
	}
}

func TestABodyThatCannotBeOpenedAheadTakesNoRoomFromOthers(t *testing.T) {
	r := &run{Engine: &Engine{Now: time.Now}, prefetchSlots: make(chan struct{}, 1)}
	order := newSequencer(2, true, 1)
	stopped, stop := context.WithCancel(t.Context())
	stop()
	_ = order.waitNear(stopped, 0) // the first request has its answer
	fails := pipeline.Body{Open: func(context.Context) (io.ReadCloser, error) { return nil, errors.New("gone") }}
	_, drop, err := r.prefetch(t.Context(), order, 1, fails)
	var broken *brokenBody
	if drop(); !errors.As(err, &broken) || len(r.prefetchSlots) != 0 {
		t.Errorf("%v, %d slots are taken", err, len(r.prefetchSlots))
	}
	whole := &watched{Reader: strings.NewReader("whole")}
	opens := pipeline.Body{Open: func(context.Context) (io.ReadCloser, error) { return whole, nil }}
	_, drop, err = r.prefetch(t.Context(), order, 1, opens)
	if err != nil || len(r.prefetchSlots) != 1 {
		t.Errorf("%v, %d slots are taken", err, len(r.prefetchSlots))
	}
	if drop(); !whole.closed || len(r.prefetchSlots) != 0 {
		t.Errorf("a body that nobody took is closed: %v; %d slots are taken", whole.closed, len(r.prefetchSlots))
	}
}

func TestTurnsAreNearTwoAheadAndNotBehindARequestWithoutAnswer(t *testing.T) {
	stopped, stop := context.WithCancel(t.Context())
	stop()
	order := newSequencer(5, true, 8)
	near := func(says, want string) {
		t.Helper()
		var got strings.Builder
		for _, c := range order.near {
			if closed(c) {
				got.WriteByte('+')
			} else {
				got.WriteByte('-')
			}
		}
		if got.String() != want {
			t.Errorf("%s: near are %s, want %s", says, got.String(), want)
		}
	}
	answers := func(i int) { _ = order.waitNear(stopped, i) }
	near("nobody has an answer", "-----")
	answers(0)
	near("the first has one", "++---")
	answers(2)
	near("the second has none yet", "++---")
	answers(1)
	near("three have one", "+++--")
	order.done(0)
	near("the first is done", "++++-")
	answers(3)
	near("four have an answer", "++++-")
	order.done(1)
	near("two are done", "+++++")
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
