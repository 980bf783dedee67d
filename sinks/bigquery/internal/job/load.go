package job

import (
	"context"
	"errors"
	"io"

	"cloud.google.com/go/bigquery"
	"google.golang.org/api/googleapi"

	"github.com/windrow-data/windrow/pipeline"
)

// uploadChunk is how much of an upload is held in memory to be sent again.
const uploadChunk = 8 << 20

// Load fills a table with one Parquet file, in place of what the table holds.
type Load struct {
	Name   string
	Table  *bigquery.Table // must be there
	Schema bigquery.Schema
	// Write writes the file, once for each attempt.
	Write func(io.Writer) error
	// Anew refuses the success of a job that this call did not start: what that
	// job wrote is not there any more.
	Anew bool
}

// Load runs a load job. The file is written while it is sent.
func (r *Runner) Load(ctx context.Context, l Load) error {
	return r.run(ctx, spec{name: l.Name, anew: l.Anew, load: true, start: func(ctx context.Context, id string) (*bigquery.Job, error) {
		return r.upload(ctx, id, l)
	}})
}

var errUploadEnded = errors.New("the upload has ended")

func (r *Runner) upload(ctx context.Context, id string, load Load) (*bigquery.Job, error) {
	read, write := io.Pipe()
	written := make(chan error, 1)
	go func() {
		err := load.Write(write)
		_ = write.CloseWithError(err) // always nil
		written <- err
	}()
	src := bigquery.NewReaderSource(read)
	src.SourceFormat = bigquery.Parquet
	src.Schema = load.Schema
	src.ParquetOptions = &bigquery.ParquetOptions{EnableListInference: true}
	l := load.Table.LoaderFrom(src)
	l.JobID, l.Location = id, r.Location()
	l.CreateDisposition, l.WriteDisposition = bigquery.CreateNever, bigquery.WriteTruncate
	l.MediaOptions = []googleapi.MediaOption{googleapi.ChunkSize(uploadChunk)}
	j, err := l.Run(ctx)
	_ = read.CloseWithError(errUploadEnded) // frees the writer, should the request have ended early
	if writeErr := <-written; writeErr != nil && !errors.Is(writeErr, errUploadEnded) {
		return nil, &pipeline.Error{Op: "read the staged rows", Kind: pipeline.SinkFailed, Err: writeErr}
	}
	return j, err
}
