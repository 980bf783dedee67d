package transforms

import (
	"io"
	"iter"

	"github.com/windrow-data/windrow/pipeline"
)

// JSONOptions says where in a JSON document its rows stand.
type JSONOptions struct {
	// Rows names the member of the document's object that is the array of rows.
	// Empty: the document is that array.
	Rows string
	// True names a member of that object which must be true; without it the
	// answer is not one. Empty: none.
	True string
	// Hint is what to do about an answer that is not the document it should be.
	Hint string
}

// NewJSON returns the format of a JSON document.
func NewJSON(m Mapping, o JSONOptions) pipeline.Format {
	return &jsonFormat{layout: newLayout(m), options: o}
}

type jsonFormat struct {
	layout  *layout
	options JSONOptions
}

func (f *jsonFormat) Lenient() pipeline.Format { return f }

func (f *jsonFormat) Split(r io.Reader, rangeBytes int) iter.Seq2[pipeline.Chunk, error] {
	return func(yield func(pipeline.Chunk, error) bool) {
		yield(pipeline.Chunk{}, pipeline.ErrIrregular)
	}
}

func (f *jsonFormat) Decode(m *pipeline.Meta, c pipeline.Chunk, into *pipeline.Batch) error {
	return pipeline.ErrIrregular
}
