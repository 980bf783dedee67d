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

// parameters is the body of POST /stats. Today is day 0; days_ago_start is the
// nearer bound, as the documented defaults of 1 and 30 have it. Today itself is
// asked by is_today alone, which reads other tables.
type parameters struct {
	ExportType   string `json:"export_type"`
	StatType     string `json:"stat_type"`
	DaysAgoStart int    `json:"days_ago_start,omitempty"`
	DaysAgoEnd   int    `json:"days_ago_end,omitempty"`
	IsToday      bool   `json:"is_today,omitempty"`
	Timezone     string `json:"timezone"`
	TargetID     int64  `json:"target_id,omitempty"`
	TargetType   string `json:"target_type,omitempty"`
	OfficeID     int64  `json:"office_id,omitempty"`
	GroupBy      string `json:"group_by,omitempty"`
	// Of a coaching target: the statistics of its trainees, not its own.
	CoachingGroup bool `json:"coaching_group,omitempty"`
	CoachingTeam  bool `json:"coaching_team,omitempty"`
}

// query is what a request means to this vendor.
type query struct {
	export  export
	groupBy string
	scope   scope
	// trainees: the coaching target's, not its own.
	trainees bool
	loc      *time.Location
	days     dayRange
}

// queryOf reads a request of Plan.
func (s *Source) queryOf(r pipeline.Request) (query, error) {
	e, ok := exportOf(r.Stream)
	if !ok {
		return query{}, fmt.Errorf("no report for stream %q", r.Stream)
	}
	if r.Span.Empty() {
		return query{}, errors.New("an empty span")
	}
	q := query{export: e, groupBy: e.grouping(s.set)}
	var err error
	if q.loc, err = time.LoadLocation(r.Zone); err != nil || r.Zone == "" {
		return query{}, fmt.Errorf("unknown zone %q", r.Zone)
	}
	q.days = daysOf(r.Span, q.loc)
	for _, known := range s.set.scopes {
		if known.String() == r.Scope {
			q.scope, q.trainees = known, s.set.asksTrainees(known)
			return q, nil
		}
	}
	return query{}, fmt.Errorf("no such scope is configured: %q", r.Scope)
}

// parameters asks by days counted back from today; 0 and 0 are today.
func (q query) parameters(start, end int) parameters {
	p := parameters{
		ExportType: q.export.exportType, StatType: q.export.statType,
		DaysAgoStart: start, DaysAgoEnd: end, IsToday: end == 0, Timezone: q.loc.String(), GroupBy: q.groupBy,
	}
	switch q.scope.kind {
	case officeScope:
		p.OfficeID = q.scope.id
	case targetScope:
		p.TargetType, p.TargetID = q.scope.target, q.scope.id
		p.CoachingGroup = q.trainees && q.scope.target == coachingGroup
		p.CoachingTeam = q.trainees && q.scope.target == coachingTeam
	}
	return p
}

// String describes the report in the journal.
func (q query) String() string {
	return fmt.Sprintf("%s %s %s %s", q.export.name, q.scope, q.days, q.loc)
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

// postStats asks for a report. admit lets each attempt out, and writes its body.
// Where requests wait for the rate, a POST is as old as the source and so goes
// before all others: it starts the vendor's work, and it is noted already.
func (s *Source) postStats(ctx context.Context, admit httpclient.Admit, notify func(string, time.Time)) (handle, error) {
	const op = "POST /stats"
	var answer struct {
		RequestID      reportID `json:"request_id"`
		AlreadyStarted bool     `json:"already_started"`
	}
	said, err := s.client.Ask(ctx, httpclient.Request{
		Op: op, Method: http.MethodPost, URL: s.endpoint(), Credential: s.credential(),
		Header: s.header("Content-Type", "application/json"),
		Since:  s.made, Admit: admit, Member: "request_id",
		// What a POST waits for has one wording, whatever the vendor answered.
		Notify: func(_ string, until time.Time) { notify("the vendor could not be reached", until) },
	}, &answer)
	if err != nil {
		return handle{}, err
	}
	if id := string(answer.RequestID); id == "" || id == "." || id == ".." || len(id) > 1024 || strings.ContainsAny(id, "/\\") {
		return handle{}, httpclient.NotTheAnswer(op, "the answer has no usable request_id", said, "")
	}
	return handle{id: string(answer.RequestID), cached: answer.AlreadyStarted}, nil
}

// look is what a look at a report shows.
type look struct {
	state string
	link  string // empty while there is none, for a moment also of a report that is complete
	said  string // by the vendor, about an error
}

// getStats polls a report once. An id that the vendor no longer knows is
// errExpired: it answers 400 at first and 404 later.
func (s *Source) getStats(ctx context.Context, id string, since time.Time, notify func(string, time.Time)) (look, error) {
	const op = "GET /stats/{id}"
	var answer struct {
		Status      string `json:"status"`
		DownloadURL string `json:"download_url"`
	}
	said, err := s.client.Ask(ctx, httpclient.Request{
		Op: op, Method: http.MethodGet, URL: s.endpoint(id), Credential: s.credential(),
		Header: s.header(), Since: since, WaitThrottled: true, Notify: notify,
	}, &answer)
	switch code, fromBase := statusOf(err); {
	case fromBase && (code == http.StatusBadRequest || code == http.StatusNotFound):
		return look{}, errExpired
	case err != nil:
		return look{}, err
	}
	l := look{strings.ToLower(strings.TrimSpace(answer.Status)), answer.DownloadURL, said}
	if l.state == "" {
		return look{}, httpclient.NotTheAnswer(op, "the answer has no status", said, "")
	}
	return l, nil
}
