package engine_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
	"github.com/windrow-data/windrow/transforms"
)

// stream is a body that begins with some rows and goes on with others, without an end.
type stream struct {
	first, then string
	sent        *atomic.Int64
}

func (s *stream) Read(p []byte) (int, error) {
	n := copy(p, s.first)
	s.first = s.first[n:]
	for n+len(s.then) <= len(p) {
		n += copy(p[n:], s.then)
	}
	if n == 0 {
		s.first = s.then
		return s.Read(p)
	}
	s.sent.Add(int64(n))
	return n, nil
}

// withoutEnd syncs a day whose CSV report does not end, and returns why it failed, and how much of the report was sent
// and how often it was opened.
func withoutEnd(t *testing.T, first, then string, change func(*engine.Engine)) (sent, opened int64, failure error) {
	t.Helper()
	source := newScripted(said(map[string]string{"company": ""}))
	source.format = transforms.NewCSV(transforms.Mapping{
		Table: pipeline.Events, Fields: []transforms.Field{{Source: "id", Column: "event_id"}, {Source: "kind", Column: "kind"}}, Keys: []string{"id"},
		Row: func(r *transforms.Row) { r.At(pipeline.InstantOf(noon.AddDate(0, 0, -1))) },
	}, pipeline.Policy{})
	var bytes, times atomic.Int64
	source.open = func() io.ReadCloser {
		times.Add(1)
		return io.NopCloser(&stream{"id,kind\n" + first, then, &bytes})
	}
	e, store := newEngine(t, source)
	e.Observe = func(ev engine.Event) {
		if ev.Kind == engine.EventFailed {
			failure = ev.Err
		}
	}
	change(e)
	sum, err := e.Sync(t.Context())
	if err != nil || sum.Exit != pipeline.ExitFailed || len(store.Rows(source.key)) > 0 {
		t.Fatalf("exit %d, %v, %d rows", sum.Exit, err, len(store.Rows(source.key)))
	}
	return bytes.Load(), times.Load(), failure
}

const mebi = 1 << 20

var (
	goodRow = "1," + strings.Repeat("x", 2000) + "\n"
	badRow  = strings.Repeat("a", 200) + "\n"
)

func TestABodyAboveTheLimitFailsAsUnavailableAndIsNotAskedForAgain(t *testing.T) {
	sent, opened, failure := withoutEnd(t, "", goodRow, func(e *engine.Engine) { e.MaxBody = engine.BodyLimit{Bytes: 24 * mebi, Setting: "THE_SETTING"} })
	if pipeline.KindOf(failure) != pipeline.Unavailable || !strings.Contains(failure.Error(), "24 MiB") || !strings.Contains(failure.Error(), "THE_SETTING") {
		t.Errorf("the failure is %v", failure)
	}
	if opened != 1 || sent > 24*mebi+4*mebi {
		t.Errorf("the body was opened %d times, and %d MiB were read", opened, sent/mebi)
	}
}

func TestADocumentOfRejectsAloneIsDroppedAtOnce(t *testing.T) {
	sent, opened, failure := withoutEnd(t, "", badRow, func(e *engine.Engine) { e.MaxRejects.Share = 1 })
	var rejected *pipeline.RejectedRows
	if pipeline.KindOf(failure) != pipeline.TooManyRejects || !errors.As(failure, &rejected) {
		t.Fatalf("the failure is %v", failure)
	}
	if opened != 1 || sent > 32*mebi {
		t.Errorf("the body was opened %d times, and %d MiB were read", opened, sent/mebi)
	}
	if len(rejected.First) != 20 {
		t.Fatalf("%d rejects are kept", len(rejected.First))
	}
	for i, r := range rejected.First {
		if r.Row != int64(i+1) || r.Raw+"\n" != badRow || r.Reason != "has 1 of 2 cells" || r.Scope != "company" {
			t.Errorf("reject %d is %+v", i, r)
		}
	}
}

func TestADocumentWhoseRejectsCannotPassAnyMoreIsDropped(t *testing.T) {
	limit := engine.BodyLimit{Bytes: 64 * mebi, Setting: "THE_SIZE"}
	sent, _, failure := withoutEnd(t, goodRow, badRow, func(e *engine.Engine) {
		e.MaxBody, e.MaxRejects = limit, engine.RejectLimit{Share: 0.0001, Setting: "THE_SHARE"}
	})
	var rejected *pipeline.RejectedRows
	if pipeline.KindOf(failure) != pipeline.TooManyRejects || !errors.As(failure, &rejected) || len(rejected.First) != 20 {
		t.Fatalf("the failure is %v", failure)
	}
	if text := failure.Error(); !strings.Contains(text, "THE_SHARE") || !strings.Contains(text, "THE_SIZE") {
		t.Errorf("the failure is %v", failure)
	}
	if sent > 32*mebi {
		t.Errorf("%d MiB were read", sent/mebi)
	}
	// Good rows may yet come in their numbers: the limit ends the document, not its rejects.
	_, _, failure = withoutEnd(t, strings.Repeat(badRow, 100), goodRow, func(e *engine.Engine) {
		e.MaxBody, e.MaxRejects = limit, engine.RejectLimit{Share: 0.01, Setting: "THE_SHARE"}
	})
	if pipeline.KindOf(failure) != pipeline.Unavailable {
		t.Errorf("the failure is %v", failure)
	}
}

func TestTheFirstRejectsOfAFailureAreKept(t *testing.T) {
	long := strings.Repeat("ü", 10_000)
	source := newScripted(said(map[string]string{"company": strings.Repeat(long+"\n", 30)}))
	e, _ := newEngine(t, source)
	var rejected *pipeline.RejectedRows
	e.Observe = func(ev engine.Event) {
		if ev.Kind == engine.EventFailed && !errors.As(ev.Err, &rejected) {
			t.Errorf("the failure is %v", ev.Err)
		}
	}
	if _, err := e.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rejected == nil || len(rejected.First) != 20 {
		t.Fatalf("got %+v", rejected)
	}
	if raw := rejected.First[19].Raw; len(raw) > 4<<10 || !strings.HasPrefix(long, raw) || len(raw) < 4000 {
		t.Errorf("%d bytes of the text are kept", len(raw))
	}
}

func TestABodyWithoutEndEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	source := newScripted(said(map[string]string{"company": ""}))
	source.format = transforms.NewJSON(transforms.Mapping{Table: pipeline.Events}, transforms.JSONOptions{}, pipeline.Policy{})
	source.open = func() io.ReadCloser { // white space: no range ever ends
		return io.NopCloser(io.MultiReader(strings.NewReader("["), &stopping{cancel: cancel, after: 100}))
	}
	e, _ := newEngine(t, source)
	sum, err := e.Sync(ctx)
	if err != nil || sum.Exit != pipeline.ExitStopped {
		t.Errorf("exit %d, %v", sum.Exit, err)
	}
}

// stopping is white space without an end, during which somebody stops the run.
type stopping struct {
	cancel context.CancelFunc
	after  int
}

func (s *stopping) Read(p []byte) (int, error) {
	if s.after--; s.after == 0 {
		s.cancel()
	}
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// cancelling is a body without an end that stops the run once it has sent so many bytes, and counts what is asked of it
// afterwards.
type cancelling struct {
	io.Reader
	cancel context.CancelFunc
	left   int
	after  *atomic.Int64
}

func (c *cancelling) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if c.left <= 0 {
		c.after.Add(int64(n))
	}
	if c.left -= n; c.left <= 0 {
		c.cancel()
	}
	return n, err
}

// endlessText repeats a text behind a beginning.
type endlessText struct{ first, then string }

func (e *endlessText) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if e.first == "" {
			e.first = e.then
		}
		m := copy(p[n:], e.first)
		e.first, n = e.first[m:], n+m
	}
	return n, nil
}

func TestAStoppedRunReadsNoFurtherWhateverTheBody(t *testing.T) {
	mapping := transforms.Mapping{
		Table: pipeline.Events, Fields: []transforms.Field{{Source: "id", Column: "event_id"}, {Source: "kind", Column: "kind"}}, Keys: []string{"id"},
		Row: func(r *transforms.Row) { r.At(pipeline.InstantOf(noon.AddDate(0, 0, -1))) },
	}
	csv := transforms.NewCSV(mapping, pipeline.Policy{})
	array := transforms.NewJSON(mapping, transforms.JSONOptions{}, pipeline.Policy{})
	object := transforms.NewJSON(mapping, transforms.JSONOptions{Rows: "rows"}, pipeline.Policy{})
	block := func(s string) string { return strings.Repeat(s, 64<<10/len(s)) }
	const head, row, first = "id,kind\n1,call\n", `{"id":"1","kind":"call"}`, `[{"id":"1","kind":"call"}`
	for _, c := range []struct {
		name        string
		format      pipeline.Format
		first, then string
	}{
		{"rows", csv, head, block(goodRow)},
		{"rejects among rows", csv, head, block(badRow + goodRow)},
		{"a cell", csv, head, block("x")},
		{"a quoted cell of lines", csv, head + `1,"`, block("\n")},
		{"a quoted cell of quotes", csv, head + `1,"`, block(`""`)},
		{"cells", csv, head, block(",")},
		{"blank lines", csv, head, block("\n")},
		{"objects", array, first, block("," + row)},
		{"values that are no objects", array, first, block("," + row + ",1")},
		{"brackets", array, first + ",", block("[")},
		{"a text", array, first + `,{"id":"`, block("x")},
		{"escapes", array, first + `,{"id":"`, block(`\"`)},
		{"members", array, first + `,{"id":"2"`, block(`,"m":[1]`)},
		{"white space", array, first, block(" ")},
		{"rows in an object", object, `{"rows":` + first, block("," + row)},
		{"a text in an object", object, `{"rows":` + first + `,{"id":"`, block("x")},
		{"white space in an object", object, `{"rows":` + first, block(" ")},
	} {
		for _, bytes := range []int{200 << 10, 9 * mebi} { // in the first range, and in a later one
			ctx, cancel := context.WithCancel(t.Context())
			source := newScripted(said(map[string]string{"company": ""}))
			source.format = c.format
			var after atomic.Int64
			source.open = func() io.ReadCloser {
				return io.NopCloser(&cancelling{&endlessText{c.first, c.then}, cancel, bytes, &after})
			}
			e, store := newEngine(t, source)
			e.MaxRejects.Share = 1
			sum, err := e.Sync(ctx)
			cancel()
			if err != nil || sum.Exit != pipeline.ExitStopped || len(store.Rows(source.key)) > 0 {
				t.Errorf("%s, stopped behind %d KiB: exit %d, %v, %d rows", c.name, bytes>>10, sum.Exit, err, len(store.Rows(source.key)))
			}
			if after.Load() > 0 {
				t.Errorf("%s, stopped behind %d KiB: %d bytes more were read", c.name, bytes>>10, after.Load())
			}
		}
	}
}
