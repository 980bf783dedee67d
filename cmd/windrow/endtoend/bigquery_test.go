package endtoend

import (
	"io"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/api/option"

	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
	"github.com/windrow-data/windrow/sinks/sinktest/soak"
)

func TestBothWarehousesHoldTheSameRowsAndTheSameLedger(t *testing.T) {
	s := newSite(t)
	s.mustSync()
	want := state(t, s.root)
	other := *s
	other.root = newDataset(t)
	other.mustSync()
	sameRows(t, state(t, other.root), want)
}

// cutBody breaks off the body of the n-th answer, once.
type cutBody struct {
	n     int64
	calls atomic.Int64
}

func (c *cutBody) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && c.calls.Add(1) == c.n {
		body := res.Body
		res.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(io.LimitReader(body, max(res.ContentLength, 20)/2), brokenOff{}), body}
	}
	return res, err
}

type brokenOff struct{}

func (brokenOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestPromise02_EveryRequestToBigQueryFailsOnceAndTheTablesAreTheSame(t *testing.T) {
	s := smallKillSite(t, newBigQuerySite)
	s.mustRun(s.skewed(0))
	n := serverOf(t, s.root).CountCalls()
	want, seed := s.past(), soak.Seed(t)
	const cut = bigquerytest.NoFault // of the server: the client's line breaks
	kinds := []bigquerytest.Fault{bigquerytest.LostBefore, bigquerytest.UnavailableBefore, bigquerytest.UnavailableAfter, bigquerytest.LostAfter, cut}
	var names []string
	for _, kind := range kinds[:4] {
		names = append(names, kind.String())
	}
	soak.Sweep(t, n, append(names, "cut answer"), func(t *testing.T, call, way int) {
		one := s.empty(t)
		server, line := serverOf(t, one.root), &cutBody{}
		if kinds[way] == cut {
			line.n = int64(call)
		} else {
			server.FailNth(call, kinds[way])
		}
		random := rand.New(rand.NewPCG(seed, uint64(call*len(kinds)+way)))
		by := skew(random)
		e := one.skewed(by)
		store, err := openStore(t.Context(), one.root, server.URL(), t.TempDir(), e.Now, option.WithHTTPClient(&http.Client{Transport: line}))
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		e.Store = store
		// One fault is the sink's own to survive. With a clock that is off by days Dialpad answers for other days than asked.
		if sum, err := e.Sync(t.Context()); (err != nil || sum.Exit != 0) && by.Abs() < 24*time.Hour {
			t.Errorf("%s off: exit %d: %v %s", by, sum.Exit, err, failures(sum))
		}
		server.Heal()
		if lost := one.loseSome(random); lost != "" || by.Abs() >= 24*time.Hour {
			last := one.skewed(0)
			last.Select.Refetch = lost != ""
			one.mustRun(last)
		}
		sameRows(t, one.past(), want)
	})
}
