package job_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"cloud.google.com/go/bigquery"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/apierror"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/job"
)

const insert = "INSERT INTO `test-project`.`d`.`t` (`n`) VALUES (1)"

// open returns a runner at a BigQuery with a table t of one column.
func open(t *testing.T) (*job.Runner, *bigquerytest.Server) {
	t.Helper()
	ctx := context.Background()
	server, err := bigquerytest.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	client, err := bigquery.NewClient(ctx, "test-project", server.Options()...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := client.Dataset("d").Create(ctx, &bigquery.DatasetMetadata{Location: "EU"}); err != nil {
		t.Fatal(err)
	}
	schema := bigquery.Schema{{Name: "n", Type: bigquery.IntegerFieldType}}
	if err := client.Dataset("d").Table("t").Create(ctx, &bigquery.TableMetadata{Schema: schema}); err != nil {
		t.Fatal(err)
	}
	return job.NewRunner(client, "EU", 1<<30, time.Millisecond), server
}

// rows reads the table.
func rows(t *testing.T, r *job.Runner) (list []int64) {
	t.Helper()
	err := r.Read(t.Context(), "SELECT `n` FROM `test-project`.`d`.`t`", func() { list = nil }, func(row []bigquery.Value) error {
		list = append(list, row[0].(int64))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestAJobOfOneNameRunsOnceHoweverOftenItIsWritten(t *testing.T) {
	r, server := open(t)
	for range 2 {
		if err := r.Write(t.Context(), "windrow_test", insert); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(server.Jobs()); n != 1 {
		t.Errorf("%d jobs ran", n)
	}
	if got := rows(t, r); !slices.Equal(got, []int64{1}) {
		t.Errorf("the table holds %v", got)
	}
}

func TestALostAnswerAndAFailedJobDoNotDoubleAWrite(t *testing.T) {
	for _, fault := range bigquerytest.TransientFaults() {
		if fault == bigquerytest.JobConflict { // of two transactions: whoever began one judges anew
			continue
		}
		t.Run(fault.String(), func(t *testing.T) {
			r, server := open(t)
			broken := server.Inject(bigquerytest.Rule{Match: bigquerytest.OnJobs(bigquerytest.DML), Fault: fault})
			if err := r.Write(t.Context(), "windrow_test", insert); err != nil {
				t.Fatal(err)
			}
			if got := rows(t, r); !slices.Equal(got, []int64{1}) || broken.Broke() == 0 {
				t.Errorf("the table holds %v; %d calls broke", got, broken.Broke())
			}
		})
	}
}

func TestAQueryThatIsReadAnewBeginsAnew(t *testing.T) {
	r, server := open(t)
	if err := r.Write(t.Context(), "windrow_test", insert); err != nil {
		t.Fatal(err)
	}
	server.Inject(bigquerytest.Rule{Match: bigquerytest.OnJobs(bigquerytest.Select), Fault: bigquerytest.LostAfter})
	if got := rows(t, r); !slices.Equal(got, []int64{1}) {
		t.Errorf("read %v", got)
	}
}

func TestStatementsThatAreTriedDoNotRun(t *testing.T) {
	r, server := open(t)
	if err := r.Try(t.Context(), insert); err != nil {
		t.Error(err)
	}
	if n := len(server.Jobs()); n != 0 {
		t.Errorf("%d jobs ran", n)
	}
	server.Inject(bigquerytest.Rule{Match: bigquerytest.OnJobs(bigquerytest.DML), Fault: bigquerytest.Forbidden})
	if err := r.Try(t.Context(), insert); pipeline.KindOf(apierror.Classify("", err)) != pipeline.Unauthorized {
		t.Errorf("credentials that may only read: %v", err)
	}
}

func TestUsageHasTheJobsUnderItsContextAndTheReceiptAll(t *testing.T) {
	r, _ := open(t)
	var u job.Usage
	if err := r.Write(job.WithUsage(t.Context(), &u), "windrow_first", insert); err != nil {
		t.Fatal(err)
	}
	if err := r.Write(t.Context(), "windrow_second", insert); err != nil {
		t.Fatal(err)
	}
	first := u.Take()
	if first.QueryJobs != 1 || r.Receipt().QueryJobs != 2 {
		t.Errorf("%+v of %+v", first, r.Receipt())
	}
	if again := u.Take(); again != (pipeline.Receipt{}) {
		t.Errorf("taken twice: %+v", again)
	}
}
