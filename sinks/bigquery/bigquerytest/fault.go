package bigquerytest

import "net/http"

// Fault is one way for a call to go wrong.
type Fault uint8

const (
	// NoFault lets the call through. With Rule.Polls the job is slow: it ends after so many polls (jobs.get or
	// getQueryResults).
	NoFault Fault = iota
	// UnavailableBefore answers 503 backendError; nothing happened.
	UnavailableBefore
	// UnavailableAfter answers 503 backendError although everything happened.
	UnavailableAfter
	// LostBefore resets the connection; nothing happened.
	LostBefore
	// LostAfter resets the connection although everything happened.
	LostAfter
	// QuotaExceeded answers 403 quotaExceeded; nothing happened.
	QuotaExceeded
	// RateLimitExceeded answers 403 rateLimitExceeded; nothing happened.
	RateLimitExceeded
	// Unauthorized answers 401 authError.
	Unauthorized
	// Forbidden answers 403 accessDenied.
	Forbidden
	// Duplicate answers 409 duplicate; nothing happened.
	Duplicate
	// JobBackendError accepts the job, which then fails with backendError and without effect, and whose id is burnt. A
	// call that starts no job goes through.
	JobBackendError
	// JobQuotaExceeded accepts the job, which then fails with quotaExceeded.
	JobQuotaExceeded
	// JobConflict accepts the job, which is then cancelled as if by another transaction on the job's first table.
	JobConflict
	// HeldCommit is no fault but slowness. With Rule.Polls, a script of one transaction has run up to the COMMIT when its
	// insertion is answered, and waits there. A slow script of another kind waits before the first statement.
	HeldCommit
)

// Faults lists every fault, for sweeps; NoFault and HeldCommit break nothing.
func Faults() []Fault {
	var all []Fault
	for f := UnavailableBefore; f <= JobConflict; f++ {
		all = append(all, f)
	}
	return all
}

// TransientFaults lists the faults that a repeat or an attach overcomes.
func TransientFaults() []Fault {
	return []Fault{UnavailableBefore, UnavailableAfter, LostBefore, LostAfter, RateLimitExceeded, JobBackendError, JobConflict}
}

func (f Fault) String() string {
	names := [...]string{"no fault", "503 before the effect", "503 after the effect", "lost request", "lost answer", "quotaExceeded",
		"rateLimitExceeded", "401", "403", "409", "job fails with backendError", "job fails with quotaExceeded", "transaction conflict", "held before COMMIT"}
	if int(f) < len(names) {
		return names[f]
	}
	return "unknown fault"
}

// Call is one request as the server understood it.
type Call struct {
	Method string  // as BigQuery's reference names it: "jobs.insert", "tables.get", "jobs.insert.upload" for each further piece of a resumable upload
	Kind   JobKind // of calls that start a job
	Table  string  // dataset.table: of table calls, and the first table that the job writes to; empty otherwise
	JobID  string  // of calls about a job
	Status int     // of the answer; 0 when the connection was reset
	Fault  Fault
}

// Rule breaks calls.
type Rule struct {
	Match func(Call) bool // nil: every call
	Nth   int             // the first matching call that breaks, from 1; 0 means 1
	Times int             // how many in a row break; 0 means 1, < 0 for ever
	Fault Fault
	Polls int // of jobs: how many polls see it running before anything happens
}

// Injection is a rule at work.
type Injection struct {
	s     *Server
	rule  Rule
	seen  int
	broke int
}

// Broke counts the calls that the rule broke.
func (i *Injection) Broke() int {
	i.s.mu.Lock()
	defer i.s.mu.Unlock()
	return i.broke
}

// Inject adds a rule, which counts calls from now on.
func (s *Server) Inject(r Rule) *Injection {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := &Injection{s: s, rule: r}
	s.rules = append(s.rules, i)
	return i
}

// FailNth breaks the n-th call from now on, whatever it is; n counts from 1.
func (s *Server) FailNth(n int, f Fault) *Injection { return s.Inject(Rule{Nth: n, Fault: f}) }

// Heal removes every rule. Jobs that are slow stay so.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rules = nil
}

// OnMethod matches calls of one method, such as "jobs.insert".
func OnMethod(method string) func(Call) bool {
	return func(c Call) bool { return c.Method == method }
}

// OnJobs matches the insertion of jobs of a kind.
func OnJobs(kind JobKind) func(Call) bool {
	return func(c Call) bool {
		return c.Kind == kind && (c.Method == "jobs.insert" || c.Method == "jobs.insert.upload" || c.Method == "jobs.query")
	}
}

// strike finds the rule that breaks a call, counting it in every rule.
func (s *Server) strike(c Call) (Fault, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var fault Fault
	polls, struck := 0, false
	for _, i := range s.rules {
		if i.rule.Match != nil && !i.rule.Match(c) {
			continue
		}
		i.seen++
		first, times := max(i.rule.Nth, 1), i.rule.Times
		if times == 0 {
			times = 1
		}
		if struck || i.seen < first || times > 0 && i.seen >= first+times {
			continue
		}
		i.broke++
		fault, polls, struck = i.rule.Fault, i.rule.Polls, true
	}
	return fault, polls
}

// refusal is the answer of a fault that answers instead of acting; nil for others.
func (f Fault) refusal() *apiError {
	switch f {
	case UnavailableBefore:
		return &apiError{http.StatusServiceUnavailable, "backendError", "injected: 503 before the effect"}
	case QuotaExceeded:
		return &apiError{http.StatusForbidden, "quotaExceeded", "injected: Quota exceeded: Your project exceeded quota for load jobs"}
	case RateLimitExceeded:
		return &apiError{http.StatusForbidden, "rateLimitExceeded", "injected: Exceeded rate limits: too many table update operations for this table"}
	case Unauthorized:
		return &apiError{http.StatusUnauthorized, "authError", "injected: Request had invalid authentication credentials"}
	case Forbidden:
		return &apiError{http.StatusForbidden, "accessDenied", "injected: Access Denied: User does not have permission"}
	case Duplicate:
		return &apiError{http.StatusConflict, "duplicate", "injected: Already Exists"}
	}
	return nil
}
