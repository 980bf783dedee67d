package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/windrow-data/windrow/sinks/sinktest/storetest"
)

// bucketCommands are the commands of scripts that sync into a bucket:
//
//	bucket gcs|s3|s3-deaf   makes a bucket, and sets $BUCKET to it, $QUERY to the parameters of addresses and the clouds' own variables
//	bucket-has NAME TEXT    checks that an object of the last bucket begins with a text
//	bucket-put FILE NAME    puts a file into the last bucket
//	locked                  sets $LOCKED to a store that refuses everybody
var bucketCommands = map[string]func(*testscript.TestScript, bool, []string){"bucket": makeBucket, "bucket-has": bucketHas, "bucket-put": bucketPut, "locked": lockedStore}

func lockedStore(ts *testscript.TestScript, _ bool, _ []string) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	ts.Defer(server.Close)
	ts.Setenv("LOCKED", server.URL)
}

func bucketHas(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: bucket-has NAME TEXT")
	}
	scheme, bucket, _ := strings.Cut(ts.Getenv("BUCKET"), "://")
	at := ts.Getenv("SERVER") + "/" + bucket + "/" + args[0]
	if scheme == "gs" {
		at = ts.Getenv("SERVER") + "/storage/v1/b/" + bucket + "/o/" + url.PathEscape(args[0]) + "?alt=media"
	}
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

func bucketPut(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: bucket-put FILE NAME")
	}
	scheme, bucket, _ := strings.Cut(ts.Getenv("BUCKET"), "://")
	method, to := http.MethodPut, ts.Getenv("SERVER")+"/"+bucket+"/"+args[1]
	if scheme == "gs" {
		method, to = http.MethodPost, ts.Getenv("SERVER")+"/upload/storage/v1/b/"+bucket+"/o?uploadType=media&name="+url.QueryEscape(args[1])
	}
	ask, err := http.NewRequestWithContext(ts.Value(contextKey{}).(testing.TB).Context(), method, to, strings.NewReader(ts.ReadFile(args[0])))
	ts.Check(err)
	answer, err := http.DefaultClient.Do(ask)
	ts.Check(err)
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		ts.Fatalf("%s: %s", args[1], answer.Status)
	}
}

func makeBucket(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: bucket gcs|s3|s3-deaf")
	}
	server, name := storetest.Bucket(ts.Value(contextKey{}).(testing.TB), storetest.Kind(args[0]))
	ts.Setenv("SERVER", server)
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
}
