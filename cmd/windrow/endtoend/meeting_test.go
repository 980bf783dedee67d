package endtoend

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// meeting holds runs at a step until all of them have come to it: nobody had passed the step when the last run came.
// It proves that runs were under way at the same time.
type meeting struct {
	*testing.T
	mu      sync.Mutex
	missing map[string]bool
	all     chan struct{} // closed when all runs have come
	vain    chan struct{} // closed when a run has waited for too long: then nobody waits any more
	giveUp  func(run string)
}

// meetWithin is how long a run waits for the others, who first have to start their processes.
const meetWithin = time.Minute

// newMeeting is for runs of these names. The test fails if they do not meet.
func newMeeting(t *testing.T, runs ...string) *meeting {
	t.Helper()
	m := &meeting{T: t, missing: make(map[string]bool), all: make(chan struct{}), vain: make(chan struct{})}
	var once sync.Once
	m.giveUp = func(run string) {
		once.Do(func() {
			m.Errorf("%s has waited in vain for the others: the runs do not overlap", run)
			close(m.vain)
		})
	}
	for _, run := range runs {
		m.missing[run] = true
	}
	return m
}

// arrive returns when all runs have come. A run may come as often as it likes.
func (m *meeting) arrive(run string) {
	m.mu.Lock()
	if m.missing[run] {
		delete(m.missing, run)
		if len(m.missing) == 0 {
			close(m.all)
		}
	}
	m.mu.Unlock()
	select {
	case <-m.all:
	case <-m.vain:
	case <-time.After(meetWithin):
		m.giveUp(run)
	}
}

// over fails unless all runs have met. The runs are over.
func (m *meeting) over() {
	m.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.missing) > 0 {
		m.Errorf("the runs have not met: %v did not come", m.missing)
	}
}

// sealed lets a run pass a point only when all runs have come to the end of reading a window, and nobody has
// committed any.
func (m *meeting) sealed(run string) func(point string) {
	return func(point string) {
		if point == sealedPoint {
			m.arrive(run)
		}
	}
}

// sealedPoint is where a window is read and not yet handed in for its commit.
const sealedPoint = "engine.sealed"

// serve is the address of the meeting for runs in processes of their own, as [childMeeting] wants it.
func (m *meeting) serve(run string) string {
	m.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { m.arrive(run) }))
	m.Cleanup(server.Close)
	return childMeeting + "=" + server.URL
}

// meetAt is [meeting.sealed] in a process whose meeting has an address; without one nobody is waited for.
func meetAt(address string) func(point string) {
	return func(point string) {
		if address == "" || point != sealedPoint {
			return
		}
		answer, err := http.Get(address) //nolint:noctx // the process lives for its run alone
		if err != nil {
			os.Stderr.WriteString(strings.TrimSpace(err.Error()) + "\n")
			os.Exit(2)
		}
		_ = answer.Body.Close() // it is empty
	}
}
