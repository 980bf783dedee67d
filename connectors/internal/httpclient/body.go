package httpclient

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzip"

	"github.com/windrow-data/windrow/pipeline"
)

// body reads a 2xx answer: it undoes gzip, translates the declared charset into UTF-8, keeps the limits of time and size,
// and says so when the connection breaks off.
type body struct {
	op     string
	ctx    context.Context // the caller's
	own    context.Context // the attempt's: its cause tells a stall from a cut
	cancel context.CancelCauseFunc
	pace   *pace
	limit  int64
	wire   io.ReadCloser
	secret *spelledSecrets

	charset  *charset // of the text; nil: UTF-8
	measured bool     // the answer has a length or a last chunk, so that its end proves that nothing is missing

	plain  io.Reader // wire without gzip; nil before the first Read
	zipped bool      // wire is gzip
	got    int64     // bytes off the wire
	given  int64     // bytes handed to the caller
	err    error     // sticky
}

func (c *Client) newBody(ctx, own context.Context, cancel context.CancelCauseFunc, r Request, resp *http.Response) (*body, error) {
	b := &body{op: r.Op, ctx: ctx, own: own, cancel: cancel, pace: newPace(c.timeout, func(err error) { cancel(err) }), limit: r.MaxBody, wire: resp.Body, secret: c.secrets(r), charset: charsetOf(resp.Header),
		measured: resp.ContentLength >= 0 || len(resp.TransferEncoding) > 0 || resp.ProtoMajor > 1}
	if resp.StatusCode == http.StatusPartialContent { // nobody asked for a range
		_ = b.Close() // the answer is refused whatever closing says
		return nil, &pipeline.Error{
			Op: r.Op, Kind: pipeline.Malformed, Cause: pipeline.Incomplete, Hint: "a proxy or the store may have cut it; the next sync asks for the whole again",
			Err: errors.New("HTTP 206: the answer says that it is only a part"),
		}
	}
	encoding := strings.ToLower(strings.TrimSpace(resp.Header.Get("Content-Encoding")))
	switch encoding {
	case "", "identity", "gzip", "x-gzip":
		return b, nil
	}
	_ = b.Close() // the answer is refused whatever closing says
	return nil, &pipeline.Error{
		Op: r.Op, Kind: pipeline.Malformed, Cause: pipeline.Compressed, Hint: "gzip alone is asked for and undone: let the vendor, or a proxy in between, send the text itself or gzip",
		Err: fmt.Errorf("the answer's Content-Encoding is %s, which is not read", shownName(encoding)),
	}
}

func (b *body) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	if b.plain == nil {
		if b.err = b.begin(); b.err != nil {
			return 0, b.err
		}
	}
	n, err := b.plain.Read(p)
	b.given += int64(n)
	if b.limit > 0 && b.given > b.limit {
		over := int(b.given - b.limit)
		b.err = b.failed(pipeline.Unavailable, pipeline.TooLong, fmt.Errorf("%w, longer than %d bytes", errEndless, b.limit))
		return n - over, b.err
	}
	if err != nil {
		b.err = b.classify(err)
	}
	return n, b.err
}

// Proven reports whether the body was read to an end that proves it whole: of a length that was told, behind a last chunk,
// or by gzip's checksum.
func (b *body) Proven() bool { return b.err == io.EOF && (b.measured || b.zipped) } //nolint:errorlint // it is the very value

// begin looks at the first bytes. No document that we read begins like gzip,
// so the bytes decide and not the header, which stored files often lack.
func (b *body) begin() error {
	r := bufio.NewReaderSize((*wire)(b), 64<<10)
	magic, err := r.Peek(2)
	if err != nil && err != io.EOF {
		return b.classify(err)
	}
	b.plain = r
	if len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		z, err := gzip.NewReader(r)
		if err != nil {
			return b.classify(err)
		}
		b.plain, b.zipped = z, true
	}
	if b.charset != nil {
		b.plain = inUTF8(b.plain, b.charset)
	}
	return nil
}

// hollowBytes is how many bytes of gzip may bring nothing. Members without content could go on for ever, and no limit of
// what they bring would end them.
const hollowBytes = 1 << 20

// errEndless marks an answer that passes the limit of its request: asking again would only bring it again.
var errEndless = errors.New("the answer does not end")

var errHollow = errors.New("the answer's gzip brings no content")

// wire counts what arrives, and watches that it does so fast enough.
type wire body

func (w *wire) Read(p []byte) (int, error) {
	w.pace.begin()
	n, err := w.wire.Read(p)
	slow := w.pace.end(n)
	w.got += int64(n)
	if w.got > hollowBytes+2*w.given && err == nil {
		err = errHollow
	}
	if slow != nil && err == nil {
		w.cancel(slow)
		err = slow
	}
	return n, err
}

func (b *body) classify(err error) error {
	var other *errCharset
	switch {
	case err == io.EOF:
		return io.EOF
	case errors.As(err, &other):
		return &pipeline.Error{Op: b.op, Kind: pipeline.Malformed, Cause: pipeline.OtherCharset, Hint: charsetHint, Err: other}
	case b.ctx.Err() != nil:
		return stopped(b.op, b.ctx.Err())
	case errors.Is(context.Cause(b.own), errSlow):
		return b.failed(pipeline.Unavailable, pipeline.BrokenOff, fmt.Errorf("the answer stalled for %s after %d bytes", b.pace.stall, b.got))
	case errors.Is(context.Cause(b.own), errTrickles):
		return b.failed(pipeline.Unavailable, pipeline.BrokenOff, fmt.Errorf("the answer was too slow, %w, and given up after %d bytes", errTrickles, b.got))
	case errors.Is(err, errHollow):
		return b.failed(pipeline.Unavailable, pipeline.BrokenOff, fmt.Errorf("%w, and was given up after %d bytes", errHollow, b.got))
	case errors.Is(err, gzip.ErrHeader):
		return b.failed(pipeline.Malformed, pipeline.Binary, errors.New("the answer is not the gzip that it seems to be"))
	case errors.Is(err, gzip.ErrChecksum):
		return b.failed(pipeline.Unavailable, pipeline.BrokenOff, fmt.Errorf("the answer was damaged on the way, after %d bytes", b.got))
	case errors.Is(err, io.ErrUnexpectedEOF):
		return b.failed(pipeline.Unavailable, pipeline.BrokenOff, fmt.Errorf("the connection broke off after %d bytes", b.got))
	}
	return b.failed(pipeline.Unavailable, pipeline.BrokenOff, fmt.Errorf("the connection broke off after %d bytes: %s", b.got, redact(err.Error(), b.secret)))
}

func (b *body) failed(k pipeline.Kind, c pipeline.Cause, err error) error {
	return &pipeline.Error{Op: b.op, Kind: k, Cause: c, Err: err}
}

// Close ends the attempt. A second call does nothing.
func (b *body) Close() error {
	if b.err == nil {
		b.err = errors.New("httpclient: read after Close")
	}
	b.pace.stop()
	err := b.wire.Close()
	b.cancel(nil)
	return err
}
