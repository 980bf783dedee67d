package memory_test

import (
	"testing"

	"github.com/windrow-data/windrow/pipeline/push"
	"github.com/windrow-data/windrow/sinks/memory"
	"github.com/windrow-data/windrow/sinks/sinktest/pushtest"
)

type pushPlace struct{ ledger *memory.PushLedger }

func (p pushPlace) Open(testing.TB) push.Ledger { return p.ledger }

func TestTheSendLedgerInMemoryKeepsItsPromises(t *testing.T) {
	pushtest.Run(t, pushtest.Driver{
		New:     func(testing.TB) pushtest.Place { return pushPlace{memory.NewPushLedger()} },
		Forgets: "it goes with its process",
		Writers: 4, Writes: 50,
	})
}
