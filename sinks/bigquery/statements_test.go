package bigquery

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

var update = flag.Bool("update", false, "write testdata/statements.sql")

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
	stageName := stagePrefix + "0123456789abcdef01234567"
	var b strings.Builder
	for _, s := range []struct{ name, text string }{
		{"check", checkStatement},
		{"read the ledger", testNames.readLedger(agents)},
		{"list the streams", testNames.streams()},
		{"read the journal", testNames.since(tenant, readAt(1))},
		{"add a note", testNames.addNote(pipeline.Note{Tenant: tenant, At: time.Date(2025, 10, 1, 0, 0, 0, 0, time.UTC), Kind: "post", Text: "days_ago=1"})},
		{"add a note without text", testNames.addNote(pipeline.Note{Tenant: tenant, At: time.Date(2025, 10, 1, 0, 0, 0, 0, time.UTC), Kind: "post"})},
		{"add a run", testNames.addRun(run, "{}")},
		{"record entries", testNames.addEntries(lines)},
		{"make the turn", testNames.takeTurn("none")},
		{"commit rows and rejects of activity", script(pipeline.Activity, stageName, stageName+"_rejects", true)},
		{"commit rows of events", script(pipeline.Events, stageName, "", true)},
		{"clear windows", script(pipeline.Activity, "", "", true)},
		{"commit unchanged windows", script(pipeline.Activity, "", "", false)},
		{"the view of watermarks", testNames.watermarks()},
	} {
		b.WriteString("-- " + s.name + "\n" + strings.TrimSuffix(s.text, ";") + ";\n\n")
	}
	return b.String()
}

// The file is there to be read, also by an analyser that cannot call what is
// not exported; see what changed in it before it is written with -update.
func TestTheStatementsAreThoseOnFile(t *testing.T) {
	name := filepath.Join("testdata", "statements.sql")
	got := statements(t)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
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
		t.Errorf("the statements are not those of %s; go test -run TheStatements -update writes them", name)
	}
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
