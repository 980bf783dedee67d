package chattonic

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/windrow-data/windrow/connectors/internal/httpclient"
	"github.com/windrow-data/windrow/pipeline"
)

const (
	loginPath = "/api/v1/user/login"
	loginOp   = "POST " + loginPath
	// renewBefore is how long before its announced end a token is renewed.
	renewBefore = time.Minute
)

// access is what a call needs.
type access struct {
	token    string
	codename string
	until    time.Time // when the token ends; zero when unknown
}

// session holds the token of one account, static or from a login. Callers that
// need a new one share one login.
type session struct {
	set    *Settings
	client *httpclient.Client
	now    func() time.Time

	told atomic.Pointer[string] // the codename that the last login told

	lock    chan struct{} // a mutex that obeys a context; it guards what follows
	current access
	refused error // the vendor does not take user name and password; asking again could lock the account
}

func newSession(s *Settings, c *httpclient.Client, now func() time.Time) *session {
	return &session{set: s, client: c, now: now, lock: make(chan struct{}, 1)}
}

// access returns a token other than stale, which the vendor has refused, and
// the codename; it logs in when it has to.
func (s *session) access(ctx context.Context, stale string, notify func(string, time.Time)) (access, error) {
	if s.set.credentials.token != "" {
		return access{token: s.set.credentials.token, codename: s.set.credentials.codename}, nil
	}
	select {
	case s.lock <- struct{}{}:
		defer func() { <-s.lock }()
	case <-ctx.Done():
		return access{}, &pipeline.Error{Op: loginOp, Kind: pipeline.Stopped, Err: ctx.Err()}
	}
	if s.refused != nil {
		return access{}, s.refused
	}
	fresh := s.current.until.IsZero() || s.now().Before(s.current.until.Add(-renewBefore))
	if s.current.token != "" && s.current.token != stale && fresh {
		return s.current, nil
	}
	a, err := s.login(ctx, notify)
	if err != nil {
		if pipeline.KindOf(err) == pipeline.Unauthorized {
			s.refused = err
		}
		return access{}, err
	}
	s.current = a
	s.told.Store(&a.codename)
	return a, nil
}

// codename is the bot's; empty where only a login can tell it, and none has.
func (s *session) codename() string {
	if told := s.told.Load(); told != nil {
		return *told
	}
	return s.set.credentials.codename
}

// canRenew reports whether another token can be had.
func (s *session) canRenew() bool { return s.set.credentials.token == "" }

// loginAnswer is what a login is answered: the members that the vendor documents, and status, by which its other answers
// say that they are none.
type loginAnswer struct {
	Token       string          `json:"token"`
	AppCodename string          `json:"appCodename"`
	Status      json.RawMessage `json:"status"`
	members     map[string]json.RawMessage
}

// UnmarshalJSON also notes which members are there: a token that is null is one.
func (a *loginAnswer) UnmarshalJSON(text []byte) error {
	type plain loginAnswer
	if err := json.Unmarshal(text, (*plain)(a)); err != nil {
		return err
	}
	return json.Unmarshal(text, &a.members)
}

// refuses reports whether an answer without a token is Chat-Tonic's no to user name and password, rather than another document.
func (a *loginAnswer) refuses() bool {
	_, token := a.members["token"]
	return token || string(a.Status) == "false"
}

// login asks for a token. The vendor's login page documents the members username
// and password of the request, token and appCodename of the answer.
func (s *session) login(ctx context.Context, notify func(string, time.Time)) (access, error) {
	credentials, err := json.Marshal(map[string]string{"username": s.set.credentials.username, "password": s.set.credentials.password})
	if err != nil {
		return access{}, &pipeline.Error{Op: loginOp, Kind: pipeline.Invalid, Err: errors.New("user name and password cannot be written as JSON")}
	}
	var answer loginAnswer
	said, err := s.client.Ask(ctx, httpclient.Request{
		Op: loginOp, Method: http.MethodPost, URL: &url.URL{Path: loginPath},
		Header: http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}},
		Body:   credentials, Member: "token",
		Notify: notify,
	}, &answer)
	if err != nil && said == "" {
		return access{}, s.advise(err)
	}
	p := s.set.prefix
	token := strings.TrimSpace(answer.Token)
	switch {
	case token == "" && (said != "" || answer.refuses()):
		return access{}, &pipeline.Error{Op: loginOp, Kind: pipeline.Unauthorized, Err: errors.New(httpclient.Saying("the vendor has refused the login", said)),
			Hint: fmt.Sprintf("check %sUSERNAME and %sPASSWORD", p, p)}
	case err != nil:
		return access{}, s.advise(err)
	case token == "" || strings.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c > '~' }):
		return access{}, &pipeline.Error{Op: loginOp, Kind: pipeline.Malformed, Cause: pipeline.OtherDocument, Err: errors.New(httpclient.Saying("no token is in the answer", said)),
			Hint: fmt.Sprintf("check %sURL, %sUSERNAME and %sPASSWORD", p, p, p)}
	}
	a := access{token: token, codename: s.set.credentials.codename}
	if a.codename == "" {
		a.codename = answer.AppCodename
	}
	if !validCodename(a.codename) {
		return access{}, &pipeline.Error{Op: loginOp, Kind: pipeline.Malformed, Cause: pipeline.MissingField, Err: errors.New(httpclient.Saying("the answer names no codename", said)),
			Hint: fmt.Sprintf("set %sCODENAME", p)}
	}
	// A token that has ended already, or nearly, was made by another clock than
	// ours. Such a token is used until the vendor refuses it.
	if end := tokenEnd(token); end.After(s.now().Add(2 * renewBefore)) {
		a.until = end
	}
	return a, nil
}

// advise adds what to check to the error of a login that tells nothing of it.
func (s *session) advise(err error) error {
	var e *pipeline.Error
	if !errors.As(err, &e) || e.Hint != "" {
		return err
	}
	p := s.set.prefix
	var status *httpclient.StatusError
	switch {
	case e.Kind == pipeline.Malformed: // another document than a login's answer
		e.Hint = fmt.Sprintf("check that %sURL is the root of the Chat-Tonic host", p)
	case !errors.As(e, &status):
	case status.Code == http.StatusUnauthorized, status.Code == http.StatusForbidden, status.Code == http.StatusBadRequest:
		e.Hint = fmt.Sprintf("check %sUSERNAME and %sPASSWORD", p, p)
	case status.Code == http.StatusNotFound:
		e.Hint = fmt.Sprintf("check that %sURL is the root of the Chat-Tonic host", p)
	}
	return err
}

// tokenEnd reads "exp" of a JSON web token; zero when there is none.
func tokenEnd(token string) time.Time {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return time.Time{}
	}
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return time.Time{}
	}
	var claims struct {
		Exp float64 `json:"exp"`
	}
	const year9999 = 253402300799
	if json.Unmarshal(text, &claims) != nil || !(claims.Exp > 0 && claims.Exp < year9999) {
		return time.Time{}
	}
	return time.Unix(int64(claims.Exp), 0)
}
