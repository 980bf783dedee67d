package bigquerytest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"

	"google.golang.org/api/bigquery/v2"
)

// apiError is an error as BigQuery answers it: status, reason and message
// ("Troubleshoot BigQuery errors", section "Error table").
type apiError struct {
	code    int
	reason  string
	message string
}

func (e *apiError) Error() string { return fmt.Sprintf("%s (%d %s)", e.message, e.code, e.reason) }

func (e *apiError) proto() *bigquery.ErrorProto {
	return &bigquery.ErrorProto{Reason: e.reason, Message: e.message}
}

func invalid(format string, args ...any) *apiError {
	return &apiError{http.StatusBadRequest, "invalid", fmt.Sprintf(format, args...)}
}

func invalidQuery(message string) *apiError {
	return &apiError{http.StatusBadRequest, "invalidQuery", message}
}

func notFound(format string, args ...any) *apiError {
	return &apiError{http.StatusNotFound, "notFound", "Not found: " + fmt.Sprintf(format, args...)}
}

func alreadyExists(what string) *apiError {
	return &apiError{http.StatusConflict, "duplicate", "Already Exists: " + what}
}

// unmodelled is the answer to what this server does not do. Its status is not
// 501, which clients repeat.
func unmodelled(feature string) *apiError {
	return &apiError{http.StatusBadRequest, "notImplemented", "bigquerytest does not model " + feature}
}

// aborted is how a transaction ends that met another one. The message is quoted
// in public issues (dlt-hub/dlt #2892, estuary/connectors #111).
func aborted(table string) *apiError {
	return invalidQuery("Query error: Transaction is aborted due to concurrent update against table " + table + ". Transaction ID: 00000000-0000-0000-0000-000000000000")
}

// action does what a call asks for and returns its answer.
type action func(ctx context.Context, fault Fault, polls int) (any, *apiError)

// parser understands a request before anything happens.
type parser func(s *Server, r *http.Request) (Call, action, *apiError)

func (s *Server) routes() http.Handler {
	const project = "/bigquery/v2/projects/{project}"
	const ds = project + "/datasets/{dataset}"
	const table = ds + "/tables/{table}"
	mux := http.NewServeMux()
	for pattern, h := range map[string]struct {
		method string
		parse  parser
	}{
		"POST " + project + "/datasets":          {"datasets.insert", datasetsInsert},
		"GET " + ds:                              {"datasets.get", datasetsGet},
		"DELETE " + ds:                           {"datasets.delete", datasetsDelete},
		"POST " + ds + "/tables":                 {"tables.insert", tablesInsert},
		"GET " + ds + "/tables":                  {"tables.list", tablesList},
		"GET " + table:                           {"tables.get", tablesGet},
		"PATCH " + table:                         {"tables.patch", tablesPatch},
		"DELETE " + table:                        {"tables.delete", tablesDelete},
		"GET " + table + "/data":                 {"tabledata.list", tabledataList},
		"POST " + project + "/jobs":              {"jobs.insert", jobsInsert},
		"POST /upload" + project + "/jobs":       {"jobs.insert", jobsUpload},
		"PUT /upload" + project + "/jobs":        {pieceMethod, jobsUploadPiece},
		"GET " + project + "/jobs/{job}":         {"jobs.get", jobsGet},
		"POST " + project + "/jobs/{job}/cancel": {"jobs.cancel", jobsCancel},
		"POST " + project + "/queries":           {"jobs.query", jobsQuery},
		"GET " + project + "/queries/{job}":      {"jobs.getQueryResults", getQueryResults},
		"/":                                      {"unknown", unknown},
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, h.method, h.parse) })
	}
	return mux
}

func unknown(_ *Server, r *http.Request) (Call, action, *apiError) {
	return Call{}, nil, unmodelled("the call " + r.Method + " " + r.URL.Path)
}

// resumed is the answer of a resumable upload that is not complete.
type resumed struct {
	status   int
	location string
	received string // the Range header
}

// serve runs one call: understand, break, act, answer.
func (s *Server) serve(w http.ResponseWriter, r *http.Request, method string, parse parser) {
	call, act, refused := parse(s, r)
	if call.Method == "" {
		call.Method = method
	}
	fault, polls := s.strike(call)
	call.Fault = fault
	if e := fault.refusal(); e != nil {
		s.answer(w, call, nil, e)
		return
	}
	if fault == LostBefore {
		s.reset(w, call)
		return
	}
	var result any
	if refused == nil {
		// What was asked for happens, whether or not the client stays to see it.
		result, refused = act(context.WithoutCancel(r.Context()), fault, polls)
	}
	switch fault {
	case LostAfter:
		s.reset(w, call)
	case UnavailableAfter:
		s.answer(w, call, nil, &apiError{http.StatusServiceUnavailable, "backendError", "injected: 503 after the effect"})
	default:
		s.answer(w, call, result, refused)
	}
}

func (s *Server) record(c Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, c)
}

// reset breaks the connection off without an answer.
func (s *Server) reset(w http.ResponseWriter, c Call) {
	s.record(c)
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

func (s *Server) answer(w http.ResponseWriter, c Call, result any, e *apiError) {
	status := http.StatusOK
	switch {
	case e != nil:
		status = e.code
		item := map[string]any{"domain": "global", "reason": e.reason, "message": e.message}
		result = map[string]any{"error": map[string]any{"code": e.code, "message": e.message, "errors": []any{item}}}
	case result == nil:
		status = http.StatusNoContent
	}
	if up, ok := result.(resumed); ok {
		status, result = up.status, nil
		if up.location != "" {
			w.Header().Set("Location", up.location)
		}
		if up.received != "" {
			w.Header().Set("Range", up.received)
		}
		if status == http.StatusPermanentRedirect { // clients that ask so get 308 as a header
			w.Header().Set("X-HTTP-Status-Code-Override", "308")
			status = http.StatusOK
		}
		w.Header().Set("Content-Length", "0")
	}
	c.Status = status
	s.record(c)
	if result == nil {
		w.WriteHeader(status)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(result)
}

// decode reads a JSON body; what it does not know is refused rather than dropped.
func decode(r *http.Request, into any) *apiError {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return &apiError{http.StatusBadRequest, "parseError", "Parse Error: " + err.Error()}
	}
	return decodeBytes(body, into)
}

func decodeBytes(body []byte, into any) *apiError {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		if strings.Contains(err.Error(), "unknown field") {
			return unmodelled("this body: " + err.Error())
		}
		return &apiError{http.StatusBadRequest, "parseError", "Parse Error: " + err.Error()}
	}
	return nil
}

// page reads maxResults, startIndex and pageToken, which counts rows here.
func page(r *http.Request, def int) (from, n int, e *apiError) {
	q := r.URL.Query()
	n = def
	for name, into := range map[string]*int{"maxResults": &n, "startIndex": &from} {
		if v := q.Get(name); v != "" {
			i, err := strconv.Atoi(v)
			if err != nil || i < 0 {
				return 0, 0, invalid("Invalid value for %s", name)
			}
			*into = i
		}
	}
	if v := q.Get("pageToken"); v != "" {
		i, err := strconv.Atoi(v)
		if err != nil || i < 0 {
			return 0, 0, invalid("Invalid page token")
		}
		from = i
	}
	return from, min(n, def), nil
}
