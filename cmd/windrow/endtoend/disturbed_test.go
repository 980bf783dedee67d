package endtoend

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
)

// disturbed is a BigQuery in which jobs outlive the clients that started them,
// and answers get lost; nil stands for a warehouse that nothing outlives.
type disturbed struct {
	t      *testing.T
	server *bigquerytest.Server
}

func disturb(t *testing.T, root string, random *rand.Rand) *disturbed {
	t.Helper()
	if !isBigQuery(root) {
		return nil
	}
	d := &disturbed{t, serverOf(t, root)}
	own := rand.New(rand.NewPCG(random.Uint64(), 2)) // used under the server's lock alone
	some := func(share float64, match func(bigquerytest.Call) bool) func(bigquerytest.Call) bool {
		return func(c bigquerytest.Call) bool { return match(c) && own.Float64() < share }
	}
	jobs := func(c bigquerytest.Call) bool {
		return c.Kind == bigquerytest.Load || c.Kind == bigquerytest.Script || c.Kind == bigquerytest.DML
	}
	calls := func(bigquerytest.Call) bool { return true }
	d.server.Inject(bigquerytest.Rule{Match: some(0.4, jobs), Times: -1, Polls: 2})
	d.server.Inject(bigquerytest.Rule{Match: some(0.6, jobs), Times: -1, Polls: 2, Fault: bigquerytest.HeldCommit})
	d.server.Inject(bigquerytest.Rule{Match: some(0.1, jobs), Times: -1, Fault: bigquerytest.LostAfter})
	d.server.Inject(bigquerytest.Rule{Match: some(0.02, calls), Times: -1, Fault: bigquerytest.UnavailableAfter})
	return d
}

// outlived counts the jobs that are under way, and so have no client any more.
func (d *disturbed) outlived() (n int) {
	if d == nil {
		return 0
	}
	for _, j := range d.server.Jobs() {
		if j.State != "DONE" {
			n++
		}
	}
	return n
}

// settle lets jobs that are left of killed clients come to their end, after a
// while; the channel closes when they have.
func (d *disturbed) settle(after time.Duration) <-chan struct{} {
	done := make(chan struct{})
	if d == nil {
		close(done)
		return done
	}
	time.AfterFunc(after, func() {
		defer close(done)
		d.server.Settle(d.t.Context())
	})
	return done
}

// end lets all that is under way come to its end now.
func (d *disturbed) end() {
	if d != nil {
		d.server.Settle(d.t.Context())
	}
}

func (d *disturbed) heal() {
	if d != nil {
		d.server.Heal()
	}
}
