package connectortest

import (
	"context"
	"errors"
	"fmt"

	"github.com/windrow-data/windrow/pipeline"
)

func contextEnds(ctx context.Context, b *bench) error {
	ended, cancel := context.WithCancel(ctx)
	cancel()
	return b.each(func(_ pipeline.Stream, r pipeline.Request) error {
		before := b.Calls()
		documents, err := b.fetch(ended, r)
		if err == nil || len(documents) > 0 || pipeline.KindOf(err) != pipeline.Stopped || b.Calls() != before {
			return fmt.Errorf("%d bodies, %d calls, the error %v", len(documents), b.Calls()-before, err)
		}
		return nil
	})
}

func troubleIsRetried(ctx context.Context, b *bench) error {
	return b.each(func(s pipeline.Stream, r pipeline.Request) error {
		for _, trouble := range []Trouble{Down, Throttles} {
			b.Trouble(trouble)
			told := len(b.notices)
			documents, err := b.fetch(ctx, r)
			if err != nil {
				return err
			}
			for _, d := range documents {
				if _, err := rows(s, d); err != nil {
					return err
				}
			}
			if len(documents) == 0 || len(b.notices) == told {
				return fmt.Errorf("%d bodies, %d notices", len(documents), len(b.notices)-told)
			}
		}
		return b.innocent()
	})
}

// fewCalls is what a source may spend to learn that it is not wanted: a call,
// a new login and the call again, for each of its ways.
const fewCalls = 4

func refusalIsFinal(ctx context.Context, b *bench) error {
	b.Trouble(Refuses)
	refused := func(err error, calls int) error {
		var e *pipeline.Error
		switch {
		case !errors.As(err, &e) || e.Kind != pipeline.Unauthorized:
			return fmt.Errorf("not told as refused: %v", err)
		case e.Hint == "":
			return fmt.Errorf("no hint: %w", err)
		case calls > fewCalls:
			return fmt.Errorf("%d calls", calls)
		}
		return b.innocent(err)
	}
	before := b.Calls()
	if err := refused(b.Source.Check(ctx), b.Calls()-before); err != nil {
		return fmt.Errorf("check: %w", err)
	}
	return b.each(func(_ pipeline.Stream, r pipeline.Request) error {
		before := b.Calls()
		_, err := b.fetch(ctx, r)
		return refused(err, b.Calls()-before)
	})
}

// inTrouble reads a document of every stream, each with the vendor in trouble.
func inTrouble(ctx context.Context, b *bench, trouble Trouble) error {
	streams, err := b.configured()
	if err != nil {
		return err
	}
	for _, s := range streams {
		b.Trouble(trouble)
		documents, err := b.fetch(ctx, b.requests(s)[0])
		for _, d := range documents {
			if err != nil {
				break
			}
			_, err = rows(s, d)
		}
		switch kind := pipeline.KindOf(err); {
		case err == nil:
			return fmt.Errorf("stream %s: taken for good, %d bodies", s.Key, len(documents))
		case trouble == BreaksOff && kind != pipeline.Unavailable, trouble != BreaksOff && kind != pipeline.Malformed:
			return fmt.Errorf("stream %s: the error is of kind %q: %v", s.Key, kind, err)
		}
		if err := b.innocent(err); err != nil {
			return err
		}
	}
	return nil
}

func brokenDocumentsFail(ctx context.Context, b *bench) error { return inTrouble(ctx, b, BreaksOff) }

func otherDocumentsFail(ctx context.Context, b *bench) error {
	return errors.Join(inTrouble(ctx, b, Page), inTrouble(ctx, b, Blank))
}
