package parquet

import (
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/volume"
)

// classify gives what the storage said a kind and a hint. A nil error stays nil, and so does an error that has a kind
// already.
func classify(op string, err error) error {
	return volume.Classify(op, err, volume.Words{Variable: "WINDROW_SINK", Again: "run sync again"})
}

// inStream classifies an error and names the stream in it.
func inStream(op string, k pipeline.StreamKey, err error) error {
	return inWindow(op, k, pipeline.Span{}, err)
}

// inWindow classifies an error and names the stream and the window in it.
func inWindow(op string, k pipeline.StreamKey, w pipeline.Span, err error) error {
	return pipeline.Locate(classify(op, err), k.Stream, w)
}
