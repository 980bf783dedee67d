package bigquery

import (
	"cmp"
	"encoding/json"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"cloud.google.com/go/bigquery"
	"github.com/apache/arrow/go/v17/arrow"
	"google.golang.org/api/iterator"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement/statementtest"
)

// onFile is the folder of the files that GoogleSQL's analyser judges: it has a
// module of its own (.ci/googlesql) and cannot call what is not exported.
var onFile = filepath.Join("internal", "statement", "testdata")

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
	if err := s.dataset.ensure(ctx); err != nil {
		t.Fatal(err)
	}
	for name, table := range map[string]*arrow.Schema{
		statement.StagePrefix + "000000000000000000000001": pipeline.Activity.Schema(), statement.StagePrefix + "000000000000000000000002": pipeline.Events.Schema(), statement.StagePrefix + "000000000000000000000003_rejects": rejectsSchema,
	} {
		schema, err := schemaOf(table)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.dataset.ensureStage(ctx, name, schema); err != nil {
			t.Fatal(err)
		}
	}
	if err := (&PushTables{dataset{handle: s.dataset.handle, sql: s.sql, jobs: s.jobs}}).Ensure(ctx); err != nil {
		t.Fatal(err)
	}
	file := struct {
		Project string        `json:"project"`
		Dataset string        `json:"dataset"`
		Tables  []tableOnFile `json:"tables"`
	}{Project: s.sql.Project, Dataset: s.sql.Name}
	for it := s.dataset.handle.Tables(ctx); ; {
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
			if md.ViewQuery != s.sql.Watermarks() {
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
	statementtest.OnFile(t, filepath.Join(onFile, "tables.json"), string(text)+"\n")
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

// A stage that had expired when it was made would fail every commit of a machine whose clock is behind; one that expires
// far in the future would be paid for.
func TestAStageExpiresByBigQuerysClockWhateverTheMachinesSays(t *testing.T) {
	ctx := t.Context()
	schema, err := schemaOf(pipeline.Activity.Schema())
	if err != nil {
		t.Fatal(err)
	}
	for _, off := range []time.Duration{0, -30 * day, -25 * time.Hour, 30 * day} {
		truth := time.Date(2025, 10, 1, 12, 0, 0, 0, time.UTC)
		p := newPlace(t)
		p.server.SetNow(func() time.Time { return truth })
		o := p.options()
		o.Now = func() time.Time { return truth.Add(off) }
		s := p.open(t, o)
		if err := s.dataset.ensureDataset(ctx); err != nil {
			t.Fatal(err)
		}
		life := func(name string) time.Duration {
			t.Helper()
			if err := s.dataset.ensureStage(ctx, name, schema); err != nil {
				t.Fatalf("%v off: %v", off, err)
			}
			md, err := s.dataset.metadata(ctx, name)
			if err != nil {
				t.Fatal(err)
			}
			return md.ExpirationTime.Sub(truth)
		}
		if got := life(statement.StagePrefix + "1"); got < stageLife || got > stageLife+mostAstray+30*day { // no job has ended
			t.Errorf("%v off: the first stage lives %v", off, got)
		}
		mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 1, "ana"))
		if got := life(statement.StagePrefix + "2"); got != stageLife {
			t.Errorf("%v off: a stage lives %v, want %v", off, got, stageLife)
		}
	}
}
