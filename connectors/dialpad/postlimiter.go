package dialpad

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// throttlePatience bounds the waiting for a vendor that keeps answering 429; its
// published limit is over two hours.
const throttlePatience = 3 * time.Hour

// postLimiter lets POSTs out to the vendor: at most so many in any span of the
// quota's length, in this process, in those before it and in others that run
// now. Each POST is noted in the journal before it is sent, retries too, so a
// kill forgets none.
//
// It only waits and keeps the journal. [sharedQuota] counts, [throttleBackoff]
// knows the vendor's 429s, and httpclient repeats what failed.
type postLimiter struct {
	tenant pipeline.TenantKey
	now    func() time.Time
	warn   func(string) // of notes from the future, once

	// lock is held by who decides about the next POST, so that no two count the
	// same room. While the vendor throttles, it is held until the answer.
	lock ranked

	mu           sync.Mutex
	quota        sharedQuota
	throttle     throttleBackoff
	waitingUntil time.Time // of who holds lock; zero when it does not wait
}

func newPostLimiter(q quota, tenant pipeline.TenantKey, o Options) *postLimiter {
	return &postLimiter{
		tenant: tenant, now: o.Now, warn: onceText(o.Warn),
		quota: newSharedQuota(q, o), throttle: newThrottleBackoff(),
	}
}

// postAttempt is one POST that is to be sent, and sent again until it is answered.
type postAttempt struct {
	journal pipeline.Journal
	text    string                             // for the journal; no secret
	rank    rank                               // among those that wait
	notify  func(text string, until time.Time) // never nil
	// hold says how long the POST must not be sent for reasons of its own, and why.
	hold func() (time.Duration, string)
}

// Admit waits until p may be sent and notes it in the journal. The caller sends
// it then, and calls answered exactly once, with the error of the attempt. Calls
// for different attempts may run at once. Admit obeys ctx; it gives up, with a
// Throttled error, a vendor that answers 429 for longer than throttlePatience, or
// asks for a wait that is longer, and so do then all others.
func (l *postLimiter) Admit(ctx context.Context, p *postAttempt) (answered func(error), err error) {
	if err := l.givenUp(); err != nil {
		return nil, err
	}
	if err := l.awaitLock(ctx, p); err != nil {
		return nil, err
	}
	note, err := l.reserve(ctx, p)
	l.mu.Lock()
	alone := err == nil && l.throttle.Probing
	l.mu.Unlock()
	if !alone {
		l.lock.leave()
	}
	if err != nil {
		return nil, err
	}
	return func(err error) {
		l.answered(note, err)
		if alone {
			l.lock.leave()
		}
	}, nil
}

// givenUp is the error of all POSTs where the vendor throttles for too long.
func (l *postLimiter) givenUp() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.throttle.GivenUp()
}

// awaitLock takes the lock, obeys ctx and says what the holder waits for.
func (l *postLimiter) awaitLock(ctx context.Context, p *postAttempt) error {
	mine := l.lock.enter(p.rank)
	select {
	case <-mine:
		return nil
	default:
	}
	l.mu.Lock()
	until := l.waitingUntil
	l.mu.Unlock()
	if !until.IsZero() {
		p.notify("waiting for its turn to order a report", until)
	}
	began := l.now()
	defer func() { pipeline.TellWait(ctx, pipeline.WaitTurn, began, l.now()) }()
	select {
	case <-mine:
		return nil
	case <-ctx.Done():
		l.lock.giveUp(mine)
		return stopped(ctx)
	}
}

// rank orders POSTs that wait: by their days, their stream and their scope.
type rank struct {
	days          pipeline.Instant
	stream, scope int
}

func compareRanks(a, b rank) int {
	return cmp.Or(cmp.Compare(a.days, b.days), cmp.Compare(a.stream, b.stream), cmp.Compare(a.scope, b.scope))
}

// ranked is a lock that whoever has the lowest rank gets next. Its zero value is free.
type ranked struct {
	mu      sync.Mutex
	held    bool
	waiting []rankedWaiter // by rank, equal ones in the order in which they came
}

type rankedWaiter struct {
	rank
	mine chan struct{} // closed when the lock is the waiter's
}

// enter asks for the lock, which is the caller's once the channel is closed.
func (r *ranked) enter(as rank) chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	mine := make(chan struct{})
	if !r.held {
		r.held = true
		close(mine)
		return mine
	}
	at, _ := slices.BinarySearchFunc(r.waiting, as, func(w rankedWaiter, as rank) int { return cmp.Or(compareRanks(w.rank, as), -1) })
	r.waiting = slices.Insert(r.waiting, at, rankedWaiter{as, mine})
	return mine
}

// leave passes the lock on.
func (r *ranked) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.held = len(r.waiting) > 0; r.held {
		close(r.waiting[0].mine)
		r.waiting = slices.Delete(r.waiting, 0, 1)
	}
}

// giveUp takes back what was asked for, or leaves.
func (r *ranked) giveUp(mine chan struct{}) {
	r.mu.Lock()
	i := slices.IndexFunc(r.waiting, func(w rankedWaiter) bool { return w.mine == mine })
	if i >= 0 {
		r.waiting = slices.Delete(r.waiting, i, i+1)
	}
	r.mu.Unlock()
	if i < 0 {
		r.leave()
	}
}

// reserve waits for room and notes the POST, again until the room is certain.
// The lock is held.
func (l *postLimiter) reserve(ctx context.Context, p *postAttempt) (note time.Time, err error) {
	for {
		if err := l.awaitRoom(ctx, p); err != nil {
			return note, err
		}
		l.mu.Lock()
		note = l.quota.NoteTime(l.now())
		l.mu.Unlock()
		if err := p.journal.Add(ctx, l.noteOf(note, postNote, p)); err != nil {
			return note, err
		}
		l.mu.Lock()
		l.quota.Reserve(note)
		l.mu.Unlock()
		if kept, err := l.confirm(ctx, p, note); kept || err != nil {
			return note, err
		}
	}
}

// awaitRoom waits until nothing that is known keeps the POST back. The lock is held.
func (l *postLimiter) awaitRoom(ctx context.Context, p *postAttempt) error {
	for {
		wait, why, reason, err := l.blocked(ctx, p)
		if err != nil || wait <= 0 {
			return err
		}
		if err := l.sleep(ctx, p, why, reason, wait); err != nil {
			return err
		}
	}
}

// blocked says how long the POST may not be sent, and why. The lock is held.
func (l *postLimiter) blocked(ctx context.Context, p *postAttempt) (wait time.Duration, why string, reason pipeline.WaitReason, err error) {
	now := l.now()
	l.mu.Lock()
	pause, err := l.throttle.Until.Sub(now), l.throttle.GivenUp()
	l.mu.Unlock()
	if err != nil {
		return 0, "", "", err
	}
	if pause > 0 {
		return pause, "throttled by the vendor", pipeline.WaitThrottled, nil
	}
	if wait, why := p.hold(); wait > 0 {
		return wait, why, pipeline.WaitMidnight, nil
	}
	l.mu.Lock()
	stale := l.quota.NeedsJournal(now)
	l.mu.Unlock()
	if stale {
		if err := l.readJournal(ctx, p, now); err != nil {
			return 0, "", "", err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	wait, why = l.quota.Room(now)
	return wait, why, pipeline.WaitQuota, nil
}

func (l *postLimiter) readJournal(ctx context.Context, p *postAttempt, now time.Time) error {
	notes, err := p.journal.Since(ctx, l.tenant, l.quota.JournalFrom(now))
	if err != nil {
		return err
	}
	l.mu.Lock()
	future := l.quota.Learn(notes, now)
	l.mu.Unlock()
	if n := len(future); n > 0 {
		l.warn(fmt.Sprintf("the journal has %s from the future, the last of %s: a clock was wrong, and they count for nothing in the quota of reports",
			pipeline.Counted(n, "note"), future[n-1].At.UTC().Format(time.RFC3339)))
	}
	return nil
}

// onceText passes the first text on.
func onceText(to func(string)) func(string) {
	var once sync.Once
	return func(text string) { once.Do(func() { to(text) }) }
}

// confirm tells whether the noted POST may be sent. Where the shares of all
// tasks do not add up to the quota, two tasks may have seen the same room: each
// reads the journal once more behind its own note. Of notes that are too many,
// the last one sees all others, so that what is sent is never too much. A note
// that found no room is taken back, and after a random pause its task tries again.
func (l *postLimiter) confirm(ctx context.Context, p *postAttempt, note time.Time) (bool, error) {
	l.mu.Lock()
	sure := l.quota.Undisputed(note)
	l.mu.Unlock()
	if sure {
		return true, nil
	}
	now := l.now()
	if err := l.readJournal(ctx, p, now); err != nil {
		return false, err
	}
	l.mu.Lock()
	fits := !l.quota.Overdrawn(now)
	l.mu.Unlock()
	if fits {
		return true, nil
	}
	if err := p.journal.Add(ctx, l.noteOf(note, unsentNote, p)); err != nil {
		return false, err
	}
	l.mu.Lock()
	l.quota.TakeBack(note)
	l.mu.Unlock()
	pause := time.Second + rand.N(time.Duration(l.quota.tasks)*4*time.Second)
	return false, l.sleep(ctx, p, fmt.Sprintf("another task took the last place in the quota of %s reports", l.quota.quota), pipeline.WaitQuota, pause)
}

func (l *postLimiter) noteOf(at time.Time, kind string, p *postAttempt) pipeline.Note {
	return pipeline.Note{Tenant: l.tenant, At: at, Kind: kind, Text: string(l.quota.tag) + p.text}
}

// sleep waits with the lock held, and lets those behind it know until when.
func (l *postLimiter) sleep(ctx context.Context, p *postAttempt, why string, reason pipeline.WaitReason, wait time.Duration) error {
	l.setWaiting(l.now().Add(wait))
	defer l.setWaiting(time.Time{})
	return notifyAndSleep(ctx, p.notify, why, reason, l.now, wait)
}

func (l *postLimiter) setWaiting(until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waitingUntil = until
}

// answered learns from the answer to a POST.
func (l *postLimiter) answered(note time.Time, err error) {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.quota.Sent(note, now)
	l.throttle.Answered(err, now)
}

// retryAfter is how long the vendor asked to wait, 0 if it did not say.
func retryAfter(err error) time.Duration {
	var e *pipeline.Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}
