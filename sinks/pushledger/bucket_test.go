package pushledger_test

import (
	"testing"

	"github.com/windrow-data/windrow/pipeline/push"
	"github.com/windrow-data/windrow/sinks/internal/volumetest"
	"github.com/windrow-data/windrow/sinks/pushledger"
	"github.com/windrow-data/windrow/sinks/sinktest/pushtest"
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
