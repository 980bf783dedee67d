package bigquery

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/bigquery"
	"github.com/apache/arrow/go/v17/arrow"
	"google.golang.org/api/iterator"

	"github.com/windrow-data/windrow/pipeline"
)

var update = flag.Bool("update", false, "write the files of testdata")

// The files are there for GoogleSQL's analyser, which has a module of its own
// (.ci/googlesql) and cannot call what is not exported.
var (
	statementsFile = filepath.Join("testdata", "statements.sql")
	tablesFile     = filepath.Join("testdata", "tables.json")
)

// Staging tables on file: of activity, of events, and of rejects.
const (
	activityStage = stagePrefix + "000000000000000000000001"
	eventsStage   = stagePrefix + "000000000000000000000002"
	rejectsStage  = stagePrefix + "000000000000000000000003_rejects"
)

// statements has every statement that the sink can send, each with every part
// that it can have.
func statements(t *testing.T) string {
	t.Helper()
	commit := pipeline.Entry{
		Kind: pipeline.EntryCommit, Window: dayWindow(0), SyncID: "run", ExtractedAt: readAt(1), ReadAt: readAt(1), CommittedAt: readAt(2), Settled: true,
		Counts: pipeline.Counts{Read: 5, Rows: 1, Rejected: 1, Outside: 2, Duplicate: 1}, Settings: "settings",
	}
	fail := pipeline.Entry{Kind: pipeline.EntryFail, Window: dayWindow(1), Note: "it's \\ broken\n"}
	script := func(table *pipeline.Table, rows, rejects string, replaces bool) string {
		b := batch{id: "0123456789abcdef01234567", table: table, rows: rows, rejects: rejects, keys: []pipeline.StreamKey{agents}}
		for i, w := range []pipeline.Window{dayWindow(0), dayWindow(3)} {
			e := commit
			e.Window = w
			l, err := newLine(agents, e)
			if err != nil {
				t.Fatal(err)
			}
			l.seen, l.replaces = int64(i), replaces
			b.lines = append(b.lines, l)
			if !replaces {
				continue
			}
			p := &pending{}
			p.Verdict.Entry = e
			if err := b.bound(p); err != nil {
				t.Fatal(err)
			}
		}
		text, err := testNames.commit(b)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	var lines []line
	for _, e := range []pipeline.Entry{fail, commit} {
		l, err := newLine(agents, e)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l)
	}
	tenant := pipeline.TenantKey{Source: "dialpad", Account: "default"}
	run := pipeline.Summary{SyncID: "run", StartedAt: readAt(1), FinishedAt: readAt(2), Exit: 3}
	var b strings.Builder
	for _, s := range []struct{ name, text string }{
		{"check", checkStatement},
		{"read a ledger", testNames.readLedger([]logFloor{{agents, 0}})},
		{"read ledgers", testNames.readLedger([]logFloor{{agents, 7}, {calls, 0}})},
		{"list the streams", testNames.streams()},
		{"read the journal", testNames.since(tenant, readAt(1))},
		{"add a note", testNames.addNote(pipeline.Note{Tenant: tenant, At: time.Date(2025, 10, 1, 0, 0, 0, 0, time.UTC), Kind: "post", Text: "days_ago=1"})},
		{"add a note without text", testNames.addNote(pipeline.Note{Tenant: tenant, At: time.Date(2025, 10, 1, 0, 0, 0, 0, time.UTC), Kind: "post"})},
		{"add a run", testNames.endRun(run, "{}", nil)},
		{"add a run and its receipts", testNames.endRun(run, "{}", []batchReceipt{{"0123456789abcdef01234567", dayWindow(0).Span, pipeline.Receipt{LoadJobs: 1, QueryJobs: 2, BytesBilled: 80 << 20, SlotMillis: 1234}}})},
		{"record entries", testNames.addEntries(lines)},
		{"make the turn", testNames.takeTurn("none")},
		{"commit rows and rejects of activity", script(pipeline.Activity, activityStage, rejectsStage, true)},
		{"commit rows of events", script(pipeline.Events, eventsStage, "", true)},
		{"clear windows", script(pipeline.Activity, "", "", true)},
		{"commit unchanged windows", script(pipeline.Activity, "", "", false)},
		{"view " + watermarksView, testNames.watermarks()},
	} {
		b.WriteString("-- " + s.name + "\n" + strings.TrimSuffix(s.text, ";") + ";\n\n")
	}
	return b.String()
}

// See what changed before it is written with -update, and let .ci/run googlesql
// judge it.
func TestTheStatementsAreThoseOnFile(t *testing.T) {
	onFile(t, statementsFile, statements(t))
}

// onFile compares a text with a file, or writes it there.
func onFile(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not what the sink does now; go test ./sinks/bigquery -run OnFile -update writes it", name)
	}
}

// tableOnFile is a table as BigQuery has it.
type tableOnFile struct {
	Name      string   `json:"name"`
	Partition string   `json:"partition,omitempty"` // the column by whose day it is partitioned
	Cluster   []string `json:"cluster,omitempty"`
	Columns   []string `json:"columns"` // "name TYPE MODE"
}

// The tables are asked of the server after the sink made them, so that the file
// has them as BigQuery has, and not as the sink believes. The view must be the
// one on file as a statement.
func TestTheTablesAreThoseOnFile(t *testing.T) {
	ctx := t.Context()
	p := newPlace(t)
	s := p.open(t, p.options())
	if err := s.ensure(ctx); err != nil {
		t.Fatal(err)
	}
	for name, table := range map[string]*arrow.Schema{
		activityStage: pipeline.Activity.Schema(), eventsStage: pipeline.Events.Schema(), rejectsStage: rejectsSchema,
	} {
		schema, err := schemaOf(table)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.ensureStage(ctx, name, schema); err != nil {
			t.Fatal(err)
		}
	}
	file := struct {
		Project string        `json:"project"`
		Dataset string        `json:"dataset"`
		Tables  []tableOnFile `json:"tables"`
	}{Project: s.names.project, Dataset: s.names.dataset}
	for it := s.dataset().Tables(ctx); ; {
		table, err := it.Next()
		if errors.Is(err, iterator.Done) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		md, err := table.Metadata(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if md.Type == bigquery.ViewTable {
			if md.ViewQuery != testNames.watermarks() {
				t.Errorf("view %s is not the one on file", table.TableID)
			}
			continue
		}
		file.Tables = append(file.Tables, describeTable(table.TableID, md))
	}
	slices.SortFunc(file.Tables, func(a, b tableOnFile) int { return cmp.Compare(a.Name, b.Name) })
	text, err := json.MarshalIndent(file, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	onFile(t, tablesFile, string(text)+"\n")
}

func describeTable(name string, md *bigquery.TableMetadata) tableOnFile {
	out := tableOnFile{Name: name}
	if md.TimePartitioning != nil {
		out.Partition = md.TimePartitioning.Field
	}
	if md.Clustering != nil {
		out.Cluster = md.Clustering.Fields
	}
	for _, f := range md.Schema {
		mode := "NULLABLE"
		switch {
		case f.Repeated:
			mode = "REPEATED"
		case f.Required:
			mode = "REQUIRED"
		}
		out.Columns = append(out.Columns, f.Name+" "+string(f.Type)+" "+mode)
	}
	return out
}

func TestAScriptThatBigQueryWouldRefuseIsNotSent(t *testing.T) {
	l, err := newLine(agents, pipeline.Entry{Kind: pipeline.EntryCommit, Window: dayWindow(0), Note: strings.Repeat("x", maxStatement)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = testNames.commit(batch{id: "x", table: pipeline.Activity, lines: []line{l}})
	if err == nil || !halvable(err) {
		t.Errorf("a script of more than a megabyte: %v", err)
	}
}
