package dialpad

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

const (
	// reportPatience is how long a report may be processing; the longest seen
	// in public is below two minutes.
	reportPatience = 30 * time.Minute
	// reportSlow is when a report is later than any seen. From then on its looks
	// count as new ones: those at younger reports go before them.
	reportSlow = 2 * time.Minute
	// mostOrders bounds how often one report is ordered again because its id
	// or its links had expired.
	mostOrders = 3
)

var (
	errExpired = errors.New("the report's id has expired")
	errFailed  = errors.New("the vendor failed to make the report")
)

// order is one request on its way: ordered, watched, and downloaded by who
// opens the body.
type order struct {
	src     *Source
	request pipeline.Request
	env     pipeline.Env
	ask     ask
	// since is when the report was ordered, and later when it was last looked at
	// if it is slow. Where requests wait for the rate, its looks and its download
	// are as old as this: of two reports the one likelier to be ready goes first.
	since time.Time
}

// receipt is the vendor's answer to a POST.
type receipt struct {
	id string
	// cached tells that the vendor had the report, or was at it, before.
	cached bool
	// doubtful: the answer may be a file cached under the same days_ago before
	// local midnight, which has other days.
	doubtful bool
}

// Fetch orders the report, waits until it is made and yields it. The report of
// an earlier run that was killed meanwhile is looked at without a wait: the
// vendor caches by parameters, so the same question finds it.
func (s *Source) Fetch(ctx context.Context, r pipeline.Request, env pipeline.Env, yield func(pipeline.Body) error) error {
	o, err := s.newOrder(r, env)
	if err != nil {
		return err
	}
	got, link, err := o.report(ctx)
	if err != nil {
		return s.explain(err)
	}
	if got.doubtful && s.timeless(r.Stream) {
		return o.stale(errors.New("the vendor answered from its cache shortly after local midnight, and rows without a date cannot prove their day"))
	}
	d := &download{order: o, receipt: got, link: link}
	return yield(pipeline.Body{Meta: o.meta(got), Open: d.open})
}

func (s *Source) newOrder(r pipeline.Request, env pipeline.Env) (*order, error) {
	o := &order{src: s, request: r, env: env}
	var err error
	if o.ask, err = s.askOf(r); err == nil && env.Journal == nil {
		err = errors.New("no journal for the quota of reports")
	}
	if err != nil {
		return nil, &pipeline.Error{Op: "order a report", Stream: r.Stream, Window: r.Span, Kind: pipeline.Internal, Err: err}
	}
	return o, nil
}

// report orders the report and watches it until there is a link to it. One
// whose id expires meanwhile is ordered again, and one that failed is so once.
func (o *order) report(ctx context.Context) (receipt, string, error) {
	failures := 0
	for orders := 1; ; orders++ {
		got, err := o.post(ctx)
		if err != nil {
			return got, "", err
		}
		link, err := o.watch(ctx, got)
		switch {
		case err == nil:
			return got, link, nil
		case errors.Is(err, errFailed):
			failures++
		case !errors.Is(err, errExpired):
			return got, "", err
		}
		if failures == 2 {
			return got, "", &pipeline.Error{
				Op: "GET /stats/{id}", Kind: pipeline.Unavailable, Err: fmt.Errorf("%w, twice", errFailed),
				Hint: "the vendor gives no reason; the next sync orders it anew",
			}
		}
		if orders == mostOrders {
			return got, "", &pipeline.Error{
				Op: "GET /stats/{id}", Kind: pipeline.Unavailable, Err: fmt.Errorf("%w, %d times in a row", err, orders),
				Hint: "the vendor forgot each report before it could be read; the next sync orders it anew",
			}
		}
	}
}

// post orders the report, within the quota and away from local midnight.
func (o *order) post(ctx context.Context) (receipt, error) {
	var got receipt
	err := o.src.gate.pass(ctx, posting{
		journal: o.env.Journal,
		text:    o.ask.String(),
		notify:  o.tell,
		hold: func() (time.Duration, string) {
			if o.src.clockStands() {
				return 0, ""
			}
			return holdOff(pipeline.InstantOf(o.src.clock()), o.ask.loc), "local midnight: until the vendor's today is ours"
		},
		send: func(ctx context.Context) error {
			var err error
			got, err = o.postOnce(ctx)
			return err
		},
	})
	return got, err
}

// postOnce counts the days back from the local date of this moment and asks.
func (o *order) postOnce(ctx context.Context) (receipt, error) {
	asked := pipeline.InstantOf(o.src.clock())
	today := dayOf(asked, o.ask.loc)
	start, end := o.ask.days.daysAgo(today)
	if start < 1 {
		return receipt{}, &pipeline.Error{
			Op: "POST /stats", Stream: o.request.Stream, Window: o.request.Span, Kind: pipeline.Refused,
			Err:  fmt.Errorf("the day %s is not over in %s, and today is never asked together with past days", o.ask.days.last, o.ask.loc),
			Hint: "a sync after the day's end reads it",
		}
	}
	got, err := o.src.postStats(ctx, o.ask.body(start, end), o.tell)
	if err != nil {
		return receipt{}, err
	}
	o.since = o.src.now()
	answered := pipeline.InstantOf(o.src.clock())
	if dayOf(answered, o.ask.loc) != today {
		return receipt{}, o.stale(errors.New("the local date changed while the report was ordered by days ago"))
	}
	got.doubtful = got.cached && (mayBeYesterdays(asked, o.ask.loc) || mayBeYesterdays(answered, o.ask.loc))
	return got, nil
}

// watch looks at the report until it is made and returns the link to it. What
// was there before is looked at without a first wait.
func (o *order) watch(ctx context.Context, got receipt) (string, error) {
	set := o.src.set
	began := o.src.now()
	wait := set.pollFirst
	if got.cached {
		wait = 0
	}
	for {
		if wait > 0 {
			if err := sleepTold(ctx, o.tell, "waiting for the report", o.src.now, wait); err != nil {
				return "", err
			}
		}
		state, link, err := o.src.getStats(ctx, got.id, o.since, o.tell)
		waited := o.src.now().Sub(began) // for the rate too
		switch {
		case err != nil:
			return "", err
		case state == stateComplete:
			return link, nil
		case state == stateFailed:
			return "", errFailed
		case waited >= reportPatience:
			return "", &pipeline.Error{
				Op: "GET /stats/{id}", Kind: pipeline.Unavailable,
				Err:  fmt.Errorf("the report is still %q after %s", state, short(waited.Round(time.Second))),
				Hint: "the next sync looks at it again; fewer days in one report (WINDOW) may help",
			}
		case waited >= reportSlow:
			o.since = o.src.now()
		}
		wait = set.pollEvery
	}
}

func (o *order) meta(got receipt) pipeline.Meta {
	m := pipeline.Meta{
		Request:      o.request,
		Span:         o.ask.days.span(o.ask.loc),
		ExtractedAt:  pipeline.InstantOf(o.src.clock()),
		ReadAt:       pipeline.InstantOf(o.src.now()),
		Group:        o.ask.groupBy,
		ResponseZone: o.ask.loc.String(),
	}
	if !o.src.timeless(o.request.Stream) {
		one := func(d day) pipeline.Span { return dayRange{d, d}.span(o.ask.loc) }
		m.Days = &pipeline.AskedDays{
			Span: m.Span, First: one(o.ask.days.first), Last: one(o.ask.days.last),
			EdgesMustHaveRows: got.doubtful,
		}
	}
	return m
}

// stale is the error of an answer that may be about other days.
func (o *order) stale(why error) error {
	return &pipeline.Error{
		Op: "POST /stats", Stream: o.request.Stream, Window: o.request.Span, Kind: pipeline.Mismatch, Err: why,
		Hint: "nothing was committed; the next sync reads these days",
	}
}

// tell passes a line of progress on.
func (o *order) tell(text string, until time.Time) {
	if o.env.Notify != nil {
		o.env.Notify(pipeline.Notice{Request: o.request, Text: text, Until: until})
	}
}
