package archive

import (
	"context"
	"errors"
	"io"
	"sync"

	"github.com/windrow-data/windrow/pipeline"
)

var (
	errReadAgain = errors.New("the document is read again from its beginning")
	errCutShort  = errors.New("the document was not read to its end")
)

// Tee returns a source whose answers are kept in a. The reader gets the same bytes and the same errors as from s.
//
// A document is kept when it was read to its end, whether its reader accepts it or not. Of one that its reader gives up
// halfway the rest is read for the archive alone, as long as it does not pass most bytes. What breaks off on the way is not
// kept. An answer becomes visible with the verdict on it, when Env.Ended tells it or, where nobody does, before Fetch returns: so
// what is committed has been kept before, and what a kill leaves is not taken for an accepted answer. An error of the archive
// fails the reading, and so leaves its windows open; it does not disturb the reading itself.
func Tee(s pipeline.Source, a Archive, most int64) pipeline.Source {
	return &tee{Source: s, archive: a, most: most, streams: sync.OnceValue(func() map[pipeline.StreamID]pipeline.Stream {
		all := make(map[pipeline.StreamID]pipeline.Stream)
		for _, of := range s.Streams() {
			all[of.Key.Stream] = of
		}
		return all
	})}
}

type tee struct {
	pipeline.Source
	archive Archive
	most    int64
	streams func() map[pipeline.StreamID]pipeline.Stream
}

func (t *tee) Fetch(ctx context.Context, r pipeline.Request, env pipeline.Env, yield func(pipeline.Body) error) (err error) {
	answer, held := t.archive.Begin(t.question(r, env)), false
	defer func() {
		if held {
			return
		}
		if left := answer.Abort(); left != nil {
			err = errors.Join(err, left)
		}
	}()
	err = t.Source.Fetch(ctx, r, env, func(b pipeline.Body) error {
		c := &copier{fetch: ctx, answer: answer, meta: b.Meta, source: b.Open, most: t.most}
		defer c.drop(errCutShort) // also where yield panics
		b.Open = c.open
		return c.end(yield(b))
	})
	if stopped := ctx.Err(); stopped != nil {
		if err == nil {
			err = &pipeline.Error{Op: "archive", Stream: r.Stream, Window: r.Span, Kind: pipeline.Stopped, Err: stopped}
		}
		return err
	}
	if held = err == nil && env.Ended != nil; held {
		env.Ended(func(ctx context.Context, refused error) error {
			if ctx.Err() != nil {
				return answer.Abort()
			}
			return answer.End(ctx, true, verdictOn(refused))
		})
		return nil
	}
	if kept := answer.End(ctx, err == nil, ""); kept != nil && err == nil {
		return kept
	}
	return err
}

func (t *tee) question(r pipeline.Request, env pipeline.Env) Question {
	of := t.streams()[r.Stream]
	q := Question{Request: r, Suffix: "txt", Shape: of.Shape, Sync: env.Sync, Order: env.Order, Mask: of.Mask, Policy: of.Policy, Format: of.Format}
	if f, ok := of.Format.(pipeline.SuffixFormat); ok {
		q.Suffix = f.Suffix()
	}
	return q
}

// copier puts one body into the answer while it is read. It belongs to the
// goroutine that reads.
type copier struct {
	fetch  context.Context // the Fetch's: what opened the body may end before Put does
	answer Answer
	meta   pipeline.Meta
	source func(context.Context) (io.ReadCloser, error)
	most   int64
	latest *reading // nil while there is none
}

// open begins a reading. Of several readings of a body the latest counts.
func (c *copier) open(ctx context.Context) (io.ReadCloser, error) {
	c.drop(errReadAgain)
	own, cancel := context.WithCancel(c.fetch) // who refuses a document ends ctx, and the rest is still wanted
	stop := context.AfterFunc(ctx, func() {
		if verdictOn(context.Cause(ctx)) == "" {
			cancel()
		}
	})
	body, err := c.source(own)
	if err != nil {
		stop()
		cancel()
		return nil, err
	}
	from, to := io.Pipe()
	r := &reading{body: body, cancel: func() { stop(); cancel() }, copy: to, put: make(chan error, 1)}
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
	r := c.latest
	if refused != nil {
		verdict := verdictOn(refused)
		if r != nil && verdict != "" && r.drain(c.most) {
			c.drop(&RefusedError{refused, verdict})
		}
		return refused
	}
	if r == nil || !r.whole {
		return c.internal(errCutShort)
	}
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
	body   io.ReadCloser
	cancel func() // ends the context of body
	copy   *io.PipeWriter
	put    chan error // the outcome of Put
	read   int64      // bytes
	failed bool       // Put has ended before the document did
	whole  bool       // the document was read to its end
}

func (r *reading) Read(p []byte) (int, error) {
	n, err := r.body.Read(p)
	r.read += int64(n)
	if n > 0 && !r.failed {
		_, copyErr := r.copy.Write(p[:n])
		r.failed = copyErr != nil // Put's own error says why
	}
	r.whole = r.whole || err == io.EOF
	return n, err
}

// Close leaves the body open: the archive may want the rest of it. Who opened it ends it.
func (r *reading) Close() error { return nil }

// Proven tells what the body knows of its end.
func (r *reading) Proven() bool { return pipeline.IsProven(r.body) }

// drain reads what is left of the body, and reports whether it came whole.
func (r *reading) drain(most int64) bool {
	rest := make([]byte, 32<<10)
	for !r.whole && !r.failed && (most <= 0 || r.read <= most) {
		if _, err := r.Read(rest); err != nil {
			break
		}
	}
	return r.whole
}

// end tells Put how the document ends, nil for a whole one, and waits for Put.
func (r *reading) end(why error) error {
	_ = r.copy.CloseWithError(why) // it never fails
	err := <-r.put
	_ = r.body.Close() // every byte that counts was read
	r.cancel()
	return err
}
