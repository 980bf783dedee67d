package parquet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/object"
	"github.com/windrow-data/windrow/sinks/internal/rowgroup"
)

// summaryColumn is the column that Windrow reads: the others are for everybody else.
const summaryColumn = "summary"

// runsSchema is that of the files beneath _windrow/runs.
var runsSchema = proving(runsForm, append(pipeline.RunSchema.Fields(), arrow.Field{
	Name: summaryColumn, Type: arrow.BinaryTypes.String,
	Metadata: arrow.NewMetadata([]string{"meaning"}, []string{"its summary as JSON, with the first rejected rows of failed windows"}),
}))

// proving is a schema of files that prove themselves: the first column's metadata have room for the proof.
func proving(f object.Form, fields []arrow.Field) *arrow.Schema {
	first := fields[0].Metadata
	fields[0].Metadata = arrow.NewMetadata(append(first.Keys(), "proof"), append(first.Values(), f.Unproven()))
	return arrow.NewSchema(fields, nil)
}

// runsFile is the file that has these runs.
func runsFile(runs ...pipeline.Summary) ([]byte, error) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, runsSchema)
	defer b.Release()
	for _, run := range runs {
		text, err := json.Marshal(pipeline.RecordOf(run))
		if err != nil {
			return nil, err
		}
		appendRun(b, run.Row(), string(text))
	}
	rec := b.NewRecord()
	defer rec.Release()
	return provenFile(runsForm, rec)
}

// provenFile is a file of the form that has one record.
func provenFile(form object.Form, rec arrow.Record) ([]byte, error) {
	var body bytes.Buffer
	file, err := rowgroup.NewFile(&body, rec.Schema())
	if err != nil {
		return nil, err
	}
	group, err := rowgroup.Encode(rec)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(file.Add(0, group), file.Close()); err != nil {
		return nil, err
	}
	return body.Bytes(), form.Prove(body.Bytes())
}

func appendRun(b *array.RecordBuilder, r pipeline.RunRow, text string) {
	b.Field(0).(*array.StringBuilder).Append(string(r.SyncID))
	if r.Command == nil {
		b.Field(1).AppendNull()
	} else {
		b.Field(1).(*array.StringBuilder).Append(string(*r.Command))
	}
	for i, at := range []*pipeline.Instant{r.StartedAt, r.FinishedAt} {
		if at == nil {
			b.Field(2 + i).AppendNull()
		} else {
			b.Field(2 + i).(*array.TimestampBuilder).Append(arrow.Timestamp(*at))
		}
	}
	for i, n := range r.Counts() {
		if n == nil {
			b.Field(4 + i).AppendNull()
		} else {
			b.Field(4 + i).(*array.Int64Builder).Append(*n)
		}
	}
	b.Field(b.Schema().NumFields() - 1).(*array.StringBuilder).Append(text)
}

// runsOfFile are the runs that a file has.
func runsOfFile(ctx context.Context, scanner *rowgroup.Scanner, body []byte) (runs []pipeline.Summary, err error) {
	if err := runsForm.Proven(body); err != nil {
		return nil, err
	}
	found := false
	err = scanner.ScanOnly(ctx, bytes.NewReader(body), int64(len(body)), func(column string) bool { return column == summaryColumn }, func(v rowgroup.Values) error {
		if found = true; v.Texts == nil {
			return fmt.Errorf("its column %s has no text", summaryColumn)
		}
		for _, text := range v.Texts {
			var r pipeline.RunRecord
			if err := json.Unmarshal(text, &r); err != nil {
				return err
			}
			runs = append(runs, r.Run())
		}
		return nil
	})
	if err == nil && !found {
		err = fmt.Errorf("it has no column %s", summaryColumn)
	}
	return runs, err
}
