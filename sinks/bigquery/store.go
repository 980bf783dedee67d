package bigquery

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"cloud.google.com/go/bigquery"
	"google.golang.org/api/option"

	"github.com/windrow-data/windrow/pipeline"
)

// Options of a Store.
type Options struct {
	// Now is the real clock, for CommittedAt; nil means time.Now.
	Now func() time.Time
	// MaxBytesBilled caps each query job; 0 means [DefaultMaxBytesBilled].
	MaxBytesBilled int64
	// Emulator is the root of a BigQuery emulator, without a slash at its end,
	// which is asked without credentials; empty means Google.
	Emulator string
	// ClientOptions go to the BigQuery client: credentials, endpoint.
	ClientOptions []option.ClientOption
	// TempDir is where windows are staged, in a folder of the store's own; empty
	// means the system's. What a killed process left there is removed.
	TempDir string
	// Pace is the first pause before something is tried again; 0 means one second.
	Pace time.Duration
}

// DefaultMaxBytesBilled is the cap on each query job: 100 GiB.
const DefaultMaxBytesBilled = 100 << 30

// DefaultLocation is where a dataset is created when the sink names no location.
const DefaultLocation = "US"

// BigQuery's client repeats a request that meets 5xx for as long as its
// context lives, so every call has an end of its own.
const (
	callTime  = 5 * time.Minute
	groupTime = 20 * time.Minute // one load and one transaction, each in several attempts
)

// Store is a BigQuery dataset. See [pipeline.Store] for what its methods promise.
type Store struct {
	client  *bigquery.Client
	names   names
	now     func() time.Time
	maxBill int64
	pace    time.Duration
	settle  time.Duration // logSettle, but in tests
	tempDir string

	turn  chan struct{} // held while a transaction runs: those of one process never conflict
	setup sync.Mutex    // held while the dataset and the tables are made

	mu       sync.Mutex
	location string   // as asked for, then as found
	located  bool     // the dataset is there, and location is its
	ready    bool     // the tables are there
	temp     *tempDir // made with the first stage
	logs     map[pipeline.StreamKey]*streamLog
	used     pipeline.Receipt
	counted  map[string]bool // jobs, by id
	owed     []batchReceipt  // to be appended with the record of the run
}

var _ pipeline.Store = (*Store)(nil)

// Open returns the store in a dataset: bigquery://project/dataset, where
// ?location=EU says where it is to be created. It sends nothing: a dataset
// that is missing is an empty store, and is created by the first thing that is
// written.
func Open(ctx context.Context, dsn string, o Options) (*Store, error) {
	n, location, err := parse(dsn)
	if err != nil {
		return nil, &pipeline.Error{Op: "open the sink", Kind: pipeline.Invalid, Err: err,
			Hint: "name a dataset, for example " + ExampleAddress}
	}
	clientOptions := o.ClientOptions
	if o.Emulator != "" {
		clientOptions = append(slices.Clone(clientOptions), option.WithoutAuthentication(), option.WithEndpoint(o.Emulator+"/bigquery/v2/"))
	}
	client, err := bigquery.NewClient(ctx, n.project, clientOptions...)
	if err != nil {
		return nil, &pipeline.Error{Op: "open the sink", Kind: pipeline.Unauthorized, Err: err,
			Hint: "no credentials were found; run as a service account, or set GOOGLE_APPLICATION_CREDENTIALS"}
	}
	s := &Store{
		client: client, names: n, location: location, now: o.Now, maxBill: o.MaxBytesBilled, pace: o.Pace,
		tempDir: o.TempDir, turn: make(chan struct{}, 1), settle: logSettle, logs: make(map[pipeline.StreamKey]*streamLog),
		counted: make(map[string]bool),
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.maxBill == 0 {
		s.maxBill = DefaultMaxBytesBilled
	}
	if s.pace == 0 {
		s.pace = time.Second
	}
	return s, nil
}

// Close drops what was staged and not committed.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if s.temp != nil {
		err = s.temp.remove()
		s.temp = nil
	}
	return fault("close the sink", errors.Join(err, s.client.Close()))
}

// Check implements [pipeline.Store]: the dataset can be read, or may be
// created, a job can be run, the tables are as they should be and can be
// written if they are there, and so can the temporary folder.
func (s *Store) Check(ctx context.Context) error {
	const op = "check the sink"
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return fault(op, err)
	}
	s.mu.Lock()
	s.located = false // what was found long ago proves nothing now
	s.mu.Unlock()
	there, err := s.locate(ctx)
	if err != nil {
		return fault(op, err)
	}
	if err := s.read(ctx, checkStatement, func() {}, func([]bigquery.Value) error { return nil }); err != nil {
		return fault(op, err)
	}
	if there {
		if err := s.checkTables(ctx); err != nil {
			return fault(op, err)
		}
	}
	f, err := s.tempFile()
	if err != nil {
		return fault(op, tempFault(op, err))
	}
	return fault(op, errors.Join(f.Close(), os.Remove(f.Name())))
}

func (s *Store) checkTables(ctx context.Context) error {
	list, err := layouts()
	if err != nil {
		return &pipeline.Error{Op: "check the tables", Kind: pipeline.Internal, Err: err}
	}
	for _, l := range list {
		if _, _, err := s.look(ctx, l); err != nil {
			return err
		}
	}
	return s.tryWrite(ctx)
}

// tryWrite has BigQuery look at a statement that writes, without running it: it
// refuses one whose tables the credentials may not write.
func (s *Store) tryWrite(ctx context.Context) error {
	err := s.again(ctx, func() error {
		q := s.query(s.names.takeTurn("none"))
		q.DryRun = true
		_, err := q.Run(ctx)
		return err
	})
	if absent(err) {
		return nil // the first sync makes the tables
	}
	return err
}

// locate finds out whether the dataset is there, and where.
func (s *Store) locate(ctx context.Context) (there bool, err error) {
	s.mu.Lock()
	located, want := s.located, s.location
	s.mu.Unlock()
	if located {
		return true, nil
	}
	var md *bigquery.DatasetMetadata
	err = s.again(ctx, func() (err error) {
		md, err = s.dataset().Metadata(ctx)
		return err
	})
	if httpStatus(err) == http.StatusNotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if want != "" && !strings.EqualFold(want, md.Location) {
		return false, &pipeline.Error{Op: "find the dataset", Kind: pipeline.Invalid,
			Err:  fmt.Errorf("dataset %s lies in %s, not in %s", s.names.dataset, md.Location, want),
			Hint: "a dataset cannot be moved: correct location in WINDROW_SINK, or name another dataset"}
	}
	s.mu.Lock()
	s.location, s.located = md.Location, true
	s.mu.Unlock()
	return true, nil
}

func (s *Store) dataset() *bigquery.Dataset {
	return s.client.DatasetInProject(s.names.project, s.names.dataset)
}

// place is the location that every job names.
func (s *Store) place() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.location == "" {
		return DefaultLocation
	}
	return s.location
}

// tempFile makes a file in the store's own temporary folder.
func (s *Store) tempFile() (*os.File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.temp == nil {
		dir, err := makeTemp(s.tempDir)
		if err != nil {
			return nil, err
		}
		s.temp = dir
	}
	return os.CreateTemp(s.temp.path, "stage-")
}
