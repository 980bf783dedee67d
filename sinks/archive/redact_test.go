package archive_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/archive"
	"github.com/windrow-data/windrow/transforms"
	"github.com/windrow-data/windrow/transforms/personal"
)

const (
	person = "Zoraida Quintanilla"
	visits = "id,who,mood\n1," + person + ",content\n2,,\n"
)

// redacting is a question whose answers name people, and so does the request.
func redacting(o personal.Options) archive.Question {
	q := question(0)
	q.Request.Resources = []string{person}
	q.Policy = o.Policy()
	q.Format = transforms.NewCSV(transforms.Mapping{
		Table: pipeline.Events, Fields: []transforms.Field{{Source: "id", Column: "event_id"}, {Source: "who", Column: "agent_name"}}, Keys: []string{"id"}, Asked: "who",
		Row:      func(r *transforms.Row) { r.SetString(pipeline.Events.Index("kind"), "visit") },
		Personal: map[string]pipeline.Personal{"who": pipeline.PersonalName},
	}, q.Policy)
	return q
}

var hashing = personal.Options{Mode: personal.Hash, Key: []byte("a key of thirty-two bytes or more"), Names: true}

// everything is what lies beneath a directory, the drafts and the texts that are compressed too.
func everything(t *testing.T, root string, a archive.Archive) string {
	t.Helper()
	var all strings.Builder
	for _, name := range files(t, root) {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&all, name, string(text))
	}
	for _, d := range documents(t, a) {
		text, err := contents(t, d)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&all, text)
	}
	return all.String()
}

func TestUnderAPolicyACopyIsKeptAndMarked(t *testing.T) {
	a, root := opened(t)
	q := redacting(hashing)
	if err := keep(t.Context(), a, q, 0, visits); err != nil {
		t.Fatal(err)
	}
	name := q.Policy.NameOf(person)
	d := documents(t, a)[0]
	if text, err := contents(t, d); text != strings.Replace(strings.Replace(visits, person, name, 1), "content", q.Policy.NameOf("content"), 1) || err != nil {
		t.Errorf("kept %q, %v", text, err)
	}
	if d.Meta.Redacted != q.Policy.Digest || len(d.Meta.Request.Resources) != 1 || d.Meta.Request.Resources[0] != name {
		t.Errorf("the document is described by %+v", d.Meta)
	}
	if all := everything(t, root, a); strings.Contains(all, person) || strings.Contains(all, "content") {
		t.Errorf("the archive holds %s", all)
	}
	other := hashing // the same answer under another policy is another document
	other.Key = []byte("another key of thirty-two bytes, or more")
	if err := keep(t.Context(), a, redacting(other), 0, visits); err != nil || len(documents(t, a)) != 2 {
		t.Errorf("%v; %d documents", err, len(documents(t, a)))
	}
}

func TestOfWhatCannotBeSplitTheSizeIsKept(t *testing.T) {
	for name, tt := range map[string]struct {
		q    archive.Question
		text string
		hmac bool
	}{
		"a page":                  {redacting(hashing), "<html>" + person + "</html>", true},
		"without a key":           {redacting(personal.Options{Mode: personal.Drop}), "<html>" + person + "</html>", false},
		"a format without copies": {archive.Question{Request: request(0), Suffix: "csv", Policy: hashing.Policy()}, visits, true},
	} {
		a, root := opened(t)
		answer := a.Begin(tt.q)
		refusal := &archive.RefusedError{Err: errors.New("no document"), Verdict: archive.Broken}
		m := pipeline.Meta{Request: tt.q.Request, Span: tt.q.Request.Span, ReadAt: readAt, ExtractedAt: readAt}
		if err := answer.Put(t.Context(), m, io.MultiReader(strings.NewReader(tt.text), failing{refusal})); !errors.Is(err, refusal) {
			t.Errorf("%s: %v", name, err)
		}
		if err := answer.End(t.Context(), false, ""); err != nil {
			t.Fatal(err)
		}
		want := fmt.Sprintf(`{"bytes":%d`, len(tt.text))
		if tt.hmac {
			h := hashing.Policy().Whole()
			h.Write([]byte(tt.text))
			want += fmt.Sprintf(`,"hmac":"%x"`, h.Sum(nil))
		}
		d := documents(t, a)[0]
		if text, err := contents(t, d); text != want+"}\n" || err != nil || d.Readings[0].Verdict != archive.Broken {
			t.Errorf("%s: kept %q as %+v, %v", name, text, d.Readings, err)
		}
		if all := everything(t, root, a); tt.q.Policy.NameOf(person) != person && strings.Contains(all, person) {
			t.Errorf("%s: the archive holds %s", name, all)
		}
	}
}

func TestWhatBreaksOffLeavesNoCopy(t *testing.T) {
	a, root := opened(t)
	q := redacting(hashing)
	answer := a.Begin(q)
	cut := &pipeline.Error{Op: "read", Kind: pipeline.Unavailable, Err: io.ErrUnexpectedEOF}
	m := pipeline.Meta{Request: q.Request, Span: q.Request.Span, ReadAt: readAt}
	if err := answer.Put(t.Context(), m, io.MultiReader(strings.NewReader(visits), failing{cut})); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%v", err)
	}
	if err := answer.End(t.Context(), true, ""); err != nil || len(files(t, root)) > 0 {
		t.Errorf("%v; there is %q", err, files(t, root))
	}
}

func TestADocumentInTheClearIsReplacedByItsCopy(t *testing.T) {
	a, root := opened(t)
	q := redacting(hashing)
	clear := q
	clear.Policy, clear.Format = pipeline.Policy{}, nil
	for hour := range 2 { // the same answer twice
		if err := keep(t.Context(), a, clear, hour, visits); err != nil {
			t.Fatal(err)
		}
	}
	if err := keep(t.Context(), a, clear, 2, "<html>"+person+"</html>"); err != nil {
		t.Fatal(err)
	}
	before := make(map[string][]byte)
	for _, name := range files(t, root) {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		before[name] = text
	}
	stream := func(map[string]string) pipeline.Stream {
		return pipeline.Stream{Policy: q.Policy, Format: q.Format, Shape: map[string]string{"TARGETS": "as told"}}
	}
	for attempt := range 2 {
		if n, err := a.Redact(t.Context(), documents(t, a), stream); n != 2 || err != nil {
			t.Fatalf("%d documents were replaced, %v", n, err)
		}
		all := documents(t, a)
		if len(all) != 2 || len(files(t, root)) != 4 {
			t.Fatalf("attempt %d: %d documents, %q", attempt, len(all), files(t, root))
		}
		if text, err := contents(t, all[0]); !strings.HasPrefix(text, "id,who,mood\n1,"+q.Policy.NameOf(person)) || err != nil {
			t.Errorf("kept %q, %v", text, err)
		}
		if d := all[0]; len(d.Readings) != 2 || d.Readings[0].Verdict != archive.Sound || d.Readings[1].Shape["TARGETS"] != "as told" || d.Meta.Redacted != q.Policy.Digest {
			t.Errorf("it is described by %+v", d)
		}
		if all[1].Readings[0].Verdict != archive.Broken {
			t.Errorf("what cannot be split is %+v", all[1])
		}
		if text := everything(t, root, a); strings.Contains(text, person) {
			t.Errorf("the archive holds %s", text)
		}
		for name, text := range before { // as if the first attempt had been killed before it removed them
			if err := os.WriteFile(filepath.Join(root, name), text, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}
