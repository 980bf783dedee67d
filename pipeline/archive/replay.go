package archive

import (
	"context"
	"errors"
	"io"

	"github.com/windrow-data/windrow/pipeline"
)

// Planner is the half of a source that calls no vendor: [pipeline.Source] says
// what its methods promise. A source is one, and so may be whoever plans by
// what an archive holds.
type Planner interface {
	Streams() []pipeline.Stream
	Plan(s pipeline.Stream, due []pipeline.Window) []pipeline.Extraction
}

// Replay returns a source that plans as p does and answers from a. No vendor is
// called, and no credentials are needed. A request whose answer is not kept
// fails with an error of kind Refused, so that its windows stay as they are.
func Replay(p Planner, a Archive) pipeline.Source { return &replay{Planner: p, archive: a} }

type replay struct {
	Planner
	archive Archive
}

func (r *replay) Fetch(ctx context.Context, q pipeline.Request, _ pipeline.Env, yield func(pipeline.Body) error) error {
	bodies, err := r.archive.Bodies(ctx, q)
	if err != nil {
		return err
	}
	if len(bodies) == 0 {
		return &pipeline.Error{Op: "replay", Stream: q.Stream, Window: q.Span, Kind: pipeline.Refused, Err: errors.New("the archive has no answer to this request")}
	}
	for _, b := range bodies {
		if err := ctx.Err(); err != nil {
			return &pipeline.Error{Op: "replay", Stream: q.Stream, Window: q.Span, Kind: pipeline.Stopped, Err: err}
		}
		b.Open = openKept(b.Open)
		if err := yield(b); err != nil {
			return err
		}
	}
	return nil
}

// kept is a document of the archive: it is whole, for only what was read and accepted is kept.
type kept struct{ io.ReadCloser }

func (kept) Proven() bool { return true }

func openKept(open func(context.Context) (io.ReadCloser, error)) func(context.Context) (io.ReadCloser, error) {
	return func(ctx context.Context) (io.ReadCloser, error) {
		body, err := open(ctx)
		if err != nil {
			return nil, err
		}
		return kept{body}, nil
	}
}

// Check proves nothing: there is nobody who could refuse.
func (r *replay) Check(context.Context) error { return nil }
