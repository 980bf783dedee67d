package archive

import (
	"context"
	"fmt"
	"io"

	"github.com/windrow-data/windrow/pipeline"
)

// Archive keeps answers. All methods are safe for concurrent use, also by
// several processes. Errors are *[pipeline.Error]; an archive retries by itself
// what may pass, since the caller does not.
type Archive interface {
	// Begin starts to keep an answer to r. Answers to equal requests may be kept at
	// the same time; the newer one is the one whose bodies have the later ReadAt.
	// It neither reads nor removes an older answer. The caller ends the Answer by
	// Commit or Abort.
	Begin(ctx context.Context, r pipeline.Request) (Answer, error)
	// Bodies returns the bodies of the newest committed answer to r, in the order in
	// which they were put; none where no answer is kept. Equal are requests with
	// the same tenant, stream, windows, span, zone, scope and resources. Each body
	// has the Meta that it was put with, and opens as often as it is asked to. It
	// reads no document: the memory that it takes does not grow with their size.
	Bodies(ctx context.Context, r pipeline.Request) ([]pipeline.Body, error)
}

// Answer is an answer that is being kept. One goroutine uses it at a time.
type Answer interface {
	// Put keeps one document. It reads body to its end, as fast as it can, and
	// holds no more than a bounded part of it in memory: the vendor's reader waits
	// for it. Where body ends with an error, nothing of the document is kept: the
	// error is *[RefusedError] for a document that was read whole and that its
	// reader refused, so that an archive may keep it aside, marked. Nothing that
	// was put is visible before Commit. It obeys ctx.
	Put(ctx context.Context, m pipeline.Meta, body io.Reader) error
	// Commit makes the documents visible together, once. They are durable when it returns
	// nil; after an error nobody knows whether they are visible, and the reading fails. It
	// obeys ctx and may block for as long as the storage takes.
	// A document that is kept already, with the same bytes for the same request, is
	// not stored again.
	Commit(ctx context.Context) error
	// Abort drops what was put. It does nothing after Commit, and a second time. It needs
	// no context, so that it can run while everything else stops. What it cannot drop is
	// told as an error and never becomes visible.
	Abort() error
}

// RefusedError ends the reading of a document that arrived whole and is not
// what it should be. Err says why: its kind is Malformed for a broken document
// and Mismatch for one of other times.
type RefusedError struct{ Err error }

func (e *RefusedError) Error() string { return fmt.Sprintf("the document was refused: %v", e.Err) }
func (e *RefusedError) Unwrap() error { return e.Err }
