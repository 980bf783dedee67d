package archive_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"runtime"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/archive"
)

// written is a source whose answers a test writes.
type written struct {
	bodies []func() io.ReadCloser
	after  error // of Fetch, once all bodies were yielded
}

func texts(all ...string) *written {
	s := &written{}
	for _, text := range all {
		s.bodies = append(s.bodies, func() io.ReadCloser { return io.NopCloser(strings.NewReader(text)) })
	}
	return s
}

func (s *written) Streams() []pipeline.Stream { return nil }

func (s *written) Plan(pipeline.Stream, []pipeline.Window) []pipeline.Extraction { return nil }

func (s *written) Check(context.Context) error { return nil }

func (s *written) Fetch(_ context.Context, r pipeline.Request, _ pipeline.Env, yield func(pipeline.Body) error) error {
	for _, body := range s.bodies {
		b := pipeline.Body{Meta: pipeline.Meta{Request: r}, Open: func(context.Context) (io.ReadCloser, error) { return body(), nil }}
		if err := yield(b); err != nil {
			return err
		}
	}
	return s.after
}

var (
	asked     = pipeline.Request{Stream: "acme.visits", Zone: "UTC"}
	errBroken = &pipeline.Error{Op: "read", Kind: pipeline.Malformed, Err: errors.New("no document")}
	errGone   = &pipeline.Error{Op: "fetch", Kind: pipeline.Unavailable, Err: errors.New("gone")}
	errFull   = &pipeline.Error{Op: "archive", Kind: pipeline.SinkFailed, Err: errors.New("full")}
)

// breaksOff yields a part of a text and then an error.
func breaksOff(text string, err error) io.ReadCloser {
	return io.NopCloser(io.MultiReader(strings.NewReader(text), failing{err}))
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// whole reads a body to its end.
func whole(b pipeline.Body) (string, error) {
	body, err := b.Open(context.Background())
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(body)
	return string(text), errors.Join(err, body.Close())
}

func TestWhatWasReadIsKeptWithWhatItsReaderThought(t *testing.T) {
	readAll := func(b pipeline.Body) error { _, err := whole(b); return err }
	after := func(n int, why error) func(pipeline.Body) error { // gives up after n bytes
		return func(b pipeline.Body) error {
			ctx, end := context.WithCancelCause(context.Background())
			defer end(nil)
			body, err := b.Open(ctx)
			if err != nil {
				return err
			}
			_, _ = body.Read(make([]byte, n))
			end(why)
			return errors.Join(body.Close(), why)
		}
	}
	stale := &pipeline.Error{Op: "read", Kind: pipeline.Mismatch, Cause: pipeline.Stale, Err: errors.New("other days")}
	otherZone := &pipeline.Error{Op: "read", Kind: pipeline.Mismatch, Cause: pipeline.OtherZone, Err: errors.New("other zone")}
	irregular := &pipeline.Error{Op: "read", Kind: pipeline.Malformed, Err: pipeline.ErrIrregular}
	for _, c := range []struct {
		says   string
		source *written
		read   func(pipeline.Body) error
		want   error  // of Fetch; nil: none
		kept   string // the documents with their verdicts, between bars; a + for a part of a whole answer
	}{
		{"a document", texts("one"), readAll, nil, "one sound+"},
		{"an empty document", texts(""), readAll, nil, " sound+"},
		{"an answer in parts", texts("one", "two"), readAll, nil, "one sound+|two sound+"},
		{"an answer whose last part does not come", &written{bodies: texts("one").bodies, after: errGone}, readAll, errGone, "one sound"},
		{"a document that breaks off", &written{bodies: []func() io.ReadCloser{func() io.ReadCloser { return breaksOff("on", errGone) }}}, readAll, errGone, ""},
		{"a document that its reader refuses at its end", texts("one"), func(b pipeline.Body) error { _, _ = whole(b); return errBroken }, errBroken, "one broken"},
		{"a document of other days", texts("one"), func(b pipeline.Body) error { _, _ = whole(b); return stale }, stale, "one stale"},
		{"a document in another zone", texts("one"), func(b pipeline.Body) error { _, _ = whole(b); return otherZone }, otherZone, "one broken"},
		{"a document that its reader refuses halfway", texts("one, two"), after(1, errBroken), errBroken, "one, two broken"},
		{"a document that passes the bound while it is drained", texts(strings.Repeat("x", 200<<10)), after(1, errBroken), errBroken, ""},
		{"a document that its reader gives up for another reason", texts("one"), after(1, errGone), errGone, ""},
		{"a document that is to be read in another manner", texts("one"), after(1, irregular), irregular, ""},
		{"a document that nobody opened, refused", texts("one"), func(pipeline.Body) error { return errBroken }, errBroken, ""},
		{"a document that was read twice is kept once", texts("one"), func(b pipeline.Body) error {
			_, first := whole(b)
			return errors.Join(first, readAll(b))
		}, nil, "one sound+"},
		{"a document that was given up halfway and read again", texts("one"), func(b pipeline.Body) error {
			half, err := b.Open(context.Background())
			if err != nil {
				return err
			}
			_, _ = half.Read(make([]byte, 2))
			return errors.Join(half.Close(), readAll(b))
		}, nil, "one sound+"},
	} {
		t.Run(c.says, func(t *testing.T) {
			s := newShelf()
			err := archive.Tee(c.source, s, 100<<10).Fetch(t.Context(), asked, pipeline.Env{}, c.read)
			if !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			var kept []string
			for _, d := range s.documents() {
				of := string(d.text) + " " + string(d.reading.Verdict)
				if d.reading.Document.Of > 0 {
					of += "+"
				}
				kept = append(kept, of)
			}
			if got := strings.Join(kept, "|"); got != c.kept || s.opened != 0 {
				t.Errorf("%q is kept, want %q; %d answers not ended", got, c.kept, s.opened)
			}
		})
	}
}

// What a kill leaves before it is known what becomes of an answer is a draft, which is no answer.
func TestAnAnswerIsInvisibleUntilItIsKnownWhatBecomesOfIt(t *testing.T) {
	for says, c := range map[string]struct {
		refused error
		stopped bool
		kept    string
	}{
		"committed": {nil, false, "sound"}, "refused": {errBroken, false, "broken"}, "failed for another reason": {errGone, false, "sound"}, "stopped": {nil, true, ""},
	} {
		s := newShelf()
		var end func(context.Context, error) error
		env := pipeline.Env{Ended: func(f func(context.Context, error) error) { end = f }}
		err := archive.Tee(texts("one"), s, 0).Fetch(t.Context(), asked, env, func(b pipeline.Body) error { _, err := whole(b); return err })
		if err != nil || len(s.kept) > 0 || end == nil {
			t.Fatalf("%s: %v, %d answers are visible", says, err, len(s.kept))
		}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		if c.stopped {
			stop()
		}
		if err := end(ctx, c.refused); err != nil {
			t.Errorf("%s: %v", says, err)
		}
		kept := ""
		for _, d := range s.documents() {
			kept += string(d.reading.Verdict)
		}
		if kept != c.kept || s.opened != 0 {
			t.Errorf("%s: %q is kept, want %q; %d answers not ended", says, kept, c.kept, s.opened)
		}
	}
}

func TestADocumentThatIsAcceptedUnreadIsABug(t *testing.T) {
	for says, read := range map[string]func(pipeline.Body) error{
		"not opened": func(pipeline.Body) error { return nil },
		"read in parts": func(b pipeline.Body) error {
			body, err := b.Open(context.Background())
			_, _ = body.Read(make([]byte, 1))
			return err
		},
	} {
		s := newShelf()
		err := archive.Tee(texts("one"), s, 0).Fetch(t.Context(), asked, pipeline.Env{}, read)
		if pipeline.KindOf(err) != pipeline.Internal || len(s.kept) > 0 || s.opened != 0 {
			t.Errorf("%s: %v, %d answers", says, err, len(s.kept))
		}
	}
}

func TestTheReaderSeesWhatItWouldSeeWithoutTheArchive(t *testing.T) {
	for says, a := range map[string]archive.Archive{"kept": newShelf(), "the archive is full at once": full{}, "the archive is full later": full{after: 2}} {
		for _, body := range []func() io.ReadCloser{
			func() io.ReadCloser { return io.NopCloser(strings.NewReader("one, two, three")) },
			func() io.ReadCloser { return breaksOff("one, two", errGone) },
		} {
			want, wantErr := io.ReadAll(body())
			source := &written{bodies: []func() io.ReadCloser{body}}
			_ = archive.Tee(source, a, 0).Fetch(t.Context(), asked, pipeline.Env{}, func(b pipeline.Body) error {
				got, err := whole(b)
				if got != string(want) || !errors.Is(err, wantErr) {
					t.Errorf("%s: read %q, %v; want %q, %v", says, got, err, want, wantErr)
				}
				return err
			})
		}
	}
}

func TestAnArchiveThatFailsFailsTheFetch(t *testing.T) {
	for says, a := range map[string]archive.Archive{
		"at once": full{}, "halfway": full{after: 2}, "behind the document": full{after: 1 << 20}, "as it commits": full{after: -1},
	} {
		yields := 0
		err := archive.Tee(texts("one, two, three"), a, 0).Fetch(t.Context(), asked, pipeline.Env{}, func(b pipeline.Body) error {
			yields++
			_, err := whole(b)
			return err
		})
		if !errors.Is(err, errFull) || pipeline.KindOf(err) != pipeline.SinkFailed || yields > 1 {
			t.Errorf("%s: %v after %d yields", says, err, yields)
		}
	}
}

// full is an archive that fails after so many bytes of a document; -1: in End.
type full struct{ after int64 }

func (f full) Begin(archive.Question) archive.Answer { return f }
func (f full) Documents(context.Context, pipeline.StreamKey) iter.Seq2[archive.Document, error] {
	return func(yield func(archive.Document, error) bool) { yield(archive.Document{}, errFull) }
}
func (f full) Abort() error { return nil }

func (f full) Put(_ context.Context, _ pipeline.Meta, body io.Reader) error {
	if f.after < 0 {
		_, err := io.Copy(io.Discard, body)
		return err
	}
	if _, err := io.CopyN(io.Discard, body, f.after); err != nil && err != io.EOF {
		return err
	}
	return errFull
}

func (f full) End(context.Context, bool, archive.Verdict) error { return errFull }

func TestAPanicOfTheReaderLeavesNothingBehind(t *testing.T) {
	s := newShelf()
	func() {
		defer func() { _ = recover() }()
		_ = archive.Tee(texts("one"), s, 0).Fetch(t.Context(), asked, pipeline.Env{}, func(b pipeline.Body) error {
			if _, err := b.Open(t.Context()); err != nil {
				t.Error(err)
			}
			panic("the reader's")
		})
	}()
	if s.opened != 0 || len(s.kept) > 0 {
		t.Errorf("%d answers not ended, %d kept", s.opened, len(s.kept))
	}
}

// A document of 256 MiB goes by in pieces.
func TestPromise12_ADocumentIsNotHeldInMemory(t *testing.T) {
	const size = 256 << 20
	source := &written{bodies: []func() io.ReadCloser{func() io.ReadCloser { return io.NopCloser(io.LimitReader(zeros{}, size)) }}}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err := archive.Tee(source, full{after: -1}, 0).Fetch(t.Context(), asked, pipeline.Env{}, func(b pipeline.Body) error {
		body, err := b.Open(t.Context())
		if err != nil {
			return err
		}
		if n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, body, make([]byte, 64<<10)); n != size {
			t.Errorf("%d bytes, %v", n, err)
		}
		return body.Close()
	})
	runtime.ReadMemStats(&after)
	if !errors.Is(err, errFull) {
		t.Errorf("error %v", err)
	}
	if taken := after.TotalAlloc - before.TotalAlloc; taken > 4<<20 {
		t.Errorf("%d bytes were allocated on the way", taken)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }
