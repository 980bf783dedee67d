package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/windrow-data/windrow/cmd/windrow/internal/config"
	"github.com/windrow-data/windrow/cmd/windrow/internal/notify"
	"github.com/windrow-data/windrow/cmd/windrow/internal/show"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/plan"
)

// pinging is the monitor that hears of a sync's beginning and end.
type pinging struct {
	notify.Ping
	begun chan error // one value, when the beginning has been told or could not be
}

// beginPing tells a monitor that a sync begins. The sync does not wait for it.
func (a *app) beginPing(ctx context.Context) {
	ping := config.ReadPing()
	if !ping.Set() {
		return
	}
	a.ping = pinging{ping, make(chan error, 1)}
	go func() { a.ping.begun <- ping.Start(ctx) }() // it ends within its own time, and endPing waits for it
}

// stopPatience is how long a call may take that nobody waits for, where the process is to end.
const stopPatience = time.Second

// endPing tells the monitor how the sync ended. Whatever comes of it changes nothing else.
func (a *app) endPing(ctx context.Context, code int) {
	if !a.ping.Set() {
		return
	}
	ctx, cancel := lastCall(ctx, notify.Within)
	defer cancel()
	begun := <-a.ping.begun
	var record bytes.Buffer
	ending, _ := a.final.known()
	show.NewLog(&record, true, slog.LevelDebug).LogAttrs(ctx, slog.LevelInfo, show.Finished, show.Record(ending, code, a.now().Sub(a.began))...)
	if err := errors.Join(begun, a.ping.End(ctx, code, record.Bytes())); err != nil {
		a.newLog(a.stderr, slog.LevelWarn).Warn("WINDROW_PING could not be told of this run: " + firstOf(err).Error())
	}
}

// firstOf is the first of the errors that were joined: the second is mostly the same.
func firstOf(err error) error {
	if all, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // it was joined here
		return all.Unwrap()[0]
	}
	return err
}

// lookPatience is how long one of the things may take that are done with a sink after a run, and that nobody waits for.
const lookPatience = 20 * time.Second

// lookAround does what follows a run: whoever wants to know of it is told, by one look at the ledgers. Nothing of it lasts
// for ever, whatever hangs, and all of it together no longer than [stopPatience] after a signal. Whatever comes of it
// changes nothing else.
func (a *app) lookAround(ctx context.Context, s *setup, store pipeline.Store, known *remembered, run pipeline.Summary) {
	s.ending.Summary = run
	ctx, cancel := lastCall(ctx, 4*lookPatience)
	defer cancel()
	s.renewViews(ctx, store)
	if s.Report == "" && s.telemetry == nil && known == nil && s.watch.MaxLag == 0 {
		return
	}
	around := a.lookAtAll(ctx, store, s.Report != "")
	a.countLate(s, around)
	s.measureStreams(around)
	a.leaveReport(ctx, s, store, around)
	a.tellChanges(ctx, s, store, known, around, run)
}

// lookAtAll looks at all streams that the environment configures, whatever the run was asked for.
func (a *app) lookAtAll(ctx context.Context, store pipeline.Store, reports bool) *view {
	ctx, cancel := context.WithTimeout(ctx, lookPatience)
	defer cancel()
	s, e, err := a.wholeEngine(store)
	if err != nil {
		return &view{err: err}
	}
	return a.look(ctx, s, e, reports, false)
}

// countLate notes for the last line how many streams are late.
func (a *app) countLate(s *setup, around *view) {
	states, err := a.judged(around)
	if err != nil {
		s.log.Warn("how many streams are late cannot be told: " + err.Error())
		return
	}
	var stand show.Standing
	for _, st := range states {
		if st.Configured {
			stand.Configured++
			if st.Late {
				stand.Late++
			}
		}
	}
	a.final.stood(stand)
}

// lastCall is the context of something that is told at the end of a run: the signal that ends the run does not end it at
// once, and leaves it [stopPatience].
func lastCall(ctx context.Context, patience time.Duration) (context.Context, context.CancelFunc) {
	patient, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(stopPatience, cancel) })
	return patient, func() {
		stop()
		cancel()
	}
}

// webhookTenant is whose notes in the journal are the memory of a webhook: no source is called so.
var webhookTenant = pipeline.TenantKey{Source: "windrow", Account: "webhook"}

const (
	memoryKind = "webhook"
	// memoryFor is how far back the memory is looked for, and memoryAge how old it becomes before it is noted anew: sinks
	// forget notes that are a week older than the newest.
	memoryFor = 60 * 24 * time.Hour
	memoryAge = 3 * 24 * time.Hour
	// webhookPatience is how long all that a webhook needs may take.
	webhookPatience = 10 * time.Second
)

// remembered is what earlier runs left for a webhook.
type remembered struct {
	notify.Memory
	at time.Time // zero: nothing was there
}

// remember reads what earlier runs have left; nil where there is no webhook, or where nobody knows.
func (a *app) remember(ctx context.Context, s *setup, store pipeline.Store) *remembered {
	if !s.watch.Webhook.Set() {
		return nil
	}
	notes, err := store.Since(ctx, webhookTenant, a.now().Add(-memoryFor))
	r := &remembered{}
	for i := len(notes) - 1; i >= 0 && err == nil; i-- {
		if notes[i].Kind == memoryKind {
			r.at = notes[i].At
			r.Memory, err = notify.Of(notes[i].Text)
			break
		}
	}
	if err != nil {
		s.log.Warn("what WINDROW_WEBHOOK was told last cannot be read, so it is told nothing of this run: " + err.Error())
		return nil
	}
	return r
}

// tellChanges tells the webhook which streams' states a run has changed. What is to be told is noted before it is sent, so
// that the next run tells what nobody took. Whatever comes of it changes nothing else.
func (a *app) tellChanges(ctx context.Context, s *setup, store pipeline.Store, known *remembered, around *view, run pipeline.Summary) {
	if known == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, webhookPatience)
	defer cancel()
	if err := a.deliver(ctx, s, store, known, around, run); err != nil {
		s.log.Warn("WINDROW_WEBHOOK could not be told of all changes; the next run tells it again: " + err.Error())
	}
}

func (a *app) deliver(ctx context.Context, s *setup, store pipeline.Store, known *remembered, around *view, run pipeline.Summary) error {
	standings, err := a.standings(around, run)
	if err != nil {
		return err
	}
	next, changed, err := known.Next(standings, run.SyncID, a.now())
	if err != nil {
		return err
	}
	note := func() error {
		text, err := next.Text()
		if err != nil {
			return err
		}
		return store.Add(ctx, pipeline.Note{Tenant: webhookTenant, At: a.now(), Kind: memoryKind, Text: text})
	}
	if changed || a.now().Sub(known.at) > memoryAge {
		if err := note(); err != nil {
			return err
		}
	}
	sent := 0
	for _, m := range next.Pending {
		if err = s.watch.Webhook.Send(ctx, m, a.now()); err != nil {
			break // who takes this one not, takes no other
		}
		sent++
	}
	if next.Pending = next.Pending[sent:]; sent > 0 {
		err = errors.Join(err, note())
	}
	return err
}

// judged are the streams' states, of each of which it is known whether it is late.
func (a *app) judged(around *view) ([]plan.StreamStatus, error) {
	states := around.States
	if around.err != nil || len(states) == 0 {
		return nil, errors.Join(around.err, around.Damaged) // else what is damaged is left out, and was told
	}
	clock, err := a.clock()
	if err != nil {
		return nil, err
	}
	around.setup.judge(states, howMany(around.Damaged), pipeline.InstantOf(clock()), around.setup.watch.MaxLag)
	return states, nil
}

// standings are where the streams stand that are configured.
func (a *app) standings(around *view, run pipeline.Summary) ([]notify.Standing, error) {
	states, err := a.judged(around)
	if err != nil {
		return nil, err
	}
	var list []notify.Standing
	for _, st := range states {
		if !st.Configured {
			continue
		}
		of := notify.Standing{
			Key: pipeline.StreamKey{Account: st.Account, Stream: st.Stream}, State: notify.Good,
			Watermark: st.Watermark, LagSeconds: st.LagSeconds, Open: st.Open, Failed: st.FailedWindows,
		}
		switch {
		case st.FailedWindows > 0:
			of.State = notify.Failed
			of.ErrorKind, of.Hint = failureIn(run, of.Key)
		case st.Late:
			of.State = notify.Late
		}
		list = append(list, of)
	}
	return list, nil
}

// failureIn is why the run's last window of a stream failed, in a word, and what to do about it.
func failureIn(run pipeline.Summary, k pipeline.StreamKey) (kind, hint string) {
	for _, of := range run.Streams {
		if n := len(of.Errors); n > 0 && of.Stream == k.Stream && of.Account == k.Account {
			kind = of.Errors[n-1].ErrorKind
			return kind, pipeline.HintOf(kind)
		}
	}
	return "", ""
}
