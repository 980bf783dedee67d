package parquet

import (
	"bufio"
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/rowgroup"
	"github.com/windrow-data/windrow/sinks/internal/staging"
	"github.com/windrow-data/windrow/sinks/parquet/internal/volume"
)

// rejectsSchema is that of the files beneath _windrow/rejects.
var rejectsSchema = arrow.NewSchema([]arrow.Field{
	{Name: "scope", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "row", Type: arrow.PrimitiveTypes.Int64},
	{Name: "reason", Type: arrow.BinaryTypes.String},
	{Name: "raw", Type: arrow.BinaryTypes.String},
	{Name: "row_time", Type: pipeline.Timestamp, Nullable: true},
	{Name: "window_start", Type: pipeline.Timestamp},
	{Name: "window_end", Type: pipeline.Timestamp},
	{Name: "extracted_at", Type: pipeline.Timestamp},
	{Name: "sync_id", Type: arrow.BinaryTypes.String},
}, nil)

const (
	// A row group of rejects ends at either bound.
	rejectRows  = 8 << 10
	rejectBytes = 4 << 20
)

// spool keeps the rejects of a window out of memory until its entry is known, since a document of nothing but rejects may
// be of any size. It uses gob and not JSON, since what is rejected need not be UTF-8.
type spool struct {
	draft volume.Draft
	buf   *bufio.Writer
	enc   *gob.Encoder
	rows  int64
}

func newSpool(d volume.Draft) *spool {
	buf := bufio.NewWriterSize(d, 32<<10)
	return &spool{draft: d, buf: buf, enc: gob.NewEncoder(buf)}
}

func (s *spool) add(rejects []pipeline.Reject) error {
	for _, r := range rejects {
		if err := s.enc.Encode(r); err != nil {
			return err
		}
		s.rows++
	}
	return nil
}

func (s *spool) end() error {
	if err := s.buf.Flush(); err != nil {
		return err
	}
	return s.draft.Sync()
}

// rejectsFile turns the spool into a Parquet file, ready to be published.
func (s *Store) rejectsFile(ctx context.Context, sp *spool, e pipeline.Entry) (volume.Draft, error) {
	r, err := sp.draft.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close() //nolint:errcheck // it was read, and the rows are counted
	return s.build(ctx, rejectsSchema, func(file *rowgroup.File) error {
		return encodeRejects(file, gob.NewDecoder(bufio.NewReader(r)), sp.rows, e)
	})
}

func encodeRejects(file *rowgroup.File, from *gob.Decoder, rows int64, e pipeline.Entry) error {
	b := array.NewRecordBuilder(memory.DefaultAllocator, rejectsSchema)
	defer b.Release()
	pending, size, seq := 0, 0, 0
	flush := func() error {
		rec := b.NewRecord()
		defer rec.Release()
		group, err := rowgroup.Encode(rec)
		if err != nil {
			return err
		}
		seq++
		pending, size = 0, 0
		return file.Add(seq, group)
	}
	for {
		var r pipeline.Reject
		if err := from.Decode(&r); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return fmt.Errorf("read the staged rejects: %w", err)
		}
		appendReject(b, r, e)
		pending, size = pending+1, size+len(r.Raw)
		if pending >= rejectRows || size >= rejectBytes {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if pending > 0 {
		if err := flush(); err != nil {
			return err
		}
	}
	if file.Rows() != rows {
		return fmt.Errorf("%d of %d staged rejects were read", file.Rows(), rows)
	}
	return nil
}

func appendReject(b *array.RecordBuilder, r pipeline.Reject, e pipeline.Entry) {
	staging.AppendReject(b, 0, r)
	for i, at := range []pipeline.Instant{e.Window.Start, e.Window.End, e.ExtractedAt} {
		b.Field(5 + i).(*array.TimestampBuilder).Append(arrow.Timestamp(at))
	}
	b.Field(8).(*array.StringBuilder).Append(string(e.SyncID))
}
