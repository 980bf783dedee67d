package connectortest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/windrow-data/windrow/connectors"
	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
	"github.com/windrow-data/windrow/pipeline/plan"
	"github.com/windrow-data/windrow/testdata"
)

// Case is a case of testdata: the documents that a vendor answers with, and what
// it was asked. Its file is <source>/<stream>/<case>.meta.json.
type Case struct {
	Name   string             `json:"-"` // <source>/<stream>/<case>
	Stream pipeline.StreamKey `json:"-"`
	About  string             `json:"about"` // what is awkward
	// Settings are the account's, by the names of their variables without prefix.
	Settings map[string]string `json:"settings"`
	// From and To select the windows, as on the command line.
	From string `json:"from"`
	To   string `json:"to"`
	// ExtractedAt is when the vendor is read.
	ExtractedAt time.Time `json:"extracted_at"`
	// Answers are the files that answer the planned requests, in the order of the
	// plan; left out, the case's own file answers all of them.
	Answers []string `json:"answers"`
	// Cached says that the vendor had the report before it was ordered.
	Cached bool `json:"cached"`
	// MaxRejects is the share of rejected rows from which a window fails; left out,
	// none fails.
	MaxRejects *float64 `json:"max_rejects"`
	// MaxUnreadable is the share of a field's values that cannot be read from which
	// a window fails; left out, none fails.
	MaxUnreadable *float64 `json:"max_unreadable"`
	// Policy is what becomes of personal data.
	Policy pipeline.Policy `json:"-"`
}

const metaSuffix = ".meta.json"

// Cases lists the cases of a source. Each file of testdata belongs to one.
func Cases(t testing.TB, source pipeline.SourceID) []*Case {
	t.Helper()
	var cases []*Case
	used := map[string]bool{}
	var files []string
	err := fs.WalkDir(testdata.Files, string(source), func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files = append(files, name)
		if !strings.HasSuffix(name, metaSuffix) {
			return nil
		}
		c := readCase(t, name)
		for _, answer := range c.Answers {
			used[path.Join(path.Dir(name), answer)] = true
		}
		used[name], used[c.Name+goldenSuffix] = true, true
		cases = append(cases, c)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) == 0 {
		t.Fatalf("testdata/%s has no case: nothing would be tested", source)
	}
	for _, name := range files {
		if !used[name] {
			t.Errorf("testdata/%s belongs to no case", name)
		}
	}
	return cases
}

func readCase(t testing.TB, name string) *Case {
	t.Helper()
	text, err := fs.ReadFile(testdata.Files, name)
	if err != nil {
		t.Fatal(err)
	}
	c := &Case{Name: strings.TrimSuffix(name, metaSuffix)}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(c); err != nil {
		t.Fatalf("testdata/%s: %v", name, err)
	}
	source, stream := path.Split(path.Dir(name))
	c.Stream = pipeline.StreamKey{Account: pipeline.DefaultAccount, Stream: pipeline.StreamID(path.Clean(source) + "." + stream)}
	if c.About == "" || c.From == "" || c.To == "" || c.ExtractedAt.IsZero() {
		t.Fatalf("testdata/%s lacks about, from, to or extracted_at", name)
	}
	for _, extension := range []string{".csv", ".json"} {
		own := c.Name + extension
		if _, err := fs.Stat(testdata.Files, own); err == nil && len(c.Answers) == 0 {
			c.Answers = []string{path.Base(own)}
		}
	}
	return c
}

// Golden is what the case became when its golden was written: see README.md of testdata.
func (c *Case) Golden() []byte { return testdata.Read(c.Name + goldenSuffix) }

// Configure fills a connector's Config with the case's settings.
func (c *Case) Configure(t testing.TB, config any) {
	t.Helper()
	v := reflect.ValueOf(config).Elem()
	left := len(c.Settings)
	for i := range v.NumField() {
		if value, ok := c.Settings[v.Type().Field(i).Tag.Get("envconfig")]; ok {
			v.Field(i).SetString(value)
			left--
		}
	}
	if left > 0 {
		t.Fatalf("%s: a setting is none of the source", c.Name)
	}
}

// Inbox is a folder with the case's answers, for a stream whose answers arrive as files; write is os.WriteFile.
func (c *Case) Inbox(t testing.TB, write func(name string, text []byte, perm fs.FileMode) error) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range c.Answers {
		if err := write(filepath.Join(dir, name), testdata.Read(path.Join(path.Dir(c.Name), name)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Options are what the case's source is opened with.
func (c *Case) Options() connectors.Options {
	return connectors.Options{
		Account: c.Stream.Account, Clock: func() time.Time { return c.ExtractedAt }, Now: time.Now, RetryFor: time.Second,
		Policy: c.Policy,
		Transport: vendorsim.Replay{Cached: c.Cached, Document: func(r *http.Request) []byte {
			return r.Context().Value(documentKey{}).([]byte)
		}},
	}
}

// Sync reads the case's windows from source, which was opened with Options, into
// a store, through the engine.
func (c *Case) Sync(ctx context.Context, source pipeline.Source, store pipeline.Store) (pipeline.Summary, error) {
	e := engine.Engine{
		Store: store, Sources: []pipeline.Source{&replayed{Source: source, of: c}}, Streams: []pipeline.StreamID{c.Stream.Stream},
		Select: plan.Selection{From: c.From, To: c.To},
		Clock:  func() time.Time { return c.ExtractedAt }, Now: time.Now, MaxRejects: engine.RejectLimit{Share: 1, Setting: "WINDROW_MAX_REJECTS"}, Concurrency: 2,
	}
	if c.MaxRejects != nil {
		e.MaxRejects.Share = *c.MaxRejects
	}
	e.Health = engine.Health{MaxUnreadable: engine.RejectLimit{Share: 1, Setting: "WINDROW_MAX_UNREADABLE"}, DriftSetting: "WINDROW_ON_DRIFT=warn"}
	if c.MaxUnreadable != nil {
		e.Health.MaxUnreadable.Share = *c.MaxUnreadable
	}
	return e.Sync(ctx)
}

// documentKey is the context's key of the document that answers a request.
type documentKey struct{}

// replayed is a source whose requests are answered with a case's documents. The
// requests of one extraction are answered one after the other, in the order of
// the plan: the rows of a window come in the same order each time.
type replayed struct {
	pipeline.Source
	of *Case

	planned []plannedRequest
}

// plannedRequest is a request of the plan.
type plannedRequest struct {
	name   string
	before <-chan struct{} // closed when the request before it was answered; nil for the first
	done   func()          // closes what the next request waits for
}

func nameOf(r pipeline.Request) string {
	return fmt.Sprint(r.Span, r.Scope, strings.Join(r.Resources, ","))
}

func (s *replayed) Plan(st pipeline.Stream, due []pipeline.Window) []pipeline.Extraction {
	extractions := s.Source.Plan(st, due)
	s.planned = nil
	for _, x := range extractions {
		var before <-chan struct{}
		for _, r := range x.Requests {
			answered := make(chan struct{})
			done := sync.OnceFunc(func() { close(answered) }) // a broken document is asked for again
			s.planned, before = append(s.planned, plannedRequest{nameOf(r), before, done}), answered
		}
	}
	return extractions
}

func (s *replayed) Fetch(ctx context.Context, r pipeline.Request, env pipeline.Env, yield func(pipeline.Body) error) error {
	for i, p := range s.planned {
		if p.name != nameOf(r) {
			continue
		}
		defer p.done()
		if p.before != nil {
			select {
			case <-p.before:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		document, err := s.of.answer(i, len(s.planned))
		if err != nil {
			return err
		}
		answered := func(ctx context.Context) context.Context { return context.WithValue(ctx, documentKey{}, document) }
		return s.Source.Fetch(answered(ctx), r, env, func(b pipeline.Body) error {
			open := b.Open
			b.Open = func(ctx context.Context) (io.ReadCloser, error) { return open(answered(ctx)) }
			return yield(b)
		})
	}
	return fmt.Errorf("%s: %s was not planned", s.of.Name, nameOf(r))
}

// answer is the document that answers request i of n.
func (c *Case) answer(i, n int) ([]byte, error) {
	if len(c.Answers) != n && len(c.Answers) != 1 {
		return nil, fmt.Errorf("%s: %d answers for %d requests", c.Name, len(c.Answers), n)
	}
	return fs.ReadFile(testdata.Files, path.Join(path.Dir(c.Name), c.Answers[min(i, len(c.Answers)-1)]))
}
