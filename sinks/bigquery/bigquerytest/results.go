package bigquerytest

import (
	"context"
	"net/http"
	"strconv"

	"google.golang.org/api/bigquery/v2"
)

// resource is a job as the REST API describes it; the caller holds Server.mu.
func (j *job) resource(quiet bool) *bigquery.Job {
	r := &bigquery.Job{
		Kind: "bigquery#job", Id: j.Project + ":" + j.Location + "." + j.ID, Etag: j.State, UserEmail: "tester@example.com",
		JobReference:  &bigquery.JobReference{ProjectId: j.Project, JobId: j.ID, Location: j.Location},
		Configuration: j.conf, Status: &bigquery.JobStatus{State: j.State},
	}
	if j.failure != nil {
		r.Status.ErrorResult = j.failure.proto()
		r.Status.Errors = []*bigquery.ErrorProto{j.failure.proto()}
	}
	if quiet {
		return r
	}
	st := &bigquery.JobStatistics{CreationTime: j.Created.UnixMilli(), StartTime: j.Created.UnixMilli(), TotalBytesProcessed: j.BytesProcessed}
	r.Statistics = st
	if j.State != "DONE" {
		return r
	}
	st.EndTime, st.TotalSlotMs = j.updated, j.SlotMillis
	if j.Kind == Load {
		st.Load = &bigquery.JobStatistics3{InputFiles: 1, InputFileBytes: j.UploadedBytes, OutputRows: j.Rows, OutputBytes: j.OutputBytes}
		return r
	}
	st.Query = &bigquery.JobStatistics2{
		TotalBytesProcessed: j.BytesProcessed, TotalBytesBilled: j.BytesBilled, TotalSlotMs: j.SlotMillis, StatementType: "SCRIPT",
		EstimatedBytesProcessed: j.BytesProcessed, BillingTier: 1,
	}
	if j.Kind == Script {
		st.NumChildJobs = int64(len(j.statements))
	} else {
		st.Query.StatementType = j.statements[0].verb
	}
	if j.Kind == DML { // a script's own counts are its children's: "Scripting in BigQuery" has none on the parent
		st.Query.NumDmlAffectedRows = j.affected
	}
	return r
}

// asCall is a failed job's error as a call that waits for it answers: the
// reasons of jobs are other ones there ("Troubleshoot BigQuery errors", error
// table: jobBackendError, jobRateLimitExceeded).
func (e *apiError) asCall() *apiError {
	c := *e
	switch e.reason {
	case "backendError":
		c.reason, c.code = "jobBackendError", http.StatusBadRequest
	case "rateLimitExceeded":
		c.reason, c.code = "jobRateLimitExceeded", http.StatusBadRequest
	case "stopped": // the table gives 200, which a waiting call cannot answer with
		c.code = http.StatusBadRequest
	}
	return &c
}

func jobsQuery(s *Server, r *http.Request) (Call, action, *apiError) {
	var in bigquery.QueryRequest
	if err := decode(r, &in); err != nil {
		return Call{}, nil, err
	}
	if in.CreateSession || len(in.ConnectionProperties) > 0 || in.ParameterMode == "POSITIONAL" {
		return Call{}, nil, unmodelled("sessions and positional parameters")
	}
	conf := &bigquery.JobConfigurationQuery{Query: in.Query, UseLegacySql: in.UseLegacySql, MaximumBytesBilled: in.MaximumBytesBilled,
		QueryParameters: in.QueryParameters, DefaultDataset: in.DefaultDataset}
	j, err := s.newJob(r.PathValue("project"), &bigquery.Job{
		JobReference:  &bigquery.JobReference{Location: in.Location},
		Configuration: &bigquery.JobConfiguration{Query: conf, Labels: in.Labels, DryRun: in.DryRun},
	})
	if err != nil {
		return Call{}, nil, err
	}
	micros := in.FormatOptions != nil && in.FormatOptions.UseInt64Timestamp
	return jobCall(j), func(ctx context.Context, fault Fault, polls int) (any, *apiError) {
		if j.dryRun {
			return nil, unmodelled("a dry run by jobs.query")
		}
		s.mu.Lock()
		// "requestId … provides idempotence" for 15 minutes: REST reference, QueryRequest.requestId.
		if in.RequestId != "" {
			j.ID = "request_" + in.RequestId
			if was := s.jobs[j.Project+":"+j.ID]; was != nil {
				j = was
			}
		}
		again := j.State != ""
		s.mu.Unlock()
		if !again {
			if err := s.submit(ctx, j, fault, polls); err != nil {
				return nil, err
			}
		}
		n := pageRows
		if in.MaxResults > 0 {
			n = min(n, int(in.MaxResults))
		}
		p, err := s.resultPage(j, 0, n, micros)
		if err != nil {
			return nil, err
		}
		return &bigquery.QueryResponse{Kind: "bigquery#queryResponse", JobReference: p.JobReference, JobComplete: p.JobComplete, Schema: p.Schema, Rows: p.Rows,
			PageToken: p.PageToken, TotalRows: p.TotalRows, TotalBytesProcessed: p.TotalBytesProcessed, NumDmlAffectedRows: p.NumDmlAffectedRows}, nil
	}, nil
}

func getQueryResults(s *Server, r *http.Request) (Call, action, *apiError) {
	from, n, bad := page(r, pageRows)
	return Call{JobID: r.PathValue("job")}, func(ctx context.Context, _ Fault, _ int) (any, *apiError) {
		j, err := s.look(r)
		if err != nil {
			return nil, err
		}
		p, err := s.resultPage(j, from, n, r.URL.Query().Get("formatOptions.useInt64Timestamp") == "true")
		s.poll(ctx, j)
		if err != nil {
			return nil, err
		}
		return p, nil
	}, bad
}

// resultPage is a page of a query's result, or word that it is not complete.
func (s *Server) resultPage(j *job, from, n int, micros bool) (*bigquery.GetQueryResultsResponse, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := &bigquery.GetQueryResultsResponse{Kind: "bigquery#getQueryResultsResponse", JobReference: &bigquery.JobReference{ProjectId: j.Project, JobId: j.ID, Location: j.Location}}
	switch {
	case j.Kind == Load:
		return nil, invalid("Job %s is not a query job", j.ID)
	case j.State != "DONE":
		return p, nil
	case j.failure != nil:
		return nil, j.failure.asCall()
	}
	p.JobComplete, p.TotalBytesProcessed = true, j.BytesProcessed
	if j.Kind == DML {
		p.NumDmlAffectedRows = j.affected
	}
	if j.result == nil {
		return p, nil
	}
	var err *apiError
	if p.Schema, err = j.result.schema(); err != nil {
		return nil, err
	}
	total := len(j.result.rows)
	from = min(from, total)
	end := j.result.page(from, min(from+n, total))
	p.TotalRows = uint64(total)
	p.Rows, err = j.result.encode(from, end, micros)
	if end < total {
		p.PageToken = strconv.Itoa(end)
	}
	return p, err
}

func tabledataList(s *Server, r *http.Request) (Call, action, *apiError) {
	ref := pathRef(r)
	from, n, bad := page(r, pageRows)
	return Call{Table: ref.String()}, func(ctx context.Context, _ Fault, _ int) (any, *apiError) {
		meta, err := s.meta(ref)
		if err != nil {
			return nil, err
		}
		if meta.Type != "TABLE" { // "Cannot list a table of type VIEW": tabledata.list reads tables alone
			return nil, invalid("Cannot list a table of type VIEW.")
		}
		if r.URL.Query().Get("selectedFields") != "" {
			return nil, unmodelled("selectedFields")
		}
		s.db.exec.Lock()
		defer s.db.exec.Unlock()
		all, err := collect(ctx, s.db.db, "SELECT * FROM "+ref.duck())
		if err != nil {
			return nil, err
		}
		from, end := min(from, len(all.rows)), min(from+n, len(all.rows))
		out := &bigquery.TableDataList{Kind: "bigquery#tableDataList", TotalRows: int64(len(all.rows))}
		if end < len(all.rows) {
			out.PageToken = strconv.Itoa(end)
		}
		out.Rows, err = all.encode(from, end, r.URL.Query().Get("formatOptions.useInt64Timestamp") == "true")
		return out, err
	}, bad
}
