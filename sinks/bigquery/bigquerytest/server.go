package bigquerytest

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"google.golang.org/api/option"
)

// Server is one BigQuery with any number of projects. It is safe for
// concurrent use; its tables live in memory until Close.
type Server struct {
	db *database
	endpoint

	mu       sync.Mutex
	now      func() time.Time
	quiet    bool // statistics are left out
	datasets map[string]*dataset
	jobQueue
	uploads map[string]*upload
	rules   []*Injection
	calls   []Call
}

// endpoint is where a server is reached.
type endpoint struct {
	http *http.Server
	url  string
	done chan struct{}
	idle unused
}

// jobQueue has the jobs of a server.
type jobQueue struct {
	jobs   map[string]*job
	order  []*job
	lastID int
	held   map[*job][]tableRef // what transactions that wait before their COMMIT have mutated
}

// Start serves on a free port of the loopback interface until Close. The
// context bounds the start alone.
func Start(ctx context.Context) (*Server, error) {
	db, err := openDatabase(ctx)
	if err != nil {
		return nil, fmt.Errorf("bigquerytest: open DuckDB: %w", err)
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		_ = db.close()
		return nil, fmt.Errorf("bigquerytest: listen: %w", err)
	}
	s := &Server{
		db: db, endpoint: endpoint{url: "http://" + l.Addr().String(), done: make(chan struct{})}, now: time.Now,
		datasets: map[string]*dataset{}, jobQueue: jobQueue{jobs: map[string]*job{}, held: map[*job][]tableRef{}}, uploads: map[string]*upload{},
	}
	s.idle.conns = map[net.Conn]bool{}
	s.http = &http.Server{Handler: s.routes(), ReadHeaderTimeout: time.Minute, ConnState: s.idle.note}
	go func() {
		defer close(s.done)
		_ = s.http.Serve(l) // always ErrServerClosed after Close
	}()
	return s, nil
}

// URL is the server's root, without a slash at its end: what
// BIGQUERY_EMULATOR_HOST would be set to. The REST API is at URL()+"/bigquery/v2/".
func (s *Server) URL() string { return s.url }

// Options are those of a client of this server.
func (s *Server) Options() []option.ClientOption {
	return []option.ClientOption{option.WithEndpoint(s.url + "/bigquery/v2/"), option.WithoutAuthentication()}
}

// Close stops serving, waits for calls under way, and drops every table.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	s.idle.close()
	err := s.http.Shutdown(ctx)
	if err != nil {
		_ = s.http.Close()
	}
	<-s.done
	for _, j := range s.order { // nobody else is left
		j.abandon(ctx)
	}
	if e := s.db.close(); err == nil {
		err = e
	}
	return err
}

// SetNow replaces the clock that stamps jobs and expires tables.
func (s *Server) SetNow(now func() time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = now
}

// HideStatistics leaves the statistics out of every job, as BigQuery does for
// jobs of which it kept none.
func (s *Server) HideStatistics(hide bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.quiet = hide
}

// Calls lists every call so far, in the order of their answers.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Call(nil), s.calls...)
}

// CountCalls is the number of calls so far.
func (s *Server) CountCalls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.calls)
}

// Query runs a GoogleSQL SELECT from behind: it is no call, no job and costs
// nothing. Names without a project mean project, names without a dataset fail.
// Values are Go's: string, int64, float64, bool, time.Time, []any, nil.
func (s *Server) Query(ctx context.Context, project, sql string) ([][]any, error) {
	s.db.exec.Lock()
	err := s.dropPartitions(ctx)
	s.db.exec.Unlock()
	if err == nil {
		err = s.renewViews(ctx)
	}
	if err != nil {
		return nil, err
	}
	return s.db.peek(ctx, project, sql)
}
