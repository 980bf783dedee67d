package vendorsim

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// session is a Chat-Tonic token that a login gave out.
type session struct{ expires time.Time }

// ChatTonic serves the login and the three stats endpoints of Chat-Tonic's API page.
func (w *World) ChatTonic() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/user/login", w.login)
	mux.HandleFunc("GET /api/v1/{codename}/stats/operator", w.authorised(w.operators))
	mux.HandleFunc("GET /api/v1/{codename}/stats/bigquery", w.authorised(w.dashboard))
	mux.HandleFunc("GET /api/v1/{codename}/stats/nps/export", w.authorised(w.npsExport))
	return w.serve("chattonic", mux)
}

// ExpireTokens ends all Chat-Tonic sessions at once; the static token stays.
func (w *World) ExpireTokens() {
	w.mu.Lock()
	defer w.mu.Unlock()
	clear(w.sessions)
}

// Mailed is how many NPS reports have been sent by e-mail.
func (w *World) Mailed() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.mailed
}

func (w *World) login(rw http.ResponseWriter, r *http.Request) {
	o := w.settings()
	c := o.ChatTonic
	var in struct{ Username, Password string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		chatTonicError(rw, http.StatusBadRequest, "Bad request")
		return
	}
	if in.Username != c.Username || in.Password != c.Password {
		chatTonicError(rw, http.StatusUnauthorized, "Invalid username or password")
		return
	}
	expires := o.Real().Add(c.TokenLife)
	w.mu.Lock()
	w.issued++
	token := jwt(c.Username, expires, w.issued)
	w.sessions[token] = session{expires}
	w.mu.Unlock()
	sendJSON(rw, http.StatusOK, map[string]any{
		"id": "5ed94dd1fdda89cee4cb60", "username": c.Username, "appCodename": c.Codename, "token": token, "profile": 500,
	})
}

// jwt has the shape of the vendor's tokens: ES512 in its header and an expiry.
func jwt(subject string, expires time.Time, serial uint64) string {
	part := base64.RawURLEncoding.EncodeToString
	payload := fmt.Sprintf(`{"sub":%q,"jti":"%d","iat":%d,"exp":%d}`, subject, serial, expires.Add(-time.Hour).Unix(), expires.Unix())
	signature := fmt.Sprintf("%016x%016x", mix(serial), mix(serial+1))
	return part([]byte(`{"alg":"ES512","typ":"JWT"}`)) + "." + part([]byte(payload)) + "." + part([]byte(signature))
}

// authorised wants a live token and the right codename in the path.
func (w *World) authorised(next http.HandlerFunc) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		o := w.settings()
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		w.mu.Lock()
		s, ok := w.sessions[token]
		w.mu.Unlock()
		static := o.ChatTonic.StaticToken != "" && token == o.ChatTonic.StaticToken
		if !static && (!ok || !o.Real().Before(s.expires)) {
			chatTonicError(rw, http.StatusUnauthorized, "Unauthorized")
			return
		}
		if r.PathValue("codename") != o.ChatTonic.Codename {
			chatTonicError(rw, http.StatusForbidden, "Forbidden")
			return
		}
		next(rw, r)
	}
}

func chatTonicError(rw http.ResponseWriter, status int, text string) {
	sendJSON(rw, status, map[string]any{"status": false, "message": text})
}

func sendJSON(rw http.ResponseWriter, status int, v any) {
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	rw.WriteHeader(status)
	_ = json.NewEncoder(rw).Encode(v)
}

// span reads startDate and endDate, ISO in UTC. The end is inclusive; nothing
// has happened yet after now.
func (w *World) span(rw http.ResponseWriter, r *http.Request) (start, end time.Time, ok bool) {
	const iso = "2006-01-02T15:04:05.000Z"
	start, err := time.Parse(iso, r.URL.Query().Get("startDate"))
	if err != nil {
		chatTonicError(rw, http.StatusBadRequest, "startDate is missing or malformed")
		return start, end, false
	}
	end, err = time.Parse(iso, r.URL.Query().Get("endDate"))
	if err != nil || end.Before(start) {
		chatTonicError(rw, http.StatusBadRequest, "endDate is missing or malformed")
		return start, end, false
	}
	end = end.Add(time.Millisecond)
	if now := w.Now(); now.Before(end) {
		end = now
	}
	return start, end, true
}

// npsExport mails a report; what it answers is not published.
func (w *World) npsExport(rw http.ResponseWriter, r *http.Request) {
	switch r.URL.Query().Get("typeUser") {
	case "all", "promoter", "passive", "detractor":
	default:
		chatTonicError(rw, http.StatusBadRequest, "typeUser is missing or malformed")
		return
	}
	start, end, ok := w.span(rw, r)
	if !ok {
		return
	}
	w.mailNPS(start, end)
	sendJSON(rw, w.settings().ChatTonic.NPSStatus, map[string]any{"status": true, "message": "mail sent"})
}
