// Package connectortest is the conformance suite of connectors: named promises
// that every [pipeline.Source] keeps, checked against its simulated vendor over
// real HTTP. A new connector passes them in a test of about thirty lines.
//
// There is no way to skip a promise, and a source without a configured stream
// fails. The promises are about what the engine relies on; what is special to a
// vendor (splitting, quotas, logins) is tested in its own package.
//
// Start at [Run]; promises.go lists what is promised, broken.go what happens
// when the vendor misbehaves. example_test.go is a whole connector that passes,
// against a vendor made of one handler ([Serve]); [Simulate] serves the vendors of
// vendorsim. [Golden] compares the rows that the documents of testdata become;
// [Decode] is for tests of a vendor's mapping.
package connectortest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// Trouble is what a simulated vendor can be told to do wrong.
type Trouble uint8

const (
	// Down answers the next call with 503.
	Down Trouble = iota
	// Throttles answers the next call with 429 and Retry-After.
	Throttles
	// Refuses answers every call with 401, and repeats the credentials in the body.
	Refuses
	// BreaksOff cuts the connection in the middle of the next document.
	BreaksOff
	// Page answers with an HTML page and status 200 instead of the next document.
	Page
	// Blank answers with nothing and status 200 instead of the next document.
	Blank
)

// Setup is a source and the vendor behind it.
type Setup struct {
	Source  pipeline.Source
	Account pipeline.AccountID
	// Busy is a time at which every stream has rows.
	Busy time.Time
	// Extracted is the source's planning clock.
	Extracted pipeline.Clock
	// Secrets are what no error, notice or Meta may hold.
	Secrets []string
	// Trouble makes the vendor misbehave; "document" means what the bodies of
	// Fetch are read from.
	Trouble func(Trouble)
	// Calls counts the requests that the vendor has received.
	Calls func() int
	// Memory is lent to each Fetch, for a source that remembers; nil: none.
	Memory pipeline.Memory
	// Without are the streams that the source lacks something for, and that another run of the suite reads.
	Without []pipeline.StreamID
}

// Run checks every promise, each with a fresh setup. They run in a
// testing/synctest bubble: time passes at once, so the vendor has to be served
// over pipes, and what open starts must end with t.
func Run(t *testing.T, open func(t *testing.T) Setup) {
	t.Helper()
	for _, p := range promises {
		t.Run(p.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if err := p.keep(t.Context(), newHarness(open(t))); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// promise is a sentence, and what proves it.
type promise struct {
	name string
	keep func(context.Context, *harness) error
}

// harness is a setup, and what the source let be known meanwhile.
type harness struct {
	Setup
	mu      sync.Mutex
	notices []pipeline.Notice
	notes   []pipeline.Note
}

func newHarness(s Setup) *harness { return &harness{Setup: s} }

// env is what the engine lends to a Fetch.
func (h *harness) env() pipeline.Env {
	return pipeline.Env{Journal: (*journal)(h), Memory: h.Memory, Notify: func(n pipeline.Notice) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.notices = append(h.notices, n)
	}}
}

// journal keeps notes in memory.
type journal harness

func (j *journal) Add(_ context.Context, n pipeline.Note) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.notes = append(j.notes, n)
	return nil
}

func (j *journal) Since(_ context.Context, k pipeline.TenantKey, t time.Time) (list []pipeline.Note, err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, n := range j.notes {
		if n.Tenant == k && !n.At.Before(t) {
			list = append(list, n)
		}
	}
	return list, nil
}

// configured lists the streams that can be read.
func (h *harness) configured() (list []pipeline.Stream, err error) {
	for _, s := range h.Source.Streams() {
		switch without := slices.Contains(h.Without, s.Key.Stream); {
		case without != (len(s.Missing) > 0):
			return nil, fmt.Errorf("%s: missing %q, and to be tested elsewhere: %t", s.Key.Stream, s.Missing, without)
		case !without:
			list = append(list, s)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("no stream is configured: nothing would be tested")
	}
	return list, nil
}

// windows are the n windows of a stream up to the busy one, in order.
func (h *harness) windows(s pipeline.Stream, n int) []pipeline.Window {
	list := make([]pipeline.Window, n)
	at := pipeline.InstantOf(h.Busy)
	for i := n - 1; i >= 0; i-- {
		span := s.Calendar.Window(at)
		list[i] = pipeline.Window{Span: span, Zone: s.Calendar.Zone.String()}
		at = span.Start - 1
	}
	return list
}

// requests are what two windows of a stream cost.
func (h *harness) requests(s pipeline.Stream) (all []pipeline.Request) {
	for _, e := range h.Source.Plan(s, h.windows(s, 2)) {
		all = append(all, e.Requests...)
	}
	return all
}

// document is one body, read.
type document struct {
	meta pipeline.Meta
	text string
}

// fetch carries out one request and reads its bodies.
func (h *harness) fetch(ctx context.Context, r pipeline.Request) (list []document, err error) {
	err = h.Source.Fetch(ctx, r, h.env(), func(body pipeline.Body) error {
		text, err := read(ctx, body)
		list = append(list, document{body.Meta, text})
		return err
	})
	return list, err
}

func read(ctx context.Context, b pipeline.Body) (string, error) {
	r, err := b.Open(ctx)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(r)
	if closing := r.Close(); err == nil {
		err = closing
	}
	return string(text), err
}

// noSecretTold reports a secret in anything that people or files get to see.
func (h *harness) noSecretTold(errs ...error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	texts := make([]string, 0, len(errs)+len(h.notices)+len(h.notes))
	for _, err := range errs {
		if err != nil {
			texts = append(texts, err.Error())
		}
	}
	for _, n := range h.notices {
		texts = append(texts, n.Text)
	}
	for _, n := range h.notes {
		texts = append(texts, n.Kind+" "+n.Text)
	}
	return h.noSecretIn(texts...)
}

func (h *harness) noSecretIn(texts ...string) error {
	for _, text := range texts {
		for _, secret := range h.Secrets {
			if secret != "" && strings.Contains(text, secret) {
				return fmt.Errorf("a secret is told: %q", text)
			}
		}
	}
	return nil
}

// noSecretInMeta checks a Meta as it is stored beside its bytes.
func (h *harness) noSecretInMeta(m pipeline.Meta) error {
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("the Meta cannot be stored: %w", err)
	}
	return h.noSecretIn(string(text))
}
