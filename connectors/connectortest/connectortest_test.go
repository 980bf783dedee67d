package connectortest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-data/windrow/connectors/ucontact"
	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
)

const token = "s3cr3t-token-0123456789"

// open sets up a source that keeps every promise.
func open(t *testing.T) Setup {
	sim := Simulate(t, vendorsim.Options{UContact: vendorsim.UContactOptions{Token: token}})
	set, faults := ucontact.Config{
		URL: sim.Servers.UContactURL, Token: token, Timezone: "America/Chicago", Agents: "Agent1,Agent2",
	}.Settings(ucontact.Prefix)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	source, err := ucontact.New(set, ucontact.Options{Account: "mx", Clock: sim.Clock, Now: sim.Clock, RetryFor: time.Minute, Transport: sim.Transport})
	if err != nil {
		t.Fatal(err)
	}
	return Setup{
		Source: source, Account: "mx", Busy: sim.Busy(), Extracted: sim.Clock, Secrets: []string{token},
		Trouble: sim.Trouble("ucontact", "ucontact", "/api/stats", token), Calls: sim.Calls,
	}
}

// bent is a source with one method bent.
type bent struct {
	pipeline.Source
	streams func([]pipeline.Stream) []pipeline.Stream
	plan    func([]pipeline.Extraction) []pipeline.Extraction
	fetch   func(ctx context.Context, r pipeline.Request, env pipeline.Env, yield func(pipeline.Body) error) error
	body    func(pipeline.Body) pipeline.Body
	check   func(context.Context) error
}

func (b *bent) Streams() []pipeline.Stream {
	if b.streams != nil {
		return b.streams(b.Source.Streams())
	}
	return b.Source.Streams()
}

func (b *bent) Plan(s pipeline.Stream, due []pipeline.Window) []pipeline.Extraction {
	if b.plan != nil {
		return b.plan(b.Source.Plan(s, due))
	}
	return b.Source.Plan(s, due)
}

func (b *bent) Fetch(ctx context.Context, r pipeline.Request, env pipeline.Env, yield func(pipeline.Body) error) error {
	if b.fetch != nil {
		return b.fetch(ctx, r, env, yield)
	}
	return b.Source.Fetch(ctx, r, env, func(body pipeline.Body) error {
		if b.body != nil {
			body = b.body(body)
		}
		return yield(body)
	})
}

func (b *bent) Check(ctx context.Context) error {
	if b.check != nil {
		return b.check(ctx)
	}
	return b.Source.Check(ctx)
}

// lax is a format that takes anything for a document.
type lax struct{ pipeline.Format }

func (lax) Split(r io.Reader, _ int) iter.Seq2[pipeline.Chunk, error] {
	return func(yield func(pipeline.Chunk, error) bool) {
		_, err := io.Copy(io.Discard, r)
		yield(pipeline.Chunk{}, err)
	}
}

func (lax) Decode(*pipeline.Meta, pipeline.Chunk, *pipeline.Batch) error { return nil }

func TestTheSuiteSeesEachBrokenPromise(t *testing.T) {
	for _, tc := range []struct {
		name    string
		promise func(context.Context, *harness) error
		bend    func(*bent)
	}{
		{"no stream is configured", streamsAreComplete, func(b *bent) {
			b.streams = func(list []pipeline.Stream) []pipeline.Stream { return list[1:] }
		}},
		{"a digest that changes", streamsAreComplete, func(b *bent) {
			n := 0
			b.streams = func(list []pipeline.Stream) []pipeline.Stream {
				n++
				list[0].Settings = fmt.Sprint(n)
				return list
			}
		}},
		{"a plan that forgets a window", planningIsPure, func(b *bent) {
			b.plan = func(p []pipeline.Extraction) []pipeline.Extraction { return p[1:] }
		}},
		{"a plan that asks", planningIsPure, func(b *bent) {
			b.plan = func(p []pipeline.Extraction) []pipeline.Extraction {
				if err := b.Source.Check(context.Background()); err != nil {
					return nil
				}
				return p
			}
		}},
		{"a check that asks nobody", goodCredentialsPass, func(b *bent) { b.check = func(context.Context) error { return nil } }},
		{"a Meta of another span", documentsHoldRows, func(b *bent) {
			b.body = func(body pipeline.Body) pipeline.Body {
				body.Meta.Span = pipeline.Span{Start: 0, End: 1}
				return body
			}
		}},
		{"documents without rows", documentsHoldRows, func(b *bent) {
			b.body = func(body pipeline.Body) pipeline.Body { return answering(body, "[]") }
		}},
		{"a secret in the Meta", metaSuffices, func(b *bent) {
			b.body = func(body pipeline.Body) pipeline.Body {
				body.Meta.Request.Scope = "of " + token
				return body
			}
		}},
		{"a body that opens once", bodiesOpenAgain, func(b *bent) {
			b.body = func(body pipeline.Body) pipeline.Body {
				whole, opened := body.Open, 0
				body.Open = func(ctx context.Context) (io.ReadCloser, error) {
					if opened++; opened > 1 {
						return answering(body, "[          ]").Open(ctx)
					}
					return whole(ctx)
				}
				return body
			}
		}},
		{"fetches that get in each other's way", fetchesRunAtOnce, func(b *bent) {
			busy := make(chan struct{}, 1)
			b.fetch = func(ctx context.Context, r pipeline.Request, env pipeline.Env, yield func(pipeline.Body) error) error {
				select {
				case busy <- struct{}{}:
					defer func() { <-busy }()
					return b.Source.Fetch(ctx, r, env, yield)
				default:
					return errors.New("busy")
				}
			}
		}},
		{"a reader's error that is lost", readersErrorEnds, func(b *bent) {
			b.fetch = func(ctx context.Context, r pipeline.Request, env pipeline.Env, yield func(pipeline.Body) error) error {
				return b.Source.Fetch(ctx, r, env, func(body pipeline.Body) error {
					if err := yield(body); err != nil {
						return nil //nolint:nilerr // that is what is bent
					}
					return nil
				})
			}
		}},
		{"a context that does not matter", contextEnds, func(b *bent) {
			b.fetch = func(ctx context.Context, r pipeline.Request, env pipeline.Env, yield func(pipeline.Body) error) error {
				return b.Source.Fetch(context.WithoutCancel(ctx), r, env, yield)
			}
		}},
		{"waits that nobody hears of", troubleIsRetried, func(b *bent) {
			b.fetch = func(ctx context.Context, r pipeline.Request, env pipeline.Env, yield func(pipeline.Body) error) error {
				env.Notify = nil
				return b.Source.Fetch(ctx, r, env, yield)
			}
		}},
		{"a refusal without a hint", refusalIsFinal, func(b *bent) {
			b.check = func(ctx context.Context) error {
				err := b.Source.Check(ctx)
				if e := new(pipeline.Error); errors.As(err, &e) {
					e.Hint = ""
				}
				return err
			}
		}},
		{"a refusal that is tried again", refusalIsFinal, func(b *bent) {
			b.check = func(ctx context.Context) (err error) {
				for range 5 {
					err = b.Source.Check(ctx)
				}
				return err
			}
		}},
		{"an error that tells the token", refusalIsFinal, func(b *bent) {
			b.check = func(ctx context.Context) error {
				return &pipeline.Error{Op: "check " + token, Kind: pipeline.Unauthorized, Hint: "x", Err: b.Source.Check(ctx)}
			}
		}},
		{"a connection that breaks off unnoticed", brokenDocumentsFail, func(b *bent) {
			b.body = func(body pipeline.Body) pipeline.Body { return answering(body, "[]") }
		}},
		{"a format that takes a page for a document", otherDocumentsFail, func(b *bent) {
			b.streams = func(list []pipeline.Stream) []pipeline.Stream {
				list[0].Format = lax{list[0].Format}
				return list
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				setup := open(t)
				source := &bent{Source: setup.Source}
				tc.bend(source)
				setup.Source = source
				if err := tc.promise(t.Context(), newHarness(setup)); err == nil {
					t.Error("the suite did not see it")
				}
			})
		})
	}
}

// answering replaces what a body says.
func answering(b pipeline.Body, text string) pipeline.Body {
	b.Open = func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader([]byte(text))), nil
	}
	return b
}

func TestEveryPromiseHasANameOfItsOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range promises {
		if p.name == "" || seen[p.name] || p.keep == nil {
			t.Errorf("promise %q", p.name)
		}
		seen[p.name] = true
	}
}
