package bigquery

import (
	"path/filepath"
	"sync"
	"testing"

	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement/statementtest"
)

// shapesOnFile are those of the statements that GoogleSQL's analyser has accepted.
var shapesOnFile = sync.OnceValues(func() (map[string]bool, error) {
	return statementtest.ShapesOfFile(filepath.Join(onFile, "statements.sql"))
})

// checkSent fails the test if a job of the server ran a statement of a shape
// that is not on file, for no statement may escape the analysis, or without a cap.
func checkSent(t testing.TB, server *bigquerytest.Server) {
	t.Helper()
	known, err := shapesOnFile()
	if err != nil {
		t.Error(err)
		return
	}
	told := map[string]bool{}
	for _, j := range server.Jobs() {
		if j.Kind != bigquerytest.Load && j.MaxBytesBilled <= 0 {
			t.Errorf("job %s was sent without a cap on what it bills", j.ID)
		}
		list, err := statementtest.Shapes(j.SQL)
		if err != nil {
			t.Errorf("%v, in %s", err, j.SQL)
		}
		for _, s := range list {
			if !known[s] && !told[s] {
				told[s] = true
				t.Errorf("a statement was sent whose shape is not on file:\n%s", s)
			}
		}
	}
}
