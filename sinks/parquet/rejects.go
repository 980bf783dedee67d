package parquet

import (
	"context"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/rowgroup"
	"github.com/windrow-data/windrow/sinks/internal/staging"
	"github.com/windrow-data/windrow/sinks/internal/volume"
)

// rejectsSchema is that of the files beneath _windrow/rejects. Those of earlier versions lack the last two columns.
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
	{Name: "field", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "shape", Type: arrow.BinaryTypes.String, Nullable: true},
}, nil)

// culpritColumn is where the columns begin that files of earlier versions lack.
const culpritColumn = 9

// rejectsFile turns what a stage spooled into a Parquet file, ready to be published.
func (s *Store) rejectsFile(ctx context.Context, st *stage, e pipeline.Entry) (volume.Draft, error) {
	r, err := st.spooled.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close() //nolint:errcheck // it was read, and the rows are counted
	return s.build(ctx, rejectsSchema, func(file *rowgroup.File) error {
		return st.rejects.Groups(file, r, rejectsSchema, func(b *array.RecordBuilder, r pipeline.Reject) { appendReject(b, r, e) })
	})
}

func appendReject(b *array.RecordBuilder, r pipeline.Reject, e pipeline.Entry) {
	staging.AppendReject(b, 0, r)
	for i, at := range []pipeline.Instant{e.Window.Start, e.Window.End, e.ExtractedAt} {
		b.Field(5 + i).(*array.TimestampBuilder).Append(arrow.Timestamp(at))
	}
	b.Field(8).(*array.StringBuilder).Append(string(e.SyncID))
	staging.AppendCulprit(b, culpritColumn, r)
}
