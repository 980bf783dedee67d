package connectortest

import (
	"context"
	"errors"
	"fmt"

	"github.com/windrow-data/windrow/pipeline"
)

func contextEnds(ctx context.Context, h *harness) error {
	ended, cancel := context.WithCancel(ctx)
	cancel()
	return h.each(func(_ pipeline.Stream, r pipeline.Request) error {
		before := h.Calls()
		documents, err := h.fetch(ended, r)
		if err == nil || len(documents) > 0 || pipeline.KindOf(err) != pipeline.Stopped || h.Calls() != before {
			return fmt.Errorf("%d bodies, %d calls, the error %v", len(documents), h.Calls()-before, err)
		}
		return nil
	})
}

func troubleIsRetried(ctx context.Context, h *harness) error {
	return h.each(func(s pipeline.Stream, r pipeline.Request) error {
		for _, trouble := range []Trouble{Down, Throttles} {
			h.Trouble(trouble)
			told := len(h.notices)
			documents, err := h.fetch(ctx, r)
			if err != nil {
				return err
			}
			for _, d := range documents {
				if _, err := rows(s, d); err != nil {
					return err
				}
			}
			if len(documents) == 0 || len(h.notices) == told {
				return fmt.Errorf("%d bodies, %d notices", len(documents), len(h.notices)-told)
			}
		}
		return h.noSecretTold()
	})
}

// fewCalls is what a source may spend to learn that it is not wanted: a call,
// a new login and the call again, for each of its ways.
const fewCalls = 4

func refusalIsFinal(ctx context.Context, h *harness) error {
	h.Trouble(Refuses)
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
		return h.noSecretTold(err)
	}
	before := h.Calls()
	if err := refused(h.Source.Check(ctx), h.Calls()-before); err != nil {
		return fmt.Errorf("check: %w", err)
	}
	return h.each(func(_ pipeline.Stream, r pipeline.Request) error {
		before := h.Calls()
		_, err := h.fetch(ctx, r)
		return refused(err, h.Calls()-before)
	})
}

// inTrouble reads a document of every stream, each with the vendor in trouble.
func inTrouble(ctx context.Context, h *harness, trouble Trouble) error {
	streams, err := h.configured()
	if err != nil {
		return err
	}
	for _, s := range streams {
		h.Trouble(trouble)
		documents, err := h.fetch(ctx, h.requests(s)[0])
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
		if err := h.noSecretTold(err); err != nil {
			return err
		}
	}
	return nil
}

func brokenDocumentsFail(ctx context.Context, h *harness) error { return inTrouble(ctx, h, BreaksOff) }

func otherDocumentsFail(ctx context.Context, h *harness) error {
	return errors.Join(inTrouble(ctx, h, Page), inTrouble(ctx, h, Blank))
}
