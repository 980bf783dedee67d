package chattonic

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/windrow-data/windrow/connectors"
	"github.com/windrow-data/windrow/connectors/chattonic/internal/inbox"
	"github.com/windrow-data/windrow/pipeline"
)

// fetchNPS yields the newest export that has the window's answers. Where there is none yet, and the vendor may be asked,
// it asks once and for ever: the mail is for a later run.
func (s *Source) fetchNPS(ctx context.Context, r pipeline.Request, env pipeline.Env, yield func(pipeline.Body) error) error {
	view, done, err := s.inbox.look(ctx, r.Span.Start, env.Memory, connectors.Notifier(env, r))
	if err != nil {
		return locate(err, r.Stream, r.Span)
	}
	defer done()
	e := view.of(r.Span)
	if s.set.nps.request && env.Memory != nil && (e == nil || s.early(e, r.Span)) && s.settled(r.Span) && len(askedFor(view.asked, r.Span)) == 0 {
		err := s.ask(ctx, view, r, env)
		if e == nil || err != nil && pipeline.KindOf(err) != pipeline.Awaited {
			return locate(err, r.Stream, r.Span)
		}
	}
	if e == nil {
		return locate(s.notThere(ctx, view, r.Span, env.Memory), r.Stream, r.Span)
	}
	if e.err != nil {
		return locate(inFile(e, e.err), r.Stream, r.Span)
	}
	if err := s.inbox.takes(ctx, view, e, r.Span, env.Memory); err != nil {
		return locate(err, r.Stream, r.Span)
	}
	undated := !e.asked.Empty() || e.first == pipeline.NoInstant || r.Span.Has(e.first)
	meta := s.meta(r)
	meta.ExtractedAt = min(meta.ExtractedAt, s.madeAt(e))
	meta.Portion = &pipeline.Portion{Undated: undated}
	connectors.Notifier(env, r)("reading "+e.String(), time.Time{})
	return yield(pipeline.Body{Meta: meta, Open: func(context.Context) (io.ReadCloser, error) { return e.Open(), nil }})
}

// inFile names the file that an error is about.
func inFile(e *export, err error) error {
	var known *pipeline.Error
	if !errors.As(err, &known) {
		return err
	}
	named := *known
	named.Op = "read " + e.String()
	return &named
}

// madeAt is when the vendor made an export, as far as it is known: a file that is older than its rows was copied.
func (s *Source) madeAt(e *export) pipeline.Instant {
	at := pipeline.InstantOf(e.At)
	if e.last != pipeline.NoInstant && at < e.last {
		return pipeline.InstantOf(s.opt.Clock())
	}
	return at
}

// early reports whether an export was made before the window had settled, so that a later one may say more.
func (s *Source) early(e *export, w pipeline.Span) bool {
	return s.madeAt(e) < w.End.Add(s.set.pace.Settle)
}

// settled reports whether the vendor no longer restates the window, by both clocks.
func (s *Source) settled(w pipeline.Span) bool {
	return min(pipeline.InstantOf(s.opt.Clock()), pipeline.InstantOf(s.opt.Now())) >= w.End.Add(s.set.pace.Settle)
}

// notThere is the error of a window for which nothing is in the inbox.
func (s *Source) notThere(ctx context.Context, v *npsView, w pipeline.Span, m pipeline.Memory) error {
	const op = "look into the inbox"
	if m != nil {
		l, err := m.Ledger(ctx)
		if err != nil {
			return err
		}
		if _, committed := l.Live(w); committed {
			return &pipeline.Error{Op: op, Kind: pipeline.Awaited, Err: errors.New("nothing is there any more, and what is committed stays")}
		}
	}
	none := &pipeline.Error{
		Op: op, Kind: pipeline.Unavailable, Cause: pipeline.NotReady,
		Err:  fmt.Errorf("no export with these days is in %s", s.inbox.place),
		Hint: fmt.Sprintf("put one there, or let %sNPS_REQUEST=true ask for it", s.set.prefix),
	}
	asked := askedFor(v.asked, w)
	switch {
	case len(asked) == 0 && s.set.nps.request:
		return &pipeline.Error{Op: op, Kind: pipeline.Awaited, Err: errors.New("the vendor is asked for it once it has settled")}
	case len(asked) == 0:
		return none
	}
	last := asked[len(asked)-1]
	due := last.ReadAt.Add(mailPatience)
	if pipeline.InstantOf(s.opt.Now()) < due {
		return &pipeline.Error{Op: op, Kind: pipeline.Awaited, Err: fmt.Errorf("the vendor was asked at %s, and its mail may come until %s", last.ReadAt, due)}
	}
	none.Err = fmt.Errorf("the vendor was asked at %s, and no mail with these days has come to %s", last.ReadAt, s.inbox.place)
	if last.Note != pipeline.AskTaken {
		none.Err = fmt.Errorf("the vendor was perhaps never asked, at %s, and no mail with these days has come to %s", last.ReadAt, s.inbox.place)
	}
	none.Hint = "it is asked once and never again: export these days in the vendor's portal, and put the file there"
	return none
}

// ask has the vendor mail the export of a window. It is noted before, so that a kill asks no second time; whether a
// request that was noted was sent, nobody knows then. Of two runs that note the same window, at most one asks.
func (s *Source) ask(ctx context.Context, view *npsView, r pipeline.Request, env pipeline.Env) error {
	if err := s.ready(ctx, view); err != nil {
		return err
	}
	if err := s.calls.Acquire(ctx, 1); err != nil {
		return &pipeline.Error{Op: "ask for the export", Kind: pipeline.Stopped, Err: err}
	}
	defer s.calls.Release(1)
	notify := connectors.Notifier(env, r)
	a, err := s.session.access(ctx, "", notify)
	if err != nil {
		return err
	}
	entry := pipeline.Entry{Kind: pipeline.EntryAsk, Window: r.Windows[0], ReadAt: pipeline.InstantOf(s.opt.Now())}
	if err := env.Memory.Record(ctx, entry); err != nil {
		return err
	}
	pipeline.Point(ctx, "chattonic.asking")
	l, err := env.Memory.Ledger(ctx)
	if err != nil {
		return err
	}
	awaited := &pipeline.Error{Op: "ask for the export", Kind: pipeline.Awaited, Err: errors.New("the vendor was asked to mail it")}
	if len(askedFor(l.Asked(), r.Span)) > 1 {
		awaited.Err = errors.New("another run asks for it at the same time")
		return awaited
	}
	err = s.request(ctx, a, r.Span, notify)
	pipeline.Point(ctx, "chattonic.asked")
	if ctx.Err() != nil {
		return err // it is not known what came of it, and stays so
	}
	entry.Note = pipeline.AskTaken
	if err != nil {
		entry.Note, entry.ErrorKind = "", pipeline.ErrorKind(err)
	}
	if recorded := env.Memory.Record(ctx, entry); recorded != nil {
		return errors.Join(s.advise(err), recorded)
	}
	if err != nil {
		return s.advise(err)
	}
	return awaited
}

// ready proves credentials and clock by a question that does nothing, before anything is noted or asked for.
func (s *Source) ready(ctx context.Context, v *npsView) error {
	v.proof.Do(func() { v.proven = s.Check(ctx) })
	return v.proven
}

// request is the GET of the export, which is sent once. What the vendor answers is not published: any success is one.
func (s *Source) request(ctx context.Context, a access, span pipeline.Span, notify func(string, time.Time)) error {
	from, _ := endpointOf(NPS)
	call := s.call(a, from, span)
	call.Once, call.TakesAccepted, call.MaxBody, call.Notify = true, true, checkLimit, notify
	answer, err := s.client.Do(ctx, call)
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, answer.Body) // it says nothing that is needed
	_ = answer.Body.Close()
	return nil
}

// newPlace is the inbox of the settings.
func (s *npsSettings) newPlace(of *Settings, o Options, mask pipeline.Mask) inbox.Place {
	if s.mailbox != nil {
		return inbox.Mailbox{
			URL: s.mailbox, Password: s.password, Date: s.columns.date, Timeout: of.pace.Timeout, RetryFor: o.RetryFor, Mask: mask, Prefix: of.prefix, Disk: o.Disk,
		}
	}
	return inbox.Folder{Path: s.folder, Date: s.columns.date, Hint: fmt.Sprintf("check %sNPS_FROM, and that the folder may be read", of.prefix), Disk: o.Disk}
}

// secrets are what no message may hold.
func (s *Settings) secrets() []string {
	list := []string{s.credentials.token, s.credentials.password}
	if s.nps != nil {
		list = append(list, s.nps.password)
	}
	return list
}
