package main

import (
	"bytes"
	"context"
	"math"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
)

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
	server, err := bigquerytest.Start(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	}()
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

	env := append(quickVariables(vendors), "BIGQUERY_EMULATOR_HOST="+server.URL(), "WINDROW_SINK=bigquery://"+testProject+"/"+testDataset+"?location=EU")
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
