package engine_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
)

// hiding masks one secret.
type hiding string

func (h hiding) Message(text string) string { return strings.ReplaceAll(text, string(h), "…") }
func (h hiding) Raw(text string) string     { return h.Message(text) }

const planted = "planted-0123456789"

// secretive is a source whose streams have a mask.
type secretive struct{ *scripted }

func (s secretive) Streams() []pipeline.Stream {
	streams := s.scripted.Streams()
	streams[0].Mask = hiding(planted)
	return streams
}

func TestNoErrorOfAVendorTellsASecret(t *testing.T) {
	for says, err := range map[string]error{
		"a cause":          &pipeline.Error{Op: "read", Kind: pipeline.Malformed, Err: errors.New("the members " + planted)},
		"a hint":           &pipeline.Error{Op: "read", Kind: pipeline.Malformed, Err: errors.New("no"), Hint: "not " + planted},
		"an operation":     &pipeline.Error{Op: "GET /" + planted, Kind: pipeline.Malformed},
		"a cause's cause":  fmt.Errorf("outer %s: %w", planted, &pipeline.Error{Op: "read", Kind: pipeline.Malformed, Err: errors.New(planted)}),
		"one of two":       errors.Join(&pipeline.Error{Op: "read", Kind: pipeline.Malformed, Err: errors.New(planted)}, errors.New("b "+planted)),
		"no error of ours": errors.New("header " + planted),
	} {
		s := newScripted(func(context.Context, pipeline.Request, func(string) error) error { return err })
		e, store := newEngine(t, s)
		e.Sources = []pipeline.Source{secretive{s}}
		told := ""
		e.Observe = func(ev engine.Event) {
			if ev.Err != nil {
				told += ev.Err.Error()
			}
		}
		sum, syncErr := e.Sync(t.Context())
		l, ledgerErr := store.Ledger(t.Context(), s.key)
		if syncErr != nil || ledgerErr != nil || sum.Streams[0].Failed == 0 {
			t.Fatal(syncErr, ledgerErr)
		}
		text := told + fmt.Sprintf("%+v", sum) + fmt.Sprintf("%+v", l)
		if strings.Contains(text, planted) || !strings.Contains(told, "…") {
			t.Errorf("%s: %s", says, text)
		}
		if kind := sum.Streams[0].Errors[0].ErrorKind; kind != pipeline.ErrorKind(err) {
			t.Errorf("%s: the kind became %s", says, kind)
		}
	}
}

func TestNoRejectTellsASecret(t *testing.T) {
	s := newScripted(said(map[string]string{"company": "2025-09-07T10:00:00Z a\n2025-09-08T10:00:00Z a\n2025-09-09T10:00:00Z a\nrow " + planted + "\n"}))
	e, store := newEngine(t, s)
	e.Sources, e.MaxRejects.Share = []pipeline.Source{secretive{s}}, 1
	mustSync(t, e)
	seen := 0
	for _, w := range entries(t, store, s) {
		for r, err := range store.WindowRejects(t.Context(), s.key, []pipeline.Window{w.Window}) {
			if seen++; err != nil || strings.Contains(r.Raw+r.Reason, planted) || !strings.Contains(r.Raw, "…") {
				t.Errorf("%+v, %v", r, err)
			}
		}
	}
	if seen != 1 {
		t.Errorf("%d rejects", seen)
	}
}

func TestNoNameOfAFieldTellsASecret(t *testing.T) {
	s := newScripted(nil)
	s.format = cells{}
	e, _ := newEngine(t, s)
	e.Sources, e.Health.DriftWarns = []pipeline.Source{secretive{s}}, true
	syncDay(t, e, s, 7, "header talk hold\n"+cellRows(7, 3, "talk=1 hold=2"))
	sum, events := syncDay(t, e, s, 8, "header talk "+planted+"\n"+cellRows(8, 3, "talk=1 "+planted+"=2"))
	told := fmt.Sprintf("%+v", sum)
	for _, ev := range events {
		told += ev.Text + ev.Warning.Message
	}
	if len(sum.Streams[0].Warnings) == 0 || !strings.Contains(told, "…") || strings.Contains(told, planted) {
		t.Error(told)
	}
}
