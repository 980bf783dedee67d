package main

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/windrow-data/windrow/sinks/sinktest/storetest"
)

// bucketCommands are the commands of scripts that sync into a bucket:
//
//	bucket gcs|s3|s3-deaf   makes a bucket, and sets $BUCKET to it, $QUERY to the parameters of addresses and the clouds' own variables
//	bucket-has NAME TEXT    checks that an object of the last bucket, one of S3, begins with a text
var bucketCommands = map[string]func(*testscript.TestScript, bool, []string){"bucket": makeBucket, "bucket-has": bucketHas}

func bucketHas(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: bucket-has NAME TEXT")
	}
	at := ts.Getenv("SERVER") + "/" + strings.TrimPrefix(ts.Getenv("BUCKET"), "s3://") + "/" + args[0]
	ask, err := http.NewRequestWithContext(ts.Value(contextKey{}).(testing.TB).Context(), http.MethodGet, at, nil)
	ts.Check(err)
	answer, err := http.DefaultClient.Do(ask)
	ts.Check(err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	ts.Check(err)
	if answer.StatusCode != http.StatusOK || !strings.HasPrefix(strings.ToLower(string(body)), strings.ToLower(args[1])) {
		ts.Fatalf("%s: %s, %.200s", args[0], answer.Status, body)
	}
}

func makeBucket(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: bucket gcs|s3|s3-deaf")
	}
	server, name := storetest.Bucket(ts.Value(contextKey{}).(testing.TB), storetest.Kind(args[0]))
	if storetest.Kind(args[0]) == storetest.GCS {
		ts.Setenv("STORAGE_EMULATOR_HOST", server)
		ts.Setenv("BUCKET", "gs://"+name)
		return
	}
	ts.Setenv("AWS_ACCESS_KEY_ID", "test")
	ts.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	ts.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	ts.Setenv("BUCKET", "s3://"+name)
	ts.Setenv("QUERY", "?region=eu-central-1&use_path_style=true&endpoint="+url.QueryEscape(server))
	ts.Setenv("SERVER", server)
}
