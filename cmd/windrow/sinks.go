package main

import (
	"context"
	"fmt"

	"github.com/windrow-data/windrow/cmd/windrow/internal/config"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/push"
	"github.com/windrow-data/windrow/sinks/bigquery"
	bigqueryledger "github.com/windrow-data/windrow/sinks/bigquery/pushledger"
	"github.com/windrow-data/windrow/sinks/objectstore"
	"github.com/windrow-data/windrow/sinks/parquet"
	"github.com/windrow-data/windrow/sinks/pushledger"
	"github.com/windrow-data/windrow/sinks/views"
)

// sinks lists every sink. A new one is a folder under sinks and an entry here.
// The first takes what names no scheme.
var sinks = []sink{
	configured[parquet.Config](openParquet, sink{
		scheme: parquet.Scheme, example: parquet.ExampleAddress, checkAddress: parquet.CheckAddress,
		place: parquet.Place, archive: parquet.Archive, ledger: ledgerInDirectory, dialect: views.DuckDB,
	}),
	configured[bigquery.Config](openBigQuery, sink{
		scheme: bigquery.Scheme, example: bigquery.ExampleAddress, checkAddress: bigquery.CheckAddress,
		group: bigquery.Grouping, access: bigQueryAccess, project: bigQueryProject, ledger: ledgerInBigQuery, dialect: views.BigQuery,
		emulator: &emulator{
			variables: config.Variables("", new(bigquery.EmulatorConfig)), read: bigQueryEmulator,
			notice: "BIGQUERY_EMULATOR_HOST is set: BigQuery is an emulator, asked without credentials",
		},
	}),
	inBucket(objectstore.GCS, "gs://my-bucket/warehouse", gcsEmulator),
	inBucket(objectstore.S3, "s3://my-bucket/warehouse?region=eu-central-1", s3Server),
}

func openParquet(ctx context.Context, _ *parquet.Settings, o sinkOptions) (pipeline.Store, error) {
	return parquet.Open(ctx, o.address, parquet.Options{Now: o.now, RetryFor: o.retryFor, Waiting: o.waiting})
}

// ledgerInDirectory is the send ledger in a directory of tables.
func ledgerInDirectory(_ context.Context, o sinkOptions) (push.Ledger, error) {
	dir, err := parquet.PushLedger(o.address)
	if err != nil {
		return nil, err
	}
	return pushledger.Open(dir, pushledger.Options{Now: o.now, RetryFor: o.retryFor, Waiting: o.waiting})
}

// ledgerInBigQuery is the send ledger in a dataset.
func ledgerInBigQuery(ctx context.Context, o sinkOptions) (push.Ledger, error) {
	var c bigquery.Config
	prefix := config.SinkPrefix(bigquery.Scheme)
	if err := config.Fill(prefix, &c); err != nil {
		return nil, err
	}
	s, _ := c.Settings(prefix) // what is wrong with it was told
	return bigqueryledger.Open(ctx, o.address, bigquery.Options{Now: o.now, MaxBytesBilled: s.MaxBytesBilled, Emulator: o.emulator})
}

func openBigQuery(ctx context.Context, s *bigquery.Settings, o sinkOptions) (pipeline.Store, error) {
	return bigquery.Open(ctx, o.address, bigquery.Options{Now: o.now, MaxBytesBilled: s.MaxBytesBilled, Emulator: o.emulator})
}

func bigQueryEmulator() (string, []pipeline.ConfigError, error) {
	var c bigquery.EmulatorConfig
	if err := config.Fill("", &c); err != nil {
		return "", nil, err
	}
	url, faults := c.URL()
	return url, faults, nil
}

// bigQueryProject is known even of an address that is no good otherwise.
func bigQueryProject(address string) string {
	access, _ := bigquery.AccessOf(address)
	return access.Project
}

func bigQueryAccess(address string) string {
	needs, _ := bigquery.AccessOf(address) // a sink that refused has an address
	grant := "gcloud projects add-iam-policy-binding " + needs.Project + " --member=serviceAccount:NAME --role="
	return fmt.Sprintf(`To run as yourself:
  gcloud auth application-default login
To give an account (user:NAME for a person) what it needs:
  %s%s
  %s%s
Once the dataset exists, the second role suffices on the dataset alone.`, grant, needs.ProjectRole, grant, needs.DatasetRole)
}
