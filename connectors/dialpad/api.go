package dialpad

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/windrow-data/windrow/connectors/internal/httpclient"
	"github.com/windrow-data/windrow/pipeline"
)

// The API's values of status (GET /stats/{id}). Any other counts as not yet made.
const (
	stateComplete = "complete"
	stateFailed   = "failed"
)

// statsOrder is the body of POST /stats. Today is day 0; days_ago_start is the
// nearer bound, as the documented defaults of 1 and 30 have it.
type statsOrder struct {
	ExportType   string `json:"export_type"`
	StatType     string `json:"stat_type"`
	DaysAgoStart int    `json:"days_ago_start"`
	DaysAgoEnd   int    `json:"days_ago_end"`
	Timezone     string `json:"timezone"`
	TargetID     int64  `json:"target_id,omitempty"`
	TargetType   string `json:"target_type,omitempty"`
	OfficeID     int64  `json:"office_id,omitempty"`
	GroupBy      string `json:"group_by,omitempty"`
}

// ask is what a request means to this vendor.
type ask struct {
	export  export
	groupBy string
	scope   scope
	loc     *time.Location
	days    dayRange
}

// askOf reads a request of Plan.
func (s *Source) askOf(r pipeline.Request) (ask, error) {
	e, ok := exportOf(r.Stream)
	if !ok || !e.served {
		return ask{}, fmt.Errorf("no report for stream %q", r.Stream)
	}
	if r.Span.Empty() {
		return ask{}, errors.New("an empty span")
	}
	a := ask{export: e, groupBy: e.groupBy(s.set)}
	var err error
	if a.loc, err = time.LoadLocation(r.Zone); err != nil || r.Zone == "" {
		return ask{}, fmt.Errorf("unknown zone %q", r.Zone)
	}
	a.days = daysOf(r.Span, a.loc)
	for _, known := range s.set.scopes {
		if known.String() == r.Scope {
			a.scope = known
			return a, nil
		}
	}
	return ask{}, fmt.Errorf("no such scope is configured: %q", r.Scope)
}

// body is the order by days counted back from today.
func (a ask) body(start, end int) statsOrder {
	b := statsOrder{
		ExportType: a.export.kind, StatType: a.export.stat,
		DaysAgoStart: start, DaysAgoEnd: end, Timezone: a.loc.String(), GroupBy: a.groupBy,
	}
	switch a.scope.kind {
	case officeScope:
		b.OfficeID = a.scope.id
	case targetScope:
		b.TargetType, b.TargetID = a.scope.target, a.scope.id
	}
	return b
}

// String describes the report in the journal.
func (a ask) String() string {
	return fmt.Sprintf("%s %s %s %s", a.export.name, a.scope, a.days, a.loc)
}

// reportID is a request_id: a string by the API's documents, whose other ids
// come as strings or as numbers. A number keeps its digits.
type reportID string

func (id *reportID) UnmarshalJSON(b []byte) error {
	var n json.Number
	if json.Unmarshal(b, &n) == nil && len(b) > 0 && b[0] != '"' {
		*id = reportID(n)
		return nil
	}
	return json.Unmarshal(b, (*string)(id))
}

// postStats makes one attempt to order a report: the gate repeats it. Where
// requests wait for the rate it is as old as the source and so goes before all
// others: it starts the vendor's work, and its place in the quota is noted.
func (s *Source) postStats(ctx context.Context, b statsOrder, tell func(string, time.Time)) (receipt, error) {
	const op = "POST /stats"
	text, err := json.Marshal(b)
	if err != nil {
		return receipt{}, &pipeline.Error{Op: op, Kind: pipeline.Internal, Err: err}
	}
	var answer struct {
		RequestID      reportID `json:"request_id"`
		AlreadyStarted bool     `json:"already_started"`
	}
	err = s.client.JSON(ctx, httpclient.Request{
		Op: op, Method: http.MethodPost, URL: s.endpoint(), Credential: s.credential(),
		Header: http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}},
		Body:   text, Since: s.made, NoRetry: true, Notify: tell,
	}, &answer)
	if err != nil {
		return receipt{}, err
	}
	if id := string(answer.RequestID); id == "" || id == "." || id == ".." || len(id) > 1024 || strings.ContainsAny(id, "/\\") {
		return receipt{}, &pipeline.Error{Op: op, Kind: pipeline.Malformed, Err: errors.New("the answer has no usable request_id")}
	}
	return receipt{id: string(answer.RequestID), cached: answer.AlreadyStarted}, nil
}

// getStats looks at a report. An id that the vendor no longer knows is
// errExpired: it answers 400 at first and 404 later.
func (s *Source) getStats(ctx context.Context, id string, since time.Time, tell func(string, time.Time)) (state, link string, err error) {
	const op = "GET /stats/{id}"
	var answer struct {
		Status      string `json:"status"`
		DownloadURL string `json:"download_url"`
	}
	err = s.client.JSON(ctx, httpclient.Request{
		Op: op, Method: http.MethodGet, URL: s.endpoint(id), Credential: s.credential(),
		Header: http.Header{"Accept": {"application/json"}}, Since: since, WaitThrottled: true, Notify: tell,
	}, &answer)
	switch code, fromBase := statusOf(err); {
	case fromBase && (code == http.StatusBadRequest || code == http.StatusNotFound):
		return "", "", errExpired
	case err != nil:
		return "", "", err
	}
	state = strings.ToLower(strings.TrimSpace(answer.Status))
	switch {
	case state == "":
		return "", "", &pipeline.Error{Op: op, Kind: pipeline.Malformed, Err: errors.New("the answer has no status")}
	case state == stateComplete && answer.DownloadURL == "":
		return "", "", &pipeline.Error{Op: op, Kind: pipeline.Malformed, Err: errors.New("the report is complete but has no download_url")}
	}
	return state, answer.DownloadURL, nil
}
