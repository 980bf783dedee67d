package pushledger_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline/push"
	sink "github.com/windrow-data/windrow/sinks/bigquery"
	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
	"github.com/windrow-data/windrow/sinks/bigquery/pushledger"
	"github.com/windrow-data/windrow/sinks/sinktest/pushtest"
)

type place struct{ server *bigquerytest.Server }

func (p place) Open(t testing.TB) push.Ledger {
	t.Helper()
	l, err := pushledger.Open(context.Background(), "bigquery://test-project/contact_centre?location=EU",
		sink.Options{MaxBytesBilled: 100 << 30, Pace: time.Millisecond, ClientOptions: p.server.Options()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// Damage implements [pushtest.Damager].
func (p place) Damage(t testing.TB, _ push.Key, how pushtest.Harm) string {
	t.Helper()
	const table, first = `"test-project.contact_centre"."_windrow_push"`, "position = 1 AND item = 1"
	set := map[pushtest.Harm]string{
		pushtest.Cut: "change = substr(change, 1, 20)", pushtest.Flipped: "proof = proof + 1", pushtest.Newer: "format = 2", pushtest.Foreign: "key = '{}'",
	}[how]
	sql := fmt.Sprintf("UPDATE %s SET %s WHERE %s", table, set, first)
	if how == pushtest.Missing {
		sql = fmt.Sprintf("DELETE FROM %s WHERE %s", table, first)
	}
	if err := p.server.ExecDuckDB(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
	return "position 1"
}

func TestTheLedgerOfADatasetKeepsItsPromises(t *testing.T) {
	pushtest.Run(t, pushtest.Driver{New: func(t testing.TB) pushtest.Place {
		server, err := bigquerytest.Start(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := server.Close(); err != nil {
				t.Error(err)
			}
		})
		return place{server}
	}, Writers: 3, Writes: 4})
}
