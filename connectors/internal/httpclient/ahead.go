package httpclient

import (
	"context"
	"io"
)

// Ahead is a body whose answer is there before anyone opens it: the first Open
// takes it, every later one asks again. It belongs to one reader at a time.
type Ahead struct {
	ask   func(context.Context) (*Response, error)
	first *Response
}

// AskAhead asks, and keeps the answer for the first Open.
func AskAhead(ctx context.Context, ask func(context.Context) (*Response, error)) (*Ahead, error) {
	first, err := ask(ctx)
	if err != nil {
		return nil, err
	}
	return &Ahead{ask: ask, first: first}, nil
}

// Open is the Open of a [pipeline.Body].
func (a *Ahead) Open(ctx context.Context) (io.ReadCloser, error) {
	answer := a.first
	a.first = nil
	if answer == nil {
		var err error
		if answer, err = a.ask(ctx); err != nil {
			return nil, err
		}
	}
	return answer.Body, nil
}

// Close drops an answer that nobody opened.
func (a *Ahead) Close() {
	if a.first != nil {
		a.first.Body.Close() //nolint:errcheck // nobody wanted it
		a.first = nil
	}
}
