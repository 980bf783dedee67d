package bigquery

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"cloud.google.com/go/bigquery"
	"github.com/apache/arrow/go/v17/arrow"
	"google.golang.org/api/googleapi"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/transforms"
)

// uploadChunk is how much of an upload is held in memory to be sent again.
const uploadChunk = 8 << 20

// digest names what its parts describe.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))[:24]
}

// staged is where the rows of a group lie in BigQuery.
type staged struct {
	rows, rejects string // tables; empty where there is nothing
	holds         map[*pending]bool
	lost          bool // a table was found missing: load again
}

// batchOf describes the transaction that commits the windows.
func (s *Store) batchOf(group []*pending, at *staged) (batch, error) {
	b := batch{table: group[0].Table}
	parts := []string{s.names.project, s.names.dataset, b.table.Name}
	now := pipeline.InstantOf(s.now())
	for _, p := range group {
		e := p.Verdict.Entry
		text, err := newLine(p.Key, e)
		if err != nil {
			return b, err
		}
		parts = append(parts, p.Key.String(), text.text, strconv.FormatInt(p.seen, 10), strconv.FormatBool(p.replaces))
		e.CommittedAt = now // not in the digest: the same commit tried later is the same
		l, err := newLine(p.Key, e)
		if err != nil {
			return b, err
		}
		l.replaces, l.seen, l.bytes = p.replaces, p.seen, p.stage.size()
		b.lines = append(b.lines, l)
		if !slices.Contains(b.keys, p.Key) {
			b.keys = append(b.keys, p.Key)
		}
		if !p.replaces {
			continue
		}
		if b.rows == "" && p.stage.rows.count() > 0 {
			b.rows = at.rows
		}
		if b.rejects == "" && p.stage.rejects.count() > 0 {
			b.rejects = at.rejects
		}
		if err := b.bound(p); err != nil {
			return b, err
		}
	}
	b.dates = mergeDates(b.dates)
	b.id = digest(append(parts, b.rows, b.rejects)...)
	return b, nil
}

// bound widens the bounds of what is deleted to the window and those that it replaces.
func (b *batch) bound(p *pending) error {
	for _, w := range append([]pipeline.Window{p.Verdict.Entry.Window}, p.Replaces...) {
		loc, err := w.Location()
		if err != nil {
			return err
		}
		b.dates = append(b.dates, dateRange{arrow.Date32FromTime(day(w.Start, loc)), arrow.Date32FromTime(day(w.End-1, loc))})
		if b.span.Empty() {
			b.span = w.Span
			continue
		}
		b.span = pipeline.Span{Start: min(b.span.Start, w.Start), End: max(b.span.End, w.End)}
	}
	return nil
}

// day is midnight UTC of the local date.
func day(i pipeline.Instant, loc *time.Location) time.Time {
	y, m, d := i.In(loc).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// mergeDates joins ranges that overlap or touch.
func mergeDates(list []dateRange) []dateRange {
	slices.SortFunc(list, func(a, b dateRange) int { return cmp.Compare(a.first, b.first) })
	var out []dateRange
	for _, r := range list {
		if n := len(out); n > 0 && r.first <= out[n-1].last+1 {
			out[n-1].last = max(out[n-1].last, r.last)
			continue
		}
		out = append(out, r)
	}
	return out
}

// load brings the rows and rejects of the windows to be replaced into staging
// tables, unless they are there.
func (s *Store) load(ctx context.Context, group []*pending, at *staged) error {
	missing := at.lost
	for _, p := range group {
		missing = missing || p.replaces && !at.holds[p]
	}
	if !missing {
		return nil
	}
	s.drop(ctx, at)
	*at = staged{holds: make(map[*pending]bool)}
	parts := []string{s.names.project, s.names.dataset, group[0].Table.Name}
	var rows, rejects []*spool
	for _, p := range group {
		if !p.replaces {
			continue
		}
		at.holds[p] = true
		e := p.Verdict.Entry
		parts = append(parts, p.Key.String(), e.Window.String(), string(e.SyncID), e.ReadAt.String(), e.Fingerprint.String(), e.RejectsHash.String())
		if p.stage.rows.count() > 0 {
			rows = append(rows, &p.stage.rows)
		}
		if p.stage.rejects.count() > 0 {
			rejects = append(rejects, &p.stage.rejects)
		}
	}
	name := stagePrefix + digest(parts...)
	if len(rows) > 0 {
		at.rows = name
		if err := s.loadTable(ctx, name, group[0].Table.Schema(), rows); err != nil {
			return err
		}
	}
	if len(rejects) > 0 {
		at.rejects = name + "_rejects"
		if err := s.loadTable(ctx, at.rejects, rejectsSchema, rejects); err != nil {
			return err
		}
	}
	pipeline.Point(ctx, "bigquery.loaded")
	return nil
}

// drop drops the staging tables; what was staged must be loaded again.
func (s *Store) drop(ctx context.Context, at *staged) {
	for _, name := range []string{at.rows, at.rejects} {
		if name != "" {
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
	j := job{name: "windrow_load_" + name[len(stagePrefix):], start: func(ctx context.Context, id string) (*bigquery.Job, error) {
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
	file, err := transforms.NewGroupFile(w, schema)
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
