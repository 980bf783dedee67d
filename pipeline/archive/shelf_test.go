package archive_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"sync"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/archive"
)

// shelf is an archive in memory.
type shelf struct {
	mu      sync.Mutex
	answers map[string][]document // by request
	refused []error               // of documents that were read whole and refused
	opened  int                   // answers that were neither committed nor dropped
}

// document is a kept body.
type document struct {
	meta pipeline.Meta
	text []byte
}

func newShelf() *shelf { return &shelf{answers: map[string][]document{}} }

func keyOf(r pipeline.Request) string {
	text, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func (s *shelf) Begin(_ context.Context, r pipeline.Request) (archive.Answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened++
	return &answer{shelf: s, key: keyOf(r)}, nil
}

func (s *shelf) Bodies(_ context.Context, r pipeline.Request) ([]pipeline.Body, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var bodies []pipeline.Body
	for _, d := range s.answers[keyOf(r)] {
		bodies = append(bodies, pipeline.Body{Meta: d.meta, Open: func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(d.text)), nil
		}})
	}
	return bodies, nil
}

// documents lists what is kept, in the order of the requests.
func (s *shelf) documents() (all []document) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, list := range s.answers {
		all = append(all, list...)
	}
	slices.SortFunc(all, func(a, b document) int { return int(a.meta.Span.Start - b.meta.Span.Start) })
	return all
}

// answer is an answer on its way to the shelf.
type answer struct {
	shelf     *shelf
	key       string
	documents []document
	ended     bool
}

func (a *answer) Put(_ context.Context, m pipeline.Meta, body io.Reader) error {
	text, err := io.ReadAll(body)
	var refused *archive.RefusedError
	if errors.As(err, &refused) {
		a.shelf.mu.Lock()
		defer a.shelf.mu.Unlock()
		a.shelf.refused = append(a.shelf.refused, refused.Err)
	}
	if err == nil {
		a.documents = append(a.documents, document{m, text})
	}
	return err
}

func (a *answer) Commit(context.Context) error {
	a.shelf.mu.Lock()
	defer a.shelf.mu.Unlock()
	a.shelf.answers[a.key] = a.documents
	a.end()
	return nil
}

func (a *answer) Abort() error {
	a.shelf.mu.Lock()
	defer a.shelf.mu.Unlock()
	a.end()
	return nil
}

func (a *answer) end() {
	if !a.ended {
		a.ended = true
		a.shelf.opened--
	}
}
