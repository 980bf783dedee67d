package pushledger_test

import (
	"testing"

	"github.com/windrow-data/windrow/pipeline/push"
	"github.com/windrow-data/windrow/sinks/internal/volumetest"
	"github.com/windrow-data/windrow/sinks/pushledger"
)

// A bucket does not know who lives. A ledger that said "nobody" would have a push call unknown what another is sending.
func TestALedgerInABucketVouchesForNobody(t *testing.T) {
	l := pushledger.Over(volumetest.NewBucket().Open())
	if w, is := l.(push.Witness); is {
		t.Errorf("it is a witness, of the run %q", w.Run())
	}
}
