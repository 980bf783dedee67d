package archive

import (
	"context"
	"errors"
	"io"

	"github.com/windrow-data/windrow/pipeline"
)

var (
	errReadAgain = errors.New("the document is read again from its beginning")
	errCutShort  = errors.New("the document was not read to its end")
)

// Tee returns a source whose answers are kept in a. The reader gets the same
// bytes and the same errors as from s.
//
// An answer is kept once, when all its documents were read to their end and
// accepted by their reader: a part of an answer is never kept. Fetch returns
// after that, so what is committed has been kept before. An error of the
// archive fails the Fetch, and so leaves its windows open; it does not disturb
// the reading itself.
func Tee(s pipeline.Source, a Archive) pipeline.Source { return &tee{Source: s, archive: a} }

type tee struct {
	pipeline.Source
	archive Archive
}

func (t *tee) Fetch(ctx context.Context, r pipeline.Request, env pipeline.Env, yield func(pipeline.Body) error) (err error) {
	answer, err := t.archive.Begin(ctx, r)
	if err != nil {
		return err
	}
	defer func() {
		if left := answer.Abort(); left != nil {
			err = errors.Join(err, left)
		}
	}()
	err = t.Source.Fetch(ctx, r, env, func(b pipeline.Body) error {
		c := &copier{fetch: ctx, answer: answer, meta: b.Meta, source: b.Open}
		defer c.drop(errCutShort) // also where yield panics
		b.Open = c.open
		return c.end(yield(b))
	})
	if err != nil {
		return err
	}
	return answer.Commit(ctx)
}

// copier puts one body into the answer while it is read. It belongs to the
// goroutine that reads.
type copier struct {
	fetch  context.Context // the Fetch's: what opened the body may end before Put does
	answer Answer
	meta   pipeline.Meta
	source func(context.Context) (io.ReadCloser, error)
	latest *reading // nil while there is none
}

// open begins a reading. Of several readings of a body the latest counts.
func (c *copier) open(ctx context.Context) (io.ReadCloser, error) {
	c.drop(errReadAgain)
	body, err := c.source(ctx)
	if err != nil {
		return nil, err
	}
	from, to := io.Pipe()
	r := &reading{ReadCloser: body, copy: to, put: make(chan error, 1)}
	go func() {
		err := c.answer.Put(c.fetch, c.meta, from)
		_ = from.Close() // nobody reads the copy any more; it never fails
		r.put <- err
	}()
	c.latest = r
	return r, nil
}

// drop ends a reading that is not kept. There may be none.
func (c *copier) drop(why error) {
	if c.latest != nil {
		_ = c.latest.end(why) // dropping it is all that is wanted
		c.latest = nil
	}
}

// end ends the last reading, which the reader has accepted or refused.
func (c *copier) end(refused error) error {
	whole := c.latest != nil && c.latest.whole
	switch {
	case refused != nil && whole:
		c.drop(&RefusedError{refused})
		return refused
	case refused != nil:
		return refused
	case !whole:
		return c.internal(errCutShort)
	}
	r := c.latest
	c.latest = nil
	err := r.end(nil)
	if err == nil && r.failed {
		return c.internal(errors.New("the archive did not take the whole document"))
	}
	return err
}

func (c *copier) internal(err error) error {
	return &pipeline.Error{Op: "archive", Stream: c.meta.Request.Stream, Window: c.meta.Span, Kind: pipeline.Internal, Err: err}
}

// reading is one reading of a body. Its bytes go to Put too, which holds none
// of them back: the reader waits until they are taken.
type reading struct {
	io.ReadCloser
	copy   *io.PipeWriter
	put    chan error // the outcome of Put
	failed bool       // Put has ended before the document did
	whole  bool       // the document was read to its end
}

func (r *reading) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if n > 0 && !r.failed {
		_, copyErr := r.copy.Write(p[:n])
		r.failed = copyErr != nil // Put's own error says why
	}
	r.whole = r.whole || err == io.EOF
	return n, err
}

// Proven tells what the body knows of its end.
func (r *reading) Proven() bool { return pipeline.IsProven(r.ReadCloser) }

// end tells Put how the document ends, nil for a whole one, and waits for Put.
func (r *reading) end(why error) error {
	_ = r.copy.CloseWithError(why) // it never fails
	return <-r.put
}
