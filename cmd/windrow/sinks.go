package main

import (
	"context"
	"fmt"

	"google.golang.org/api/option"

	"github.com/windrow-data/windrow/cmd/windrow/internal/config"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery"
	"github.com/windrow-data/windrow/sinks/parquet"
)

// sinks lists every sink. A new one is a folder under sinks and a line here.
// The first takes what names no scheme.
var sinks = []sink{
	{scheme: "file", example: "./warehouse", open: openParquet},
	{
		scheme: bigQuery, example: "bigquery://my-project/contact_centre?location=EU", prefix: config.Prefix + "BIGQUERY_",
		open: openBigQuery, group: bigquery.Grouping, access: bigQueryAccess,
	},
}

const bigQuery = "bigquery"

func openParquet(ctx context.Context, o sinkOptions) (pipeline.Store, error) {
	return parquet.Open(ctx, o.dsn, parquet.Options{Now: o.now})
}

func openBigQuery(ctx context.Context, o sinkOptions) (pipeline.Store, error) {
	var client []option.ClientOption
	if o.dry || o.emulator != "" {
		client = append(client, option.WithoutAuthentication())
	}
	if o.emulator != "" {
		client = append(client, option.WithEndpoint(o.emulator+"/bigquery/v2/"))
	}
	return bigquery.Open(ctx, o.dsn, bigquery.Options{Now: o.now, MaxBytesBilled: o.maxBilled, ClientOptions: client})
}

// bigQueryAccess: the roles are those of
// https://cloud.google.com/bigquery/docs/access-control#bigquery
func bigQueryAccess(dsn string) string {
	grant := "gcloud projects add-iam-policy-binding " + config.BigQueryProject(dsn) + " --member=serviceAccount:NAME --role=roles/bigquery."
	return fmt.Sprintf(`To run as yourself:
  gcloud auth application-default login
To give an account (user:NAME for a person) what it needs:
  %sjobUser
  %sdataEditor
Once the dataset exists, the second role suffices on the dataset alone.`, grant, grant)
}
