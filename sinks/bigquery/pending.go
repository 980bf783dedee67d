package bigquery

import (
	"slices"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/staging"
)

// pending is one window on its way through a commit.
type pending struct {
	staging.Pending[*stage]
	seen     int64 // the seq of the stream's last commit that the verdict knew
	replaces bool  // the window's rows are replaced
	held     *held // what the table was found to hold of the window; nil where nobody has asked
}

// failAll settles all windows with the error.
func failAll(group []*pending, op string, err error) {
	for _, p := range group {
		p.Fail(op, err)
	}
}

// replaced lists the windows whose rows the commit of p replaces: its own, and those that it supersedes.
func (p *pending) replaced() []pipeline.Window {
	return append([]pipeline.Window{p.Verdict.Entry.Window}, p.Replaces...)
}

func keysOf(group []*pending) (keys []pipeline.StreamKey) {
	for _, p := range group {
		if !slices.Contains(keys, p.Key) {
			keys = append(keys, p.Key)
		}
	}
	return keys
}

// tableOf is the table of the windows that replace data; nil where none of them does.
func tableOf(group []*pending) *pipeline.Table {
	for _, p := range group {
		if p.replaces {
			return p.Table
		}
	}
	return nil
}

// spanOf holds all windows of a group.
func spanOf(group []*pending) (span pipeline.Span) {
	for _, p := range group {
		w := p.Sealed.Entry.Window.Span
		if span.Empty() {
			span = w
		}
		span = pipeline.Span{Start: min(span.Start, w.Start), End: max(span.End, w.End)}
	}
	return span
}
