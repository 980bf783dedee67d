package dialpad

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/windrow-data/windrow/pipeline"
)

// pilots lets one report of each stream and scope go first. Nobody has published
// which of them the vendor answers: what it refuses, or fails to make, costs the
// quota once a run and not once a window.
type pilots struct {
	mu  sync.Mutex
	all map[pilotKey]*pilot
}

// pilotKey is what the vendor may refuse whatever the days.
type pilotKey struct {
	stream string
	scope  scope
}

// pilot is what is known of a stream and scope.
type pilot struct {
	turn  chan struct{} // held by the report that goes first
	known chan struct{} // closed once there is a verdict
	err   error         // the verdict: nil where the vendor makes such reports
}

func (p *pilots) of(q query) *pilot {
	p.mu.Lock()
	defer p.mu.Unlock()
	k := pilotKey{q.export.name, q.scope}
	if p.all[k] == nil {
		if p.all == nil {
			p.all = map[pilotKey]*pilot{}
		}
		p.all[k] = &pilot{turn: make(chan struct{}, 1), known: make(chan struct{})}
	}
	return p.all[k]
}

// wait returns once the report may be ordered: as the first of its kind, or after
// another was made. Its error is what became of the first. The flight must land.
func (p *pilot) wait(ctx context.Context) (*flight, error) {
	select {
	case <-p.known:
		return &flight{}, p.err
	default:
	}
	select {
	case <-p.known:
		return &flight{}, p.err
	case p.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, stopped(ctx)
	}
	select {
	case <-p.known: // both were ready
		<-p.turn
		return &flight{}, p.err
	default:
		return &flight{pilot: p}, nil
	}
}

// flight is a report under way. One that goes first has its pilot.
type flight struct{ pilot *pilot }

// decide lets the others know, and go.
func (f *flight) decide(err error) {
	if p := f.pilot; p != nil {
		f.pilot = nil
		p.err = err
		close(p.known)
		<-p.turn
	}
}

// land says how the report ended. An error that is about this report, or the way
// to the vendor, lets another report go first.
func (f *flight) land(err error) {
	var refused *refusedReport
	switch {
	case err == nil || errors.As(err, &refused) || errors.Is(err, errFailed):
		f.decide(err)
	case f.pilot != nil:
		<-f.pilot.turn
	}
}

// refusedReport is the cause of an error about a report that the vendor does not take, whatever the days.
type refusedReport struct {
	stream pipeline.StreamID
	scope  string
	cause  error
}

func (e *refusedReport) Error() string {
	return fmt.Sprintf("the vendor refuses the report of %s for %s: %s", e.stream, e.scope, e.cause)
}

func (e *refusedReport) Unwrap() error { return e.cause }

// refusal says of a POST's error what the vendor does not take.
func (r *report) refusal(ctx context.Context, err error) error {
	code, fromBase := statusOf(err)
	var e *pipeline.Error
	if !fromBase || code < 400 || code > 499 || !errors.As(err, &e) {
		return err
	}
	refused := &pipeline.Error{Op: e.Op, Kind: e.Kind, Err: &refusedReport{r.request.Stream, r.request.Scope, e.Err}}
	prefix := r.src.set.prefix
	switch code {
	case http.StatusUnauthorized, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return err
	case http.StatusForbidden:
		refused.Hint = "check " + prefix + "TOKEN: its key may not ask for this, and needs what the vendor names, or a company admin who made it"
		if r.src.served.others(ctx) {
			refused.Kind = pipeline.Refused
		}
	default:
		refused.Hint = "check " + prefix + "URL, _TIMEZONE, _OFFICE_ID, _TARGETS and _GROUP_BY"
	}
	refused.Hint += "; " + r.remedy()
	return refused
}

// remedy is what to do about a stream that the vendor does not serve for a scope.
func (r *report) remedy() string {
	out := fmt.Sprintf("where the vendor does not serve it, leave %s out of the streams", r.request.Stream)
	if r.query.scope.kind == targetScope {
		out += fmt.Sprintf(", or %s out of %sTARGETS", r.request.Scope, r.src.set.prefix)
	}
	return out + ", or waive its windows"
}

// served knows whether the vendor takes any report of the key. A 403 is about the
// key when it takes none, else about the one report.
type served struct {
	mu       sync.Mutex
	any      bool          // a report was taken
	underway int           // POSTs without an answer
	changed  chan struct{} // closed when one was answered; nil: nobody waits
}

// ask notes a POST on its way. answered is called exactly once.
func (s *served) ask() (answered func(taken bool)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.underway++
	return func(taken bool) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.underway--
		s.any = s.any || taken
		if s.changed != nil {
			close(s.changed)
			s.changed = nil
		}
	}
}

// others tells whether the vendor has taken a report, or takes one that is on its way.
func (s *served) others(ctx context.Context) bool {
	for {
		s.mu.Lock()
		if s.any || s.underway == 0 {
			defer s.mu.Unlock()
			return s.any
		}
		if s.changed == nil {
			s.changed = make(chan struct{})
		}
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}
