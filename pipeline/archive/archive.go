package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/windrow-data/windrow/pipeline"
)

// Archive keeps answers. All methods are safe for concurrent use, also by
// several processes. Errors are *[pipeline.Error]; an archive retries by itself
// what may pass, since the caller does not.
type Archive interface {
	// Begin starts to keep an answer to q. Answers to equal questions may be kept at the same time. It asks nobody and does
	// not block. The caller ends the Answer by End or Abort.
	Begin(q Question) Answer
	// Documents yields what is kept of a stream, in no order. It reads no document: the memory that it takes does not grow
	// with their size. What cannot be understood is a Document with an Err. The first error is the last
	// pair. The consumer may leave at any time and keeps what was yielded.
	Documents(ctx context.Context, k pipeline.StreamKey) iter.Seq2[Document, error]
}

// Question is a request, and what is known when it is made.
type Question struct {
	Request pipeline.Request
	Suffix  string            // of the documents' names: csv
	Shape   map[string]string // of the stream; see [pipeline.Stream]
	Sync    pipeline.SyncID
	Order   uint64
	Mask    pipeline.Mask // of the account; nil: it has no secrets
	// Policy is what becomes of personal data, in the documents and in the request. Format obeys it.
	Policy pipeline.Policy
	Format pipeline.Format
}

// Redactor is the format as what makes copies under the policy; nil where the policy keeps everything, or where the format
// makes none. Then nothing but the size of a document may stay.
func (q *Question) Redactor() pipeline.Redactor {
	redactor, _ := q.Format.(pipeline.Redactor)
	if q.Policy.Keeps() {
		return nil
	}
	return redactor
}

// Marked is what is kept of the description of a document.
func (q *Question) Marked(m pipeline.Meta) pipeline.Meta {
	if q.Policy.Keeps() {
		return m
	}
	again := m.Redacted != "" // its names have been replaced
	m.Redacted = q.Policy.Digest
	if again {
		return m
	}
	if redactor := q.Redactor(); redactor != nil {
		m.Request.Resources = redactor.Asked(m.Request.Resources)
	} else {
		m.Request.Resources = nil
	}
	return m
}

// Answer is an answer that is being kept. One goroutine uses it at a time.
type Answer interface {
	// Put keeps one document. It reads body to its end, as fast as it can, and holds no more than a bounded part of it in
	// memory: the vendor's reader waits for it. Where body ends with an error, nothing of the document is kept, unless that
	// is a *[RefusedError]: the document is whole, and has that verdict. Nothing that was put is visible before End. Of a
	// secret that the document holds asterisks are kept. It obeys ctx.
	Put(ctx context.Context, m pipeline.Meta, body io.Reader) error
	// End makes the documents visible, once. whole says that they are the whole answer, and all accepted; what is not whole is
	// never read again by a replay. refused is the verdict on all of them where they were accepted one by one, and what was
	// made of them was refused; empty: there is none. They are durable when it returns nil; after an error nobody knows whether
	// they are visible, and the reading fails. It obeys ctx and may block for as long as the storage takes. A document that is
	// kept already, with the same bytes for the same request, is not stored again: its reading is added. What is stored and is
	// not what was put there is replaced.
	End(ctx context.Context, whole bool, refused Verdict) error
	// Abort drops what was put. It does nothing after End, and a second time. It needs no context, so that it can run while
	// everything else stops. What it cannot drop is told as an error and never becomes visible.
	Abort() error
}

// Document is a body that is kept.
type Document struct {
	Name string        // within the archive, for messages
	Meta pipeline.Meta // but for the times, which are a reading's
	// Readings are those that brought exactly these bytes, by the time of reading.
	Readings []Reading
	// Open reads the document. Where it is not what was put there, reading it ends with an error of cause KeptDamaged.
	Open func(context.Context) (io.ReadCloser, error)
	Err  error // why it cannot be opened; then it may be that nothing is known but the name
}

// Reading is one reading of a document.
type Reading struct {
	ReadAt      pipeline.Instant `json:"read_at"`
	ExtractedAt pipeline.Instant `json:"extracted_at"`
	Verdict     Verdict          `json:"verdict"`
	Sync        pipeline.SyncID  `json:"sync_id,omitempty"`
	Order       uint64           `json:"order,omitempty"`
	Request     pipeline.Part    `json:"request,omitzero"`  // of the extraction's
	Document    pipeline.Part    `json:"document,omitzero"` // of the answer's; zero where the answer was not whole
	// EdgesMustHaveRows is that of [pipeline.AskedDays].
	EdgesMustHaveRows bool `json:"edges_must_have_rows,omitempty"`
	// Shape is that of the stream.
	Shape map[string]string `json:"settings,omitempty"`
}

// Same reports whether both are one and the same.
func (r Reading) Same(o Reading) bool {
	return r.ReadAt == o.ReadAt && r.Sync == o.Sync && r.Request == o.Request && r.Document == o.Document && r.Verdict == o.Verdict
}

// Verdict is what the reader of a document thought of it.
type Verdict string

const (
	Sound  Verdict = "sound"
	Broken Verdict = "broken" // it is not the document that it should be
	Stale  Verdict = "stale"  // it is of other days than those asked
)

// RefusedError ends the reading of a document that arrived whole and is not what it should be.
type RefusedError struct {
	Err     error // why
	Verdict Verdict
}

func (e *RefusedError) Error() string { return fmt.Sprintf("the document was refused: %v", e.Err) }
func (e *RefusedError) Unwrap() error { return e.Err }

// verdictOn is what an error says of the document that was read; empty where it says nothing: the way to the reader was at
// fault, or it will be read in another manner.
func verdictOn(err error) Verdict {
	var e *pipeline.Error
	if !errors.As(err, &e) || errors.Is(err, pipeline.ErrIrregular) {
		return ""
	}
	switch e.Kind {
	case pipeline.Mismatch:
		if e.Cause != pipeline.OtherZone {
			return Stale
		}
		return Broken
	case pipeline.Malformed, pipeline.TooManyRejects, pipeline.Unreadable, pipeline.Unmeasured, pipeline.Drifted, pipeline.Unanswered:
		return Broken
	}
	return ""
}
