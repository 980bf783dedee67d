package push_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sourcegraph/conc"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/push"
	"github.com/windrow-data/windrow/sinks/memory"
)

// rows is an input: each contact is its addresses, between blanks, and behind a slash its content.
type rows []string

func (in rows) Read(ctx context.Context, accept func(push.Contact) error, refuse func(push.Refusal) error) error {
	for i, row := range in {
		if err := ctx.Err(); err != nil {
			return err
		}
		var err error
		if ids, content, _ := strings.Cut(row, "/"); ids == "bad" {
			err = refuse(push.Refusal{Row: i + 1, Column: "phone", Problem: "is no phone number", Remedy: "correct it", Cells: []string{"the cell"}})
		} else if of := slices.Index(in[:i], row); of >= 0 {
			err = refuse(push.Refusal{Row: i + 1, Problem: "is a duplicate", DuplicateOf: of + 1})
		} else {
			err = accept(push.Contact{Row: i + 1, IDs: strings.Fields(ids), JSON: fmt.Appendf(nil, `{"clientIds":%q,"content":%q}`, strings.Fields(ids), content)})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (rows) Columns() []string { return []string{"phone"} }
func (rows) Ignored() []string { return nil }
func (rows) Close() error      { return nil }

// contacts are n contacts of one address each.
func contacts(n int) (in rows) {
	for i := range n {
		in = append(in, fmt.Sprintf("+52155%07d", i))
	}
	return in
}

// hub stands for the vendor. It counts how often it has taken each contact.
type hub struct {
	mu       sync.Mutex
	answer   func(n int) push.Outcome // of the n-th request, counted from 1
	requests []push.Batch
	accepted map[string]int
	during   func() // while a request is under way; may be nil
}

func newHub(answer func(n int) push.Outcome) *hub {
	return &hub{answer: answer, accepted: map[string]int{}}
}

func always(e push.Event, status int) func(int) push.Outcome {
	return func(int) push.Outcome {
		return push.Outcome{Event: e, Status: status, Text: "the vendor's text"}
	}
}

var takes = always(push.Accepted, 200)

func (h *hub) Wait(ctx context.Context) error { return ctx.Err() }

func (h *hub) Send(_ context.Context, _ push.Key, b push.Batch) push.Outcome {
	h.mu.Lock()
	h.requests = append(h.requests, b)
	out := h.answer(len(h.requests))
	if out.Event == push.Accepted || out.Event == push.Uncertain {
		for _, c := range b.Contacts {
			h.accepted[string(c.JSON)]++
		}
	}
	h.mu.Unlock()
	if h.during != nil {
		h.during()
	}
	return out
}

func (h *hub) names() (names []string) {
	for _, b := range h.requests {
		names = append(names, b.Name)
	}
	return names
}

const secret = "0123456789abcdef0123456789abcdef"

var summer = push.Key{Account: "mx", Hub: "sales", Delivery: push.Lists, Name: "Summer"}

// aPush is a push to h in batches of two.
func aPush(l push.Ledger, h push.Hub) *push.Push {
	return &push.Push{
		Ledger: l, Hub: h, Key: summer, Hasher: push.NewHasher(secret), Batch: 2, Now: time.Now,
		Pace: push.Pace{RetryFor: time.Minute, Pause: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }},
	}
}

func nobody([]string) bool { return false }

func prepared(t *testing.T, p *push.Push, in push.Input, suppressed ...string) *push.Prepared {
	t.Helper()
	r, err := p.Prepare(t.Context(), in, push.Sieve{Suppressed: func(ids []string) bool {
		return slices.ContainsFunc(ids, func(id string) bool { return slices.Contains(suppressed, id) })
	}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func sent(t *testing.T, p *push.Push, in push.Input, suppressed ...string) push.Report {
	t.Helper()
	report, err := prepared(t, p, in, suppressed...).Send(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c := report.Counts
	if sum := c.Sent + c.AlreadySent + c.Refused + c.Duplicate + c.Suppressed + c.Unknown + c.Planned; sum != c.Read {
		t.Errorf("read %d, and the seven counts are %d: %+v", c.Read, sum, c)
	}
	return report
}

// status is where the pushes of the ledger stand.
func status(t *testing.T, l push.Ledger) push.Counts {
	t.Helper()
	all, err := push.Summaries(t.Context(), l, func(k push.Key) bool { return k == summer })
	if err != nil || len(all) > 1 {
		t.Fatalf("%v, %v", all, err)
	}
	if len(all) == 0 {
		return push.Counts{}
	}
	return all[0].Counts
}

func TestEveryOutcomeOfAnExchangeHasItsStateAndItsExitCode(t *testing.T) {
	for _, c := range []struct {
		event  push.Event
		status int
		want   push.Counts
		exit   int
		again  int // contacts that the same push sends then
	}{
		{push.Accepted, 200, push.Counts{Sent: 2}, 0, 0},
		{push.Unauthorized, 401, push.Counts{Planned: 2}, 4, 2},
		{push.Declined, 400, push.Counts{Refused: 2}, 3, 2},
		{push.NotWritten, 0, push.Counts{Planned: 2}, 3, 2},
		{push.Uncertain, 503, push.Counts{Unknown: 2}, 5, 0},
	} {
		l, h := memory.NewPushLedger(), newHub(always(c.event, c.status))
		report := sent(t, aPush(l, h), contacts(2))
		if got := status(t, l); got != c.want || report.Exit() != c.exit || report.Batches[0].Status != c.status {
			t.Errorf("%s: the ledger has %+v, exit code %d, %+v", c.event, got, report.Exit(), report)
		}
		h.answer = takes
		again := sent(t, aPush(l, h), contacts(2))
		if again.Counts.Sent != c.again {
			t.Errorf("%s: the same push again sends %+v", c.event, again.Counts)
		}
		if c.event == push.Uncertain && (again.Exit() != 5 || again.Counts.Unknown != 2 || len(again.Batches) != 1) {
			t.Errorf("a push that sends nothing, while a batch is unknown: %d, %+v", again.Exit(), again)
		}
	}
}

func TestTheStatusOfAnAnswerSaysWhatBecameOfTheBatch(t *testing.T) {
	for code, want := range map[int]push.Event{
		200: push.Accepted, 204: push.Accepted, 301: push.Uncertain, 400: push.Declined, 401: push.Unauthorized, 403: push.Unauthorized, 404: push.Declined,
		408: push.Uncertain, 425: push.Uncertain, 429: push.Throttled, 499: push.Declined, 500: push.Uncertain, 503: push.Uncertain, 100: push.Uncertain,
	} {
		if got := push.OfStatus(code); got != want {
			t.Errorf("%d: %s, want %s", code, got, want)
		}
	}
}

func TestTheSamePushAgainSendsWhatIsPlannedOrRefusedAndCountsItsBatchesOn(t *testing.T) {
	l := memory.NewPushLedger()
	h := newHub(func(n int) push.Outcome {
		switch n {
		case 2:
			return push.Outcome{Event: push.Declined, Status: 400}
		case 3:
			return push.Outcome{Event: push.Unauthorized, Status: 401}
		}
		return push.Outcome{Event: push.Accepted, Status: 200}
	})
	first := sent(t, aPush(l, h), contacts(8))
	if c := first.Counts; c.Sent != 2 || c.Refused != 2 || c.Planned != 4 || first.Exit() != 4 || pipeline.KindOf(first.Stop) != pipeline.Unauthorized {
		t.Fatalf("%+v, %d, %v", c, first.Exit(), first.Stop)
	}
	second := sent(t, aPush(l, h), append(contacts(8), "+5299"))
	if c := second.Counts; c.Sent != 7 || c.AlreadySent != 2 || second.Exit() != 0 {
		t.Errorf("%+v", c)
	}
	// What was not taken leaves its name: nothing of it is in the portal.
	if want := []string{"Summer", "Summer (2)", "Summer (3)", "Summer (3)", "Summer (4)", "Summer (5)", "Summer (6)"}; !slices.Equal(h.names(), want) {
		t.Errorf("%q", h.names())
	}
	for contact, n := range h.accepted {
		if n != 1 {
			t.Errorf("%s was accepted %d times", contact, n)
		}
	}
	third := sent(t, aPush(l, h), contacts(8))
	if len(h.requests) != 7 || third.Counts.AlreadySent != 8 || third.Exit() != 0 {
		t.Errorf("%+v", third)
	}
}

func TestAContactOfAnySentOrUnknownAddressIsNotSentAgain(t *testing.T) {
	l, h := memory.NewPushLedger(), newHub(func(n int) push.Outcome {
		return []push.Outcome{{Event: push.Accepted, Status: 200}, {Event: push.Uncertain}}[n-1]
	})
	sent(t, aPush(l, h), rows{"+1 +2", "+3", "+4 +5"})
	report := sent(t, aPush(l, h), rows{"+2 +7", "+5 +1", "+8 +4"})
	if c := report.Counts; len(h.requests) != 2 || c.AlreadySent != 1 || c.Unknown != 2 || c.Changed != 1 {
		t.Errorf("%+v", c)
	}
	other := aPush(l, h)
	other.Key.Name = "Autumn"
	if r := prepared(t, other, rows{"+1 +2"}); r.Counts.ToSend != 1 {
		t.Errorf("under another key: %+v", r.Counts)
	}
}

func TestAnotherContentIsSentOnlyByAWord(t *testing.T) {
	l, h := memory.NewPushLedger(), newHub(takes)
	sent(t, aPush(l, h), rows{"+1/a", "+2/a", "+3/a", "+4/a"})
	changed := rows{"+1/b", "+2/a", "+3/b", "+4/b"}
	p := aPush(l, h)
	if c := sent(t, p, changed, "+4").Counts; c.AlreadySent != 4 || c.Changed != 3 || len(h.requests) != 2 {
		t.Errorf("%+v", c)
	}
	p.Resend = true
	h.answer = always(push.Declined, 400)
	if c := sent(t, p, changed, "+4").Counts; c.Refused != 2 || c.AlreadySent != 2 {
		t.Errorf("without what is suppressed: %+v", c)
	}
	if c := prepared(t, aPush(l, h), changed).Counts; c.AlreadySent != 4 || c.Changed != 3 {
		t.Errorf("what was sent stays sent when its other content is refused: %+v", c)
	}
	h.answer = takes
	if c := sent(t, p, changed, "+4").Counts; c.Sent != 2 || c.AlreadySent != 2 {
		t.Errorf("%+v", c)
	}
	if c := sent(t, p, changed, "+4").Counts; c.Sent != 0 || c.AlreadySent != 4 || c.Changed != 1 {
		t.Errorf("what was sent so is no other content: %+v", c)
	}
}

func TestSuppressedContactsAreOnTheBooksUntilTheyAreNot(t *testing.T) {
	l, h := memory.NewPushLedger(), newHub(takes)
	if c := sent(t, aPush(l, h), rows{"+1 +2", "+3", "+4"}, "+2", "+4").Counts; c.Suppressed != 2 || c.Sent != 1 {
		t.Errorf("%+v", c)
	}
	if got := status(t, l); got != (push.Counts{Suppressed: 2, Sent: 1}) {
		t.Errorf("%+v", got)
	}
	if c := sent(t, aPush(l, h), rows{"+1 +2", "+3", "+4"}, "+4").Counts; c.Sent != 1 || c.AlreadySent != 1 {
		t.Errorf("%+v", c)
	}
	if got := status(t, l); got != (push.Counts{Suppressed: 1, Sent: 2}) {
		t.Errorf("%+v", got)
	}
}

// wide is a ledger that notes how many addresses a change has at most.
type wide struct {
	*memory.PushLedger
	most int
}

func (l *wide) Append(ctx context.Context, k push.Key, after push.Position, changes ...push.Change) (push.Position, error) {
	for _, c := range changes {
		n := 0
		for _, e := range c.Contacts {
			n += len(e.IDs)
		}
		l.most = max(l.most, n)
	}
	return l.PushLedger.Append(ctx, k, after, changes...)
}

// A store bounds the size of a change, and --batch does not bound what is planned.
func TestContactsOfManyAddressesArePlannedInSmallerChanges(t *testing.T) {
	var in rows
	var suppressed []string
	for i := range 4000 {
		in = append(in, fmt.Sprintf("a%d b%d c%d d%d", i, i, i, i))
		if i%2 == 0 {
			suppressed = append(suppressed, fmt.Sprintf("a%d", i))
		}
	}
	slices.Sort(suppressed)
	l, h := &wide{PushLedger: memory.NewPushLedger()}, newHub(always(push.Unauthorized, 401))
	r, err := aPush(l, h).Prepare(t.Context(), in, push.Sieve{Suppressed: func(ids []string) bool {
		_, found := slices.BinarySearch(suppressed, ids[0])
		return found
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Send(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := status(t, l); got != (push.Counts{Planned: 2000, Suppressed: 2000}) || l.most > 5003 {
		t.Errorf("%+v, %d addresses in a change", got, l.most)
	}
}

func TestThreeUnknownBatchesInARowStopThePush(t *testing.T) {
	l := memory.NewPushLedger()
	h := newHub(func(n int) push.Outcome {
		if n == 3 {
			return push.Outcome{Event: push.Accepted, Status: 200}
		}
		return push.Outcome{Event: push.Uncertain, Status: 502}
	})
	report := sent(t, aPush(l, h), contacts(20))
	if c := report.Counts; len(h.requests) != 6 || c.Unknown != 10 || c.Sent != 2 || c.Planned != 8 || report.Exit() != 5 {
		t.Errorf("%d requests, %+v", len(h.requests), report)
	}
}

func TestAThrottledBatchWaitsAsTheVendorSaysWithinItsTime(t *testing.T) {
	l := memory.NewPushLedger()
	var waits []time.Duration
	h := newHub(func(n int) push.Outcome {
		switch n {
		case 1:
			return push.Outcome{Event: push.Throttled, Status: 429, RetryAfter: 20 * time.Second}
		case 2:
			return push.Outcome{Event: push.Throttled, Status: 429}
		case 4:
			return push.Outcome{Event: push.Throttled, Status: 429, RetryAfter: time.Hour}
		}
		return push.Outcome{Event: push.Accepted, Status: 200}
	})
	p := aPush(l, h)
	p.Pace.Pause = func(_ context.Context, d time.Duration) error { waits = append(waits, d); return nil }
	report := sent(t, p, contacts(6))
	if !slices.Equal(waits, []time.Duration{20 * time.Second, 2 * time.Second}) {
		t.Errorf("waited %v", waits)
	}
	if c := report.Counts; c.Sent != 2 || c.Planned != 4 || report.Exit() != 3 || len(h.requests) != 4 || pipeline.KindOf(report.Stop) != pipeline.Throttled {
		t.Errorf("%+v", report)
	}
	if len(report.Batches) != 2 || report.Batches[1].State != push.Planned || report.Batches[1].Status != 429 {
		t.Errorf("a batch has one line, however often it is tried: %+v", report.Batches)
	}
}

func TestASignalLeavesWhatIsNotUnderWayPlanned(t *testing.T) {
	l := memory.NewPushLedger()
	ctx, cancel := context.WithCancel(t.Context())
	h := newHub(takes)
	h.during = cancel
	r := prepared(t, aPush(l, h), contacts(6))
	report, err := r.Send(ctx)
	if c := report.Counts; err != nil || c.Sent != 2 || c.Planned != 4 || report.Exit() != pipeline.ExitStopped || len(h.requests) != 1 {
		t.Errorf("%+v, %v", report, err)
	}
	if got := status(t, l); got != (push.Counts{Sent: 2, Planned: 4}) {
		t.Errorf("%+v", got)
	}
}

// A signal outweighs what a later run makes good, as in a sync, and nothing else.
func TestOfSeveralExitCodesTheWeightiestCounts(t *testing.T) {
	stop := func(k pipeline.Kind) error { return &pipeline.Error{Kind: k, Err: errDied} }
	signal, planned := stop(pipeline.Stopped), push.Tally{Planned: 1}
	for _, c := range []struct {
		r    push.Report
		want int
	}{
		{push.Report{Counts: push.Tally{Refused: 1, Bad: 1, Duplicate: 1, Suppressed: 1, AlreadySent: 1}}, 0},
		{push.Report{Counts: planned}, 3},
		{push.Report{Refused: true}, 3},
		{push.Report{Refused: true, Counts: planned, Stop: signal}, 130},
		{push.Report{Refused: true, Counts: planned, Stop: stop(pipeline.Unauthorized)}, 4},
		{push.Report{Refused: true, Counts: planned, Stop: stop(pipeline.Unauthorized), Unknown: 1}, 5},
		{push.Report{Refused: true, Counts: planned, Stop: signal, Unknown: 1}, 5},
	} {
		if got := c.r.Exit(); got != c.want {
			t.Errorf("%+v: %d", c.r, got)
		}
	}
}

// dying is a ledger whose process dies before or after an append, and stays dead.
type dying struct {
	*memory.PushLedger
	at    int // the append that it dies at, counted from 1; 0: none
	after bool
	n     int
}

var errDied = errors.New("the process died")

func (l *dying) Append(ctx context.Context, k push.Key, after push.Position, changes ...push.Change) (push.Position, error) {
	l.n++
	if l.at > 0 && (l.n > l.at || l.n == l.at && !l.after) {
		return after, errDied
	}
	at, err := l.PushLedger.Append(ctx, k, after, changes...)
	if l.n == l.at {
		return at, errors.Join(errDied, err)
	}
	return at, err
}

// A process dies before or after each write of the ledger; then the same push runs again.
func TestNoContactIsAcceptedTwiceWhereverTheProcessDies(t *testing.T) {
	whole := &dying{PushLedger: memory.NewPushLedger()}
	sent(t, aPush(whole, newHub(takes)), contacts(5), "+521550000004")
	for n := 1; n <= whole.n; n++ {
		for _, after := range []bool{false, true} {
			l, h := memory.NewPushLedger(), newHub(takes)
			r := prepared(t, aPush(&dying{PushLedger: l, at: n, after: after}, h), contacts(5), "+521550000004")
			if _, err := r.Send(t.Context()); !errors.Is(err, errDied) {
				t.Fatalf("%d: %v", n, err)
			}
			again := sent(t, aPush(l, h), contacts(5), "+521550000004")
			c := status(t, l)
			if c.Sent+c.Unknown != 4 || c.Suppressed != 1 || (again.Exit() == 5) != (c.Unknown > 0) {
				t.Errorf("dying at %d, %v: %+v, exit code %d", n, after, c, again.Exit())
			}
			for contact, times := range h.accepted {
				if times > 1 {
					t.Errorf("dying at %d, %v: %s was accepted %d times", n, after, contact, times)
				}
			}
			if len(h.accepted) < c.Sent {
				t.Errorf("dying at %d, %v: %d are sent, and %d were accepted", n, after, c.Sent, len(h.accepted))
			}
		}
	}
}

func TestOfTwoPushesAtOnceOneWinsEachContact(t *testing.T) {
	l, h := memory.NewPushLedger(), newHub(takes)
	var all conc.WaitGroup
	var mu sync.Mutex
	total := 0
	for range 4 {
		all.Go(func() {
			p := aPush(l, h)
			p.Pace = push.Pace{RetryFor: time.Minute, Others: time.Minute}
			r, err := p.Prepare(t.Context(), contacts(40), push.Sieve{Suppressed: nobody})
			if err != nil {
				t.Error(err)
				return
			}
			report, err := r.Send(t.Context())
			if err != nil || report.Exit() != 0 || report.Counts.Unknown+report.Counts.Planned != 0 {
				t.Errorf("%+v, %v", report.Counts, err)
			}
			mu.Lock()
			defer mu.Unlock()
			total += report.Counts.Sent
		})
	}
	all.Wait()
	for contact, times := range h.accepted {
		if times != 1 {
			t.Errorf("%s was accepted %d times", contact, times)
		}
	}
	if len(h.accepted) != 40 || total != 40 {
		t.Errorf("%d contacts were accepted, and the pushes say %d", len(h.accepted), total)
	}
}

func TestAnOperatorsWordEndsAnUnknownOutcome(t *testing.T) {
	ctx := t.Context()
	l, h := memory.NewPushLedger(), newHub(always(push.Uncertain, 504))
	id := sent(t, aPush(l, h), contacts(2)).Batches[0].ID
	if unknown, err := push.UnknownBatches(ctx, l); err != nil || len(unknown) != 1 || unknown[0].ID != id || unknown[0].Name != "Summer" || unknown[0].Contacts != 2 || unknown[0].Key != summer {
		t.Fatalf("%+v, %v", unknown, err)
	}
	for what, resolve := range map[string]func() error{
		"an answer of the vendor passed as an operator's word": func() error {
			_, err := push.Resolve(ctx, l, id, push.Accepted, "seen", time.Now())
			return err
		},
		"a batch that does not exist was resolved": func() error {
			_, err := push.Resolve(ctx, l, id+"1", push.OperatorSent, "seen", time.Now())
			return err
		},
	} {
		if resolve() == nil {
			t.Error(what)
		}
	}
	if b, err := push.Resolve(ctx, l, id, push.OperatorNotSent, "not in the portal", time.Now()); err != nil || b.State != push.Planned || b.Name != "Summer" {
		t.Fatalf("%+v, %v", b, err)
	}
	if got := status(t, l); got != (push.Counts{Planned: 2}) {
		t.Errorf("%+v", got)
	}
	h.answer = takes
	if report := sent(t, aPush(l, h), contacts(2)); report.Exit() != 0 || report.Counts.Sent != 2 {
		t.Errorf("%+v", report)
	}
	if _, err := push.Resolve(ctx, l, id, push.OperatorSent, "no", time.Now()); pipeline.KindOf(err) != pipeline.Invalid {
		t.Errorf("a batch whose outcome is known was resolved: %v", err)
	}
}

func TestALedgerBelongsToOneKeyAndAHubToOneCountry(t *testing.T) {
	l, h := memory.NewPushLedger(), newHub(takes)
	p := aPush(l, h)
	p.Country = "MX"
	r := prepared(t, p, contacts(2))
	if keys, err := l.Keys(t.Context()); err != nil || len(keys) != 0 {
		t.Errorf("to prepare wrote %v, %v", keys, err)
	}
	if _, err := r.Send(t.Context()); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*push.Push){
		"another key":     func(p *push.Push) { p.Hasher = push.NewHasher(secret + "1") },
		"another country": func(p *push.Push) { p.Country = "US" },
		"no country":      func(p *push.Push) { p.Country = "" },
	} {
		p := aPush(l, h)
		p.Country = "MX"
		change(p)
		if _, err := p.Prepare(t.Context(), contacts(1), push.Sieve{Suppressed: nobody}); pipeline.KindOf(err) != pipeline.Invalid {
			t.Errorf("%s: %v", what, err)
		}
	}
	other := aPush(l, h)
	other.Key.Hub, other.Country = "support", "US"
	if report := sent(t, other, contacts(2)); report.Counts.Sent != 2 {
		t.Errorf("another hub with another country: %+v", report)
	}
}

func TestRefusedRowsAreCountedShownAndHandedOn(t *testing.T) {
	in := rows{"+1", "bad", "+1", "+2"}
	for range 30 {
		in = append(in, "bad/x", "+1")
	}
	var all []push.Refusal
	r, err := aPush(memory.NewPushLedger(), newHub(takes)).Prepare(t.Context(), in, push.Sieve{
		Suppressed: nobody, Refused: func(f push.Refusal) error { all = append(all, f); return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if c := r.Counts; c.Read != 64 || c.Refused != 31 || c.Duplicate != 31 || c.ToSend != 2 || r.RefusedShare() != 31./33 {
		t.Errorf("%+v, %v", c, r.RefusedShare())
	}
	if len(r.Shown) != 20 || r.Shown[0].Row != 2 || r.Shown[1].DuplicateOf != 1 || r.Shown[0].Cells != nil {
		t.Errorf("%+v", r.Shown)
	}
	if len(all) != 62 || !slices.Equal(all[0].Cells, []string{"the cell"}) {
		t.Errorf("%+v", all)
	}
}

// What lies in the ledger is HMAC-SHA-256 under the key's bytes, so that whoever has the key can look an address up.
func TestAnAddressIsItsHMAC(t *testing.T) {
	e := push.NewHasher("Jefe-what do ya want for nothing").Entry(push.Contact{IDs: []string{"+5215512345678"}})
	text, err := e.IDs[0].MarshalText()
	const openssl = "f5ca1ab4271e944215927a5467a24804bc59ed8a2fc32485e8d1670fab8f4b99"
	if err != nil || string(text) != openssl {
		t.Errorf("%s, %v", text, err)
	}
}
