package transforms

import (
	"io"
	"iter"

	"github.com/windrow-data/windrow/pipeline"
)

// NewCSV returns the format of a CSV document whose header names its columns.
func NewCSV(m Mapping) pipeline.Format { return &csvFormat{layout: newLayout(m)} }

type csvFormat struct {
	layout  *layout
	lenient bool
}

func (f *csvFormat) Lenient() pipeline.Format { return &csvFormat{layout: f.layout, lenient: true} }

func (f *csvFormat) Split(r io.Reader, rangeBytes int) iter.Seq2[pipeline.Chunk, error] {
	return func(yield func(pipeline.Chunk, error) bool) {
		yield(pipeline.Chunk{}, pipeline.ErrIrregular)
	}
}

func (f *csvFormat) Decode(m *pipeline.Meta, c pipeline.Chunk, into *pipeline.Batch) error {
	return pipeline.ErrIrregular
}
