package bigquerytest

import (
	"context"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"

	"encoding/json"

	"google.golang.org/api/bigquery/v2"
)

// pageRows is the most rows that one answer holds; BigQuery's own bound is by bytes.
const pageRows = 1000

// jobCall describes a job's insertion.
func jobCall(j *job) Call {
	c := Call{Kind: j.Kind, JobID: j.ID}
	if len(j.Writes) > 0 {
		c.Table = j.Writes[0]
	}
	return c
}

func jobsInsert(s *Server, r *http.Request) (Call, action, *apiError) {
	var in bigquery.Job
	if err := decode(r, &in); err != nil {
		return Call{}, nil, err
	}
	j, err := s.newJob(r.PathValue("project"), &in)
	if err != nil {
		return Call{}, nil, err
	}
	if j.Kind == Load {
		return jobCall(j), nil, unmodelled("loads from Cloud Storage")
	}
	return s.inserting(j)
}

func (s *Server) inserting(j *job) (Call, action, *apiError) {
	return jobCall(j), func(ctx context.Context, fault Fault, polls int) (any, *apiError) {
		if j.dryRun {
			return s.dry(ctx, j)
		}
		if err := s.submit(ctx, j, fault, polls); err != nil {
			return nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		answer := j.resource(s.quiet)
		answer.Status = &bigquery.JobStatus{State: "RUNNING"} // clients must not take the first answer for the last
		return answer, nil
	}, nil
}

// dry prices a query without running it: "Issue a dry run".
func (s *Server) dry(ctx context.Context, j *job) (any, *apiError) {
	s.mu.Lock()
	err := s.home(j)
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	if j.Kind == Load {
		return nil, unmodelled("a dry run of a load")
	}
	s.db.exec.Lock()
	defer s.db.exec.Unlock()
	for _, st := range j.statements {
		if err := s.permit(st); err != nil {
			return nil, err
		}
		p, err := s.cost(ctx, s.db.db, st)
		if err != nil {
			return nil, err
		}
		j.BytesProcessed += p.bytes
		j.BytesBilled += p.billed
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	j.State = "DONE"
	return j.resource(false), nil
}

// jobsUpload takes a load job with its file: in one multipart request, or the
// start of a resumable upload. See "Loading data … Resumable uploads" in "API
// uploads".
func jobsUpload(s *Server, r *http.Request) (Call, action, *apiError) {
	if r.URL.Query().Has("upload_id") {
		return jobsUploadPiece(s, r)
	}
	var in bigquery.Job
	var media []byte
	switch kind := r.URL.Query().Get("uploadType"); kind {
	case "multipart":
		_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
		if err != nil {
			return Call{}, nil, invalid("Invalid multipart request")
		}
		parts := multipart.NewReader(r.Body, params["boundary"])
		for i := range 2 {
			part, err := parts.NextPart()
			if err != nil {
				return Call{}, nil, invalid("Invalid multipart request: part %d is missing", i+1)
			}
			body, err := io.ReadAll(part)
			if err == nil && i == 0 {
				err = json.Unmarshal(body, &in)
			}
			if err != nil {
				return Call{}, nil, invalid("Invalid multipart request")
			}
			media = body
		}
	case "resumable":
		if err := decode(r, &in); err != nil {
			return Call{}, nil, err
		}
	default:
		return Call{}, nil, unmodelled("uploads of type " + kind)
	}
	j, err := s.newJob(r.PathValue("project"), &in)
	if err != nil {
		return Call{}, nil, err
	}
	if j.Kind != Load {
		return Call{}, nil, invalid("Only load jobs have a file")
	}
	if r.URL.Query().Get("uploadType") == "multipart" {
		j.media, j.UploadedBytes = media, int64(len(media))
		return s.inserting(j)
	}
	return s.resuming(r, j)
}

// upload is a resumable upload under way.
type upload struct {
	job   *job
	media []byte
	done  any // the answer, once complete
}

func (s *Server) resuming(r *http.Request, j *job) (Call, action, *apiError) {
	call := jobCall(j)
	call.Kind = "" // the job starts with its last piece
	return call, func(context.Context, Fault, int) (any, *apiError) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if j.ID != "" && s.jobs[j.Project+":"+j.ID] != nil {
			return nil, alreadyExists("Job " + j.Project + ":" + j.ID)
		}
		s.lastID++
		id := fmt.Sprintf("upload_%d", s.lastID)
		s.uploads[id] = &upload{job: j}
		return resumed{status: http.StatusOK, location: fmt.Sprintf("%s%s?uploadType=resumable&upload_id=%s", s.url, r.URL.Path, id)}, nil
	}, nil
}

const pieceMethod = "jobs.insert.upload"

func jobsUploadPiece(s *Server, r *http.Request) (Call, action, *apiError) {
	body, err := io.ReadAll(r.Body)
	s.mu.Lock()
	up := s.uploads[r.URL.Query().Get("upload_id")]
	s.mu.Unlock()
	if up == nil || err != nil {
		return Call{Method: pieceMethod}, nil, notFound("the upload")
	}
	if r.Header.Get("X-GUploader-No-308") == "" {
		return Call{Method: pieceMethod}, nil, unmodelled("resumable uploads by clients that take 308 for an answer")
	}
	first, total, ok := contentRange(r.Header.Get("Content-Range"), len(body))
	if !ok {
		return Call{Method: pieceMethod}, nil, invalid("Invalid Content-Range %q", r.Header.Get("Content-Range"))
	}
	call := jobCall(up.job)
	call.Method = pieceMethod
	if first >= 0 && first+len(body) != total {
		call.Kind = "" // the job starts with its last piece
	}
	return call, func(ctx context.Context, fault Fault, polls int) (any, *apiError) {
		s.mu.Lock()
		if first >= 0 && first <= len(up.media) && up.done == nil {
			up.media = append(up.media[:first], body...)
		}
		complete, done := total == len(up.media), up.done
		received := ""
		if len(up.media) > 0 {
			received = fmt.Sprintf("bytes=0-%d", len(up.media)-1)
		}
		up.job.media, up.job.UploadedBytes = up.media, int64(len(up.media))
		s.mu.Unlock()
		if done != nil {
			return done, nil
		}
		if !complete {
			return resumed{status: http.StatusPermanentRedirect, received: received}, nil // 308 Resume Incomplete
		}
		_, act, _ := s.inserting(up.job)
		answer, e := act(ctx, fault, polls)
		s.mu.Lock()
		defer s.mu.Unlock()
		if e == nil {
			up.done = answer
		}
		return answer, e
	}, nil
}

// contentRange reads "bytes 0-9/20", "bytes 0-9/*" and "bytes */20". first is
// -1 where nothing is sent; total is -1 where it is not known.
func contentRange(header string, n int) (first, total int, ok bool) {
	if header == "" {
		return 0, n, true
	}
	span, size, found := strings.Cut(strings.TrimPrefix(header, "bytes "), "/")
	if !found {
		return 0, 0, false
	}
	first, total = -1, -1
	var err error
	if size != "*" {
		if total, err = strconv.Atoi(size); err != nil {
			return 0, 0, false
		}
	}
	if span != "*" {
		from, _, _ := strings.Cut(span, "-")
		if first, err = strconv.Atoi(from); err != nil {
			return 0, 0, false
		}
	}
	return first, total, true
}

// look finds a job of the request's path, in its location: "location is
// required except in the US and EU multi-regions" (jobs.get, REST reference).
func (s *Server) look(r *http.Request) (*job, *apiError) {
	id, location := r.PathValue("job"), r.URL.Query().Get("location")
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.jobs[r.PathValue("project")+":"+id]
	if j != nil && (location == "" && (strings.EqualFold(j.Location, "US") || strings.EqualFold(j.Location, "EU")) || strings.EqualFold(location, j.Location)) {
		return j, nil
	}
	return nil, notFound("Job %s:%s", r.PathValue("project"), id)
}

func jobsGet(s *Server, r *http.Request) (Call, action, *apiError) {
	return Call{JobID: r.PathValue("job")}, func(ctx context.Context, _ Fault, _ int) (any, *apiError) {
		j, err := s.look(r)
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		answer := j.resource(s.quiet)
		s.mu.Unlock()
		s.poll(ctx, j)
		return answer, nil
	}, nil
}

func jobsCancel(s *Server, r *http.Request) (Call, action, *apiError) {
	return Call{JobID: r.PathValue("job")}, func(ctx context.Context, _ Fault, _ int) (any, *apiError) {
		j, err := s.look(r)
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		if j.State != "DONE" && !j.running {
			// "stopped: … when a job is canceled": "Troubleshoot BigQuery errors", error table.
			j.sabotage = &apiError{200, "stopped", "Job execution was cancelled: User requested cancellation"}
		}
		stopped := j.sabotage != nil
		s.mu.Unlock()
		if stopped {
			s.finish(ctx, j)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return &bigquery.JobCancelResponse{Kind: "bigquery#jobCancelResponse", Job: j.resource(s.quiet)}, nil
	}, nil
}
