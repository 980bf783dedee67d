package bigquery

import (
	"context"
	"errors"
	"fmt"
	"io"

	"cloud.google.com/go/bigquery"
	"github.com/apache/arrow/go/v17/arrow"
	"google.golang.org/api/googleapi"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/rowgroup"
)

// uploadChunk is how much of an upload is held in memory to be sent again.
const uploadChunk = 8 << 20

// staged is where the rows of a group lie in BigQuery, or will.
type staged struct {
	rows, rejects string // tables; empty where there is nothing
	holds         map[*pending]bool
	begun, full   bool // loading has begun; the tables hold the windows' rows
	lost          bool // a table was found missing: load again
}

// plan names the staging tables of the windows to be replaced, and reports
// whether their rows are in them already.
func (s *Store) plan(ctx context.Context, group []*pending, at *staged) (full bool) {
	missing := at.lost || !at.full
	for _, p := range group {
		missing = missing || p.replaces && !at.holds[p]
	}
	if !missing {
		return true
	}
	s.drop(ctx, at)
	at.holds = make(map[*pending]bool)
	parts := []string{s.names.project, s.names.dataset}
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
	name := stagePrefix + digest(parts...)
	if rows {
		at.rows = name
	}
	if rejects {
		at.rejects = name + "_rejects"
	}
	return false
}

// load brings the rows and rejects of the windows to be replaced into the
// staging tables.
func (s *Store) load(ctx context.Context, group []*pending, at *staged) error {
	var rows, rejects []*spool
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

// drop drops the staging tables; what was staged must be loaded again.
func (s *Store) drop(ctx context.Context, at *staged) {
	for _, name := range []string{at.rows, at.rejects} {
		if at.begun && name != "" {
			s.dropStage(ctx, name)
		}
	}
	*at = staged{}
}

// loadTable fills a staging table with one load job, and counts what it holds:
// an id that was taken may be that of a job whose table was dropped since.
func (s *Store) loadTable(ctx context.Context, name string, arrowSchema *arrow.Schema, spools []*spool) error {
	schema, err := schemaOf(arrowSchema)
	if err != nil {
		return err
	}
	want := uint64(0)
	for _, p := range spools {
		want += uint64(p.count())
	}
	if err := s.ensureStage(ctx, name, schema); err != nil {
		return err
	}
	pipeline.Point(ctx, "bigquery.stage-made")
	j := job{name: "windrow_load_" + name[len(stagePrefix):], load: true, start: func(ctx context.Context, id string) (*bigquery.Job, error) {
		return s.upload(ctx, id, name, schema, func(w io.Writer) error { return join(w, arrowSchema, spools) })
	}}
	for _, j.anew = range []bool{false, true} {
		if err := s.run(ctx, j); err != nil {
			return err
		}
		var md *bigquery.TableMetadata
		err := s.again(ctx, func() (err error) {
			md, err = s.dataset().Table(name).Metadata(ctx)
			return err
		})
		if err != nil || md.NumRows == want {
			return err
		}
	}
	return fmt.Errorf("the staging table has not the %d rows that were loaded", want)
}

// upload sends a load job with its file, which is written while it is sent.
func (s *Store) upload(ctx context.Context, id, table string, schema bigquery.Schema, write func(io.Writer) error) (*bigquery.Job, error) {
	r, w := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := write(w)
		_ = w.CloseWithError(err) // always nil
		written <- err
	}()
	src := bigquery.NewReaderSource(r)
	src.SourceFormat = bigquery.Parquet
	src.Schema = bare(schema)
	src.ParquetOptions = &bigquery.ParquetOptions{EnableListInference: true}
	l := s.dataset().Table(table).LoaderFrom(src)
	l.JobID, l.Location = id, s.place()
	l.CreateDisposition, l.WriteDisposition = bigquery.CreateNever, bigquery.WriteTruncate
	l.MediaOptions = []googleapi.MediaOption{googleapi.ChunkSize(uploadChunk)}
	j, err := l.Run(ctx)
	_ = r.CloseWithError(errUploadEnded) // frees the writer, should the request have ended early
	if writeErr := <-written; writeErr != nil && !errors.Is(writeErr, errUploadEnded) {
		return nil, &pipeline.Error{Op: "read the staged rows", Kind: pipeline.SinkFailed, Err: writeErr}
	}
	return j, err
}

var errUploadEnded = errors.New("the upload has ended")

// join writes one Parquet file with the row groups of all.
func join(w io.Writer, schema *arrow.Schema, spools []*spool) error {
	file, err := rowgroup.NewFile(w, schema)
	if err != nil {
		return err
	}
	seq := 0
	for _, p := range spools {
		n, err := file.AddFile(seq, p.file, p.size())
		if err != nil {
			return err
		}
		seq += n
	}
	return file.Close()
}
