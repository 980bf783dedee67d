package dialpad

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/windrow-data/windrow/pipeline"
)

const (
	// postNote is the kind of the journal's notes about ordered reports.
	postNote = "dialpad.post"
	// journalAge is how old our view of the journal may get while not half of
	// the quota is used up.
	journalAge = time.Minute
	// throttlePatience bounds the waiting for a vendor that keeps answering 429;
	// its published limit is over two hours.
	throttlePatience = 3 * time.Hour
)

// gate lets POSTs through to the vendor: at most so many in any span of the
// quota's length, in this process, in those before it and in others that run
// now. Each POST is noted in the journal before it is sent, retries too, so a
// kill forgets none. Where several tasks share one run, each keeps to its part
// of the quota as well (places.go).
type gate struct {
	quota    quota
	tasks    int    // processes that share it, at least 1
	part     int    // how many POSTs of the quota are this process's
	mark     string // of this process's notes; empty when it is alone
	tenant   pipeline.TenantKey
	retryFor time.Duration
	now      func() time.Time

	// turn is held by who decides about the next POST, so that no two count the
	// same free place. While the vendor throttles it is held until the answer:
	// then one POST at a time tries whether it is over.
	turn chan struct{}

	mu          sync.Mutex
	others      []place             // POSTs of other processes, as the journal has them
	own         map[int64]time.Time // of this one: noted (µs) → when it certainly had been sent
	lastNote    time.Time
	journalRead time.Time
	pausedUntil time.Time // by a 429
	strikes     backoff.ExponentialBackOff
	throttled   bool
	waitingTill time.Time // what the holder of turn waits for
}

func newGate(q quota, tenant pipeline.TenantKey, o Options) *gate {
	g := &gate{
		quota: q, tasks: o.Tasks, part: o.Part(q.posts), tenant: tenant, retryFor: o.RetryFor, now: o.Now,
		turn: make(chan struct{}, 1), own: map[int64]time.Time{},
	}
	if g.tasks > 1 {
		g.mark = markOf(o.Task, g.tasks)
	}
	g.strikes = backoff.ExponentialBackOff{
		InitialInterval: 10 * time.Second, Multiplier: 2, MaxInterval: 5 * time.Minute, RandomizationFactor: 0.2,
	}
	return g
}

// posting is one POST that wants through.
type posting struct {
	journal pipeline.Journal
	text    string                             // for the journal; no secret
	notify  func(text string, until time.Time) // never nil
	// hold says how long the POST must not be sent for reasons of its own, and why.
	hold func() (time.Duration, string)
	send func(context.Context) error // makes one attempt
}

// pass sends p when there is room. A 429 is waited out and does not count
// against the retry time; what is [pipeline.Unavailable] is repeated within it.
func (g *gate) pass(ctx context.Context, p posting) error {
	pause := backoff.ExponentialBackOff{InitialInterval: time.Second, Multiplier: 2, MaxInterval: 30 * time.Second, RandomizationFactor: 0.5}
	var retried time.Duration
	var throttledAt time.Time
	for {
		note, alone, err := g.take(ctx, p)
		if err != nil {
			return err
		}
		sent := g.now()
		err = p.send(ctx)
		g.answered(note, err)
		if alone {
			<-g.turn
		}
		if err == nil {
			return nil
		}
		switch pipeline.KindOf(err) {
		case pipeline.Throttled:
			if throttledAt.IsZero() {
				throttledAt = g.now()
			}
			if until := g.pause(); until.Sub(throttledAt) > throttlePatience {
				return &pipeline.Error{
					Op: "POST /stats", Kind: pipeline.Throttled,
					Err:  fmt.Errorf("throttled since %s: %w", throttledAt.UTC().Format(time.RFC3339), err),
					Hint: "something else uses up the company's quota of reports; the next sync tries again",
				}
			}
		case pipeline.Unavailable:
			wait := max(pause.NextBackOff(), retryAfter(err))
			if retried += g.now().Sub(sent) + wait; retried > g.retryFor {
				return err
			}
			if err := sleepTold(ctx, p.notify, "the vendor could not be reached", g.now, wait); err != nil {
				return err
			}
		default:
			return err
		}
	}
}

// take waits for a free place and notes the POST in the journal. alone tells
// that the turn is still held and the caller gives it back.
func (g *gate) take(ctx context.Context, p posting) (note time.Time, alone bool, err error) {
	if err := g.awaitTurn(ctx, p); err != nil {
		return note, false, err
	}
	defer func() {
		if !alone {
			<-g.turn
		}
	}()
	for sure := false; !sure; {
		if err := g.awaitRoom(ctx, p); err != nil {
			return note, false, err
		}
		note = g.nextNote()
		if err := p.journal.Add(ctx, g.noteOf(note, postNote, p)); err != nil {
			return note, false, err
		}
		g.mu.Lock()
		g.own[note.UnixMicro()] = note
		alone = g.throttled
		g.mu.Unlock()
		if sure, err = g.certain(ctx, p, note); err != nil {
			return note, false, err
		}
	}
	return note, alone, nil
}

// awaitRoom waits until nothing that is known keeps a POST back. The turn is held.
func (g *gate) awaitRoom(ctx context.Context, p posting) error {
	for {
		wait, why, err := g.blocked(ctx, p)
		if err != nil || wait <= 0 {
			return err
		}
		if err := g.sleep(ctx, p, why, wait); err != nil {
			return err
		}
	}
}

// sleep waits with the turn held, and lets those behind it know till when.
func (g *gate) sleep(ctx context.Context, p posting, why string, wait time.Duration) error {
	g.setWaiting(g.now().Add(wait))
	defer g.setWaiting(time.Time{})
	return sleepTold(ctx, p.notify, why, g.now, wait)
}

// awaitTurn is a mutex that obeys ctx and says what the one before waits for.
func (g *gate) awaitTurn(ctx context.Context, p posting) error {
	select {
	case g.turn <- struct{}{}:
		return nil
	default:
	}
	g.mu.Lock()
	until := g.waitingTill
	g.mu.Unlock()
	if !until.IsZero() {
		p.notify("waiting for its turn to order a report", until)
	}
	select {
	case g.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return stopped(ctx)
	}
}

// blocked says how long no POST may be sent, and why. The turn is held.
func (g *gate) blocked(ctx context.Context, p posting) (time.Duration, string, error) {
	now := g.now()
	g.mu.Lock()
	pause := g.pausedUntil.Sub(now)
	g.mu.Unlock()
	if pause > 0 {
		return pause, "throttled by the vendor", nil
	}
	if wait, why := p.hold(); wait > 0 {
		return wait, why, nil
	}
	if err := g.refresh(ctx, p.journal, now); err != nil {
		return 0, "", err
	}
	wait, why := g.full(g.known(now), now)
	return wait, why, nil
}

// nextNote is the time of the next note: now, but unlike any before it.
func (g *gate) nextNote() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := g.now().UTC().Truncate(time.Microsecond)
	if !at.After(g.lastNote) {
		at = g.lastNote.Add(time.Microsecond)
	}
	g.lastNote = at
	return at
}

// answered learns from the answer: a POST keeps its place from now on, since
// it may have reached the vendor this late, and a 429 closes the gate.
func (g *gate) answered(note time.Time, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.now()
	g.own[note.UnixMicro()] = now
	switch pipeline.KindOf(err) {
	case pipeline.Unavailable, pipeline.Stopped: // whether it throttles was not said
		return
	case pipeline.Throttled:
		wait := retryAfter(err)
		if wait <= 0 && now.Before(g.pausedUntil) {
			return // sent before the gate closed: nothing new
		}
		if wait <= 0 {
			wait = g.strikes.NextBackOff()
		}
		g.throttled = true
		if until := now.Add(wait); until.After(g.pausedUntil) {
			g.pausedUntil = until
		}
		return
	}
	g.throttled = false
	g.strikes.Reset()
}

// pause is when a throttled gate opens.
func (g *gate) pause() time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.pausedUntil
}

func (g *gate) setWaiting(until time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.waitingTill = until
}

// retryAfter is how long the vendor asked to wait, 0 if it did not say.
func retryAfter(err error) time.Duration {
	var e *pipeline.Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}
