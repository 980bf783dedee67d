package ucontact

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/windrow-data/windrow/connectors"
	"github.com/windrow-data/windrow/connectors/internal/httpclient"
	"github.com/windrow-data/windrow/pipeline"
)

// Fetch asks for r and yields one body, or, where the vendor found the query
// too heavy, the bodies of its parts in order: the span is halved down to one
// interval of the group, then the list of names down to one.
func (s *Source) Fetch(ctx context.Context, r pipeline.Request, env pipeline.Env, yield func(pipeline.Body) error) error {
	t, ok := statsTypeOf(r.Stream)
	if !ok {
		return &pipeline.Error{Op: statsOp, Stream: r.Stream, Kind: pipeline.Internal, Err: errors.New("not a stream of uContact")}
	}
	zone, err := time.LoadLocation(r.Zone)
	if err != nil {
		return &pipeline.Error{Op: statsOp, Stream: r.Stream, Kind: pipeline.Invalid, Err: fmt.Errorf("zone %q is unknown", r.Zone)}
	}
	f := fetch{source: s, request: r, env: env, zone: zone, stats: t, yield: yield}
	return f.fetchSplit(ctx, r.Span, r.Resources)
}

// fetch is one Fetch under way.
type fetch struct {
	source  *Source
	request pipeline.Request
	env     pipeline.Env
	zone    *time.Location
	stats   statsType
	yield   func(pipeline.Body) error
}

// fetchSplit fetches a part of the request, and splits the part as often as the
// vendor finds it too heavy.
func (f *fetch) fetchSplit(ctx context.Context, span pipeline.Span, names []string) error {
	heavy, err := f.fetchOnce(ctx, span, names)
	if !heavy {
		return err
	}
	switch pieces := f.source.set.group.in(f.zone).Cut(span); {
	case len(pieces) > 1:
		half := pieces[len(pieces)/2].Start
		if err := f.fetchSplit(ctx, pipeline.Span{Start: span.Start, End: half}, names); err != nil {
			return err
		}
		return f.fetchSplit(ctx, pipeline.Span{Start: half, End: span.End}, names)
	case len(names) > 1:
		half := len(names) / 2
		if err := f.fetchSplit(ctx, span, names[:half:half]); err != nil {
			return err
		}
		return f.fetchSplit(ctx, span, names[half:])
	}
	var e *pipeline.Error
	if errors.As(err, &e) {
		p := f.source.set.prefix
		e.Hint = fmt.Sprintf("one interval of one resource is already too heavy for the vendor: ask for fewer metrics (%sAGENT_METRICS, %sCAMPAIGN_METRICS) or a shorter %sGROUPNUM", p, p, p)
	}
	return err
}

// fetchOnce asks once and yields the answer, or reports that the query was too
// heavy, with the error that said so. It counts as one of the vendor's few calls
// under way from the request until the answer is read.
func (f *fetch) fetchOnce(ctx context.Context, span pipeline.Span, names []string) (heavy bool, err error) {
	s := f.source
	if err := s.calls.Acquire(ctx, 1); err != nil {
		return false, &pipeline.Error{Op: statsOp, Stream: f.request.Stream, Window: span, Kind: pipeline.Stopped, Err: err}
	}
	defer s.calls.Release(1)

	q := statsQuery{stats: f.stats, span: span, zone: f.zone, group: s.set.group.name, names: names}
	meta := f.meta(span, names)
	ask := func(ctx context.Context) (*httpclient.Response, error) {
		return s.post(ctx, q, func(r *httpclient.Request) { r.Notify = connectors.Notifier(f.env, f.request) })
	}
	// The answer that proves that the query is not too heavy is the one that is read.
	answer, err := httpclient.Prefetch(ctx, ask)
	if err != nil {
		return pipeline.KindOf(err) == pipeline.TooHeavy, err
	}
	defer answer.Close()
	return false, f.yield(pipeline.Body{Meta: meta, Open: answer.Open})
}

// meta describes a part's body.
func (f *fetch) meta(span pipeline.Span, names []string) pipeline.Meta {
	s := f.source
	r := f.request
	r.Resources = names
	m := pipeline.Meta{
		Request:      r,
		Span:         span,
		ExtractedAt:  pipeline.InstantOf(s.opt.Clock()),
		ReadAt:       pipeline.InstantOf(s.opt.Now()),
		Group:        s.set.group.name,
		ResponseZone: s.set.responseZone,
	}
	if m.ResponseZone == requestZone {
		m.ResponseZone = r.Zone
	}
	return m
}
