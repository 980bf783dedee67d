package vendorsim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Dialpad serves POST /api/v2/stats and GET /api/v2/stats/{id} as the vendor's
// Stats page and its published OpenAPI document describe them, and the little
// of its other endpoints that a check may ask.
func (w *World) Dialpad() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v2/stats", w.dialpadHost(w.statsCreate))
	mux.HandleFunc("GET /api/v2/stats/{id}", w.dialpadHost(func(rw http.ResponseWriter, r *http.Request) {
		w.statsGet(rw, r.PathValue("id"))
	}))
	mux.HandleFunc("GET /api/v2/stats", w.dialpadHost(func(rw http.ResponseWriter, r *http.Request) {
		w.statsGet(rw, r.URL.Query().Get("id"))
	}))
	mux.HandleFunc("GET /api/v2/company", w.dialpadHost(func(rw http.ResponseWriter, _ *http.Request) {
		sendJSON(rw, http.StatusOK, map[string]any{"id": strconv.FormatInt(companyID, 10), "name": "Acme", "office_count": 2})
	}))
	for collection, targets := range dialpadCollections() {
		mux.HandleFunc("GET /api/v2/"+collection, w.dialpadNeighbour(func(rw http.ResponseWriter, _ *http.Request) {
			dialpadList(rw, targets)
		}))
		mux.HandleFunc("GET /api/v2/"+collection+"/{id}", w.dialpadNeighbour(func(rw http.ResponseWriter, r *http.Request) {
			dialpadOne(rw, targets, r.PathValue("id"))
		}))
	}
	mux.HandleFunc("GET /exports/{file}", w.exportOnAPI)
	mux.HandleFunc("/", w.dialpadHost(func(rw http.ResponseWriter, _ *http.Request) {
		dialpadError(rw, http.StatusNotFound, "notFound", "Not found")
	}))
	return w.serve("dialpad", mux)
}

// dialpadHost checks the key, the company if one is named, and the host's requests per second.
func (w *World) dialpadHost(next http.HandlerFunc) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		o := w.settings()
		if !w.takeToken(o) {
			throttle(rw, o, time.Second)
			return
		}
		if r.Header.Get("Authorization") != "Bearer "+o.Dialpad.Token {
			dialpadError(rw, http.StatusUnauthorized, "authError", "Invalid credentials")
			return
		}
		if id := r.Header.Get("DP-Company-ID"); id != "" && id != strconv.FormatInt(companyID, 10) {
			dialpadError(rw, http.StatusForbidden, "forbidden", "The key may not read this company")
			return
		}
		next(rw, r)
	}
}

// takeToken is a bucket of one second's requests that refills steadily.
func (w *World) takeToken(o Options) bool {
	if o.Dialpad.Limits.Rate < 0 {
		return true
	}
	now := o.Real()
	w.mu.Lock()
	defer w.mu.Unlock()
	rate := float64(o.Dialpad.Limits.Rate)
	if w.dialpad.refilled.IsZero() {
		w.dialpad.tokens = rate
	} else {
		w.dialpad.tokens = min(rate, w.dialpad.tokens+rate*now.Sub(w.dialpad.refilled).Seconds())
	}
	w.dialpad.refilled = now
	if w.dialpad.tokens < 1 {
		return false
	}
	w.dialpad.tokens--
	return true
}

// takePost counts a POST against the hour's quota; wait is when there is room again.
func (w *World) takePost(o Options) (wait time.Duration, ok bool) {
	if o.Dialpad.Limits.Posts < 0 {
		return 0, true
	}
	now := o.Real()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dialpad.posts = slices.DeleteFunc(w.dialpad.posts, func(t time.Time) bool { return now.Sub(t) >= o.Dialpad.Limits.Window })
	if len(w.dialpad.posts) >= o.Dialpad.Limits.Posts {
		return o.Dialpad.Limits.Window - now.Sub(w.dialpad.posts[0]), false
	}
	w.dialpad.posts = append(w.dialpad.posts, now)
	return 0, true
}

// UseQuota spends n POSTs of the quota as a simultaneous program would.
func (w *World) UseQuota(n int) {
	now := w.settings().Real()
	w.mu.Lock()
	defer w.mu.Unlock()
	for range n {
		w.dialpad.posts = append(w.dialpad.posts, now)
	}
}

func throttle(rw http.ResponseWriter, o Options, wait time.Duration) {
	setRetryAfter(rw.Header(), o.Dialpad.Limits.RetryAfter, wait, o.Real())
	dialpadError(rw, http.StatusTooManyRequests, "rateLimitExceeded", "Rate limit exceeded")
}

// dialpadError has the form that was seen at the vendor.
func dialpadError(rw http.ResponseWriter, code int, reason, text string) {
	sendJSON(rw, code, map[string]any{"error": map[string]any{
		"code": code, "message": text,
		"errors": []any{map[string]any{"domain": "global", "reason": reason, "message": text}},
	}})
}

// statsParams are the parameters of a report, defaults filled in.
type statsParams struct {
	Export, Stat string
	Start, End   int
	Today        bool
	Zone         string
	Target       Target
	GroupBy      string
	Trainees     bool // of a coaching target, in place of its own
}

// key is what the vendor's cache goes by.
func (p statsParams) key() string { return fmt.Sprintf("%+v", p) }

var (
	statTypes   = []string{"calls", "csat", "dispositions", "onduty", "recordings", "screenshare", "texts", "voicemails"}
	targetTypes = []string{"callcenter", "coachinggroup", "coachingteam", "department", "office", "room", "staffgroup", "unknown", "user"}
)

// flexible is an id that may stand as a JSON number or a string.
type flexible int64

func (f *flexible) UnmarshalJSON(b []byte) error {
	n, err := strconv.ParseInt(strings.Trim(string(b), `"`), 10, 64)
	*f = flexible(n)
	return err
}

// parseStats reads and checks a POST's body; unknown members are ignored.
func parseStats(body io.Reader) (p statsParams, err error) {
	in := struct {
		ExportType   string   `json:"export_type"`
		StatType     string   `json:"stat_type"`
		DaysAgoStart *int     `json:"days_ago_start"`
		DaysAgoEnd   *int     `json:"days_ago_end"`
		IsToday      bool     `json:"is_today"`
		Timezone     string   `json:"timezone"`
		OfficeID     flexible `json:"office_id"`
		TargetID     flexible `json:"target_id"`
		TargetType   string   `json:"target_type"`
		GroupBy      string   `json:"group_by"`
		Group        bool     `json:"coaching_group"`
		Team         bool     `json:"coaching_team"`
	}{Timezone: "UTC", GroupBy: "user"}
	if err := json.NewDecoder(body).Decode(&in); err != nil {
		return p, fmt.Errorf("malformed JSON body")
	}
	p = statsParams{Export: in.ExportType, Stat: in.StatType, Start: 1, End: 30, Today: in.IsToday, Zone: in.Timezone, GroupBy: in.GroupBy}
	if in.DaysAgoStart != nil {
		p.Start = *in.DaysAgoStart
	}
	if in.DaysAgoEnd != nil {
		p.End = *in.DaysAgoEnd
	}
	switch { // target over office over company
	case in.TargetID != 0:
		p.Target = Target{in.TargetType, int64(in.TargetID)}
	case in.OfficeID != 0:
		p.Target = Target{"office", int64(in.OfficeID)}
	default:
		p.Target = Company()
	}
	p.Trainees = in.Group && p.Target.Kind == "coachinggroup" || in.Team && p.Target.Kind == "coachingteam"
	if p.Stat != "calls" || p.Export != "stats" {
		p.GroupBy = "" // accepted and ignored
	}
	if p.Today {
		p.Start, p.End = 0, 0
	}
	return p, p.check(in.TargetID != 0)
}

func (p statsParams) check(targeted bool) error {
	switch {
	case p.Export != "records" && p.Export != "stats":
		return fmt.Errorf("export_type must be one of: records, stats")
	case !slices.Contains(statTypes, p.Stat):
		return fmt.Errorf("stat_type must be one of: %s", strings.Join(statTypes, ", "))
	case p.Start < 0 || p.End < 0:
		return fmt.Errorf("days_ago must not be negative")
	case targeted && !slices.Contains(targetTypes, p.Target.Kind):
		return fmt.Errorf("target_type must be one of: %s", strings.Join(targetTypes, ", "))
	case (p.Stat == "csat" || p.Stat == "dispositions") && !targeted:
		return fmt.Errorf("target_id and target_type are required for %s", p.Stat)
	case (p.Stat == "csat" || p.Stat == "dispositions") && p.Export == "stats":
		return fmt.Errorf("%s can only be exported as records", p.Stat)
	case p.GroupBy != "" && p.GroupBy != "user" && p.GroupBy != "date" && p.GroupBy != "group":
		return fmt.Errorf("group_by must be one of: date, group, user")
	case p.GroupBy == "group" && p.Target.Kind != "office":
		return fmt.Errorf("group_by group needs an office")
	}
	if loc, err := time.LoadLocation(p.Zone); err != nil || loc == time.Local || p.Zone == "" {
		return fmt.Errorf("Invalid timezone name: %q", p.Zone) //nolint:staticcheck // the vendor's words
	}
	return nil
}
