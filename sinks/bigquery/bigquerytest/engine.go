package bigquerytest

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/api/bigquery/v2"
)

// job is one job, and how far the job is. Fields that are not in Job belong to the goroutine that runs the job; the
// state changes under Server.mu.
type job struct {
	Job
	conf       *bigquery.JobConfiguration
	media      []byte
	statements []*statement
	dryRun     bool
	running    bool // its effect is happening now
	polls      int  // that find the job running still
	sabotage   *apiError
	transaction
	outcome
}

// transaction is the state of a job's transaction.
type transaction struct {
	started map[tableRef]int64 // mutations of the tables that the job mutates, at its start
	conn    *sql.Conn          // of a transaction that has begun
	held    *run               // waits before its COMMIT
}

// outcome is what came of a job.
type outcome struct {
	result      *rowset
	failure     *apiError
	updated     int64 // when the job ended, ms
	affected    int64
	OutputBytes int64
}

func refOf(t *bigquery.TableReference) tableRef {
	return tableRef{t.ProjectId, t.DatasetId, t.TableId}
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return []byte(err.Error())
	}
	return b
}

// newJob understands a job's configuration.
func (s *Server) newJob(project string, in *bigquery.Job) (*job, *apiError) {
	j := &job{conf: in.Configuration, transaction: transaction{started: map[tableRef]int64{}}}
	j.Project = project
	if r := in.JobReference; r != nil {
		// "letters, numbers, underscores or dashes. The maximum length is 1,024": REST reference, JobReference.
		if r.JobId != "" {
			if err := checkID("job", r.JobId, "_-"); err != nil {
				return nil, err
			}
		}
		j.ID, j.Location = r.JobId, r.Location
	}
	if j.conf == nil {
		return nil, invalid("Required parameter is missing: configuration")
	}
	j.dryRun = j.conf.DryRun
	j.conf.JobType = map[bool]string{true: "LOAD", false: "QUERY"}[j.conf.Load != nil]
	switch c := j.conf; {
	case c.Load != nil:
		j.Kind = Load
		if c.Load.DestinationTable != nil && c.Load.DestinationTable.ProjectId == "" {
			c.Load.DestinationTable.ProjectId = project
		}
		if err := checkLoad(c.Load); err != nil {
			return nil, err
		}
		j.Writes = []string{refOf(c.Load.DestinationTable).String()}
		return j, nil
	case c.Query != nil:
		return j, s.newQuery(j, c.Query)
	}
	return nil, unmodelled("copy and extract jobs")
}

func (s *Server) newQuery(j *job, c *bigquery.JobConfigurationQuery) *apiError {
	switch {
	case c.UseLegacySql == nil || *c.UseLegacySql: // "The default value is true": REST reference, JobConfigurationQuery.useLegacySql
		return unmodelled("legacy SQL")
	case c.DestinationTable != nil, c.WriteDisposition != "", c.CreateSession, len(c.ConnectionProperties) > 0, len(c.TableDefinitions) > 0, c.Continuous, len(c.UserDefinedFunctionResources) > 0, c.TimePartitioning != nil, c.Clustering != nil:
		return unmodelled("destination tables, sessions, external definitions and continuous queries")
	}
	params, err := parameters(c.QueryParameters)
	if err != nil {
		return err
	}
	s.mu.Lock()
	sc := &scope{project: j.Project, params: params, now: s.now(), temps: map[string]bool{}}
	s.mu.Unlock()
	if d := c.DefaultDataset; d != nil {
		if sc.dataset = d.DatasetId; d.ProjectId != "" {
			sc.project = d.ProjectId
		}
	}
	j.SQL, j.MaxBytesBilled = c.Query, c.MaximumBytesBilled
	tokens, err := tokenize(c.Query)
	if err != nil {
		return err
	}
	for _, one := range statements(tokens) {
		st, err := compile(one, sc)
		if err != nil {
			return err
		}
		j.statements = append(j.statements, st)
		if st.target != nil && !slices.Contains(j.Writes, st.target.String()) {
			j.Writes = append(j.Writes, st.target.String())
		}
		for _, r := range st.refs {
			if !slices.Contains(j.Reads, r.String()) {
				j.Reads = append(j.Reads, r.String())
			}
		}
	}
	switch n := len(j.statements); {
	case n == 0:
		return invalidQuery("Syntax error: Unexpected end of script")
	case n > 1:
		j.Kind = Script
	case j.statements[0].isDML():
		j.Kind = DML
	case j.statements[0].verb == "SELECT":
		j.Kind = Select
	default:
		j.Kind = Script
	}
	return nil
}

// parameters are the named parameters of a query as DuckDB's literals.
func parameters(in []*bigquery.QueryParameter) (map[string]string, *apiError) {
	all := map[string]string{}
	for _, p := range in {
		if p.Name == "" {
			return nil, unmodelled("positional parameters")
		}
		v, err := parameter(p.ParameterType, p.ParameterValue)
		if err != nil {
			return nil, err
		}
		all[strings.ToLower(p.Name)] = v
	}
	return all, nil
}

func parameter(t *bigquery.QueryParameterType, v *bigquery.QueryParameterValue) (string, *apiError) {
	if t == nil || v == nil {
		return "", invalid("A query parameter has no type or no value")
	}
	if t.Type == "ARRAY" && t.ArrayType != nil {
		items := make([]string, len(v.ArrayValues))
		for i, item := range v.ArrayValues {
			one, err := parameter(t.ArrayType, item)
			if err != nil {
				return "", err
			}
			items[i] = one
		}
		return "CAST([" + strings.Join(items, ", ") + "] AS " + scalarTypes[t.ArrayType.Type] + "[])", nil
	}
	duck := scalarTypes[t.Type]
	if duck == "" || t.Type == "BYTES" {
		return "", unmodelled("parameters of type " + t.Type)
	}
	// The client leaves the value out both for a null and, having no way to say otherwise, sends "" for an empty
	// string.
	if v.Value == "" && t.Type != "STRING" || slices.Contains(v.NullFields, "Value") {
		return "CAST(NULL AS " + duck + ")", nil
	}
	return "CAST(" + duckString(v.Value) + " AS " + duck + ")", nil
}

// home finds the location that a job must run in. "All datasets that a query
// references must be in its location": "Dataset locations" and "Specify locations".
func (s *Server) home(j *job) *apiError {
	refs := []tableRef{}
	if j.conf.Load != nil {
		refs = append(refs, refOf(j.conf.Load.DestinationTable))
	}
	for _, st := range j.statements {
		if st.target != nil {
			refs = append(refs, *st.target)
		}
		refs = append(refs, st.refs...)
	}
	for _, r := range refs {
		d, err := s.dataset(r.project, r.dataset)
		if err != nil {
			return err
		}
		if j.Location == "" {
			j.Location = d.meta.Location
		}
		if !strings.EqualFold(j.Location, d.meta.Location) {
			return notFound("Dataset %s:%s was not found in location %s", r.project, r.dataset, j.Location)
		}
	}
	if j.Location == "" {
		j.Location = "US"
	}
	return nil
}

// submit takes a job in. It is done when submit returns unless it is slow.
func (s *Server) submit(ctx context.Context, j *job, fault Fault, polls int) *apiError {
	s.mu.Lock()
	if j.ID == "" {
		s.lastID++
		j.ID = fmt.Sprintf("job_%d", s.lastID)
	}
	// "Already Exists": a job's id is never used twice in a project, whatever became of it: "Running jobs
	// programmatically", section "Generate a job ID".
	key := j.Project + ":" + j.ID
	if s.jobs[key] != nil {
		s.mu.Unlock()
		return alreadyExists("Job " + key)
	}
	if err := s.home(j); err != nil {
		s.mu.Unlock()
		return err
	}
	j.State, j.Created, j.polls = "RUNNING", s.now(), polls
	for _, st := range j.statements {
		if st.target != nil && st.mutates() {
			if t, err := s.table(*st.target); err == nil {
				j.started[*st.target] = t.mutations
			}
		}
	}
	j.sabotage = fault.sabotage(j)
	s.jobs[key] = j
	s.order = append(s.order, j)
	slow := polls != 0 && j.sabotage == nil
	j.running = slow // until its transaction has begun
	s.mu.Unlock()
	if slow {
		work := *j // so that Jobs() reads no half-written numbers
		failure := s.begin(ctx, &work, fault == HeldCommit)
		s.mu.Lock()
		work.running = false
		*j = work
		if j.held != nil {
			j.held.j = j
			s.held[j] = j.held.changed
		}
		if failure != nil {
			j.sabotage = failure
		}
		s.mu.Unlock()
	}
	if polls == 0 {
		s.finish(ctx, j)
	}
	return nil
}

// sabotage is how a fault makes an accepted job fail.
func (f Fault) sabotage(j *job) *apiError {
	switch f {
	case JobBackendError:
		return &apiError{400, "backendError", "injected: The job encountered an error during execution. Retrying the job may solve the problem."}
	case JobQuotaExceeded:
		return &apiError{403, "quotaExceeded", "injected: Quota exceeded: Your table exceeded quota for imports or query appends per table"}
	case JobConflict:
		if len(j.Writes) > 0 && j.Kind != Load {
			return aborted(j.Project + ":" + j.Writes[0])
		}
	}
	return nil
}

// poll is one look at a job by a client: a slow job comes closer to its end.
func (s *Server) poll(ctx context.Context, j *job) {
	s.mu.Lock()
	due := false
	if j.State != "DONE" && !j.running && j.polls > 0 {
		j.polls--
		due = j.polls == 0
	}
	s.mu.Unlock()
	if due {
		s.finish(ctx, j)
	}
}

// Settle lets every slow job come to its end, as if time had passed.
func (s *Server) Settle(ctx context.Context) {
	s.mu.Lock()
	all := slices.Clone(s.order)
	s.mu.Unlock()
	for _, j := range all {
		s.finish(ctx, j)
	}
}

// finish lets a job have its effect, once.
func (s *Server) finish(ctx context.Context, j *job) {
	s.mu.Lock()
	if j.running || j.State == "DONE" {
		s.mu.Unlock()
		return
	}
	j.running = true
	s.mu.Unlock()
	failure := j.sabotage
	s.mu.Lock()
	delete(s.held, j)
	work := *j
	if work.held != nil {
		work.held.j = &work
	}
	s.mu.Unlock()
	if failure == nil {
		failure = s.effect(ctx, &work)
	} else {
		work.abandon(ctx)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	work.running, work.State, work.failure, work.polls, work.conn, work.held = false, "DONE", failure, 0, nil, nil
	work.updated = s.now().UnixMilli()
	if failure != nil {
		work.Reason, work.Message, work.result = failure.reason, failure.message, nil
		work.Rows, work.affected = 0, 0
	}
	work.SlotMillis = 10 + work.BytesProcessed/100_000 + work.UploadedBytes/100_000
	*j = work
}

// effect runs the job. What has expired is gone before, and what was written into an expired partition is gone
// afterwards.
func (s *Server) effect(ctx context.Context, j *job) *apiError {
	s.db.exec.Lock()
	defer s.db.exec.Unlock()
	if err := s.dropPartitions(ctx); err != nil {
		j.abandon(ctx)
		return err
	}
	run := s.script
	if j.Kind == Load {
		run = s.load
	}
	if err := run(ctx, j); err != nil {
		return err
	}
	return s.dropPartitions(ctx)
}

// abandon ends the transaction of a job that will not run.
func (j *job) abandon(ctx context.Context) {
	if j.conn != nil {
		_, _ = j.conn.ExecContext(ctx, "ROLLBACK")
		_ = j.conn.Close()
		j.conn = nil
	}
}
