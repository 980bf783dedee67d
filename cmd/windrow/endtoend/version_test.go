package endtoend

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/bigquery"

	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
)

// newColumn is a column that earlier versions had not.
const newColumn = "short_abandoned"

// older is a source whose mapping version was another one.
type older struct{ pipeline.Source }

func (o older) Streams() []pipeline.Stream {
	streams := o.Source.Streams()
	for i := range streams {
		streams[i].Settings = "of an older mapping version"
	}
	return streams
}

// Windows that an older version committed, into tables without a column of today's, are listed as changed; the tables get
// the column, and reading the windows again fills it.
func TestPromise08_WindowsOfAnOlderMappingVersionAreChangedUntilTheyAreReadAgain(t *testing.T) {
	onEither(t, func(t *testing.T, newSite siteMaker) {
		const stream = "dialpad.calls_stats"
		s := newSite(t, func(o *vendorsim.Options) { o.Dialpad.CSV.DropColumn = newColumn })
		s.env["WINDROW_DIALPAD_GROUP_BY"] = "date"
		old := s.engine(stream)
		for i, source := range old.Sources {
			old.Sources[i] = older{source}
		}
		s.mustRun(old)
		s.withoutColumn(t)
		const sums = "SELECT count(*), sum(interactions_total)::BIGINT FROM {activity} WHERE stream = '" + stream + "' AND local_date <= '2025-09-09'"
		before := s.query(sums)
		s.world.Set(func(o *vendorsim.Options) { o.Dialpad.CSV.DropColumn = "" })

		changed := func() int {
			t.Helper()
			plans, err := s.engine(stream).Plan(t.Context())
			if err != nil || len(plans) != 1 {
				t.Fatal(plans, err)
			}
			return len(plans[0].Changed)
		}
		s.world.Advance(10 * 24 * time.Hour) // past the lookback
		if n := changed(); n != 3 {
			t.Fatalf("%d windows are listed as changed, want 3", n)
		}
		day := s.engine(stream) // a sync of another day reads none of them
		day.Select.From, day.Select.To = "2025-09-18", "2025-09-18"
		s.mustRun(day)
		const filled = "SELECT count(" + newColumn + ") FROM {activity} WHERE stream = '" + stream + "' AND local_date <= '2025-09-09'"
		if n := changed(); n != 3 || s.query(filled)[0] != "0" {
			t.Errorf("%d windows are listed as changed, and %s rows of them have the column", n, s.query(filled)[0])
		}
		again := s.engine(stream)
		again.Select.From, again.Select.To, again.Select.Refetch = "2025-09-07", "2025-09-09", true
		if sum := s.mustRun(again); sum.Streams[0].Committed != 3 {
			t.Errorf("%+v", sum.Streams[0])
		}
		if n := changed(); n != 0 {
			t.Errorf("%d windows are listed as changed after they were read again", n)
		}
		sameLines(t, s.query(sums), before)
		if rows, _, _ := strings.Cut(before[0], "\t"); rows == "0" || s.query(filled)[0] != rows {
			t.Errorf("%s of %s rows have the column", s.query(filled)[0], rows)
		}
	})
}

// withoutColumn takes the new column out of the table, as an older version has it.
func (s *site) withoutColumn(t *testing.T) {
	t.Helper()
	if !isBigQuery(s.root) {
		changing(t, s.root, func(dir string) {
			files, err := filepath.Glob(filepath.Join(dir, "activity", "*", "*", "*", "*", "*.parquet"))
			if err != nil || len(files) == 0 {
				t.Fatal(files, err)
			}
			for _, f := range files {
				queryFiles(t, fmt.Sprintf("COPY (SELECT * EXCLUDE (%s) FROM read_parquet('%s', hive_partitioning=false)) TO '%s.old' (FORMAT parquet)", newColumn, f, f))
				must(t, os.Rename(f+".old", f))
			}
		})
		return
	}
	server := serverOf(t, s.root)
	client, err := bigquery.NewClient(t.Context(), project, server.Options()...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close() //nolint:errcheck // of a test
	table := client.Dataset(datasetOf(s.root)).Table("activity")
	meta, err := table.Metadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var fields bigquery.Schema
	for _, f := range meta.Schema {
		if f.Name != newColumn {
			fields = append(fields, f)
		}
	}
	name := fmt.Sprintf(`"%s.%s".activity`, project, datasetOf(s.root))
	for _, step := range []func() error{
		func() error {
			return server.ExecDuckDB(t.Context(), "CREATE TABLE before AS SELECT * EXCLUDE ("+newColumn+") FROM "+name)
		},
		func() error { return table.Delete(t.Context()) },
		func() error {
			return table.Create(t.Context(), &bigquery.TableMetadata{Schema: fields, TimePartitioning: meta.TimePartitioning, Clustering: meta.Clustering, Description: meta.Description})
		},
		func() error {
			return server.ExecDuckDB(t.Context(), "INSERT INTO "+name+" BY NAME SELECT * FROM before")
		},
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
}
