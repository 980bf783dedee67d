package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// opening notes which bodies were opened and closed, by request.
type opening struct {
	mu   sync.Mutex
	seen []string
	err  error // of Open
}

func (o *opening) note(text string, i int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen = append(o.seen, fmt.Sprintf("%s %d", text, i))
}

// noted returns what was noted since it was last asked, in the order of requests.
func (o *opening) noted() string {
	synctest.Wait()
	o.mu.Lock()
	defer o.mu.Unlock()
	text := slices.Sorted(slices.Values(o.seen))
	o.seen = nil
	return strings.Join(text, ", ")
}

func (o *opening) body(i int) Body {
	return Body{Open: func(context.Context) (io.ReadCloser, error) {
		if o.err != nil {
			return nil, o.err
		}
		o.note("opened", i)
		return closing{strings.NewReader(""), func() { o.note("closed", i) }}, nil
	}}
}

type closing struct {
	io.Reader
	closed func()
}

func (c closing) Close() error { c.closed(); return nil }

// answers are requests on their way through openAhead and their turns.
type answers struct {
	*opening
	run   *run
	turns *turns
	read  []chan struct{} // by request: close it, and a body whose turn it is counts as read
	all   sync.WaitGroup
}

func newAnswers(n, ahead int) *answers {
	return &answers{
		opening: &opening{}, turns: newTurns(n, true, ahead), read: channels(n),
		run: &run{Engine: &Engine{Now: time.Now}, ahead: make(chan struct{}, ahead)},
	}
}

// answer lets request i have its answer.
func (a *answers) answer(t *testing.T, i int) {
	a.all.Go(func() {
		b, drop, err := a.run.openAhead(t.Context(), a.turns, i, a.body(i))
		if err == nil {
			err = a.turns.wait(t.Context(), i)
		}
		if err != nil {
			t.Error(err)
			return
		}
		<-a.read[i]
		body, err := b.Open(t.Context())
		if err != nil {
			t.Error(err)
			return
		}
		body.Close()
		drop()
		a.turns.done(i)
	})
}

func (a *answers) want(t *testing.T, when, noted string) {
	t.Helper()
	if got := a.noted(); got != noted {
		t.Errorf("%s: %q, want %q", when, got, noted)
	}
}

func TestABodyIsOpenedAheadWhenItsTurnIsNear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAnswers(6, 2)
		for _, i := range []int{0, 2, 3, 4, 5} {
			a.answer(t, i)
		}
		a.want(t, "while an answer before them is still to come", "")
		a.answer(t, 1)
		a.want(t, "when it came", "opened 1, opened 2")
		close(a.read[0])
		a.want(t, "while as many are open as may be", "closed 0, opened 0")
		close(a.read[1])
		a.want(t, "when one of those was read", "closed 1, opened 3")
		for _, c := range a.read[2:] {
			close(c)
		}
		a.all.Wait()
		a.want(t, "in the end", "closed 2, closed 3, closed 4, closed 5, opened 4, opened 5")
		if len(a.run.ahead) != 0 {
			t.Errorf("%d places were not given back", len(a.run.ahead))
		}
	})
}

func TestTurnsOfSecondsLetNoBodyWaitForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const bodies = 30
		a := newAnswers(bodies, 8)
		for i := range bodies {
			a.answer(t, i)
		}
		for _, turn := range a.read {
			time.Sleep(2 * time.Second)
			close(turn)
			synctest.Wait()
		}
		a.all.Wait()
		if opens := strings.Count(a.noted(), "opened"); opens != bodies {
			t.Errorf("%d bodies were opened %d times", bodies, opens)
		}
	})
}

func TestTurnsThatEndAtOnceAreBothOver(t *testing.T) {
	turns := newTurns(5, true, aheadTurns)
	turns.done(1)
	turns.done(0)
	for i := range 4 {
		turns.answered[i] = true
	}
	turns.call()
	select {
	case <-turns.near[4]:
	default:
		t.Error("two turns are over, and the one two turns on is not near")
	}
}

func TestABodyThatWaitedForLongIsOpenedAnew(t *testing.T) {
	for wait, noted := range map[time.Duration]string{
		aheadFor:               "closed 0, closed 1, opened 0, opened 1",
		aheadFor + time.Second: "closed 0, closed 1, closed 1, opened 0, opened 1, opened 1",
	} {
		synctest.Test(t, func(t *testing.T) {
			a := newAnswers(2, 2)
			a.answer(t, 0)
			a.answer(t, 1)
			synctest.Wait()
			time.Sleep(wait)
			close(a.read[0])
			close(a.read[1])
			a.all.Wait()
			a.want(t, fmt.Sprint("after ", wait), noted)
		})
	}
}

func TestABodyThatNobodyReadsIsClosed(t *testing.T) {
	a := newAnswers(2, 1)
	a.turns.answered[0] = true
	_, drop, err := a.run.openAhead(t.Context(), a.turns, 1, a.body(1))
	if err != nil {
		t.Fatal(err)
	}
	drop()
	if len(a.seen) != 2 || a.seen[1] != "closed 1" || len(a.run.ahead) != 0 {
		t.Errorf("%q, %d places taken", a.seen, len(a.run.ahead))
	}
}

func TestABodyThatCannotBeOpenedAheadIsABrokenOne(t *testing.T) {
	a := newAnswers(2, 1)
	a.turns.answered[0] = true
	a.err = &Error{Op: "download", Kind: Unavailable, Err: errors.New("gone")}
	_, _, err := a.run.openAhead(t.Context(), a.turns, 1, a.body(1))
	var broken *brokenBody
	if !errors.As(err, &broken) || !Retryable(err) || len(a.run.ahead) != 0 {
		t.Errorf("%v, %d places taken", err, len(a.run.ahead))
	}
}

func TestTheWaitForATurnToBeNearEndsWithTheContext(t *testing.T) {
	a := newAnswers(2, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := a.run.openAhead(ctx, a.turns, 1, a.body(1)); !errors.Is(err, context.Canceled) || len(a.seen) > 0 {
		t.Errorf("%v, %q", err, a.seen)
	}
}
