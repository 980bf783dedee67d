package engine_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
	"github.com/windrow-data/windrow/pipeline/engine"
	"github.com/windrow-data/windrow/sinks/memory"
)

// scripted is a source of one stream of events whose answers a test writes. By
// default one report serves all windows and each scope is asked once.
type scripted struct {
	key    pipeline.StreamKey
	zone   string
	scopes []string
	apart  bool // every window is an extraction of its own
	daily  bool // it can be asked for whole days of its zone alone
	days   bool // its reports are asked for by days ago
	digest string
	answer func(ctx context.Context, r pipeline.Request, yield func(text string) error) error
	format pipeline.Format      // nil: lines
	open   func() io.ReadCloser // instead of the text; may be nil
	owner  func() pipeline.Owner
	asked  pipeline.AskedFields
}

// said answers each scope with a text.
func said(texts map[string]string) func(context.Context, pipeline.Request, func(string) error) error {
	return func(_ context.Context, r pipeline.Request, yield func(string) error) error {
		return yield(texts[r.Scope])
	}
}

// staleHint is what the stream says of reports of other days.
const staleHint = "a sync after the cache has run out reads them"

var errRefused = &pipeline.Error{Op: "ask", Kind: pipeline.Refused, Err: errors.New("no")}

func (s *scripted) Streams() []pipeline.Stream {
	zone, err := time.LoadLocation(s.zone)
	if err != nil {
		panic(err)
	}
	format := s.format
	if format == nil {
		format = lines{}
	}
	grain := pipeline.Calendar{}
	if s.daily {
		grain = pipeline.Calendar{Unit: calendar.Days, Every: 1, Zone: zone}
	}
	return []pipeline.Stream{{
		Key: s.key, Grain: grain, Table: pipeline.Events, Calendar: pipeline.Calendar{Unit: calendar.Days, Every: 1, Zone: zone},
		Settle: time.Hour, Overlap: true, Format: format, Settings: s.digest, From: "2025-09-07", StaleHint: staleHint, Owner: s.owner,
		Asked: s.asked,
	}}
}

func (s *scripted) Plan(_ pipeline.Stream, due []pipeline.Window) []pipeline.Extraction {
	groups := [][]pipeline.Window{due}
	if s.apart {
		groups = nil
		for i := range due {
			groups = append(groups, due[i:i+1])
		}
	}
	var plan []pipeline.Extraction
	for _, windows := range groups {
		x := pipeline.Extraction{Windows: windows}
		for _, scope := range s.scopes {
			x.Requests = append(x.Requests, pipeline.Request{
				Stream: s.key.Stream, Windows: windows, Zone: windows[0].Zone, Scope: scope,
				Span: pipeline.Span{Start: windows[0].Start, End: windows[len(windows)-1].End},
			})
		}
		plan = append(plan, x)
	}
	return plan
}

func (s *scripted) Fetch(ctx context.Context, r pipeline.Request, _ pipeline.Env, yield func(pipeline.Body) error) error {
	return s.answer(ctx, r, func(text string) error {
		m := pipeline.Meta{Request: r, Span: r.Span, ExtractedAt: pipeline.InstantOf(noon), ReadAt: pipeline.InstantOf(time.Now())}
		if s.days {
			m.Days = &pipeline.AskedDays{Span: r.Span, First: r.Windows[0].Span, Last: r.Windows[len(r.Windows)-1].Span}
		}
		return yield(pipeline.Body{
			Meta: m,
			Open: func(context.Context) (io.ReadCloser, error) {
				if s.open != nil {
					return s.open(), nil
				}
				return io.NopCloser(strings.NewReader(text)), nil
			},
		})
	})
}

func (s *scripted) Check(context.Context) error { return nil }

// lines is a format of lines "time id"; one without a time that can be read is a
// reject, an id "a of 7" is of the unit 7, and "--" ends a chunk. "at TIME" makes the rest a reject with a time; "cut" breaks the document.
type lines struct{}

func (lines) Split(r io.Reader, _ int) iter.Seq2[pipeline.Chunk, error] {
	return func(yield func(pipeline.Chunk, error) bool) {
		text, err := io.ReadAll(r)
		if err != nil {
			yield(pipeline.Chunk{}, err)
			return
		}
		for part := range bytes.SplitSeq(text, []byte("--\n")) {
			if !yield(pipeline.Chunk{Data: part}, nil) {
				return
			}
		}
	}
}

func (lines) Decode(_ *pipeline.Meta, c pipeline.Chunk, into *pipeline.Batch) error {
	n := int64(0)
	for line := range strings.Lines(string(c.Data)) {
		n++
		line = strings.TrimSpace(line)
		first, rest, _ := strings.Cut(line, " ")
		if first == "cut" {
			return &pipeline.Error{Op: "read", Kind: pipeline.Malformed, Err: errors.New("cut short")}
		}
		if first == "at" {
			at, _, _ := strings.Cut(rest, " ")
			t, err := time.Parse(time.RFC3339, at)
			if err != nil {
				return err
			}
			into.Reject(pipeline.Reject{Row: n, At: pipeline.InstantOf(t), Reason: "unreadable", Raw: line})
			continue
		}
		t, err := time.Parse(time.RFC3339, first)
		if err != nil {
			into.Reject(pipeline.Reject{Row: n, At: pipeline.NoInstant, Reason: "no time", Raw: line})
			continue
		}
		into.String(pipeline.Events.Index("kind"), "call")
		into.String(pipeline.Events.Index("timezone"), "UTC")
		into.String(pipeline.Events.Index("event_id"), rest)
		into.Instant(pipeline.Events.Index("started_at"), pipeline.InstantOf(t))
		into.EndRow(pipeline.InstantOf(t), pipeline.Hash{})
		if _, unit, named := strings.Cut(rest, " of "); named {
			into.Unit([]byte(unit))
		}
	}
	return nil
}

func (lines) Lenient() pipeline.Format { return lines{} }

// noon is on a Wednesday; the days from the 7th to the 9th are over.
var noon = time.Date(2025, 9, 10, 12, 0, 0, 0, time.UTC)

func newScripted(answer func(context.Context, pipeline.Request, func(string) error) error, scopes ...string) *scripted {
	if len(scopes) == 0 {
		scopes = []string{"company"}
	}
	return &scripted{
		key:  pipeline.StreamKey{Account: "default", Stream: "dialpad.calls"},
		zone: "UTC", scopes: scopes, digest: "settings", answer: answer,
	}
}

func newEngine(t *testing.T, s *scripted) (*engine.Engine, *memory.Store) {
	t.Helper()
	store := memory.New(memory.Options{})
	t.Cleanup(func() { _ = store.Close() })
	return engineOn(store, s), store
}

func engineOn(store pipeline.Store, s *scripted) *engine.Engine {
	return &engine.Engine{
		Store: store, Sources: []pipeline.Source{s}, Clock: func() time.Time { return noon }, Now: time.Now,
		MaxRejects: engine.RejectLimit{Share: 0.2, Setting: "the test"}, Concurrency: 4,
	}
}

func mustSync(t *testing.T, e *engine.Engine) pipeline.StreamSummary {
	t.Helper()
	sum, err := e.Sync(t.Context())
	if err != nil || sum.Exit != pipeline.ExitDone {
		t.Fatalf("exit %d, %v: %+v", sum.Exit, err, sum.Streams)
	}
	return sum.Streams[0]
}

// entries are the committed windows, as the ledger has them.
func entries(t *testing.T, store pipeline.Store, s *scripted) []pipeline.Entry {
	t.Helper()
	l, err := store.Ledger(t.Context(), s.key)
	if err != nil {
		t.Fatal(err)
	}
	var list []pipeline.Entry
	for _, e := range l.Entries() {
		if e.Kind == pipeline.EntryCommit {
			list = append(list, e)
		}
	}
	slices.SortFunc(list, func(a, b pipeline.Entry) int { return int(a.Window.Start - b.Window.Start) })
	return list
}

func ids(store *memory.Store, s *scripted) string {
	var list []string
	for _, row := range store.Rows(s.key) {
		list = append(list, row["scope"]+"/"+row["event_id"])
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}
