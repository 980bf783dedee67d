package main

import (
	"net/url"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/windrow-data/windrow/sinks/sinktest/storetest"
)

// bucketCommands are the commands of scripts that sync into a bucket:
//
//	bucket gcs|s3|s3-deaf   makes a bucket, and sets $BUCKET to it, $QUERY to the parameters of addresses and the clouds' own variables
var bucketCommands = map[string]func(*testscript.TestScript, bool, []string){"bucket": makeBucket}

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
