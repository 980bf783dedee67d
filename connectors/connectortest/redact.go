package connectortest

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/transforms/personal"
)

// policies are the ways to treat personal data in which a copy of a document is compared with the document.
func policies() map[string]pipeline.Policy {
	key := []byte("a key of tests, which no one uses elsewhere")
	return map[string]pipeline.Policy{
		"hash":            personal.Options{Mode: personal.Hash, Key: key, Country: "US"}.Policy(),
		"hash, names too": personal.Options{Mode: personal.Hash, Key: key, Country: "US", Names: true}.Policy(),
		"drop":            personal.Options{Mode: personal.Drop}.Policy(),
		"drop, names too": personal.Options{Mode: personal.Drop, Key: key, Names: true}.Policy(),
	}
}

// checkCopy proves that the redacted copy of a document gives the rows that the document gives, and has none of the planted
// values.
func checkCopy(t *testing.T, format func(pipeline.Policy) pipeline.Format, table *pipeline.Table, m *pipeline.Meta, document string, planted ...string) {
	t.Helper()
	for mode, p := range policies() {
		f := format(p)
		want, err := Decode(t, f, table, m, document)
		if err != nil {
			t.Fatal(err)
		}
		var stored strings.Builder
		if err := f.(pipeline.Redactor).Redact(m, strings.NewReader(document), &stored); err != nil {
			t.Fatalf("%s: %v", mode, err)
		}
		for _, value := range planted {
			gone := strings.Contains(mode, "names") || strings.ContainsAny(value, "@0123456789") // else it may be a name, which stays
			if gone && strings.Contains(stored.String(), value) {
				t.Errorf("%s: the copy has %q:\n%s", mode, value, stored.String())
			}
		}
		of := *m
		of.Redacted, of.Request.Resources = p.Digest, f.(pipeline.Redactor).Asked(m.Request.Resources)
		got, err := Decode(t, f, table, &of, stored.String())
		if err != nil {
			t.Fatalf("%s: %v: the copy is\n%s", mode, err, stored.String())
		}
		if diff := diffOf(told(t, want), told(t, got)); diff != "" {
			t.Errorf("%s: the copy gives other rows:\n%s\nof\n%s", mode, diff, stored.String())
		}
	}
}

// told is what a document became, for a comparison.
func told(t *testing.T, d Decoded) string {
	var b bytes.Buffer
	for i, row := range d.Rows {
		b.Write(line(t, []any{row, d.Times[i], d.Extras[i]}))
	}
	for _, r := range d.Rejects {
		b.Write(line(t, []any{r.Row, r.At}))
	}
	return b.String()
}

// copied is a source of whose documents the reader gets redacted copies.
type copied struct {
	pipeline.Source
	of pipeline.Stream
}

func (s *copied) Fetch(ctx context.Context, r pipeline.Request, env pipeline.Env, yield func(pipeline.Body) error) error {
	redactor := s.of.Format.(pipeline.Redactor)
	return s.Source.Fetch(ctx, r, env, func(b pipeline.Body) error {
		open, m := b.Open, b.Meta
		b.Meta.Redacted, b.Meta.Request.Resources = s.of.Policy.Digest, redactor.Asked(m.Request.Resources)
		b.Open = func(ctx context.Context) (io.ReadCloser, error) {
			body, err := open(ctx)
			if err != nil {
				return nil, err
			}
			document, err := io.ReadAll(body)
			if err != nil {
				return nil, err
			}
			var stored bytes.Buffer
			if err := redactor.Redact(&m, bytes.NewReader(document), &stored); err != nil {
				stored = *bytes.NewBuffer(document) // of it no copy is read
			}
			return whole{io.NopCloser(&stored), pipeline.IsProven(body)}, body.Close()
		}
		return yield(b)
	})
}

// whole is a copy of a document that may be known to be whole.
type whole struct {
	io.ReadCloser
	proven bool
}

func (w whole) Proven() bool { return w.proven }
