package httpclient

import (
	"context"
	"io"
)

// Prefetched is a body whose answer has arrived before anyone opens the body.
// The first Open takes that answer, every later Open asks again. One reader
// uses a Prefetched at a time.
type Prefetched struct {
	ask   func(context.Context) (*Response, error)
	first *Response
}

// Prefetch asks, and keeps the answer for the first Open.
func Prefetch(ctx context.Context, ask func(context.Context) (*Response, error)) (*Prefetched, error) {
	first, err := ask(ctx)
	if err != nil {
		return nil, err
	}
	return &Prefetched{ask: ask, first: first}, nil
}

// Open is the Open of a [pipeline.Body].
func (p *Prefetched) Open(ctx context.Context) (io.ReadCloser, error) {
	answer := p.first
	p.first = nil
	if answer == nil {
		var err error
		if answer, err = p.ask(ctx); err != nil {
			return nil, err
		}
	}
	return answer.Body, nil
}

// Close drops an answer that nobody opened.
func (p *Prefetched) Close() {
	if p.first != nil {
		p.first.Body.Close() //nolint:errcheck // nobody wanted it
		p.first = nil
	}
}
