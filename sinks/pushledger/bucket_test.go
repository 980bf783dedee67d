package pushledger_test

import (
	"maps"
	"net/url"
	"path"
	"slices"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline/push"
	"github.com/windrow-data/windrow/sinks/internal/volumetest"
	"github.com/windrow-data/windrow/sinks/objectstore"
	"github.com/windrow-data/windrow/sinks/pushledger"
	"github.com/windrow-data/windrow/sinks/sinktest/pushtest"
	"github.com/windrow-data/windrow/sinks/sinktest/soak"
	"github.com/windrow-data/windrow/sinks/sinktest/storetest"
)

type inBucket struct{ bucket *volumetest.Bucket }

func (p inBucket) Open(testing.TB) push.Ledger { return pushledger.Over(p.bucket.Open()) }

// Damage implements [pushtest.Damager]. That of a directory's objects is that of a bucket's.
func (p inBucket) Damage(testing.TB, push.Key, pushtest.Harm) string { return "" }

func TestTheLedgerOfABucketKeepsItsPromises(t *testing.T) {
	pushtest.Run(t, pushtest.Driver{New: func(testing.TB) pushtest.Place { return inBucket{volumetest.NewBucket()} }, Writers: 4, Writes: 25})
}

// Who writes to a bucket from elsewhere may live. A ledger that said "nobody" would have a push call unknown what another is
// sending.
func TestALedgerInABucketVouchesForThisMachineAlone(t *testing.T) {
	l := pushledger.Over(volumetest.NewBucket().Open())
	if life := l.Life(t.Context(), l.Run()); life != push.Alive {
		t.Errorf("this process, %q: %d", l.Run(), life)
	}
	for _, run := range []string{"", "run-123", "0123456789abcdef-1-1"} {
		if life := l.Life(t.Context(), run); life != push.Doubtful {
			t.Errorf("%q: %d", run, life)
		}
	}
}

// onServer is a place in a bucket of a server, which fails half the time.
type onServer struct {
	kind           storetest.Kind
	server, bucket string
}

const at = "some/pushes"

func (p onServer) Open(t testing.TB) push.Ledger {
	t.Helper()
	address := "gs://" + p.bucket + "/" + at
	if p.kind == storetest.S3 {
		address = "s3://" + p.bucket + "/" + at + "?endpoint=" + url.QueryEscape(p.server)
	}
	v, err := objectstore.Open(t.Context(), address, objectstore.Options{Private: pushledger.Private, Emulator: p.server, RetryFor: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	l := pushledger.Over(v)
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// Damage implements [pushtest.Damager].
func (p onServer) Damage(t testing.TB, _ push.Key, how pushtest.Harm) string {
	t.Helper()
	objects := storetest.Objects(t, p.kind, p.bucket, at+"/keys/")
	names := slices.Sorted(maps.Keys(objects))
	first := names[0]
	body := harmed(slices.Clone(objects[first].Body), objects[names[1]].Body, how)
	if body == nil {
		storetest.Remove(t, p.kind, p.bucket, first)
		return path.Base(first)
	}
	storetest.Put(t, p.kind, p.bucket, first, body)
	return path.Base(path.Dir(first)) + "/" + path.Base(first)
}

func TestTheLedgerOfABucketKeepsItsPromisesOnServers(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	for i, kind := range []storetest.Kind{storetest.GCS, storetest.S3} {
		if !soak.Chosen(t, i, 2) { // the other kind at the next seed
			continue
		}
		t.Run(string(kind), func(t *testing.T) {
			front := storetest.HalfFailing(t, storetest.Server(t, kind))
			pushtest.Run(t, pushtest.Driver{Writers: 3, Writes: 5, New: func(t testing.TB) pushtest.Place {
				_, bucket := storetest.Bucket(t, kind)
				return onServer{kind, front, bucket}
			}})
		})
	}
}
