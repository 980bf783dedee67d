// Package pushtest proves that a [push.Ledger] keeps what it promises. A driver's test supplies a [Driver] and calls
// [Run]. Start at proofs.
package pushtest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sourcegraph/conc"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/push"
)

// Driver is what a ledger's test supplies.
type Driver struct {
	// New makes an empty place for a ledger. It is dropped when the test ends.
	New func(t testing.TB) Place
	// Forgets says why the ledger goes with its process; empty where it is durable. Then nothing of it can be damaged either.
	Forgets string
	// Writers is how many writers the suite lets loose at once, each of which adds Writes changes.
	Writers, Writes int
}

// Place is somewhere that keeps a ledger.
type Place interface {
	// Open returns the ledger as another process has it. The place closes it when the test ends.
	Open(t testing.TB) push.Ledger
}

// Damager damages what lies in its place. Every durable one is one.
type Damager interface {
	// Damage does something to the first changes of a key, and returns the name by which the error must call what is
	// damaged; empty where that cannot happen there.
	Damage(t testing.TB, k push.Key, how Harm) (name string)
}

// Harm is a kind of damage.
type Harm string

const (
	Cut     Harm = "cut off"
	Flipped Harm = "with a bit flipped"
	Newer   Harm = "written by a newer version"
	Missing Harm = "missing while later ones are there"
	Foreign Harm = "of another key"
)

var proofs = []struct {
	name  string
	prove func(t *testing.T, d Driver)
}{
	{"what was added comes back in its order, from any position on", ordered},
	{"another process finds all of it", durable},
	{"a change holds as many contacts as a push plans at once", wide},
	{"an append behind an old position adds nothing", moved},
	{"of writers at once each change is added once, and all readers see one order", together},
	{"keys are listed in their order, whatever they are called, and the ledger's own log is none", listed},
	{"an error of the reader ends the reading", ends},
	{"what is damaged is refused by its name", damaged},
	{"a push that dies at any named point leaves no contact to be sent twice", dies},
	{"two pushes at once send each contact once and leave nothing unknown", both},
	{"a push that begins while another is sending waits for what becomes of its contacts", meets},
	{"a ledger nobody has written to is empty, and stays so", untouched},
}

// Run proves every promise of a ledger.
func Run(t *testing.T, d Driver) {
	for _, p := range proofs {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			p.prove(t, d)
		})
	}
}

// The keys of the suite. Hubs and lists are called as people call them.
var (
	summer = push.Key{Account: "mx", Hub: "ventas/../ñandú =\"' \\", Delivery: push.Lists, Name: "Summer\n 2026; DROP"}
	leads  = push.Key{Account: "mx", Hub: summer.Hub, Delivery: push.Leads, Name: summer.Name}
	lower  = push.Key{Account: "mx", Hub: summer.Hub, Delivery: push.Lists, Name: strings.ToLower(summer.Name)}
	us     = push.Key{Account: "us-east", Hub: "a", Delivery: push.Leads, Name: strings.Repeat("long", 500)}
	own    = push.Key{}
)

func change(n int) push.Change {
	at := time.Date(2026, 11, 26, 18, 0, n%60, 123456000, time.UTC)
	switch n % 3 {
	case 0:
		e := push.NewHasher("k").Entry(push.Contact{IDs: []string{fmt.Sprint("a", n), fmt.Sprint("b", n)}, JSON: []byte("{}")})
		return push.Change{State: push.Sending, Batch: fmt.Sprint("b-", n), Number: n + 1, Name: "Ñ \"quoted\" \\ ' (2)\n", Run: "run-1", Contacts: []push.Entry{e}, At: at}
	case 1:
		return push.Change{State: push.Refused, Batch: fmt.Sprint("b-", n), Status: 422, Note: "it's \"no\"\\ \u2028 \x01 `x`; --\n", At: at}
	}
	digest := push.NewHasher("k").Key()
	return push.Change{Terms: &push.Terms{Key: &digest, Account: "mx", Hub: summer.Hub, Country: "MX"}, At: at}
}

func changes(from, n int) (all []push.Change) {
	for i := range n {
		all = append(all, change(from+i))
	}
	return all
}

func read(t *testing.T, l push.Ledger, k push.Key, after push.Position) ([]push.Change, push.Position) {
	t.Helper()
	var all []push.Change
	end, err := l.Read(t.Context(), k, after, func(c push.Change) error { all = append(all, c); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return all, end
}

func add(t *testing.T, l push.Ledger, k push.Key, after push.Position, c ...push.Change) push.Position {
	t.Helper()
	end, err := l.Append(t.Context(), k, after, c...)
	if err != nil {
		t.Fatal(err)
	}
	return end
}

func same(t *testing.T, what string, got, want []push.Change) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d changes, want %d", what, len(got), len(want))
	}
	for i, g := range got {
		g.At, want[i].At = g.At.UTC(), want[i].At.UTC()
		if !reflect.DeepEqual(g, want[i]) {
			t.Errorf("%s: change %d is\n%+v, want\n%+v", what, i, g, want[i])
		}
	}
}

func ordered(t *testing.T, d Driver) {
	l := d.New(t).Open(t)
	first := add(t, l, summer, 0, changes(0, 2)...)
	second := add(t, l, summer, first, changes(2, 3)...)
	add(t, l, leads, 0, changes(7, 1)...)
	third := add(t, l, summer, second, changes(5, 1)...)
	for _, c := range []struct {
		after push.Position
		from  int
	}{{0, 0}, {first, 2}, {second, 5}, {third, 6}} {
		got, end := read(t, l, summer, c.after)
		same(t, fmt.Sprint("from change ", c.from), got, changes(c.from, 6-c.from))
		if end != third {
			t.Errorf("the end is %d, want %d", end, third)
		}
	}
	got, _ := read(t, l, leads, 0)
	same(t, "the other key", got, changes(7, 1))
}

func durable(t *testing.T, d Driver) {
	if d.Forgets != "" {
		t.Skip(d.Forgets)
	}
	p := d.New(t)
	l := p.Open(t)
	end := add(t, l, summer, 0, changes(0, 3)...)
	add(t, l, own, 0, changes(2, 1)...)
	got, at := read(t, p.Open(t), summer, 0)
	same(t, "another process", got, changes(0, 3))
	if at != end {
		t.Errorf("the end is %d, want %d", at, end)
	}
	other := p.Open(t)
	add(t, other, summer, end, changes(3, 2)...)
	got, _ = read(t, l, summer, end)
	same(t, "what another process has added", got, changes(3, 2))
	got, _ = read(t, other, own, 0)
	same(t, "the ledger's own log", got, changes(2, 1))
}

func wide(t *testing.T, d Driver) {
	l := d.New(t).Open(t)
	for i, addresses := range []int{1, 4} {
		const planned = 5000 // addresses
		c := push.Change{State: push.Planned, At: change(0).At}
		for n := range planned / addresses {
			var ids []string
			for id := range addresses {
				ids = append(ids, fmt.Sprint(n, "-", id))
			}
			c.Contacts = append(c.Contacts, push.NewHasher("k").Entry(push.Contact{IDs: ids, JSON: []byte("{}")}))
		}
		add(t, l, summer, push.Position(i), c)
		got, _ := read(t, l, summer, push.Position(i))
		same(t, fmt.Sprintf("contacts of %d addresses", addresses), got, []push.Change{c})
	}
}

func moved(t *testing.T, d Driver) {
	p := d.New(t)
	l := p.Open(t)
	end := add(t, l, summer, 0, changes(0, 1)...)
	if _, err := l.Append(t.Context(), summer, 0, changes(1, 2)...); !errors.Is(err, push.ErrMoved) {
		t.Errorf("behind the beginning: %v", err)
	}
	next := add(t, l, summer, end, changes(1, 1)...)
	if _, err := l.Append(t.Context(), summer, end, changes(2, 1)...); !errors.Is(err, push.ErrMoved) {
		t.Errorf("behind %d of %d: %v", end, next, err)
	}
	got, _ := read(t, l, summer, 0)
	same(t, "after all", got, changes(0, 2))
}

// appended adds a change behind whatever others add.
func appended(ctx context.Context, l push.Ledger, k push.Key, at push.Position, c push.Change) (push.Position, error) {
	for {
		end, err := l.Append(ctx, k, at, c)
		if !errors.Is(err, push.ErrMoved) {
			return end, err
		}
		if at, err = l.Read(ctx, k, at, func(push.Change) error { return nil }); err != nil {
			return at, err
		}
	}
}

func together(t *testing.T, d Driver) {
	p := d.New(t)
	var all conc.WaitGroup
	for w := range d.Writers {
		l := p.Open(t)
		all.Go(func() {
			var at push.Position
			for i := range d.Writes {
				c := push.Change{State: push.Planned, Batch: fmt.Sprintf("%d-%d", w, i), At: time.Now()}
				var err error
				if at, err = appended(t.Context(), l, summer, at, c); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	got, _ := read(t, p.Open(t), summer, 0)
	again, _ := read(t, p.Open(t), summer, 0)
	same(t, "two readers", again, got)
	next := map[string]int{}
	for _, c := range got {
		w, n, _ := strings.Cut(c.Batch, "-")
		if n != fmt.Sprint(next[w]) {
			t.Errorf("of writer %s comes %s, want %d", w, n, next[w])
		}
		next[w]++
	}
	if len(got) != d.Writers*d.Writes {
		t.Errorf("%d changes, want %d", len(got), d.Writers*d.Writes)
	}
}

func listed(t *testing.T, d Driver) {
	p := d.New(t)
	l := p.Open(t)
	want := []push.Key{us, summer, own, lower, leads}
	for _, k := range want {
		add(t, l, k, 0, change(1))
	}
	want = slices.DeleteFunc(want, func(k push.Key) bool { return k == own })
	slices.SortFunc(want, push.Key.Compare)
	if got, err := p.Open(t).Keys(t.Context()); err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
}

func ends(t *testing.T, d Driver) {
	l := d.New(t).Open(t)
	add(t, l, summer, 0, changes(0, 3)...)
	enough := errors.New("enough")
	seen := 0
	if _, err := l.Read(t.Context(), summer, 0, func(push.Change) error { seen++; return enough }); !errors.Is(err, enough) || pipeline.ErrorKind(err) != "internal" || seen != 1 {
		t.Errorf("%v, after %d changes", err, seen)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Read(ctx, summer, 0, func(push.Change) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("a reader that was stopped: %v", err)
	}
	if _, err := l.Append(ctx, leads, 0, change(0)); !errors.Is(err, context.Canceled) {
		t.Errorf("a writer that was stopped: %v", err)
	}
	if got, _ := read(t, l, leads, 0); len(got) != 0 {
		t.Errorf("it wrote %v", got)
	}
}

func damaged(t *testing.T, d Driver) {
	if d.Forgets != "" {
		t.Skip(d.Forgets)
	}
	for _, how := range []Harm{Cut, Flipped, Newer, Missing, Foreign} {
		p := d.New(t)
		l := p.Open(t)
		end := add(t, l, summer, 0, changes(0, 3)...)
		add(t, l, summer, end, changes(3, 1)...)
		name := p.(Damager).Damage(t, summer, how)
		if name == "" {
			continue
		}
		_, err := p.Open(t).Read(t.Context(), summer, 0, func(push.Change) error { return nil })
		if pipeline.KindOf(err) != pipeline.Damaged || !strings.Contains(err.Error(), name) || pipeline.ExitOf(pipeline.KindOf(err)) != 1 {
			t.Errorf("%s: %v", how, err)
		}
		if newer := err != nil && strings.Contains(err.Error(), "newer version"); newer != (how == Newer) {
			t.Errorf("%s: the remedy of %v", how, err)
		}
	}
}

func untouched(t *testing.T, d Driver) {
	p := d.New(t)
	l := p.Open(t)
	if got, end := read(t, l, summer, 0); len(got) != 0 || end != 0 {
		t.Errorf("%v, %d", got, end)
	}
	if keys, err := l.Keys(t.Context()); err != nil || len(keys) != 0 {
		t.Errorf("%v, %v", keys, err)
	}
}

// vendor takes everything.
type vendor struct {
	mu     sync.Mutex
	taken  map[string]int
	during func() // once, while a request is under way; nil: nothing happens
}

func (v *vendor) Wait(ctx context.Context) error { return ctx.Err() }

func (v *vendor) Send(_ context.Context, _ push.Key, b push.Batch) push.Outcome {
	v.mu.Lock()
	during := v.during
	v.during = nil
	v.mu.Unlock()
	if during != nil {
		during()
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, c := range b.Contacts {
		v.taken[string(c.JSON)]++
	}
	return push.Outcome{Event: push.Accepted, Status: 200}
}

// input is n contacts.
type input int

func (n input) Read(_ context.Context, accept func(push.Contact) error, _ func(push.Refusal) error) error {
	for i := range int(n) {
		id := fmt.Sprintf("+5215500%04d", i)
		if err := accept(push.Contact{Row: i + 1, IDs: []string{id}, JSON: fmt.Appendf(nil, `{"clientIds":[%q]}`, id)}); err != nil {
			return err
		}
	}
	return nil
}

func (input) Columns() []string { return nil }
func (input) Ignored() []string { return nil }
func (input) Close() error      { return nil }

// alone is the pace of a push beside which nobody pushes, atOnce that of pushes at once.
var alone, atOnce = push.Pace{RetryFor: time.Minute}, push.Pace{RetryFor: time.Minute, Others: 2 * time.Minute}

func (v *vendor) push(ctx context.Context, l push.Ledger, n int, pace push.Pace) (push.Report, error) {
	p := &push.Push{Ledger: l, Hub: v, Key: summer, Hasher: push.NewHasher("0123456789abcdef0123456789abcdef"), Batch: 2, Now: time.Now, Pace: pace}
	r, err := p.Prepare(ctx, input(n), push.Sieve{Suppressed: func([]string) bool { return false }})
	if err != nil {
		return push.Report{}, err
	}
	return r.Send(ctx)
}

// crash is what a process dies of.
type crash struct{ point string }

func dies(t *testing.T, d Driver) {
	if d.Forgets != "" {
		t.Skip(d.Forgets)
	}
	const contacts = 3
	seen := 0
	for n := 0; ; n++ {
		p, v := d.New(t), &vendor{taken: map[string]int{}}
		point := v.dieAt(t, p.Open(t), contacts, n)
		l := p.Open(t)
		report, err := v.push(t.Context(), l, contacts, alone)
		if err != nil {
			t.Fatalf("after %s: %v", point, err)
		}
		all, err := push.Summaries(t.Context(), l, func(push.Key) bool { return true })
		if err != nil || len(all) != 1 {
			t.Fatalf("after %s: %v, %v", point, all, err)
		}
		c := all[0].Counts
		if c.Sent+c.Unknown != contacts || c.Sent > len(v.taken) || (report.Exit() == pipeline.ExitUnknown) != (c.Unknown > 0) {
			t.Errorf("after %s: %+v, exit code %d, %d taken", point, c, report.Exit(), len(v.taken))
		}
		for contact, times := range v.taken {
			if times != 1 {
				t.Errorf("after %s: %s was taken %d times", point, contact, times)
			}
		}
		if point == "" {
			if seen == 0 || c.Unknown != 0 {
				t.Errorf("%d points, and %+v without a crash", seen, c)
			}
			return
		}
		seen++
	}
}

// dieAt pushes until the n-th named point, counted from 0, and names it; empty where the push has fewer.
func (v *vendor) dieAt(t *testing.T, l push.Ledger, contacts, n int) (point string) {
	passed := 0
	ctx := pipeline.WithPoints(t.Context(), func(name string) {
		if passed++; passed > n {
			panic(crash{name})
		}
	})
	defer func() {
		if p := recover(); p != nil {
			c, ok := p.(crash)
			if !ok {
				panic(p)
			}
			point = c.point
			if err := l.Close(); err != nil { // what a process holds goes with it
				t.Error(err)
			}
		}
	}()
	if _, err := v.push(ctx, l, contacts, alone); err != nil {
		t.Error(err)
	}
	return ""
}

func both(t *testing.T, d Driver) {
	const contacts = 20
	p, v := d.New(t), &vendor{taken: map[string]int{}}
	var all conc.WaitGroup
	sent := make([]int, 2)
	for i := range sent {
		l := p.Open(t)
		all.Go(func() {
			report, err := v.push(t.Context(), l, contacts, atOnce)
			if err != nil || report.Exit() != 0 {
				t.Errorf("%+v, %v", report, err)
			}
			sent[i] = report.Counts.Sent
		})
	}
	all.Wait()
	if sent[0]+sent[1] != contacts || len(v.taken) != contacts {
		t.Errorf("sent %v, and %d were taken", sent, len(v.taken))
	}
	for contact, times := range v.taken {
		if times != 1 {
			t.Errorf("%s was taken %d times", contact, times)
		}
	}
}

func meets(t *testing.T, d Driver) {
	const contacts = 6
	p, v := d.New(t), &vendor{taken: map[string]int{}}
	first, second := p.Open(t), p.Open(t)
	var other conc.WaitGroup
	defer other.Wait()
	v.during = func() {
		meets := make(chan struct{})
		pace := atOnce
		pace.Pause = func(ctx context.Context, d time.Duration) error {
			select {
			case <-meets:
				return pipeline.Sleep(ctx, d)
			default:
				close(meets)
			}
			return ctx.Err()
		}
		over := make(chan struct{})
		other.Go(func() {
			defer close(over)
			report, err := v.push(t.Context(), second, contacts, pace)
			if err != nil || report.Exit() != 0 || report.Counts.Unknown != 0 || report.Counts.Sent != contacts-2 || report.Counts.AlreadySent != 2 {
				t.Errorf("the second: %+v, %v", report, err)
			}
		})
		select {
		case <-meets:
		case <-over: // without waiting for the first
		}
	}
	report, err := v.push(t.Context(), first, contacts, atOnce)
	if err != nil || report.Exit() != 0 || report.Counts.Sent != 2 || report.Counts.AlreadySent != contacts-2 {
		t.Errorf("the first: %+v, %v", report, err)
	}
	other.Wait()
	for contact, times := range v.taken {
		if times != 1 {
			t.Errorf("%s was taken %d times", contact, times)
		}
	}
}
