// Package statementtest helps tests to hold statements against files: whether a
// file says what the code does now, and whether a statement has the shape of one
// on file.
//
// The shape of a statement is what GoogleSQL's analyser looks at: its tokens with
// each literal as its type, and what may be repeated, standing once. Two
// statements of one shape are both accepted or both refused.
//
// It judges no SQL (.ci/googlesql does) and runs none (package bigquerytest does).
// Start at [Shapes] and [OnFile].
package statementtest

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the files of testdata")

// OnFile fails the test unless the file holds the text. With -update it writes
// the file first: see what changed, and let .ci/run googlesql judge it.
func OnFile(t *testing.T, name, text string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("%s is not what the code does now; go test ./sinks/bigquery ./sinks/bigquery/internal/statement -run OnFile -update writes it", name)
	}
}
