package dialpad

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/windrow-data/windrow/connectors"
	"github.com/windrow-data/windrow/connectors/internal/httpclient"
	"github.com/windrow-data/windrow/pipeline"
)

const (
	// reportPatience is how long a report may be processing; the longest seen
	// in public is below two minutes.
	reportPatience = 30 * time.Minute
	// reportSlow is when a report is later than any seen. From then on its polls
	// count as new ones: the polls of younger reports go first.
	reportSlow = 2 * time.Minute
	// maxPosts bounds how often one report is asked for again because its id or
	// its links had expired.
	maxPosts = 3
)

var (
	errExpired  = errors.New("the report's id has expired")
	errPanicked = errors.New("the report was given up") // so that none waits for it
	errFailed   = errors.New("the vendor failed to make the report")
)

// report is one request on its way: posted, polled until it is made, and
// downloaded by who opens the body.
type report struct {
	src     *Source
	request pipeline.Request
	journal pipeline.Journal
	notify  func(text string, until time.Time)
	turn    *pipeline.Turn
	query   query
	// today: when the report was begun its day was not over. By days ago it may not be asked before it has settled.
	today  bool
	flight *flight
	// since is when the report was posted, and later, if it is slow, when it was
	// last polled. Where requests wait for the rate, its polls and its download
	// are as old as this: of two reports the one likelier to be ready goes first.
	since time.Time
}

// handle is the vendor's answer to a POST.
type handle struct {
	id string
	// cached tells that the vendor had the report, or was at it, before.
	cached bool
	// doubtful: the answer may be a file cached under the same days_ago before
	// local midnight, which has other days.
	doubtful bool
}

// Fetch posts the report, waits until it is made and yields it. The report of
// an earlier run that was killed meanwhile is polled without a wait: the vendor
// caches by parameters, so the same parameters find it.
func (s *Source) Fetch(ctx context.Context, r pipeline.Request, env pipeline.Env, yield func(pipeline.Body) error) error {
	rep, err := s.newReport(r, env)
	if err != nil {
		return err
	}
	if env.Turn.Wait(ctx) != nil {
		return stopped(ctx)
	}
	if rep.flight, err = s.pilots.of(rep.query).wait(ctx); err != nil {
		return s.explain(err)
	}
	h, link, err := rep.fly(ctx)
	if err != nil {
		return s.explain(err)
	}
	if h.doubtful && s.timeless(r.Stream) {
		return rep.stale(errors.New("the vendor answered from its cache shortly after local midnight, and rows without a date cannot prove their day"))
	}
	d := &download{report: rep, handle: h, link: link}
	return yield(pipeline.Body{Meta: rep.meta(h), Open: d.open})
}

func (s *Source) newReport(r pipeline.Request, env pipeline.Env) (*report, error) {
	rep := &report{src: s, request: r, journal: env.Journal, notify: connectors.Notifier(env, r), turn: env.Turn}
	var err error
	if rep.query, err = s.queryOf(r); err == nil && env.Journal == nil {
		err = errors.New("no journal for the quota of reports")
	}
	if err != nil {
		return nil, &pipeline.Error{Op: "order a report", Stream: r.Stream, Window: r.Span, Kind: pipeline.Internal, Err: err}
	}
	rep.today = rep.query.days.last >= dayOf(pipeline.InstantOf(s.clock()), rep.query.loc)
	if lead := rep.query.export.lead(); rep.today && rep.query.days.len() == 1+lead {
		rep.query.days.first = rep.query.days.last // today is never asked together with the day before
	}
	return rep, nil
}

// fly makes the report, as the first of its kind or behind it.
func (r *report) fly(ctx context.Context) (h handle, link string, err error) {
	err = errPanicked
	defer func() { r.flight.land(err) }()
	return r.make(ctx)
}

// make posts the report and polls it until there is a link to it. A report
// whose id expires meanwhile is posted again, and one that failed is so once.
func (r *report) make(ctx context.Context) (handle, string, error) {
	failures := 0
	for posts := 1; ; posts++ {
		h, err := r.post(ctx)
		if err != nil {
			return h, "", err
		}
		link, err := r.poll(ctx, h)
		switch {
		case err == nil:
			return h, link, nil
		case errors.Is(err, errFailed):
			failures++
		case !errors.Is(err, errExpired):
			return h, "", err
		}
		if failures == 2 {
			return h, "", &pipeline.Error{
				Op: "GET /stats/{id}", Kind: pipeline.Unavailable, Cause: pipeline.VendorError,
				Err:  fmt.Errorf("twice, of %s for %s: %w", r.request.Stream, r.request.Scope, err),
				Hint: "the next sync orders it anew; where that never helps, " + r.remedy(),
			}
		}
		if posts == maxPosts {
			return h, "", &pipeline.Error{
				Op: "GET /stats/{id}", Kind: pipeline.Unavailable, Err: fmt.Errorf("%w, %d times in a row", err, posts),
				Hint: "the vendor forgot each report before it could be read; the next sync orders it anew",
			}
		}
	}
}

// post asks for the report, within the quota and away from local midnight. The
// days are counted back from the local date of the moment when an attempt was
// admitted.
func (r *report) post(ctx context.Context) (handle, error) {
	if err := r.src.meet(ctx, r.notify); err != nil {
		return handle{}, err
	}
	attempt := &postAttempt{journal: r.journal, text: r.query.String(), rank: r.rank(), notify: r.notify, hold: r.holdOff}
	var asked pipeline.Instant
	outcome := r.src.served.ask()
	h, err := r.src.postStats(ctx, func(ctx context.Context, q *httpclient.Request) (func(error), error) {
		answered, err := r.src.posts.Admit(ctx, attempt)
		if err != nil {
			return nil, err
		}
		r.turn.Over()
		asked = pipeline.InstantOf(r.src.clock())
		if q.Body, err = r.body(asked); err != nil {
			answered(err)
			return nil, err
		}
		return answered, nil
	}, r.notify)
	if err != nil {
		outcome(false)
		return handle{}, r.refusal(ctx, err)
	}
	outcome(true)
	r.since = r.src.now()
	loc, now := r.query.loc, pipeline.InstantOf(r.src.clock())
	if dayOf(now, loc) != dayOf(asked, loc) {
		return handle{}, r.stale(errors.New("the local date changed while the report was ordered by days ago"))
	}
	cache := vendorCache
	if r.query.days.last == dayOf(asked, loc) {
		cache = todayCache
	}
	h.doubtful = h.cached && (mayBeYesterdays(asked, loc, cache) || mayBeYesterdays(now, loc, cache))
	return h, nil
}

// rank is the report's among those that wait to be ordered: windows that are nearly read go before younger ones, so that a
// run which ends meanwhile has most of them behind it.
func (r *report) rank() rank {
	stream := slices.IndexFunc(exports, func(e export) bool { return e.name == r.query.export.name })
	return rank{r.request.Span.Start, stream, slices.Index(r.src.set.scopes, r.query.scope)}
}

// holdOff is how long no POST may be sent because of local midnight.
func (r *report) holdOff() (time.Duration, string) {
	if r.src.clockStands() {
		return 0, ""
	}
	return holdOff(pipeline.InstantOf(r.src.clock()), r.query.loc), "local midnight: until the vendor's today is ours"
}

// body is the POST's body when it is sent at now.
func (r *report) body(now pipeline.Instant) ([]byte, error) {
	start, end := r.query.days.daysAgo(dayOf(now, r.query.loc))
	problem := ""
	switch {
	case start < 0, start == 0 && end > 0:
		problem = fmt.Sprintf("the day %s is not over in %s, and today is never asked together with past days", r.query.days.last, r.query.loc)
	case start > 0 && r.today:
		problem = fmt.Sprintf("the day %s ended in %s before the report on it, as on today, was ordered", r.query.days.last, r.query.loc)
	}
	if problem != "" {
		return nil, &pipeline.Error{
			Op: "POST /stats", Stream: r.request.Stream, Window: r.request.Span, Kind: pipeline.Refused,
			Err: errors.New(problem), Hint: "a sync after the day's end, and the time that it takes to settle, reads it",
		}
	}
	text, err := json.Marshal(r.query.parameters(start, end))
	if err != nil {
		return nil, &pipeline.Error{Op: "POST /stats", Kind: pipeline.Internal, Err: err}
	}
	return text, nil
}

// poll asks for the report's state until it is made and returns the link to it.
// What was there before is polled without a first wait.
func (r *report) poll(ctx context.Context, h handle) (string, error) {
	set := r.src.set
	began := r.src.now()
	var unlinked time.Time // when the report was first seen complete without a link
	wait := set.pollFirst
	if h.cached {
		wait = 0
	}
	for {
		if wait > 0 {
			if err := notifyAndSleep(ctx, r.notify, "waiting for the report", pipeline.WaitReport, r.src.now, wait); err != nil {
				return "", err
			}
		}
		seen, err := r.src.getStats(ctx, h.id, r.since, r.notify)
		now := r.src.now()
		waited := now.Sub(began) // for the rate too
		if seen.state == stateComplete && unlinked.IsZero() {
			unlinked = now
		}
		switch {
		case err != nil:
			return "", err
		case seen.state == stateComplete && seen.link != "":
			return seen.link, nil
		case seen.state == stateComplete && now.Add(set.pollEvery).Sub(unlinked) > r.src.client.RetryFor():
			return "", withoutLink(seen)
		case seen.state == stateFailed && seen.said != "":
			return "", fmt.Errorf("%w: %s", errFailed, seen.said)
		case seen.state == stateFailed:
			return "", errFailed
		case waited >= reportPatience:
			return "", &pipeline.Error{
				Op: "GET /stats/{id}", Kind: pipeline.Unavailable, Cause: pipeline.NotReady,
				Err:  fmt.Errorf("the report is still %q after %s", seen.state, short(waited.Round(time.Second))),
				Hint: "the next sync looks at it again; fewer days in one report (WINDOW) may help",
			}
		case waited >= reportSlow:
			r.since = r.src.now()
			r.flight.decide(nil) // it was taken, and is not waited for by others
		}
		wait = set.pollEvery
	}
}

// withoutLink is the error of a report that stays complete without a link.
func withoutLink(seen look) error {
	return &pipeline.Error{
		Op: "GET /stats/{id}", Kind: pipeline.Unavailable, Cause: pipeline.NotReady, Err: errors.New(httpclient.Saying("the report is complete but has no download_url", seen.said)),
		Hint: "the next sync looks at it again",
	}
}

func (r *report) meta(h handle) pipeline.Meta {
	m := pipeline.Meta{
		Request:      r.request,
		Span:         r.query.days.span(r.query.loc),
		ExtractedAt:  pipeline.InstantOf(r.src.clock()),
		ReadAt:       pipeline.InstantOf(r.src.now()),
		Group:        r.query.groupBy,
		ResponseZone: r.query.loc.String(),
	}
	if !r.src.timeless(r.request.Stream) {
		one := func(d day) pipeline.Span { return dayRange{d, d}.span(r.query.loc) }
		m.Days = &pipeline.AskedDays{
			Span: m.Span, First: one(r.query.days.first), Last: one(r.query.days.last),
			EdgesMustHaveRows: h.doubtful,
		}
	}
	return m
}

// stale is the error of an answer that may be about other days.
func (r *report) stale(why error) error {
	return &pipeline.Error{
		Op: "POST /stats", Stream: r.request.Stream, Window: r.request.Span, Kind: pipeline.Mismatch, Cause: pipeline.Stale, Err: why,
		Hint: "nothing was committed; the next sync reads these days",
	}
}
