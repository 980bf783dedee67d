package endtoend

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/api/option"

	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery"
	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
	"github.com/windrow-data/windrow/sinks/objectstore"
	"github.com/windrow-data/windrow/sinks/parquet"
	"github.com/windrow-data/windrow/sinks/sinktest/soak"
	"github.com/windrow-data/windrow/sinks/sinktest/storetest"
)

// Warehouses are of several kinds, and most tests run on any. A warehouse is
// named by its root as WINDROW_SINK would be; what functions here, in
// files_test.go and in tables_test.go know of it they know by its root.

const (
	bigQueryScheme = "bigquery://"
	project        = "test-project"
	dataset        = "contact_centre"
)

// servers has the server of every dataset: root to *bigquerytest.Server.
var servers sync.Map

// folder is a warehouse of Parquet files.
func folder(t *testing.T) string { return filepath.Join(t.TempDir(), "warehouse") }

// newDataset is a warehouse in a BigQuery of its own.
func newDataset(t *testing.T) string {
	t.Helper()
	server, err := bigquerytest.Start(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	port := server.URL()[strings.LastIndexByte(server.URL(), ':')+1:]
	root := bigQueryScheme + project + "/" + dataset + port + "?location=EU"
	servers.Store(root, server)
	t.Cleanup(func() {
		servers.Delete(root)
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return root
}

// serverOf is the BigQuery of a dataset.
func serverOf(t *testing.T, root string) *bigquerytest.Server {
	t.Helper()
	server, ok := servers.Load(root)
	if !ok {
		t.Fatalf("%s is no dataset of this test", root)
	}
	return server.(*bigquerytest.Server)
}

func isBigQuery(root string) bool { return strings.HasPrefix(root, bigQueryScheme) }

// datasetOf is the dataset's id.
func datasetOf(root string) string {
	id := strings.TrimPrefix(root, bigQueryScheme+project+"/")
	id, _, _ = strings.Cut(id, "?")
	return id
}

// siteMaker makes a site on one kind of warehouse.
type siteMaker func(t *testing.T, change ...func(*vendorsim.Options)) *site

// onEither runs a test on Parquet in a directory, on BigQuery, and on Parquet in buckets of both kinds. A sample has every
// sixth test on a kind of bucket.
func onEither(t *testing.T, test func(t *testing.T, newSite siteMaker)) {
	t.Helper()
	t.Run("parquet", func(t *testing.T) { test(t, newSite) })
	t.Run("bigquery", func(t *testing.T) { test(t, newBigQuerySite) })
	onBuckets(t, 12, test)
}

// onEveryKind is onEither, where a sample has one of the two kinds of buckets every second time.
func onEveryKind(t *testing.T, test func(t *testing.T, newSite siteMaker)) {
	t.Helper()
	t.Run("parquet", func(t *testing.T) { test(t, newSite) })
	t.Run("bigquery", func(t *testing.T) { test(t, newBigQuerySite) })
	onBuckets(t, 4, test)
}

// onBuckets runs a test on Parquet in buckets. A sample has each kind in one of so many tests.
func onBuckets(t *testing.T, of int, test func(t *testing.T, newSite siteMaker)) {
	t.Helper()
	for i, kind := range []storetest.Kind{storetest.GCS, storetest.S3} {
		if soak.Chosen(t, i, of) {
			t.Run(string(kind), func(t *testing.T) { test(t, newBucketSite(kind)) })
		}
	}
}

// newBucketSite is newSite with a bucket for a warehouse.
func newBucketSite(kind storetest.Kind) siteMaker {
	return func(t *testing.T, change ...func(*vendorsim.Options)) *site {
		t.Helper()
		s := newSite(t, change...)
		s.root = newBucket(t, kind)
		return s
	}
}

// newBigQuerySite is newSite with a dataset for a warehouse.
func newBigQuerySite(t *testing.T, change ...func(*vendorsim.Options)) *site {
	t.Helper()
	s := newSite(t, change...)
	s.root = newDataset(t)
	return s
}

// empty is another warehouse of the same kind, of the same vendors.
func (s *site) empty(t *testing.T) *site {
	t.Helper()
	other := *s
	other.T, other.root = t, emptyLike(t, s.root)
	if s.sharesClock {
		other.shareClock()
	}
	return &other
}

// shareClock makes the vendors' clock that of the BigQuery too: what is true there is true for both.
func (s *site) shareClock() {
	s.sharesClock = true
	if isBigQuery(s.root) {
		serverOf(s.T, s.root).SetNow(s.world.Now)
	}
}

func emptyLike(t *testing.T, root string) string {
	t.Helper()
	switch {
	case isBigQuery(root):
		return newDataset(t)
	case isBucket(root):
		return newBucket(t, kindOf(root))
	}
	return folder(t)
}

// openRoot opens a warehouse until the test ends.
func openRoot(t *testing.T, root string) pipeline.Store {
	t.Helper()
	return openRootAt(t, root, time.Now)
}

// openRootAt is openRoot on a machine that has that clock.
func openRootAt(t *testing.T, root string, now func() time.Time) pipeline.Store {
	t.Helper()
	store, err := openStore(t.Context(), root, endpointOf(t, root), t.TempDir(), now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// pace is the first pause of a BigQuery store before it tries again: in all, its
// pauses outlast a transaction that a killed process has left behind.
const pace = 100 * time.Millisecond

// endpointOf is the root of the server that has a warehouse; empty of a directory.
func endpointOf(t *testing.T, root string) string {
	t.Helper()
	switch {
	case isBigQuery(root):
		return serverOf(t, root).URL()
	case isBucket(root):
		return storetest.Server(t, kindOf(root))
	}
	return ""
}

// openStore opens a warehouse; endpoint is the root of the server to be asked.
func openStore(ctx context.Context, root, endpoint, temp string, now func() time.Time, more ...option.ClientOption) (pipeline.Store, error) {
	if isBucket(root) {
		v, err := objectstore.Open(ctx, root, objectstore.Options{Now: now, RetryFor: 2 * time.Minute, Private: parquet.Private, Emulator: endpoint})
		if err != nil {
			return nil, err
		}
		return parquet.Over(v, root, parquet.Options{Now: now}), nil
	}
	if !isBigQuery(root) {
		return parquet.Open(ctx, root, parquet.Options{Now: now})
	}
	return bigquery.Open(ctx, root, bigquery.Options{
		MaxBytesBilled: 100 << 30, TempDir: temp, Pace: pace, Now: now,
		ClientOptions: append([]option.ClientOption{option.WithEndpoint(endpoint + "/bigquery/v2/"), option.WithoutAuthentication()}, more...),
	})
}

// groupOf is the grouping that a test asks for, or production's.
func groupOf(root string, asked pipeline.Grouping) pipeline.Grouping {
	if !isBigQuery(root) || asked != (pipeline.Grouping{}) {
		return asked
	}
	return bigquery.Grouping()
}
