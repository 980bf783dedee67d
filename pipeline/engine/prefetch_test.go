package engine_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// slowLink is a scripted source whose first document ends only when the others
// have been opened.
type slowLink struct {
	*scripted
	opened chan string
}

func (s slowLink) Fetch(ctx context.Context, r pipeline.Request, env pipeline.Env, yield func(pipeline.Body) error) error {
	return s.scripted.Fetch(ctx, r, env, func(b pipeline.Body) error {
		open := b.Open
		b.Open = func(ctx context.Context) (io.ReadCloser, error) {
			body, err := open(ctx)
			if r.Scope != s.scopes[0] {
				s.opened <- r.Scope
				return body, err
			}
			return io.NopCloser(io.MultiReader(body, whenOpened{s.opened, len(s.scopes) - 1})), err
		}
		return yield(b)
	})
}

// whenOpened ends when so many bodies have been opened.
type whenOpened struct {
	opened chan string
	n      int
}

func (w whenOpened) Read([]byte) (int, error) {
	for range w.n {
		select {
		case <-w.opened:
		case <-time.After(10 * time.Second):
			return 0, errors.New("the other bodies are not opened")
		}
	}
	return 0, io.EOF
}

func TestPromise05_BodiesOpenedAheadAreStillReadInConfiguredOrder(t *testing.T) {
	all := "2025-09-07T10:00:00Z a\n2025-09-08T10:00:00Z b\n2025-09-09T10:00:00Z c\n"
	s := newScripted(said(map[string]string{
		"one": all[:strings.Index(all, "2025-09-08")], "two": all[:strings.Index(all, "2025-09-09")], "three": all,
	}), "one", "two", "three")
	e, store := newEngine(t, s)
	e.Sources = []pipeline.Source{slowLink{s, make(chan string, 8)}}
	if sum := mustSync(t, e); sum.Read != 6 || sum.Rows != 3 || sum.Duplicate != 3 {
		t.Errorf("%+v", sum)
	}
	if got := ids(store, s); got != "one/a three/c two/b" {
		t.Errorf("the table holds %q", got)
	}
}
