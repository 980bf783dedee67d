package main

import (
	"bytes"
	"context"
	"math"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
)

// startedBigQuery is a BigQuery without a dataset, and the variables of who syncs into one of it.
func startedBigQuery(t *testing.T) (*bigquerytest.Server, []string) {
	t.Helper()
	server, err := bigquerytest.Start(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server, []string{"BIGQUERY_EMULATOR_HOST=" + server.URL(), "WINDROW_SINK=bigquery://" + testProject + "/" + testDataset + "?location=EU"}
}

// kept is what a sink of a process has.
type kept struct {
	variables []string
	// windows is how many windows of a stream are committed with rows, runs how many runs are recorded.
	windows func(t *testing.T, stream string) int
	runs    func(t *testing.T) int
}

// sinksOf are the sinks that a process in dir may have, by name.
var sinksOf = map[string]func(t *testing.T, dir string) kept{
	"parquet": func(_ *testing.T, dir string) kept {
		return kept{nil, func(t *testing.T, stream string) int {
			n := 0
			for _, name := range parquetFiles(t, filepath.Join(dir, "warehouse")) {
				if strings.Contains(name, "stream="+stream+"/") {
					n++
				}
			}
			return n
		}, func(t *testing.T) int {
			runs, err := filepath.Glob(filepath.Join(dir, "warehouse", "_windrow", "runs", "recent", "*.parquet"))
			if err != nil {
				t.Fatal(err)
			}
			return len(runs)
		}}
	},
	"bigquery": func(t *testing.T, _ string) kept {
		server, variables := startedBigQuery(t)
		count := func(t *testing.T, of string) int {
			t.Helper()
			rows, err := server.Query(context.Background(), testProject, "SELECT count(*) FROM "+testDataset+"."+of)
			if err != nil {
				t.Fatal(err)
			}
			return int(rows[0][0].(int64))
		}
		return kept{variables, func(t *testing.T, stream string) int {
			return count(t, "_windrow_ledger WHERE stream = '"+stream+"' AND kind = 'commit' AND rows_loaded > 0")
		}, func(t *testing.T) int { return count(t, "_windrow_runs") }}
	},
}

func TestPromise14_ACommitThatNeverEndsIsCutOffInTimeForTheSummary(t *testing.T) {
	now, err := time.Parse(time.RFC3339, noon)
	if err != nil {
		t.Fatal(err)
	}
	vendors, err := quickWorld(now).Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer vendors.Close()
	server, variables := startedBigQuery(t)
	begun := make(chan struct{})
	tell := sync.OnceFunc(func() { close(begun) })
	transactions := bigquerytest.OnJobs(bigquerytest.Script)
	server.Inject(bigquerytest.Rule{Polls: math.MaxInt, Match: func(c bigquerytest.Call) bool { // of the first one
		if transactions(c) {
			tell()
			return true
		}
		return false
	}})

	env := append(quickVariables(vendors), variables...)
	cmd := process(t, "windrow", t.TempDir(), env, "sync", "--streams", "chattonic.operators", "--as-of", noon)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-begun:
	case err := <-ended:
		t.Fatalf("the sync ended before its commit began: %v\n%s", err, stderr.String())
	}
	signalled := time.Now()
	send(t, cmd, syscall.SIGTERM)
	code := exitCodeOf(t, <-ended)
	if took := time.Since(signalled); code != pipeline.ExitStopped || took < 5*time.Second || took >= 8*time.Second {
		t.Errorf("exit code %d after %s; want 130 after 5 s and within 8 s", code, took)
	}
	if !strings.Contains(stdout.String(), "Stopped by a signal") {
		t.Errorf("the summary does not say that the run was stopped:\n%s\n%s", stdout.String(), stderr.String())
	}
}
