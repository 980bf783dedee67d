package connectortest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

var promises = []promise{
	{"streams are complete, and the same each time", streamsAreComplete},
	{"whose data they are is told before anybody is asked", ownersAreTold},
	{"planning asks nobody and serves every window once", planningIsPure},
	{"good credentials pass the check", goodCredentialsPass},
	{"documents hold rows of what was asked", documentsHoldRows},
	{"a Meta and the bytes suffice to read a document again", metaSuffices},
	{"a body opened again is the same document", bodiesOpenAgain},
	{"all requests can be fetched at once", fetchesRunAtOnce},
	{"the reader's error ends the Fetch and comes back", readersErrorEnds},
	{"the end of the context ends the Fetch", contextEnds},
	{"what may pass is tried again, and told", troubleIsRetried},
	{"refused credentials are told with a hint, and not tried again", refusalIsFinal},
	{"a document that breaks off is no document", brokenDocumentsFail},
	{"something else than a document is no document", otherDocumentsFail},
}

func streamsAreComplete(_ context.Context, h *harness) error {
	if _, err := h.configured(); err != nil {
		return err
	}
	first, second := h.Source.Streams(), h.Source.Streams()
	var seen []pipeline.StreamID
	for i, s := range first {
		problem := ""
		switch {
		case s.Key.Account != h.Account || s.Key.Stream.Source() == "" || slices.Contains(seen, s.Key.Stream):
			problem = "its key is of another account, without a source, or taken"
		case s.Table == nil || s.Calendar.Unit == calendar.AnyInstant || s.Calendar.Zone == nil:
			problem = "it has no table or no calendar"
		case len(s.Missing) > 0: // its settings, and so the rest, may be incomplete
		case s.Format == nil || s.Settings == "":
			problem = "it has no format or no settings digest"
		case !s.Calendar.Multiple(s.Grain):
			problem = "its windows are not multiples of its grain"
		case s.Settle < 0 || s.Lookback < 0 || s.Cache < 0:
			problem = "a duration is negative"
		case s.Settings != second[i].Settings || s.Key != second[i].Key || s.Calendar != second[i].Calendar:
			problem = "it is another one the second time"
		}
		if problem != "" {
			return fmt.Errorf("stream %s: %s", s.Key, problem)
		}
		seen = append(seen, s.Key.Stream)
	}
	return nil
}

func ownersAreTold(ctx context.Context, h *harness) error {
	streams, err := h.configured()
	if err != nil {
		return err
	}
	if streams[0].Owner == nil || streams[0].Owner().Host() == "" {
		return fmt.Errorf("stream %s: nobody tells whose its data are", streams[0].Key)
	}
	before := streams[0].Owner()
	for _, s := range streams {
		if s.Owner == nil || s.Owner() != before {
			return fmt.Errorf("stream %s: its data are of another than those of %s", s.Key, streams[0].Key)
		}
	}
	if n := h.Calls(); n > 0 {
		return fmt.Errorf("telling it made %d calls", n)
	}
	if err := h.Source.Check(ctx); err != nil {
		return err
	}
	after := streams[0].Owner()
	if before.And(after) != after {
		return fmt.Errorf("they were of %s, and after an answer of %s", before, after)
	}
	return h.noSecretIn(string(before), string(after))
}

func planningIsPure(_ context.Context, h *harness) error {
	streams, err := h.configured()
	if err != nil {
		return err
	}
	for _, s := range streams {
		due := h.windows(s, 7)
		due = slices.Delete(due, 3, 4) // with a gap
		plan := h.Source.Plan(s, due)
		if !reflect.DeepEqual(plan, h.Source.Plan(s, due)) {
			return fmt.Errorf("stream %s: two plans differ", s.Key)
		}
		var served []pipeline.Window
		for _, e := range plan {
			served = append(served, e.Windows...)
			if len(e.Requests) == 0 || !slices.IsSortedFunc(e.Windows, byStart) {
				return fmt.Errorf("stream %s: an extraction without requests, or with windows out of order", s.Key)
			}
			for _, r := range e.Requests {
				if err := fits(s, e, r); err != nil {
					return fmt.Errorf("stream %s: %w", s.Key, err)
				}
			}
		}
		slices.SortFunc(served, byStart)
		if !slices.Equal(served, due) {
			return fmt.Errorf("stream %s: serves %v of %v", s.Key, served, due)
		}
	}
	if n := h.Calls(); n > 0 {
		return fmt.Errorf("planning made %d calls", n)
	}
	return nil
}

func byStart(a, b pipeline.Window) int { return int(a.Start - b.Start) }

func fits(s pipeline.Stream, e pipeline.Extraction, r pipeline.Request) error {
	if r.Stream != s.Key.Stream || r.Tenant != (pipeline.TenantKey{Source: s.Key.Stream.Source(), Account: s.Key.Account}) || r.Zone == "" {
		return fmt.Errorf("request %+v is of another stream or tenant, or without a zone", r)
	}
	for _, w := range r.Windows {
		if !slices.Contains(e.Windows, w) {
			return fmt.Errorf("a request serves %s, which its extraction does not", w)
		}
		if !r.Span.Contains(w.Span) {
			return fmt.Errorf("a request for %s serves %s", r.Span, w)
		}
	}
	if len(r.Windows) == 0 {
		return errors.New("a request serves no window")
	}
	return nil
}

func goodCredentialsPass(ctx context.Context, h *harness) error {
	if err := h.Source.Check(ctx); err != nil {
		return err
	}
	if h.Calls() == 0 {
		return errors.New("the check asked nobody")
	}
	return nil
}

// each calls with every request of every configured stream.
func (h *harness) each(do func(pipeline.Stream, pipeline.Request) error) error {
	streams, err := h.configured()
	if err != nil {
		return err
	}
	for _, s := range streams {
		requests := h.requests(s)
		if len(requests) == 0 {
			return fmt.Errorf("stream %s: nothing is asked for two windows", s.Key)
		}
		for _, r := range requests {
			if err := do(s, r); err != nil {
				return fmt.Errorf("stream %s: %w", s.Key, err)
			}
		}
	}
	return nil
}

func documentsHoldRows(ctx context.Context, h *harness) error {
	inside := map[pipeline.StreamID]int{}
	err := h.each(func(s pipeline.Stream, r pipeline.Request) error {
		documents, err := h.fetch(ctx, r)
		if err != nil {
			return err
		}
		if len(documents) == 0 {
			return errors.New("no body")
		}
		for _, d := range documents {
			times, err := rows(s, d)
			if err != nil {
				return err
			}
			for _, at := range times {
				if at == pipeline.NoInstant || d.meta.Span.Has(at) {
					inside[s.Key.Stream]++
				}
			}
			if d.meta.ExtractedAt > pipeline.InstantOf(h.Extracted()) {
				return fmt.Errorf("extracted at %s, in the future", d.meta.ExtractedAt)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	streams, err := h.configured()
	if err != nil {
		return err
	}
	for _, s := range streams {
		if inside[s.Key.Stream] == 0 {
			return fmt.Errorf("stream %s: no row lies in what was asked", s.Key)
		}
	}
	return nil
}

// rows decodes a document and returns its rows' times.
func rows(s pipeline.Stream, d document) (times []pipeline.Instant, err error) {
	chunks := 0
	for chunk, err := range s.Format.Split(strings.NewReader(d.text), 64<<10) {
		if err != nil {
			return nil, err
		}
		chunks++
		batch := pipeline.NewBatch(s.Decoded())
		err := s.Format.Decode(&d.meta, chunk, batch)
		times = append(times, batch.Times...)
		if err == nil && batch.Rejects.Len() > 0 {
			err = fmt.Errorf("a row is rejected: %s", slices.Collect(batch.Rejects.All())[0].Reason)
		}
		batch.Release()
		if chunk.Free != nil {
			chunk.Free()
		}
		if err != nil {
			return nil, err
		}
	}
	if chunks == 0 {
		return nil, errors.New("a document without a chunk")
	}
	return times, nil
}

func metaSuffices(ctx context.Context, h *harness) error {
	return h.each(func(s pipeline.Stream, r pipeline.Request) error {
		documents, err := h.fetch(ctx, r)
		if err != nil {
			return err
		}
		for _, d := range documents {
			if d.meta.Request.Stream != s.Key.Stream || d.meta.Request.Tenant != r.Tenant || d.meta.Span.Empty() || d.meta.ReadAt == 0 || d.meta.ExtractedAt == 0 {
				return fmt.Errorf("incomplete: %+v", d.meta)
			}
			text, err := json.Marshal(d.meta)
			if err != nil {
				return err
			}
			again := document{text: d.text}
			if err := json.Unmarshal(text, &again.meta); err != nil {
				return err
			}
			if !reflect.DeepEqual(again.meta, d.meta) {
				return fmt.Errorf("stored and read, %+v is %+v", d.meta, again.meta)
			}
			want, err := rows(s, d)
			if err != nil {
				return err
			}
			if got, err := rows(s, again); err != nil || !slices.Equal(got, want) {
				return errors.Join(fmt.Errorf("%d rows instead of %d", len(got), len(want)), err)
			}
			if err := h.noSecretInMeta(d.meta); err != nil {
				return err
			}
		}
		return nil
	})
}

// bodiesOpenAgain compares rows, not bytes: what is a snapshot of the moment
// may have changed.
func bodiesOpenAgain(ctx context.Context, h *harness) error {
	return h.each(func(s pipeline.Stream, r pipeline.Request) error {
		return h.Source.Fetch(ctx, r, h.env(), func(body pipeline.Body) error {
			first, err := read(ctx, body)
			if err != nil {
				return err
			}
			if half, err := body.Open(ctx); err != nil { // one that is given up halfway
				return err
			} else if _, err := io.CopyN(io.Discard, half, 10); err != nil {
				return err
			} else if err := half.Close(); err != nil {
				return err
			}
			second, err := read(ctx, body)
			if err != nil {
				return err
			}
			want, err := rows(s, document{body.Meta, first})
			if err != nil {
				return err
			}
			if got, err := rows(s, document{body.Meta, second}); err != nil || !slices.Equal(got, want) {
				return errors.Join(fmt.Errorf("%d rows, then %d others", len(want), len(got)), err)
			}
			return nil
		})
	})
}

func fetchesRunAtOnce(ctx context.Context, h *harness) error {
	streams, err := h.configured()
	if err != nil {
		return err
	}
	var (
		all  sync.WaitGroup
		mu   sync.Mutex
		errs []error
	)
	for _, s := range streams {
		for _, e := range h.Source.Plan(s, h.windows(s, 12)) {
			for _, r := range e.Requests {
				all.Go(func() {
					documents, err := h.fetch(ctx, r)
					if err == nil && len(documents) == 0 {
						err = errors.New("no body")
					}
					mu.Lock()
					defer mu.Unlock()
					errs = append(errs, err)
				})
			}
		}
	}
	all.Wait()
	return errors.Join(errs...)
}

func readersErrorEnds(ctx context.Context, h *harness) error {
	return h.each(func(_ pipeline.Stream, r pipeline.Request) error {
		mine, yields := errors.New("the reader's own error"), 0
		err := h.Source.Fetch(ctx, r, h.env(), func(pipeline.Body) error { yields++; return mine })
		if !errors.Is(err, mine) || yields != 1 {
			return fmt.Errorf("%d yields, and the error %v", yields, err)
		}
		return nil
	})
}
