package bigquery

import (
	"cmp"
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"cloud.google.com/go/bigquery"
	"google.golang.org/api/option"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/apierror"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/job"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
	"github.com/windrow-data/windrow/sinks/internal/googlelogin"
)

// BigQuery's client repeats a request that meets 5xx for as long as the context of the request lives. Every call of a
// store therefore has an end of its own.
const (
	callTime  = 5 * time.Minute
	groupTime = 20 * time.Minute // one load and one transaction, each in several attempts
)

// Options of a Store.
type Options struct {
	// Now is the real clock, for CommittedAt; nil means time.Now.
	Now func() time.Time
	// MaxBytesBilled caps each query job and must be above zero, for BigQuery takes zero for no cap. See [Config].
	MaxBytesBilled int64
	// Emulator is the root of a BigQuery emulator, without a slash at its end. The emulator is asked without credentials.
	// Empty means Google.
	Emulator string
	// ClientOptions go to the BigQuery client: credentials, endpoint.
	ClientOptions []option.ClientOption
	// TempDir is where windows are staged, in a folder of the store's own. What a killed process left there is removed.
	// Empty means the system's temporary folder.
	TempDir string
	// Pace is the first pause before something is tried again; 0 means one second.
	Pace time.Duration
}

// Store is a BigQuery dataset. See [pipeline.Store] for what its methods promise.
type Store struct {
	client   *bigquery.Client
	jobs     *job.Runner
	sql      statement.Dataset
	dataset  *dataset
	logs     *logs
	receipts receipts
	extra    extraWindows
	temp     tempFolder
	now      func() time.Time

	fence chan struct{} // held while a transaction runs: those of one process never conflict
}

var (
	_ pipeline.Store  = (*Store)(nil)
	_ pipeline.Meter  = (*Store)(nil)
	_ pipeline.Keeper = (*Store)(nil)

	_ pipeline.RunReader    = (*Store)(nil)
	_ pipeline.RejectReader = (*Store)(nil)

	_ pipeline.HistoryReader = (*Store)(nil)

	_ pipeline.Verifier = (*Store)(nil)
	_ pipeline.Sweeper  = (*Store)(nil)

	_ pipeline.ViewKeeper = (*Store)(nil)
)

// Open returns the store in a dataset: bigquery://project/dataset, where ?location=EU says where the dataset is to be
// created. Open sends nothing. A missing dataset is an empty store, and the first write creates the dataset.
//
// An address that names no dataset is an error of kind Invalid; credentials that are nowhere are of kind Unauthorized.
func Open(ctx context.Context, dsn string, o Options) (*Store, error) {
	sql, location, err := parse(dsn)
	if err != nil {
		return nil, &pipeline.Error{Op: "open the sink", Kind: pipeline.Invalid, Err: err,
			Hint: "name a dataset, for example " + ExampleAddress}
	}
	if o.MaxBytesBilled <= 0 {
		return nil, &pipeline.Error{Op: "open the sink", Kind: pipeline.Internal, Err: errors.New("queries have no cap on what they bill")}
	}
	client, err := NewClient(ctx, "open the sink", sql.Project, o)
	if err != nil {
		return nil, err
	}
	o = o.withDefaults()
	jobs := job.NewRunner(client, cmp.Or(location, DefaultLocation), o.MaxBytesBilled, o.Pace)
	d := &dataset{handle: client.DatasetInProject(sql.Project, sql.Name), sql: sql, jobs: jobs, now: o.Now, found: found{location: location}}
	return &Store{
		client: client, jobs: jobs, sql: sql, dataset: d, logs: newLogs(d), temp: tempFolder{parent: o.TempDir}, now: o.Now,
		fence: make(chan struct{}, 1),
	}, nil
}

// NewClient returns a client of a project, which is the caller's to close. It sends nothing. op is what the caller does, for
// the error of credentials that are nowhere.
func NewClient(ctx context.Context, op, project string, o Options) (*bigquery.Client, error) {
	clientOptions := o.ClientOptions
	if o.Emulator != "" {
		clientOptions = append(slices.Clone(clientOptions), option.WithoutAuthentication(), option.WithEndpoint(o.Emulator+"/bigquery/v2/"))
	}
	client, err := bigquery.NewClient(ctx, project, clientOptions...)
	if err != nil {
		return nil, &pipeline.Error{Op: op, Kind: pipeline.Unauthorized, Err: err,
			Hint: googlelogin.Remedy(err, "no credentials were found; run as a service account, or set GOOGLE_APPLICATION_CREDENTIALS")}
	}
	return client, nil
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Pace = cmp.Or(o.Pace, time.Second)
	return o
}

// Close drops what was staged and not committed.
func (s *Store) Close() error {
	return apierror.Classify("close the sink", errors.Join(s.temp.remove(), s.client.Close()))
}

// Check implements [pipeline.Store]. The dataset can be read, or may be created; a job can be run; the tables that are
// there have the right columns and can be written; the temporary folder can be written.
func (s *Store) Check(ctx context.Context) error {
	const op = "check the sink"
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return apierror.Classify(op, err)
	}
	s.dataset.lookAgain()
	there, err := s.dataset.locate(ctx)
	if err != nil {
		return apierror.Classify(op, err)
	}
	if err := s.jobs.Read(ctx, statement.Check, func() {}, func([]bigquery.Value) error { return nil }); err != nil {
		return apierror.Classify(op, err)
	}
	if there {
		if err := s.dataset.checkTables(ctx); err != nil {
			return apierror.Classify(op, err)
		}
		if err := s.checkLedgers(ctx); err != nil {
			return apierror.Classify(op, err)
		}
	}
	f, err := s.temp.file()
	if err != nil {
		return apierror.Classify(op, tempError(op, err))
	}
	return apierror.Classify(op, errors.Join(f.Close(), os.Remove(f.Name())))
}

// Receipt implements [pipeline.Meter]: what the jobs of this store have used.
func (s *Store) Receipt() pipeline.Receipt { return s.jobs.Receipt() }

// missing notes that a table was not where it should be, if err says so. The next write then looks at the dataset
// again, and the logs are read again, because what was read of them may be gone as well.
func (s *Store) missing(err error) error {
	if apierror.Absent(err) {
		s.dataset.forget()
		s.logs.forget()
	}
	return err
}
