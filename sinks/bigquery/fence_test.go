package bigquery

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/api/option"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
)

// scriptWatch looks at the commits of one store on their way.
type scriptWatch struct {
	rewrite func(body []byte) []byte // nil sends the script as it is
	before  func(n int)              // the n-th commit is sent, from 1
	after   func(n int)              // the n-th commit is taken in

	mu        sync.Mutex
	n         int
	rewritten int
}

// fencing is what a commit does before it writes to the ledger. In the body of a
// request a line ends with a backslash and an n.
var fencing = regexp.MustCompile("BEGIN TRANSACTION;.*?INSERT INTO `[^`]+`.`[^`]+`.`" + statement.LedgerTable + "`")

// unfenced leaves the fence out of a commit.
func unfenced(body []byte) []byte {
	return fencing.ReplaceAllLiteral(body, []byte("BEGIN TRANSACTION;\\nINSERT INTO `test-project`.`contact_centre`.`_windrow_ledger`"))
}

// asEarlier makes a commit fence as every version before this one does. The text
// is theirs and must never change with the code.
func asEarlier(body []byte) []byte {
	return fencing.ReplaceAllLiteral(body, []byte("BEGIN TRANSACTION;\\n"+
		"DELETE FROM `test-project`.`contact_centre`.`_windrow_turn` WHERE TRUE;\\n"+
		"INSERT INTO `test-project`.`contact_centre`.`_windrow_turn` (`batch`) VALUES ('earlier');\\n"+
		"INSERT INTO `test-project`.`contact_centre`.`_windrow_ledger`"))
}

func (w *scriptWatch) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.Method != http.MethodPost {
		return http.DefaultTransport.RoundTrip(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	_ = r.Body.Close()
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	if !bytes.Contains(body, []byte("windrow_commit_")) {
		return http.DefaultTransport.RoundTrip(r)
	}
	w.mu.Lock()
	w.n++
	n := w.n
	w.mu.Unlock()
	if w.rewrite != nil {
		as := w.rewrite(body)
		w.mu.Lock()
		if !bytes.Equal(as, body) {
			w.rewritten++
		}
		w.mu.Unlock()
		body = as
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	if w.before != nil {
		w.before(n)
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	if w.after != nil {
		w.after(n)
	}
	return res, err
}

func (w *scriptWatch) options(p place) Options {
	return p.options(option.WithHTTPClient(&http.Client{Transport: w}))
}

func (w *scriptWatch) open(t testing.TB, p place) *Store {
	return p.open(t, w.options(p))
}

// overlap commits the window by the first store, and by the second while the
// first's transaction waits before its COMMIT. The first goes on when the second
// has ended, or when it is about to try again.
func overlap(t *testing.T, p place, rewrite [2]func([]byte) []byte, first, second func(*Store) pipeline.Sealed) (results [2]pipeline.Result, tries [2]int) {
	ctx := context.Background()
	held := make(chan struct{})
	a := &scriptWatch{rewrite: rewrite[0], after: func(n int) {
		if n == 1 {
			close(held)
		}
	}}
	b := &scriptWatch{rewrite: rewrite[1], before: func(n int) {
		if n == 2 {
			p.server.Settle(ctx)
		}
	}}
	one, two := a.open(t, p), b.open(t, p)
	windows := []pipeline.Sealed{first(one), second(two)}
	for i, s := range []*Store{one, two} { // both judge by the log as it is now
		if err := s.logs.known(ctx, []pipeline.StreamKey{windows[i].Key}); err != nil {
			t.Fatal(err)
		}
	}
	p.server.Inject(bigquerytest.Rule{Match: bigquerytest.OnJobs(bigquerytest.Script), Fault: bigquerytest.HeldCommit, Polls: -1})
	var wg sync.WaitGroup
	wg.Go(func() { results[0] = one.Commit(ctx, windows[:1])[0] })
	<-held
	results[1] = two.Commit(ctx, windows[1:])[0]
	p.server.Settle(ctx)
	wg.Wait()
	for _, w := range []*scriptWatch{a, b} {
		if w.rewrite != nil && w.rewritten != w.n {
			t.Errorf("%d of %d commits were rewritten", w.rewritten, w.n)
		}
	}
	return results, [2]int{a.n, b.n}
}

// The row of the fence is what makes two transactions conflict: each of them
// reads the ledger as it was when it began, and neither changes a row of the
// data table that the other sees. A run of an earlier version fences at the same
// table, so it conflicts with a run of this one.
func TestWithoutItsFenceACommitWouldDoubleAWindowOrClaimAnothersRows(t *testing.T) {
	fences := []struct {
		name    string
		rewrite [2]func([]byte) []byte // of the two transactions
		fenced  bool
	}{
		{"both of this version", [2]func([]byte) []byte{}, true},
		{"the first of an earlier version", [2]func([]byte) []byte{asEarlier, nil}, true},
		{"the second of an earlier version", [2]func([]byte) []byte{nil, asEarlier}, true},
		{"both without the fence", [2]func([]byte) []byte{unfenced, unfenced}, false},
		{"one of an earlier version, one without the fence", [2]func([]byte) []byte{asEarlier, unfenced}, false},
	}
	tests := []struct {
		name          string
		before        []string // what the table has
		first, second []string // what the two transactions bring
		readFirst     int      // the second's is read at 5
		outcomes      [2]pipeline.Outcome
		want, broken  []string // in the table, with the fence and without it
	}{
		{"a window that is new, the newer reading first", nil, []string{"new"}, []string{"old"}, 9,
			[2]pipeline.Outcome{pipeline.Committed, pipeline.Yielded}, []string{"new"}, []string{"new", "old"}},
		{"a window that is new, the older reading first", nil, []string{"old"}, []string{"new"}, 3,
			[2]pipeline.Outcome{pipeline.Committed, pipeline.Committed}, []string{"new"}, []string{"new", "old"}},
		{"a window that is unchanged while another replaces it", []string{"ana"}, []string{"ana"}, []string{"bob"}, 9,
			[2]pipeline.Outcome{pipeline.Unchanged, pipeline.Yielded}, []string{"ana"}, []string{"bob"}},
	}
	for _, tt := range tests {
		for _, f := range fences {
			t.Run(tt.name+", "+f.name, func(t *testing.T) {
				p := newPlace(t)
				s := p.open(t, p.options())
				mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(7), 1, 0), seal(t, s, dayWindow(0), 1, 0, tt.before...))
				results, tries := overlap(t, p, f.rewrite,
					func(s *Store) pipeline.Sealed { return seal(t, s, dayWindow(0), tt.readFirst, 0, tt.first...) },
					func(s *Store) pipeline.Sealed { return seal(t, s, dayWindow(0), 5, 0, tt.second...) })
				got := p.ids(t)
				l, err := p.open(t, p.options()).Ledger(context.Background(), agents)
				if err != nil {
					t.Fatal(err)
				}
				live, _ := l.Live(dayWindow(0).Span)
				agree := live.Fingerprint == seal(t, s, dayWindow(0), 9, 0, got...).Entry.Fingerprint
				if !f.fenced {
					if !slices.Equal(got, tt.broken) || tries != [2]int{1, 1} || agree {
						t.Errorf("the table holds %q after %v tries, which the ledger says too: %v; the fence would not be needed", got, tries, agree)
					}
					return
				}
				if !slices.Equal(got, tt.want) || !agree {
					t.Errorf("the table holds %q, want %q; the ledger agrees: %v", got, tt.want, agree)
				}
				for i, r := range results {
					if r.Outcome != tt.outcomes[i] {
						t.Errorf("transaction %d: outcome %d, want %d (%v)", i+1, r.Outcome, tt.outcomes[i], r.Err)
					}
				}
				if tries[0] != 1 || tries[1] < 2 {
					t.Errorf("the transactions were sent %v times; the second was to be cancelled", tries)
				}
			})
		}
	}
}

// All of them begin before any ends, as often as they are tried: the most that
// six processes can disturb each other.
func TestSixStoresThatCommitAtOnceAllSucceed(t *testing.T) {
	const stores = 6
	p := newPlace(t)
	first := p.open(t, p.options())
	mustCommit(t, first, pipeline.Committed, seal(t, first, dayWindow(7), 1, 0))
	p.server.Inject(bigquerytest.Rule{Match: bigquerytest.OnJobs(bigquerytest.Script), Times: -1, Polls: 2})
	var wg sync.WaitGroup
	var watches [stores]scriptWatch
	began := make(chan struct{})
	waiting := make(chan struct{}, stores)
	var want []string
	for i := range stores {
		watches[i].before = func(n int) {
			if n == 1 {
				waiting <- struct{}{}
				<-began
			}
		}
		o := watches[i].options(p)
		o.Pace = 10 * time.Millisecond
		s := p.open(t, o)
		group := []pipeline.Sealed{seal(t, s, dayWindow(i), 2, 0, fmt.Sprint("store ", i)), sealOf(t, s, calls, dayWindow(i), 2, 0, fmt.Sprint("call ", i))}
		want = append(want, fmt.Sprint("store ", i))
		wg.Go(func() {
			for _, r := range s.Commit(context.Background(), group) {
				if r.Outcome != pipeline.Committed {
					t.Errorf("store %d: outcome %d, %v", i, r.Outcome, r.Err)
				}
			}
		})
	}
	for range stores {
		<-waiting
	}
	close(began)
	wg.Wait()
	p.holds(t, want...)
	cancelled, most := 0, 0
	for _, j := range p.server.Jobs() {
		if j.Kind == bigquerytest.Script && j.Failed() {
			cancelled++
		}
	}
	for i := range watches {
		most = max(most, watches[i].n)
	}
	t.Logf("%d transactions were cancelled; a store needed at most %d for its two tables", cancelled, most)
	if cancelled == 0 {
		t.Error("no transaction met another")
	}
}
