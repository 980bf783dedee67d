package main

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/bigquery"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
)

const (
	testProject = "test-project"
	testDataset = "contact_centre"
)

// bigQueryCommands are the commands of scripts that sync into BigQuery:
//
//	bigquery                       starts one without a dataset, and points windrow at it
//	bigquery-fails CODE            refuses every call with this status: 401, 403
//	bigquery-mended                ends that
//	bigquery-rows TABLE N          checks how many rows a table has
//	bigquery-column TABLE COL TYPE makes the dataset, in the EU, and a table with one column
//	bigquery-drop TABLE            deletes a table
//	bigquery-keep TABLE DAYS       has the partitions of a table expire after so many days
//	bigquery-hide TABLE on|off     puts a row access policy on a table that hides every row, or takes it off
//	bigquery-mask TABLE COL|off    puts a policy tag on a column that windrow may read masked, or takes it off
//	bigquery-tag TABLE COL|off     the same, of a column that windrow may not read
//	bigquery-do SQL                changes rows as somebody else does, in DuckDB's SQL; D is the dataset
var bigQueryCommands = map[string]func(*testscript.TestScript, bool, []string){
	"bigquery": startBigQuery, "bigquery-fails": failBigQuery, "bigquery-mended": mendBigQuery,
	"bigquery-rows": countRows, "bigquery-column": makeColumn, "bigquery-drop": dropTable,
	"bigquery-keep": keepRows, "bigquery-hide": hideRows,
	"bigquery-mask": protectColumn((*bigquerytest.Server).MaskColumn), "bigquery-tag": protectColumn((*bigquerytest.Server).TagColumn),
	"bigquery-do": changeRows,
}

type bigQueryKey struct{}

// scriptBigQuery is one script's BigQuery, once it has been started.
type scriptBigQuery struct {
	server *bigquerytest.Server
	scope  *testscript.Env
}

func (b *scriptBigQuery) get(ts *testscript.TestScript) *bigquerytest.Server {
	if b.server == nil {
		ts.Fatalf("bigquery has not been started")
	}
	return b.server
}

func ofScript(ts *testscript.TestScript) *scriptBigQuery {
	return ts.Value(bigQueryKey{}).(*scriptBigQuery)
}

func startBigQuery(ts *testscript.TestScript, neg bool, args []string) {
	b := ofScript(ts)
	server, err := bigquerytest.Start(context.Background())
	ts.Check(err)
	t := b.scope.T().(testing.TB)
	b.scope.Defer(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	b.server = server
	ts.Setenv("BIGQUERY_EMULATOR_HOST", server.URL())
	ts.Setenv("WINDROW_SINK", "bigquery://"+testProject+"/"+testDataset+"?location=EU")
}

func failBigQuery(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: bigquery-fails CODE")
	}
	fault, known := map[string]bigquerytest.Fault{
		strconv.Itoa(http.StatusUnauthorized): bigquerytest.Unauthorized, strconv.Itoa(http.StatusForbidden): bigquerytest.Forbidden,
	}[args[0]]
	if !known {
		ts.Fatalf("no failure %q", args[0])
	}
	ofScript(ts).get(ts).Inject(bigquerytest.Rule{Times: -1, Fault: fault})
}

func mendBigQuery(ts *testscript.TestScript, neg bool, args []string) { ofScript(ts).get(ts).Heal() }

func countRows(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: bigquery-rows TABLE N")
	}
	rows, err := ofScript(ts).get(ts).Query(context.Background(), testProject, "SELECT count(*) FROM "+testDataset+"."+args[0])
	ts.Check(err)
	if got := strconv.FormatInt(rows[0][0].(int64), 10); got != args[1] {
		ts.Fatalf("table %s has %s rows, want %s", args[0], got, args[1])
	}
}

func makeColumn(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: bigquery-column TABLE COLUMN TYPE")
	}
	ctx := context.Background()
	client, err := bigquery.NewClient(ctx, testProject, ofScript(ts).get(ts).Options()...)
	ts.Check(err)
	defer client.Close()
	dataset := client.Dataset(testDataset)
	ts.Check(dataset.Create(ctx, &bigquery.DatasetMetadata{Location: "EU"}))
	ts.Check(dataset.Table(args[0]).Create(ctx, &bigquery.TableMetadata{
		Schema: bigquery.Schema{
			{Name: "local_date", Type: bigquery.DateFieldType, Required: true},
			{Name: args[1], Type: bigquery.FieldType(args[2])},
		},
		TimePartitioning: &bigquery.TimePartitioning{Field: "local_date"},
	}))
}

func dropTable(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: bigquery-drop TABLE")
	}
	ctx := context.Background()
	client, err := bigquery.NewClient(ctx, testProject, ofScript(ts).get(ts).Options()...)
	ts.Check(err)
	defer client.Close()
	ts.Check(client.Dataset(testDataset).Table(args[0]).Delete(ctx))
}

func keepRows(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: bigquery-keep TABLE DAYS")
	}
	days, err := strconv.Atoi(args[1])
	ts.Check(err)
	ctx := context.Background()
	client, err := bigquery.NewClient(ctx, testProject, ofScript(ts).get(ts).Options()...)
	ts.Check(err)
	defer client.Close()
	_, err = client.Dataset(testDataset).Table(args[0]).Update(ctx, bigquery.TableMetadataToUpdate{
		TimePartitioning: &bigquery.TimePartitioning{Type: bigquery.DayPartitioningType, Field: "local_date", Expiration: time.Duration(days) * 24 * time.Hour},
	}, "")
	ts.Check(err)
}

func hideRows(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: bigquery-hide TABLE on|off")
	}
	ts.Check(ofScript(ts).get(ts).FilterRows(testProject, testDataset, args[0], args[1] == "on"))
}

func protectColumn(protect func(s *bigquerytest.Server, project, dataset, table, column string) error) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != 2 {
			ts.Fatalf("usage: bigquery-mask TABLE COLUMN|off")
		}
		ts.Check(protect(ofScript(ts).get(ts), testProject, testDataset, args[0], strings.TrimSuffix(args[1], "off")))
	}
}

func changeRows(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: bigquery-do SQL")
	}
	ts.Check(ofScript(ts).get(ts).ExecDuckDB(context.Background(), strings.ReplaceAll(args[0], "D.", `"`+testProject+"."+testDataset+`".`)))
}
