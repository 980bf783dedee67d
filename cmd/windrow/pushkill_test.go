package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/windrow-data/windrow/cmd/windrow/internal/killtest"
	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bufferpool"
	"github.com/windrow-data/windrow/sinks/sinktest/soak"
)

// The variables that tell mortal when to die.
const (
	mortalAt    = "MORTAL_AT"    // name#n: at the n-th pass of the point
	mortalTrace = "MORTAL_TRACE" // a file that gets the name of every point passed
)

// mortal is windrow, which may kill itself at a point.
func mortal() {
	bufferpool.ReplaceDefault()
	surviveClosedOutput()
	a := newApp(os.Stdout, os.Stderr, time.Now)
	ctx, release := a.untilSignal(pipeline.WithPoints(context.Background(), killtest.At(os.Getenv(mortalAt), os.Getenv(mortalTrace))))
	code := a.run(ctx, os.Args[1:])
	release()
	os.Exit(code)
}

const (
	campaignPushKey = "a key of the campaign, 32 bytes long or more"
	campaignName    = "September"
)

// campaign is contacts, a vendor that is to have each of them once, and a send ledger.
type campaign struct {
	*testing.T
	world     *vendorsim.World
	env       []string
	dir       string
	kind      string // lists or leads
	addresses []string
}

// newCampaign writes so many contacts into contacts.csv.
func newCampaign(t *testing.T, kind string, contacts int) *campaign {
	t.Helper()
	world := vendorsim.New(vendorsim.Options{})
	servers, err := world.Start(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(servers.Close)
	c := &campaign{T: t, world: world, kind: kind, dir: t.TempDir()}
	c.env = []string{
		"WINDROW_UCONTACT_URL=" + servers.UContactURL, "WINDROW_UCONTACT_TOKEN=ucontact-token", "WINDROW_UCONTACT_TIMEZONE=UTC", "WINDROW_UCONTACT_RATE=1000",
		"WINDROW_PUSH_KEY=" + campaignPushKey, "WINDROW_PUSH_LEDGER=" + filepath.Join(c.dir, "ledger"), "WINDROW_RETRY_FOR=2s",
	}
	rows := "clientIds,data.name\n"
	for i := range contacts {
		c.addresses = append(c.addresses, fmt.Sprintf("+5255500%05d", i))
		rows += fmt.Sprintf("%s,Person %d\n", c.addresses[i], i)
	}
	c.write("contacts.csv", rows)
	return c
}

func (c *campaign) write(name, text string) {
	c.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o600); err != nil {
		c.Fatal(err)
	}
}

// push is a push of all contacts, two a request, by windrow or mortal.
func (c *campaign) push(program string, env ...string) *exec.Cmd {
	c.Helper()
	name := map[string]string{"lists": "--name", "leads": "--key"}[c.kind]
	return process(c.T, program, c.dir, append(slices.Clone(c.env), env...),
		"push", c.kind, "--hub", "Ventas", "--hub-type", "telephony", name, campaignName, "--from", "contacts.csv", "--batch", "2", "--json")
}

// pushReport is what a push prints.
type pushReport struct {
	Read        int `json:"read"`
	Sent        int `json:"sent"`
	AlreadySent int `json:"already_sent"`
	Refused     int `json:"refused"`
	Duplicate   int `json:"duplicate"`
	Suppressed  int `json:"suppressed"`
	Unknown     int `json:"unknown"`
	Planned     int `json:"planned"`
	Exit        int `json:"exit"`
}

// run runs a command of windrow that prints JSON.
func (c *campaign) run(cmd *exec.Cmd, into any) (exit int) {
	c.Helper()
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	exit = exitCodeOf(c.T, cmd.Run())
	if err := json.Unmarshal(out.Bytes(), into); err != nil {
		c.Fatalf("exit %d, %v: %s\n%s", exit, err, out.Bytes(), said.Bytes())
	}
	return exit
}

// report runs a push to its end. What it says must add up.
func (c *campaign) report() pushReport {
	c.Helper()
	var r pushReport
	exit := c.run(c.push("windrow"), &r)
	if sum := r.Sent + r.AlreadySent + r.Refused + r.Duplicate + r.Suppressed + r.Unknown + r.Planned; exit != r.Exit || sum != r.Read || r.Read != len(c.addresses) {
		c.Errorf("exit %d, %+v", exit, r)
	}
	return r
}

// standing is what push status says of a push.
type standing struct{ Planned, Sent, Refused, Suppressed, Unknown int }

// status is where the push stands. It must fit what the vendor has: each contact is in one state, and what the vendor has
// is sent or unknown.
func (c *campaign) status() standing {
	c.Helper()
	var all []standing
	if exit := c.run(process(c.T, "windrow", c.dir, c.env, "push", "status", "--json"), &all); exit != 0 || len(all) > 1 {
		c.Fatalf("exit %d, %+v", exit, all)
	}
	var s standing
	if len(all) == 1 {
		s = all[0]
	}
	if sum := s.Planned + s.Sent + s.Refused + s.Suppressed + s.Unknown; sum != len(c.addresses) && sum != 0 {
		c.Errorf("%d contacts, and the ledger knows %+v", len(c.addresses), s)
	}
	accepted := len(c.accepted())
	if accepted < s.Sent || accepted > s.Sent+s.Unknown {
		c.Errorf("the vendor has %d contacts, and the ledger knows %+v", accepted, s)
	}
	return s
}

// accepted is how often the vendor has accepted each address.
func (c *campaign) accepted() map[string]int {
	times := map[string]int{}
	for _, a := range c.world.Accepted() {
		for _, address := range a.Addresses() {
			times[address]++
		}
	}
	return times
}

// inPortal tells whether a person finds the batch in the vendor's portal.
func (c *campaign) inPortal(name string) bool {
	for _, a := range c.world.Accepted() {
		var lead struct {
			Data struct {
				Push struct {
					Key   string
					Batch int
				} `json:"windrow_push"`
			}
		}
		if c.kind == "leads" && json.Unmarshal(a.Contacts[0], &lead) == nil && lead.Data.Push.Key == campaignName && strconv.Itoa(lead.Data.Push.Batch) == name || c.kind == "lists" && a.Filename == name {
			return true
		}
	}
	return false
}

// resolve gives an operator's word on every batch whose outcome is unknown.
func (c *campaign) resolve() (words int) {
	c.Helper()
	var unknown []struct {
		ID, Hub, Kind, Key, Name string
		Contacts                 int
	}
	if exit := c.run(process(c.T, "windrow", c.dir, c.env, "push", "resolve", "--json"), &unknown); exit != 0 {
		c.Fatalf("exit %d", exit)
	}
	for _, b := range unknown {
		word := map[bool]string{true: "--sent", false: "--not-sent"}[c.inPortal(b.Name)]
		if out, err := process(c.T, "windrow", c.dir, c.env, "push", "resolve", "--batch", b.ID, word, "--reason", "as the portal shows").CombinedOutput(); err != nil {
			c.Fatalf("resolve %+v: %v\n%s", b, err, out)
		}
	}
	return len(unknown)
}

// finish pushes until all is done, with an operator's word where one is wanted, and fails unless the vendor has each
// contact once.
func (c *campaign) finish() {
	c.Helper()
	before := c.accepted()
	c.status()
	for try := 0; ; try++ {
		r := c.report()
		s := c.status()
		if (r.Exit == pipeline.ExitUnknown) != (s.Unknown > 0) {
			c.Errorf("exit %d, and the ledger knows %+v", r.Exit, s)
		}
		if r.Exit == 0 {
			break
		}
		if words := c.resolve(); words == 0 && r.Exit == pipeline.ExitUnknown || try == 5 {
			c.Fatalf("after %d words: %+v", words, r)
		}
	}
	for _, address := range c.addresses {
		if n := c.accepted()[address]; n != 1 {
			c.Errorf("%s was accepted %d times; %d times before the end", address, n, before[address])
		}
	}
	if s := c.status(); s != (standing{Sent: len(c.addresses)}) {
		c.Errorf("at the end the ledger knows %+v", s)
	}
}

var pushKinds = []string{"lists", "leads"}

func TestPushKilledAtEveryNamedPointSendsEachContactOnce(t *testing.T) {
	killedAtEveryPoint(t, newCampaign)
}

type makeCampaign func(t *testing.T, kind string, contacts int) *campaign

func killedAtEveryPoint(t *testing.T, newCampaign makeCampaign) {
	first := newCampaign(t, "lists", 6)
	trace := filepath.Join(t.TempDir(), "trace")
	var r pushReport
	if exit := first.run(first.push("mortal", mortalTrace+"="+trace), &r); exit != 0 || r.Sent != 6 {
		t.Fatalf("exit %d, %+v", exit, r)
	}
	var points []string
	passes := killtest.Passes(t, trace)
	for _, name := range slices.Sorted(maps.Keys(passes)) {
		for n := range passes[name] {
			points = append(points, fmt.Sprintf("%s#%d", name, n+1))
		}
	}
	if len(points) < 12 {
		t.Fatalf("a push passes only %v", points)
	}
	soak.Sweep(t, len(points), pushKinds, func(t *testing.T, point, kind int) {
		c := newCampaign(t, pushKinds[kind], 6)
		if err := c.push("mortal", mortalAt+"="+points[point-1]).Run(); !killtest.Killed(err) {
			t.Fatalf("%s: %v", points[point-1], err)
		}
		c.finish()
	})
}

func TestPushKilledAtRandomSendsEachContactOnce(t *testing.T) {
	killedAtRandom(t, newCampaign, 6, 200)
}

// killedAtRandom kills pushes few times, or many times in a soak, each after it has noted something and before it has ended.
func killedAtRandom(t *testing.T, newCampaign makeCampaign, few, many int) {
	first := newCampaign(t, "lists", 12)
	began := time.Now()
	if r := first.report(); r.Sent != 12 {
		t.Fatalf("%+v", r)
	}
	whole, all, open := time.Since(began), 0, 0
	t.Logf("a whole push takes %v", whole)
	soak.Rounds(t, few, many, func(t *testing.T, random *rand.Rand) (midway int) {
		c := newCampaign(t, pushKinds[random.IntN(len(pushKinds))], 12)
		before := c.status()
		for range 3 {
			c.disturb(random)
			cmd := c.push("windrow")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			stop := c.killSometime(random, cmd, whole)
			killed := killtest.Killed(cmd.Wait())
			stop()
			s := c.status()
			if killed {
				all++
				if s != before { // it had begun, so the kill came upon it midway
					midway++
				}
				if s.Unknown > before.Unknown {
					open++
				}
			}
			before = s
		}
		c.world.ClearFaults()
		c.finish()
		return midway
	})
	t.Logf("of %d kills here, %d left a batch of unknown outcome; those before a push had noted anything do not count", all, open)
}

// killSometime kills a push at any moment of a whole one, or at one about which a request comes.
func (c *campaign) killSometime(random *rand.Rand, cmd *exec.Cmd, whole time.Duration) (stop func()) {
	if random.IntN(2) == 0 {
		timer := time.AfterFunc(time.Duration(random.Float64()*float64(whole)), func() { _ = cmd.Process.Kill() })
		return func() { timer.Stop() }
	}
	const exchange = 4 * time.Millisecond
	left, after := random.IntN(6), time.Duration(random.Float64()*float64(exchange))
	c.world.Inject(vendorsim.Fault{Host: "ucontact", Match: func(*http.Request) bool {
		if left--; left == -1 {
			time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		}
		return false
	}})
	return func() {}
}

// disturb lets the vendor fail in some way, or in none.
func (c *campaign) disturb(random *rand.Rand) {
	c.world.ClearFaults()
	effect := random.IntN(2) == 0
	f := vendorsim.Fault{Host: "ucontact", Skip: random.IntN(4), Effect: effect}
	switch random.IntN(9) {
	case 0:
		f.Kind, f.Effect = vendorsim.FaultReset, false
	case 1:
		f.Kind, f.Effect = vendorsim.FaultLost, false
	case 2:
		f.Kind, f.Code = vendorsim.FaultStatus, 500
	case 3:
		f.Kind, f.Code, f.Effect = vendorsim.FaultStatus, 429, false
	case 4:
		f.Kind, f.Code, f.Effect = vendorsim.FaultStatus, 400, false
	case 5:
		f.Kind, f.Body = vendorsim.FaultRaw, "HTTP/1.1 what\r\n\r\n"
	case 6:
		c.world.BreakOff(vendorsim.Break{Skip: f.Skip, Side: vendorsim.BreakSide(random.IntN(2)), Bytes: random.IntN(500), How: vendorsim.BreakHow(random.IntN(2))})
		return
	default:
		return
	}
	c.world.Inject(f)
}

func TestOfTwoPushProcessesOneWinsEachContact(t *testing.T) {
	c := newCampaign(t, "leads", 12)
	// One of them is slow, so that they meet in the middle.
	c.world.Inject(vendorsim.Fault{Host: "ucontact", Kind: vendorsim.FaultSlow, Bytes: 8, Pause: 5 * time.Millisecond, Times: 2})
	reports := make([]pushReport, 2)
	outs := make([]bytes.Buffer, 2)
	var both []*exec.Cmd
	for i := range reports {
		cmd := c.push("windrow")
		cmd.Stdout, cmd.Stderr = &outs[i], os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		both = append(both, cmd)
	}
	sent := 0
	for i, cmd := range both {
		exit := exitCodeOf(t, cmd.Wait())
		if err := json.Unmarshal(outs[i].Bytes(), &reports[i]); err != nil || exit != 0 || reports[i].Sent+reports[i].AlreadySent != 12 {
			t.Errorf("exit %d, %+v, %v", exit, reports[i], err)
		}
		sent += reports[i].Sent
	}
	if sent != 12 {
		t.Errorf("%d contacts were sent: %+v", sent, reports)
	}
	c.finish()
}

func TestASignalEndsAPushWithin8Seconds(t *testing.T) {
	for _, x := range []struct {
		says  string
		fault vendorsim.Fault
		again bool // another signal comes, which ends it at once
		exit  int
		left  standing
	}{
		{"a vendor that never answers", vendorsim.Fault{Kind: vendorsim.FaultHang, Effect: true}, false, pipeline.ExitUnknown, standing{Planned: 4, Unknown: 2}},
		{"a vendor that never answers, and another signal", vendorsim.Fault{Kind: vendorsim.FaultHang, Effect: true}, true, pipeline.ExitUnknown, standing{Planned: 4, Unknown: 2}},
		{"a vendor that needs a second", vendorsim.Fault{Kind: vendorsim.FaultSlow, Bytes: 10, Pause: 200 * time.Millisecond}, false, pipeline.ExitStopped, standing{Planned: 4, Sent: 2}},
	} {
		t.Run(x.says, func(t *testing.T) {
			t.Parallel()
			c := newCampaign(t, "lists", 6)
			called := make(chan struct{}, 9)
			x.fault.Match = func(*http.Request) bool { called <- struct{}{}; return true }
			c.world.Inject(x.fault)
			cmd := c.push("windrow")
			var out, said bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, &said
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			<-called
			began := time.Now()
			if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if x.again {
				_ = cmd.Process.Signal(syscall.SIGINT)
			}
			exit := exitCodeOf(t, cmd.Wait())
			if took := time.Since(began); exit != x.exit || took > 8*time.Second {
				t.Errorf("exit %d after %s\n%s%s", exit, took, out.Bytes(), said.Bytes())
			}
			c.world.ClearFaults()
			if s := c.status(); s != x.left {
				t.Errorf("it leaves %+v", s)
			}
			c.finish()
		})
	}
}
