package dialpad

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sourcegraph/conc/pool"

	"github.com/windrow-data/windrow/connectors/internal/httpclient"
	"github.com/windrow-data/windrow/pipeline"
)

const (
	lookOp   = "GET /stats/0"
	realRoot = "https://dialpad.com/api/v2"
	// lookupsAtOnce bounds the questions about targets; the rate spaces them.
	lookupsAtOnce = 8
)

// collections are where the API keeps what a target may be: GET {collection}/{id}
// is one, GET {collection} a page of all (the vendor's OpenAPI document). It
// names no scope for either, and has neither for coaching groups and staff groups.
var collections = map[string]string{
	"callcenter": "callcenters", "coachingteam": "coachingteams", "department": "departments",
	"office": "offices", "room": "rooms", "user": "users",
}

var _ pipeline.Prover = (*Source)(nil)

// Check polls a report that cannot exist, which costs nothing of the quota of
// reports, and tells Dialpad from any other host by what it says of it:
//
//   - 400 or 404 with the vendor's error document, or a report's state, is Dialpad's answer;
//   - any other 400 or 404 (a page, a blank, another API's JSON) may be that of a
//     host which knows no path at all. It counts as Dialpad's when the same question
//     without the key is refused: then the key is what was known;
//   - everything else, a page or another document with 200 too, is not Dialpad.
func (s *Source) Check(ctx context.Context) error {
	err := s.lookAtNothing(ctx, s.credential(), nil)
	code, fromBase := statusOf(err)
	switch {
	case err == nil:
		return nil
	case fromBase && (code == http.StatusNotFound || code == http.StatusBadRequest):
		if _, ok := vendorError(err); ok || s.knowsKeys(ctx) {
			return nil
		}
	case pipeline.KindOf(err) == pipeline.Malformed, pipeline.KindOf(err) == pipeline.Refused && code != 0:
	default:
		return s.explain(err)
	}
	return s.notDialpad(err)
}

// lookAtNothing polls the report that cannot exist.
func (s *Source) lookAtNothing(ctx context.Context, credential string, notify func(string, time.Time)) error {
	var answer struct {
		Status string `json:"status"`
	}
	err := s.client.JSON(ctx, httpclient.Request{
		Op: lookOp, Method: http.MethodGet, URL: s.endpoint("0"), Credential: credential, Header: s.header(),
		WaitThrottled: notify != nil, Notify: notify,
	}, &answer)
	if err == nil && answer.Status == "" {
		return &pipeline.Error{Op: lookOp, Kind: pipeline.Malformed, Err: errors.New("the answer is no state of a report")}
	}
	return err
}

// knowsKeys tells whether the host refuses who shows no key.
func (s *Source) knowsKeys(ctx context.Context) bool {
	err := s.lookAtNothing(ctx, "", nil)
	_, fromBase := statusOf(err)
	return fromBase && pipeline.KindOf(err) == pipeline.Unauthorized
}

func (s *Source) notDialpad(err error) error {
	cause := err
	if u := errors.Unwrap(err); u != nil {
		cause = u
	}
	return &pipeline.Error{
		Op: lookOp, Kind: pipeline.KindOf(err), Err: fmt.Errorf("the host does not answer as Dialpad does: %w", cause),
		Hint: "check " + s.set.prefix + "URL: it must be the root of Dialpad's API, " + realRoot,
	}
}

// vendorError reads the vendor's error document, of the form
// {"error":{"code":404,"message":"…","errors":[…]}}, as it was seen in public.
func vendorError(err error) (message string, ok bool) {
	var status *httpclient.StatusError
	if !errors.As(err, &status) {
		return "", false
	}
	var said struct {
		Error *struct {
			Code    json.Number `json:"code"`
			Message string      `json:"message"`
		} `json:"error"`
	}
	if json.Unmarshal(status.Body, &said) != nil || said.Error == nil {
		return "", false
	}
	return said.Error.Message, said.Error.Message != "" || said.Error.Code != ""
}

// Prove does Check and looks every target up, whatever the streams.
func (s *Source) Prove(ctx context.Context, _ []pipeline.StreamID) []pipeline.Proof {
	self := pipeline.Proof{Err: s.Check(ctx)}
	if self.Err != nil {
		return []pipeline.Proof{self}
	}
	found := make([]error, len(s.set.scopes))
	lookups := pool.New().WithMaxGoroutines(lookupsAtOnce)
	for i, scope := range s.set.scopes {
		if collection, ok := scope.collection(); ok {
			lookups.Go(func() { found[i] = s.lookUp(ctx, collection, scope) })
		}
	}
	lookups.Wait()
	served := map[string]bool{} // the collections of which one target was found
	for i, scope := range s.set.scopes {
		if collection, ok := scope.collection(); ok && found[i] == nil {
			served[collection] = true
		}
	}
	proofs := []pipeline.Proof{self}
	for i, scope := range s.set.scopes {
		if scope.kind != companyScope {
			proofs = append(proofs, s.judge(ctx, scope, found[i], served))
		}
	}
	return proofs
}

// collection is where a scope is looked up; false where the API has no such place.
func (s scope) collection() (string, bool) {
	kind := s.target
	if s.kind == officeScope {
		kind = "office"
	}
	collection, ok := collections[kind]
	return collection, ok
}

// errOther is an answer that is not about what was asked for.
var errOther = errors.New("the answer names another id, or none")

// lookUp asks for one target.
func (s *Source) lookUp(ctx context.Context, collection string, of scope) error {
	var answer struct {
		ID reportID `json:"id"`
	}
	err := s.ask(ctx, "GET /"+collection+"/{id}", &answer, collection, of.digits())
	if err == nil && string(answer.ID) != of.digits() {
		return &pipeline.Error{Op: "GET /" + collection + "/{id}", Kind: pipeline.Malformed, Err: errOther}
	}
	return err
}

func (s *Source) ask(ctx context.Context, op string, into any, path ...string) error {
	return s.client.JSON(ctx, httpclient.Request{
		Op: op, Method: http.MethodGet, URL: s.set.url.JoinPath(path...), Credential: s.credential(),
		Header: s.header(),
	}, into)
}

func (s scope) digits() string { return strconv.FormatInt(s.id, 10) }

// judge says what the look-up of a target proves.
func (s *Source) judge(ctx context.Context, of scope, err error, served map[string]bool) pipeline.Proof {
	collection, ok := of.collection()
	if !ok {
		return unproven(of, "the vendor's API has no question for a "+of.target)
	}
	code, fromBase := statusOf(err)
	switch kind := pipeline.KindOf(err); {
	case err == nil:
		return pipeline.Proof{What: of.String()}
	case fromBase && code == http.StatusNotFound:
		return s.judgeAbsent(ctx, of, err, served[collection])
	case kind == pipeline.Unauthorized:
		return pipeline.Proof{What: of.String(), Err: s.withHint(err,
			"the key may not see "+of.String()+", and the vendor's documents name no scope for that: take a key that a company admin made, with the scope that the answer names")}
	case kind == pipeline.Malformed, kind == pipeline.Refused && code != 0:
		return unproven(of, err.Error())
	}
	return pipeline.Proof{What: of.String(), Err: s.explain(err)}
}

// judgeAbsent tells a target that does not exist from a host that has no such
// question, which may serve reports all the same (a gateway in front of the
// vendor). The question is there when another target of the kind was found, when
// the list of the kind answers, or when the error is the vendor's and says
// something else of the id than of the list. An id that the list holds exists.
func (s *Source) judgeAbsent(ctx context.Context, of scope, absent error, served bool) pipeline.Proof {
	collection, _ := of.collection()
	if !served {
		var page struct {
			Items []struct {
				ID reportID `json:"id"`
			} `json:"items"`
		}
		err := s.ask(ctx, "GET /"+collection, &page, collection)
		for _, item := range page.Items {
			if string(item.ID) == of.digits() {
				return pipeline.Proof{What: of.String()}
			}
		}
		switch kind := pipeline.KindOf(err); {
		case err == nil:
		case kind != pipeline.Refused && kind != pipeline.Malformed && kind != pipeline.Unauthorized:
			return pipeline.Proof{What: of.String(), Err: s.explain(err)}
		case !speaksOf(of, absent, err):
			return unproven(of, "GET /"+collection+"/{id} is not served at "+s.set.prefix+"URL")
		}
	}
	variable := "TARGETS"
	if of.kind == officeScope {
		variable = "OFFICE_ID"
	}
	return pipeline.Proof{What: of.String(), Err: s.withHint(absent,
		fmt.Sprintf("Dialpad has no %s: correct it in %s%s or take it out; GET /%s lists those that there are", of, s.set.prefix, variable, collection))}
}

// speaksOf tells whether the vendor's error of an id is another than its error of
// the list, beyond the path that it may repeat.
func speaksOf(of scope, ofID, ofList error) bool {
	one, ok := vendorError(ofID)
	all, _ := vendorError(ofList)
	return ok && strings.ReplaceAll(one, "/"+of.digits(), "") != all
}

func unproven(of scope, why string) pipeline.Proof {
	return pipeline.Proof{What: of.String(), Warnings: []string{"could not be proven: " + why + "; its first sync will tell"}}
}

// withHint is err with another hint.
func (s *Source) withHint(err error, hint string) error {
	var e *pipeline.Error
	if !errors.As(err, &e) {
		return err
	}
	said := *e
	said.Hint = hint
	return &said
}
