package bigquery

import (
	"context"
	"fmt"
	"io"

	"cloud.google.com/go/bigquery"
	"github.com/apache/arrow/go/v17/arrow"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/job"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
	"github.com/windrow-data/windrow/sinks/internal/rowgroup"
)

// stageTables are the staging tables of a group.
type stageTables struct {
	rows, rejects string            // names; empty where there is nothing to stage
	holds         map[*pending]bool // the windows whose rows are staged, or will be
	begun, full   bool              // loading has begun; the tables have the rows of all windows
	lost          bool              // a table was found missing: load again
}

// nameTables names the staging tables for the windows that replace data, and reports whether the tables are full
// already.
func (s *Store) nameTables(ctx context.Context, group []*pending, at *stageTables) (full bool) {
	missing := at.lost || !at.full
	for _, p := range group {
		missing = missing || p.replaces && !at.holds[p]
	}
	if !missing {
		return true
	}
	s.dropTables(ctx, at)
	at.holds = make(map[*pending]bool)
	parts := []string{s.sql.Project, s.sql.Name}
	rows, rejects := false, false
	for _, p := range group {
		if !p.replaces {
			continue
		}
		at.holds[p] = true
		e := p.Verdict.Entry
		parts = append(parts, p.Table.Name, p.Key.String(), e.Window.String(), string(e.SyncID), e.ReadAt.String(), e.Fingerprint.String(), e.RejectsHash.String())
		rows, rejects = rows || p.Stage.rows.count() > 0, rejects || p.Stage.rejects.count() > 0
	}
	name := statement.StagePrefix + job.Digest(parts...)
	if rows {
		at.rows = name
	}
	if rejects {
		at.rejects = name + "_rejects"
	}
	return false
}

// loadGroup loads the rows and the rejects of the windows that replace data into the staging tables.
func (s *Store) loadGroup(ctx context.Context, group []*pending, at *stageTables) error {
	var rows, rejects []*parquetFile
	for _, p := range group {
		if p.replaces && p.Stage.rows.count() > 0 {
			rows = append(rows, &p.Stage.rows)
		}
		if p.replaces && p.Stage.rejects.count() > 0 {
			rejects = append(rejects, &p.Stage.rejects)
		}
	}
	at.begun = true
	if len(rows) > 0 {
		if err := s.loadTable(ctx, at.rows, tableOf(group).Schema(), rows); err != nil {
			return err
		}
	}
	if len(rejects) > 0 {
		if err := s.loadTable(ctx, at.rejects, rejectsSchema, rejects); err != nil {
			return err
		}
	}
	at.full = true
	if len(rows)+len(rejects) > 0 {
		pipeline.Point(ctx, "bigquery.loaded")
	}
	return nil
}

// dropTables drops the staging tables. Their rows must be loaded again.
func (s *Store) dropTables(ctx context.Context, at *stageTables) {
	for _, name := range []string{at.rows, at.rejects} {
		if at.begun && name != "" {
			s.dataset.dropStage(ctx, name)
		}
	}
	*at = stageTables{}
}

// loadTable fills a staging table with one load job, and counts the table's rows: a job whose id was taken may have
// filled a table that was dropped since.
func (s *Store) loadTable(ctx context.Context, name string, arrowSchema *arrow.Schema, files []*parquetFile) error {
	schema, err := schemaOf(arrowSchema)
	if err != nil {
		return err
	}
	want := uint64(0)
	for _, p := range files {
		want += uint64(p.count())
	}
	if err := s.dataset.ensureStage(ctx, name, schema); err != nil {
		return err
	}
	pipeline.Point(ctx, "bigquery.stage-made")
	table := s.dataset.handle.Table(name)
	load := job.Load{
		Name: "windrow_load_" + name[len(statement.StagePrefix):], Table: table, Schema: bare(schema),
		Write: func(w io.Writer) error { return join(w, arrowSchema, files) },
	}
	for _, load.Anew = range []bool{false, true} {
		if err := s.jobs.Load(ctx, load); err != nil {
			return err
		}
		var md *bigquery.TableMetadata
		err := s.jobs.Retry(ctx, func() (err error) {
			md, err = table.Metadata(ctx)
			return err
		})
		if err != nil || md.NumRows == want {
			return err
		}
	}
	return fmt.Errorf("the staging table has not the %d rows that were loaded", want)
}

// join writes one Parquet file with the row groups of all files.
func join(w io.Writer, schema *arrow.Schema, files []*parquetFile) error {
	file, err := rowgroup.NewFile(w, schema)
	if err != nil {
		return err
	}
	seq := 0
	for _, p := range files {
		n, err := file.AddFile(seq, p.file, p.size())
		if err != nil {
			return err
		}
		seq += n
	}
	return file.Close()
}
