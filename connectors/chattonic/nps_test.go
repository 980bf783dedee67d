package chattonic_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/windrow-data/windrow/connectors/chattonic"
	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
	"github.com/windrow-data/windrow/pipeline/plan"
	"github.com/windrow-data/windrow/sinks/memory"
)

const npsZone = "America/Argentina/Buenos_Aires"

// postal is a vendor that mails exports, and an inbox into which its mails come when the test lets them.
type postal struct {
	*testing.T
	world *vendorsim.World
	url   string
	store *memory.Store
	inbox string
	from  string // the first of the days that are read
	to    string
	again bool // settled days too

	mu    sync.Mutex
	now   time.Time
	mails []vendorsim.Mail
}

func newPostal(t *testing.T) *postal {
	t.Helper()
	p := &postal{T: t, store: memory.New(memory.Options{}), inbox: t.TempDir(), from: "2025-09-08", to: "2025-09-09", now: time.Date(2025, 9, 10, 15, 0, 0, 0, time.UTC)}
	o := vendorsim.Options{Seed: 5, Clock: p.clock, Real: p.clock}
	o.ChatTonic.Mail = func(m vendorsim.Mail) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.mails = append(p.mails, m)
	}
	zone, err := time.LoadLocation(npsZone)
	if err != nil {
		t.Fatal(err)
	}
	o.ChatTonic.ResponseZone, o.ChatTonic.StaticToken = zone, "a-token-of-tests"
	p.world = vendorsim.New(o)
	servers, err := p.world.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(servers.Close)
	p.url = servers.ChatTonicURL
	return p
}

func (p *postal) clock() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

func (p *postal) pass(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = p.now.Add(d)
}

// deliver puts the mails that were sent into the inbox.
func (p *postal) deliver() {
	p.Helper()
	for _, m := range p.mails {
		p.put(strings.ReplaceAll(m.ID, "/", "_")+".eml", string(m.Text))
	}
}

func (p *postal) put(name, text string) {
	p.Helper()
	path := filepath.Join(p.inbox, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		p.Fatal(err)
	}
	if err := os.Chtimes(path, p.clock(), p.clock()); err != nil {
		p.Fatal(err)
	}
}

// asked counts the requests for exports.
func (p *postal) asked() int {
	return p.world.Count("chattonic", http.MethodGet, "/api/v1/acme/stats/nps/export")
}

// sync is a run of a process of its own.
func (p *postal) sync(ctx context.Context, change ...func(*chattonic.Config)) pipeline.StreamSummary {
	p.Helper()
	c := chattonic.Config{
		URL: p.url, Token: "a-token-of-tests", Codename: "acme", Timezone: npsZone, ResponseZone: npsZone, Rate: "1000",
		NPSFrom: p.inbox, NPSColumns: "score=Puntuación,date=Fecha,text=Comentario", NPSRequest: "true",
	}
	for _, f := range change {
		f(&c)
	}
	set, faults := c.Settings(chattonic.Prefix)
	if len(faults) > 0 {
		p.Fatal(faults)
	}
	source, err := chattonic.New(set, chattonic.Options{Account: "default", Clock: p.clock, Now: p.clock, RetryFor: time.Second, Disk: disk})
	if err != nil {
		p.Fatal(err)
	}
	e := engine.Engine{
		Store: p.store, Sources: []pipeline.Source{source}, Streams: []pipeline.StreamID{chattonic.NPS}, Select: plan.Selection{From: p.from, To: p.to, Refetch: p.again},
		Clock: p.clock, Now: p.clock, Concurrency: 2, MaxRejects: engine.RejectLimit{Share: 0.01, Setting: "WINDROW_MAX_REJECTS"},
		Health: engine.Health{MaxUnreadable: engine.RejectLimit{Share: 0.2, Setting: "WINDROW_MAX_UNREADABLE"}, DriftSetting: "WINDROW_ON_DRIFT=warn"},
	}
	sum, err := e.Sync(ctx)
	if err != nil {
		p.Fatal(err)
	}
	if wantExit := min(len(sum.Streams[0].Errors), 1) * pipeline.ExitFailed; ctx.Err() == nil && sum.Exit != wantExit && sum.Exit != pipeline.ExitUnauthorized {
		p.Errorf("exit %d with %d failed windows", sum.Exit, len(sum.Streams[0].Errors))
	}
	return sum.Streams[0]
}

func (p *postal) ledger() *pipeline.Ledger {
	p.Helper()
	l, err := p.store.Ledger(p.Context(), pipeline.StreamKey{Account: "default", Stream: chattonic.NPS})
	if err != nil {
		p.Fatal(err)
	}
	return l
}

// outcome is a run in a few words.
func outcome(s pipeline.StreamSummary) string {
	text := fmt.Sprintf("%d committed, %d unchanged, %d awaited, %d failed", s.Committed, s.Unchanged, s.Awaited, s.Failed)
	for _, e := range s.Errors {
		text += "; " + e.ErrorKind
	}
	return text
}

func (p *postal) wants(s pipeline.StreamSummary, want string) {
	p.Helper()
	if got := outcome(s); got != want {
		p.Errorf("%s, want %s: %+v", got, want, s.Errors)
	}
}

func TestEachWindowIsAskedForOnceAndItsMailIsAwaited(t *testing.T) {
	t.Parallel()
	p := newPostal(t)
	p.wants(p.sync(t.Context()), "0 committed, 0 unchanged, 2 awaited, 0 failed")
	if p.asked() != 2 {
		t.Fatalf("asked %d times", p.asked())
	}
	p.pass(time.Hour)
	p.wants(p.sync(t.Context()), "0 committed, 0 unchanged, 2 awaited, 0 failed")
	p.deliver()
	s := p.sync(t.Context())
	p.wants(s, "2 committed, 0 unchanged, 0 awaited, 0 failed")
	start := time.Date(2025, 9, 8, 3, 0, 0, 0, time.UTC)
	if want := int64(len(p.world.Data().NPSAnswers(start, start.AddDate(0, 0, 2)))); s.Rows != want || s.Read != want || s.Outside != 0 || want == 0 {
		t.Errorf("%d rows of %d read, %d outside; the vendor has %d", s.Rows, s.Read, s.Outside, want)
	}
	p.wants(p.sync(t.Context()), "0 committed, 2 unchanged, 0 awaited, 0 failed")
	if p.asked() != 2 {
		t.Errorf("asked %d times", p.asked())
	}
	for _, a := range p.ledger().Asked() {
		if a.Note != pipeline.AskTaken {
			t.Errorf("%+v", a)
		}
	}
}

func TestAWindowWhoseMailNeverComesFailsAfterADay(t *testing.T) {
	t.Parallel()
	p := newPostal(t)
	p.sync(t.Context())
	p.pass(24*time.Hour - time.Minute)
	p.wants(p.sync(t.Context()), "0 committed, 0 unchanged, 2 awaited, 0 failed")
	p.pass(time.Minute)
	s := p.sync(t.Context())
	p.wants(s, "0 committed, 0 unchanged, 0 awaited, 2 failed; not_ready; not_ready")
	if !strings.Contains(s.Errors[0].Message, "the vendor was asked at 2025-09-10T15:00:00Z, and no mail with these days has come") {
		t.Error(s.Errors[0].Message)
	}
	st := plan.Status(p.stream(), p.ledger(), pipeline.InstantOf(p.clock()), plan.Kept{})
	if len(st.Asked) != 2 || !st.Asked[0].Taken {
		t.Errorf("status names %+v", st.Asked)
	}
	if p.asked() != 2 {
		t.Errorf("asked %d times", p.asked())
	}
	p.deliver() // the mails are dated when they were sent
	p.wants(p.sync(t.Context()), "2 committed, 0 unchanged, 0 awaited, 0 failed")
}

func (p *postal) stream() pipeline.Stream {
	c := chattonic.Config{URL: p.url, Token: "t", Codename: "acme", Timezone: npsZone, NPSFrom: p.inbox, NPSColumns: "score=S"}
	set, _ := c.Settings(chattonic.Prefix)
	return chattonic.Streams(set, "default", pipeline.Policy{})[2]
}

func TestARequestIsNeverRepeatedWhateverCameOfIt(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]vendorsim.Fault{
		"a server's error":        {Kind: vendorsim.FaultStatus, Code: http.StatusServiceUnavailable},
		"too many requests":       {Kind: vendorsim.FaultStatus, Code: http.StatusTooManyRequests, RetryAfter: time.Millisecond},
		"a refusal":               {Kind: vendorsim.FaultStatus, Code: http.StatusBadRequest},
		"a connection that ended": {Kind: vendorsim.FaultCut},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPostal(t)
			p.to = p.from
			fault.Host, fault.Path, fault.Times = "chattonic", "/api/v1/acme/stats/nps/export", -1
			p.world.Inject(fault)
			if s := p.sync(t.Context()); s.Failed+s.Awaited != 1 { // of an answer that breaks off nothing is needed
				t.Errorf("%s", outcome(s))
			}
			p.world.ClearFaults()
			p.pass(time.Hour)
			p.wants(p.sync(t.Context()), "0 committed, 0 unchanged, 1 awaited, 0 failed")
			p.pass(24 * time.Hour)
			p.wants(p.sync(t.Context()), "0 committed, 0 unchanged, 0 awaited, 1 failed; not_ready")
			if p.asked() != 1 {
				t.Errorf("asked %d times", p.asked())
			}
		})
	}
}

func TestAKillAsksNoSecondTime(t *testing.T) {
	t.Parallel()
	for point, sent := range map[string]int{"chattonic.asking": 0, "chattonic.asked": 1} {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			p := newPostal(t)
			p.to = p.from
			ctx, kill := context.WithCancel(t.Context())
			p.sync(pipeline.WithPoints(ctx, func(name string) {
				if name == point {
					kill()
				}
			}))
			if p.asked() != sent {
				t.Fatalf("asked %d times", p.asked())
			}
			if a := p.ledger().Asked(); len(a) != 1 || a[0].Note != "" {
				t.Fatalf("the ledger has %+v", a)
			}
			p.pass(time.Hour)
			p.wants(p.sync(t.Context()), "0 committed, 0 unchanged, 1 awaited, 0 failed")
			st := plan.Status(p.stream(), p.ledger(), pipeline.InstantOf(p.clock()), plan.Kept{})
			if len(st.Asked) != 1 || st.Asked[0].Taken {
				t.Errorf("status names %+v", st.Asked)
			}
			p.pass(24 * time.Hour)
			if s := p.sync(t.Context()); s.Failed != 1 || !strings.Contains(s.Errors[0].Message, "perhaps never asked") {
				t.Errorf("%s: %+v", outcome(s), s.Errors)
			}
			if p.asked() != sent {
				t.Errorf("asked %d times", p.asked())
			}
			if sent > 0 {
				p.deliver()
				p.wants(p.sync(t.Context()), "1 committed, 0 unchanged, 0 awaited, 0 failed")
			}
		})
	}
}

func TestPromise07_OfTwoRunsAtMostOneAsks(t *testing.T) {
	t.Parallel()
	for name, together := range map[string]bool{"each notes before either looks": true, "as it comes": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPostal(t)
			p.to = p.from
			var both sync.WaitGroup
			both.Add(2)
			ctx := pipeline.WithPoints(t.Context(), func(name string) {
				if together && name == "chattonic.asking" {
					both.Done()
					both.Wait()
				}
			})
			var runs sync.WaitGroup
			for range 2 {
				runs.Go(func() { p.sync(ctx) })
			}
			runs.Wait()
			if n := p.asked(); n > 1 || together && n != 0 {
				t.Errorf("asked %d times", n)
			}
			p.pass(time.Hour)
			p.sync(t.Context())
			if n := p.asked(); n > 1 {
				t.Errorf("asked %d times", n)
			}
		})
	}
}

func TestNothingIsAskedForBeforeItHasSettledOrWithRefusedCredentials(t *testing.T) {
	t.Parallel()
	p := newPostal(t)
	p.now = time.Date(2025, 9, 10, 4, 0, 0, 0, time.UTC) // an hour after the second day
	p.wants(p.sync(t.Context()), "0 committed, 0 unchanged, 2 awaited, 0 failed")
	if p.asked() != 1 {
		t.Errorf("asked %d times", p.asked())
	}
	q := newPostal(t)
	s := q.sync(t.Context(), func(c *chattonic.Config) { c.Token = "another-token" })
	if s.Failed != 2 || s.Errors[0].ErrorKind != "unauthorized" || q.asked() != 0 || len(q.ledger().Asked()) != 0 {
		t.Errorf("%s, asked %d times, %+v", outcome(s), q.asked(), q.ledger().Asked())
	}
	silent := newPostal(t)
	silent.wants(silent.sync(t.Context(), func(c *chattonic.Config) { c.NPSRequest = "false" }), "0 committed, 0 unchanged, 0 awaited, 2 failed; not_ready; not_ready")
	if silent.asked() != 0 {
		t.Errorf("asked %d times", silent.asked())
	}
}

func mailed(id, at, csv string) string {
	return "Message-ID: <" + id + ">\r\nDate: " + at + "\r\nContent-Type: text/csv; name=nps.csv\r\n\r\n" + csv
}

func TestAMailBelongsToTheWindowThatWasAskedFor(t *testing.T) {
	t.Parallel()
	const head, soon = "Fecha,Puntuación,Comentario\r\n", "Wed, 10 Sep 2025 15:05:00 +0000"
	for _, tc := range []struct {
		name  string
		days  int // that are asked for
		mails []string
		want  string
		rows  int64
		left  string // what status names
	}{
		{"without rows: it is confirmed empty", 1, []string{mailed("1@x", soon, head)}, "1 committed, 0 unchanged, 0 awaited, 0 failed", 0, ""},
		{"the same mail twice", 1, []string{mailed("1@x", soon, head), mailed("1@x", soon, head)}, "1 committed, 0 unchanged, 0 awaited, 0 failed", 0, ""},
		{"without rows, and two were asked for", 2, []string{mailed("1@x", soon, head)}, "0 committed, 0 unchanged, 2 awaited, 0 failed", 0, "<1@x>: it has no rows"},
		{"without rows, and another came for the other", 2, []string{mailed("1@x", soon, head), mailed("2@x", soon, head+"2025-09-08 10:00:00,9,\r\n")},
			"2 committed, 0 unchanged, 0 awaited, 0 failed", 1, ""},
		{"more than a day later", 1, []string{mailed("1@x", "Thu, 11 Sep 2025 15:30:00 +0000", head)}, "0 committed, 0 unchanged, 1 awaited, 0 failed", 0, "<1@x>: it has no rows"},
		{"rows of another window", 1, []string{mailed("1@x", soon, head+"2025-09-09 10:00:00,9,\r\n")}, "0 committed, 0 unchanged, 1 awaited, 0 failed", 0, ""},
		{"rows from before the first day", 1, []string{mailed("1@x", soon, head+"2024-09-09 10:00:00,9,\r\n")}, "0 committed, 0 unchanged, 1 awaited, 0 failed", 0, "before the first day"},
		{"two of them: the newer counts", 1, []string{mailed("2@x", "Wed, 10 Sep 2025 15:20:00 +0000", head+"2025-09-08 10:00:00,9,\r\n"), mailed("1@x", soon, head+"2025-09-08 10:00:00,1,\r\n2025-09-08 11:00:00,1,\r\n")},
			"1 committed, 0 unchanged, 0 awaited, 0 failed", 1, ""},
		{"another file's columns", 1, []string{mailed("1@x", soon, "a,b\r\n1,2\r\n")}, "0 committed, 0 unchanged, 0 awaited, 1 failed; missing_field", 0, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			p := newPostal(t)
			if tc.days == 1 {
				p.to = p.from
			}
			p.sync(t.Context())
			p.pass(time.Hour)
			for i, m := range tc.mails {
				p.put(fmt.Sprintf("%d.eml", i), m)
			}
			s := p.sync(t.Context())
			p.wants(s, tc.want)
			if s.Rows != tc.rows {
				t.Errorf("%d rows", s.Rows)
			}
			left := p.ledger().Unplaced()
			if tc.left == "" && len(left) > 0 || tc.left != "" && !slices.ContainsFunc(left, func(l string) bool { return strings.Contains(l, tc.left) }) {
				t.Errorf("status names %q", left)
			}
			if p.asked() != tc.days {
				t.Errorf("asked %d times", p.asked())
			}
		})
	}
}

func TestWithoutADateColumnTheAskedWindowsDayCounts(t *testing.T) {
	t.Parallel()
	p := newPostal(t)
	p.to = p.from
	score := func(c *chattonic.Config) { c.NPSColumns = "score=Puntuación" }
	p.sync(t.Context(), score)
	p.pass(time.Hour)
	p.put("nps.csv", "Puntuación,Fecha\n9,ayer\n3,hoy\n")
	s := p.sync(t.Context(), score)
	p.wants(s, "1 committed, 0 unchanged, 0 awaited, 0 failed")
	if s.Rows != 2 {
		t.Errorf("%d rows", s.Rows)
	}
}

func TestAnEarlyExportIsProvisionalAndWhatIsCommittedStaysWhenItIsGone(t *testing.T) {
	t.Parallel()
	p := newPostal(t)
	p.to = p.from
	quiet := func(c *chattonic.Config) { c.NPSRequest = "false" }
	p.now = time.Date(2025, 9, 9, 4, 0, 0, 0, time.UTC) // before the day has settled
	p.put("nps.csv", "Fecha,Puntuación,Comentario\n2025-09-08 10:00:00,9,\n")
	p.pass(12 * time.Hour)
	p.wants(p.sync(t.Context(), quiet), "1 committed, 0 unchanged, 0 awaited, 0 failed")
	for e := range p.ledger().Windows(pipeline.NoInstant) {
		if e.Settled {
			t.Error("the day is settled by an export from before it was")
		}
	}
	if err := os.Remove(filepath.Join(p.inbox, "nps.csv")); err != nil {
		t.Fatal(err)
	}
	p.wants(p.sync(t.Context(), quiet), "0 committed, 0 unchanged, 1 awaited, 0 failed")
	p.put("nps.csv", "Fecha,Puntuación,Comentario\n2025-09-08 10:00:00,9,\n2025-09-08 23:00:00,2,\n")
	s := p.sync(t.Context(), quiet)
	p.wants(s, "1 committed, 0 unchanged, 0 awaited, 0 failed")
	if s.Rows != 2 {
		t.Errorf("%d rows", s.Rows)
	}
	for e := range p.ledger().Windows(pipeline.NoInstant) {
		if !e.Settled {
			t.Error("the day is not settled by an export from after it was")
		}
	}
}
