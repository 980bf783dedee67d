package archive_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"sync"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/archive"
)

// shelf is an archive in memory.
type shelf struct {
	mu     sync.Mutex
	kept   []document
	opened int // answers that were neither ended nor dropped
}

// document is a kept body.
type document struct {
	key     archive.Question
	meta    pipeline.Meta
	text    []byte
	reading archive.Reading
}

func newShelf() *shelf { return &shelf{} }

func (s *shelf) Begin(q archive.Question) archive.Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened++
	return &answer{shelf: s, question: q}
}

func (s *shelf) Documents(_ context.Context, k pipeline.StreamKey) iter.Seq2[archive.Document, error] {
	return func(yield func(archive.Document, error) bool) {
		for i, d := range s.documents() {
			if d.meta.Request.Stream != k.Stream || d.meta.Request.Tenant.Account != k.Account {
				continue
			}
			meta := d.meta
			meta.ReadAt, meta.ExtractedAt = 0, 0
			if !yield(archive.Document{Name: fmt.Sprint(i), Meta: meta, Readings: []archive.Reading{d.reading}, Open: func(context.Context) (io.ReadCloser, error) {
				return io.NopCloser(bytes.NewReader(d.text)), nil
			}}, nil) {
				return
			}
		}
	}
}

// documents lists what is kept, in the order of the requests.
func (s *shelf) documents() []document {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.Clone(s.kept)
	slices.SortStableFunc(all, func(a, b document) int { return int(a.meta.Span.Start - b.meta.Span.Start) })
	return all
}

// answer is an answer on its way to the shelf.
type answer struct {
	shelf     *shelf
	question  archive.Question
	documents []document
	ended     bool
}

func (a *answer) Put(_ context.Context, m pipeline.Meta, body io.Reader) error {
	text, err := io.ReadAll(body)
	d := document{a.question, m, text, archive.Reading{ReadAt: m.ReadAt, ExtractedAt: m.ExtractedAt, Verdict: archive.Sound,
		Sync: a.question.Sync, Order: a.question.Order, Request: a.question.Request.Part, Shape: a.question.Shape}}
	var refused *archive.RefusedError
	if errors.As(err, &refused) {
		d.reading.Verdict = refused.Verdict
	} else if err != nil {
		return err
	}
	a.documents = append(a.documents, d)
	return err
}

func (a *answer) End(_ context.Context, whole bool, refused archive.Verdict) error {
	a.shelf.mu.Lock()
	defer a.shelf.mu.Unlock()
	for i := range a.documents {
		if whole {
			a.documents[i].reading.Document = pipeline.Part{Number: i + 1, Of: len(a.documents)}
		}
		if refused != "" {
			a.documents[i].reading.Verdict = refused
		}
	}
	a.shelf.kept = append(a.shelf.kept, a.documents...)
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
