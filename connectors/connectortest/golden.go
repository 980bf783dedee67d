package connectortest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/testdata"
)

const goldenSuffix = ".golden.jsonl"

// Golden compares what the documents of testdata become with what they became
// before: the rows, the rejects, the counts and the fingerprint of each window,
// or the error that it fails with.
type Golden struct {
	Source pipeline.SourceID
	// Open opens the source with the case's settings and options.
	Open func(t *testing.T, c *Case) pipeline.Source
	// Store returns an empty store.
	Store func() GoldenStore
	// Write writes the goldens in place of comparing them, as os.WriteFile does; nil
	// compares. Names are relative to the connector's folder.
	Write func(name string, text []byte, perm fs.FileMode) error
}

// GoldenStore is a store that tells what it holds, in the order of its windows.
type GoldenStore interface {
	pipeline.Store
	pipeline.Verifier
	Records(k pipeline.StreamKey) []arrow.Record // the caller releases them
	Rejects(k pipeline.StreamKey) []pipeline.Reject
}

// Run compares every case of the source.
func (g Golden) Run(t *testing.T) {
	t.Helper()
	for _, c := range Cases(t, g.Source) {
		t.Run(strings.TrimPrefix(c.Name, string(g.Source)+"/"), func(t *testing.T) {
			t.Parallel() // a document that breaks off is asked for again after a pause
			g.checkCopies(t, *c)
			got := g.read(t, c)
			if g.Write != nil {
				if err := g.Write("../../testdata/"+c.Name+goldenSuffix, got, 0o644); err != nil {
					t.Error(err)
				}
				return
			}
			want, err := fs.ReadFile(testdata.Files, c.Name+goldenSuffix)
			if err != nil {
				t.Fatalf("%v: write it with -update", err)
			}
			if diff := diffOf(string(want), string(got)); diff != "" {
				t.Errorf("%s is not what it was (-update writes it):\n%s", c.Name+goldenSuffix, diff)
			}
		})
	}
}

// checkCopies compares what redacted copies of a case's documents become with what the documents become.
func (g Golden) checkCopies(t *testing.T, c Case) {
	t.Helper()
	for mode, p := range policies() {
		c.Policy = p
		want := loaded(g.read(t, &c))
		if strings.Contains(want, `{"failed":`) {
			continue // no copy of a document that was refused is read again
		}
		other := g
		other.Open = func(t *testing.T, c *Case) pipeline.Source {
			source := g.Open(t, c)
			for _, of := range source.Streams() {
				if of.Key == c.Stream {
					return &copied{source, of}
				}
			}
			return source
		}
		if diff := diffOf(want, loaded(other.read(t, &c))); diff != "" {
			t.Errorf("%s: a copy becomes something else:\n%s", mode, diff)
		}
	}
}

var (
	shownReasons = regexp.MustCompile(`"reject":"[^"]*"`)
	shownCounts  = regexp.MustCompile(`,"unreadable":\{[^}]*\}|,"rejects_hash":"[^"]*"`)
)

// loaded is what a case became without the reasons of rejects and what is counted of fields: of a value that is dropped
// nobody can tell what it was.
func loaded(golden []byte) string {
	return string(shownCounts.ReplaceAll(shownReasons.ReplaceAll(golden, nil), nil))
}

// read syncs a case and writes down what it became.
func (g Golden) read(t *testing.T, c *Case) []byte {
	t.Helper()
	store := g.Store()
	defer store.Close() //nolint:errcheck // of memory
	source := g.Open(t, c)
	sum, err := c.Sync(t.Context(), source, store)
	if err != nil {
		t.Fatal(err)
	}
	ledger, err := store.Ledger(t.Context(), c.Stream)
	if err != nil {
		t.Fatal(err)
	}
	verifyRows(t, source, c.Stream, store, ledger)
	var windows []pipeline.Entry
	for _, e := range ledger.Entries() {
		if e.Kind == pipeline.EntryCommit {
			windows = append(windows, e)
		}
	}
	slices.SortFunc(windows, func(a, b pipeline.Entry) int { return cmp.Compare(a.Window.Start, b.Window.Start) })
	rows := goldenRows(store.Records(c.Stream))
	var text bytes.Buffer
	for _, e := range windows {
		text.Write(windowLine(t, e))
		for _, row := range rows[e.Window.Start] {
			text.WriteString(row)
		}
		delete(rows, e.Window.Start)
	}
	if len(rows) > 0 {
		t.Errorf("%d windows hold rows and are not committed", len(rows))
	}
	for _, r := range store.Rejects(c.Stream) {
		text.Write(rejectLine(t, r))
	}
	for _, e := range sum.Streams[0].Errors {
		text.Write(failureLine(t, e))
	}
	if text.Len() == 0 {
		t.Error("the case reads no window")
	}
	return text.Bytes()
}

// verifyRows makes sure that the rows as they are stored have the fingerprint that the rows had when they were read.
func verifyRows(t *testing.T, source pipeline.Source, k pipeline.StreamKey, store GoldenStore, l *pipeline.Ledger) {
	t.Helper()
	for _, s := range source.Streams() {
		if s.Key != k {
			continue
		}
		how := pipeline.Verification{Depth: pipeline.ByRows, Snapshot: s.Format.(pipeline.SnapshotFormat).Snapshot}
		for d, err := range store.Verify(t.Context(), k, s.Table, l, how) {
			if err != nil {
				t.Fatal(err)
			}
			t.Errorf("what is stored of %s is not what was read: %s: %s, not %s", d.Window.Span, d.Kind, d.Found, d.Expected)
		}
	}
}

func windowLine(t *testing.T, e pipeline.Entry) []byte {
	return line(t, struct {
		Window      string               `json:"window"`
		Zone        string               `json:"zone"`
		Settled     bool                 `json:"settled"`
		Counts      pipeline.Counts      `json:"counts"`
		Unreadable  pipeline.FieldCounts `json:"unreadable,omitempty"`
		Fingerprint pipeline.Hash        `json:"fingerprint"`
		RejectsHash pipeline.Hash        `json:"rejects_hash,omitzero"`
		Settings    string               `json:"settings"`
	}{e.Window.Span.String(), e.Window.Zone, e.Settled, e.Counts, e.Unreadable, e.Fingerprint, e.RejectsHash, e.Settings})
}

func rejectLine(t *testing.T, r pipeline.Reject) []byte {
	return line(t, struct {
		Reason string `json:"reject"`
		Row    int64  `json:"row"`
		At     string `json:"at"`
		Scope  string `json:"scope,omitempty"`
		Raw    string `json:"raw"`
	}{r.Reason, r.Row, r.At.String(), r.Scope, r.Raw})
}

func failureLine(t *testing.T, e pipeline.WindowError) []byte {
	return line(t, struct {
		Window  string `json:"failed"`
		Kind    string `json:"error_kind"`
		Message string `json:"message"`
	}{pipeline.Span{Start: e.WindowStart, End: e.WindowEnd}.String(), e.ErrorKind, e.Message})
}

func line(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// goldenRows writes rows as lines of JSON by the window that they stand in,
// without nulls and without the id of the run.
func goldenRows(records []arrow.Record) map[pipeline.Instant][]string {
	lines := map[pipeline.Instant][]string{}
	for _, rec := range records {
		starts := rec.Column(rec.Schema().FieldIndices("window_start")[0]).(*array.Timestamp)
		for i := range int(rec.NumRows()) {
			var cells []string
			for c, f := range rec.Schema().Fields() {
				if col := rec.Column(c); f.Name != "sync_id" && col.IsValid(i) {
					cells = append(cells, quoted(f.Name)+":"+cellText(col, i))
				}
			}
			at := pipeline.Instant(starts.Value(i))
			lines[at] = append(lines[at], "{"+strings.Join(cells, ",")+"}\n")
		}
		rec.Release()
	}
	return lines
}

// cellText is a value as JSON.
func cellText(col arrow.Array, i int) string {
	switch a := col.(type) {
	case *array.Int64, *array.Boolean:
		return a.ValueStr(i)
	case *array.Float64:
		return strconv.FormatFloat(a.Value(i), 'g', -1, 64)
	case *array.List:
		from, to := a.ValueOffsets(i)
		var items []string
		for j := from; j < to; j++ {
			items = append(items, quoted(a.ListValues().(*array.String).Value(int(j))))
		}
		return "[" + strings.Join(items, ",") + "]"
	}
	return quoted(valueText(col, i))
}

func quoted(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // of a string
	return strings.TrimSuffix(b.String(), "\n")
}
