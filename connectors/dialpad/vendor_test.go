package dialpad

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

const (
	testKey  = "sesame-open-1234567890"
	apiHost  = "https://dialpad.test"
	linkHost = "https://files.test"
)

// vendor is a small Dialpad: reports cached by parameters, ids, signed links.
type vendor struct {
	t     *testing.T
	mu    sync.Mutex
	posts []seenPost
	looks []time.Time // at reports; a look at the report that cannot exist is a meeting
	meets []time.Time
	files []*http.Request // requests for a file, in order

	reports map[string]*fakeReport // by id
	cache   map[string]bool        // of parameters
	takes   time.Duration          // how long a new report is processing
	slow    time.Duration          // until a POST arrives
	ahead   *time.Duration         // of the time that every answer tells, before the true one; nil: none is told

	// onPost answers the n-th POST (from 1) itself when it returns true.
	onPost func(n int, w http.ResponseWriter) bool
	// onMeet answers a look at the report that cannot exist when it returns true.
	onMeet func(w http.ResponseWriter) bool
	// onLook answers the n-th look itself when it returns true.
	onLook func(n int, w http.ResponseWriter, id string) bool
	// onFile answers the n-th request for a file, on any host, when it returns true.
	onFile func(n int, w http.ResponseWriter, r *http.Request) bool
	// link is the download_url of a report.
	link func(id string) string
}

// seenPost is a POST as the vendor saw it.
type seenPost struct {
	at   time.Time
	body map[string]any
	auth string
}

type fakeReport struct {
	ready time.Time
}

func newVendor(t *testing.T) *vendor {
	return &vendor{
		t: t, reports: map[string]*fakeReport{}, cache: map[string]bool{}, takes: 10 * time.Second,
		link: func(id string) string { return linkHost + "/" + id + ".csv?sig=SIGNED-" + id },
	}
}

// RoundTrip makes the vendor a transport: no sockets, so that it works in a
// bubble of testing/synctest.
func (v *vendor) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPost {
		time.Sleep(v.slow)
	}
	rec := httptest.NewRecorder()
	v.ServeHTTP(rec, r)
	resp := rec.Result()
	resp.Request = r
	return resp, nil
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.ahead != nil {
		w.Header().Set("Date", time.Now().Add(*v.ahead).UTC().Format(http.TimeFormat))
	}
	switch path := r.URL.Path; {
	case r.URL.Host == "dialpad.test" && r.Method == http.MethodPost && path == "/api/v2/stats":
		v.post(w, r)
	case r.URL.Host == "dialpad.test" && strings.HasPrefix(path, "/api/v2/stats/"):
		v.look(w, strings.TrimPrefix(path, "/api/v2/stats/"))
	default:
		v.files = append(v.files, r)
		if v.onFile == nil || !v.onFile(len(v.files), w, r) {
			fmt.Fprint(w, "date_started,call_id\n")
		}
	}
}

func (v *vendor) post(w http.ResponseWriter, r *http.Request) {
	text, _ := io.ReadAll(r.Body)
	var body map[string]any
	if err := json.Unmarshal(text, &body); err != nil {
		v.t.Errorf("the POST's body is not JSON: %v", err)
	}
	v.posts = append(v.posts, seenPost{at: time.Now(), body: body, auth: r.Header.Get("Authorization")})
	if v.onPost != nil && v.onPost(len(v.posts), w) {
		return
	}
	v.accept(w, string(text))
}

// accept starts a report, or finds it in the cache.
func (v *vendor) accept(w http.ResponseWriter, params string) {
	id := fmt.Sprintf("r%d", len(v.posts))
	known := v.cache[params]
	v.cache[params] = true
	rep := &fakeReport{ready: time.Now().Add(v.takes)}
	if known {
		rep.ready = time.Now()
	}
	v.reports[id] = rep
	fmt.Fprintf(w, `{"request_id":%q,"already_started":%t}`, id, known)
}

func (v *vendor) look(w http.ResponseWriter, id string) {
	if id == "0" {
		v.meets = append(v.meets, time.Now())
		if v.onMeet == nil || !v.onMeet(w) {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"error":{"code":404,"message":"Request with id 0 not found"}}`)
		}
		return
	}
	v.looks = append(v.looks, time.Now())
	if v.onLook != nil && v.onLook(len(v.looks), w, id) {
		return
	}
	rep, ok := v.reports[id]
	switch {
	case !ok:
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprintf(w, `{"error":{"code":404,"message":"Request with id %s not found"}}`, id)
	case time.Now().Before(rep.ready):
		fmt.Fprint(w, `{"status":"processing"}`)
	default:
		fmt.Fprintf(w, `{"status":"complete","file_type":"csv","download_url":%q}`, v.link(id))
	}
}

// fileJournal is durable as a sink's is: another value over the same file sees
// every note.
type fileJournal struct {
	path string
	mu   sync.Mutex
	err  error // of the next Add
}

// tenantNote is a line of the file.
type tenantNote struct {
	Of   pipeline.TenantKey
	Note pipeline.Note
}

func newFileJournal(t *testing.T) *fileJournal {
	return &fileJournal{path: filepath.Join(t.TempDir(), "journal")}
}

func (j *fileJournal) Add(_ context.Context, n pipeline.Note) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return j.err
	}
	f, err := os.OpenFile(j.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := json.NewEncoder(f).Encode(tenantNote{n.Tenant, n}); err != nil {
		return err
	}
	return f.Sync()
}

func (j *fileJournal) Since(_ context.Context, k pipeline.TenantKey, t time.Time) ([]pipeline.Note, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	f, err := os.Open(j.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var notes []pipeline.Note
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var n tenantNote
		if err := json.Unmarshal(lines.Bytes(), &n); err != nil {
			return nil, err
		}
		if n.Of == k && !n.Note.At.Before(t) {
			n.Note.Tenant = k
			notes = append(notes, n.Note)
		}
	}
	return notes, nil
}

// told collects what a Fetch tells people.
type told struct {
	mu      sync.Mutex
	notices []pipeline.Notice
}

func (n *told) notify(x pipeline.Notice) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.notices = append(n.notices, x)
}

func (n *told) has(text string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, x := range n.notices {
		if strings.Contains(x.Text, text) && !x.Until.IsZero() {
			return true
		}
	}
	return false
}

func testConfig() Config {
	return Config{URL: apiHost + "/api/v2", Token: testKey, Timezone: "America/New_York"}
}

func testSettings(t *testing.T, change func(*Config)) *Settings {
	t.Helper()
	c := testConfig()
	if change != nil {
		change(&c)
	}
	s, faults := c.Settings("WINDROW_DIALPAD_")
	if len(faults) > 0 {
		t.Fatalf("faults: %v", faults)
	}
	return s
}

func newTestSource(t *testing.T, v http.RoundTripper, o Options, change func(*Config)) *Source {
	t.Helper()
	o.Transport = v
	if o.Account == "" {
		o.Account = "us"
	}
	if o.RetryFor == 0 {
		o.RetryFor = time.Minute
	}
	s, err := New(testSettings(t, change), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// yesterday is a request for the local day before now, of the first scope.
func yesterday(t *testing.T, s *Source, stream pipeline.StreamID) pipeline.Request {
	t.Helper()
	d := dayOf(pipeline.InstantOf(s.clock()), s.set.zone) - 1
	return requestFor(t, s, stream, d, d)
}

func requestFor(t *testing.T, s *Source, stream pipeline.StreamID, first, last day) pipeline.Request {
	t.Helper()
	st := streamOf(t, s, stream)
	plan := s.Plan(st, []pipeline.Window{{Span: dayRange{first, last}.span(s.set.zone), Zone: s.set.zone.String()}})
	if len(plan) != 1 || len(plan[0].Requests) == 0 {
		t.Fatalf("plan: %+v", plan)
	}
	return plan[0].Requests[0]
}

func streamOf(t *testing.T, s *Source, id pipeline.StreamID) pipeline.Stream {
	t.Helper()
	for _, st := range s.Streams() {
		if st.Key.Stream == id {
			return st
		}
	}
	t.Fatalf("no stream %s", id)
	return pipeline.Stream{}
}

// fetch carries r out and returns the body's meta and text.
func fetch(ctx context.Context, s *Source, r pipeline.Request, j pipeline.Journal, n *told) (pipeline.Meta, string, error) {
	if n == nil {
		n = &told{}
	}
	var meta pipeline.Meta
	var text []byte
	bodies := 0
	err := s.Fetch(ctx, r, pipeline.Env{Journal: j, Notify: n.notify}, func(b pipeline.Body) error {
		bodies++
		meta = b.Meta
		f, err := b.Open(ctx)
		if err != nil {
			return err
		}
		defer f.Close()
		text, err = io.ReadAll(f)
		return err
	})
	if err == nil && bodies != 1 {
		err = fmt.Errorf("%d bodies", bodies)
	}
	return meta, string(text), err
}

// sleepUntil moves the bubble's clock.
func sleepUntil(t time.Time) { time.Sleep(time.Until(t)) }
