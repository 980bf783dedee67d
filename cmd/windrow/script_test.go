package main

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/connectors/vendorsim/postoffice"
)

// TestMain lets scripts and tests start this binary as windrow itself.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"windrow": main, "stubborn": stubborn, "odd": odd, "measured": measured, "mortal": mortal})
}

// noon is a Wednesday, well after every vendor has settled the day before.
const noon = "2025-09-10T18:00:00Z"

// TestScripts runs every verb against simulated vendors. Besides the usual
// commands, scripts have
//
//	vendors [source…]     sets the variables that point windrow at the vendors
//	exits CODE ARGS…      runs windrow and checks its exit code
//	fails HOST KIND TIMES makes requests of a vendor fail: html, 500, 401
//	mended                ends all failures
//	refuses EXPORT…       makes Dialpad refuse these exports alone: 'csat records'
//	ucontact-says FILE    sets the variables that point windrow at a uContact that answers with the file
//	differ DURATION       sets the vendors' real clocks apart from the machine's
//	unknown-batch         sets $BATCH to the id in the last output of push resolve --json
//
// those of bigQueryCommands, mailboxCommands, companyCommands and bucketCommands, and $NOW, the vendors' clock, for --as-of.
func TestScripts(t *testing.T) {
	commands := map[string]func(*testscript.TestScript, bool, []string){
		"vendors": pointAtVendors, "exits": exits, "fails": fails, "mended": mended, "refuses": refuses, "differ": differ, "ucontact-says": uContactSays,
		"unknown-batch": unknownBatch,
	}
	maps.Copy(commands, bigQueryCommands)
	maps.Copy(commands, mailboxCommands)
	maps.Copy(commands, companyCommands)
	maps.Copy(commands, bucketCommands)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			world, servers, err := startVendors(env)
			if err != nil {
				return err
			}
			env.Values[worldKey{}] = &simulation{world, servers}
			env.Values[companiesKey{}] = companies{}
			env.Values[contextKey{}] = env.T()
			env.Values[officeKey{}] = new(*postoffice.Office)
			env.Values[bigQueryKey{}] = &scriptBigQuery{scope: env}
			env.Setenv("NOW", noon)
			return nil
		},
		Cmds: commands,
	})
}

type worldKey struct{}

// contextKey is that of the script's test.
type contextKey struct{}

// simulation are one script's vendors.
type simulation struct {
	world   *vendorsim.World
	servers *vendorsim.Running
}

func startVendors(env *testscript.Env) (*vendorsim.World, *vendorsim.Running, error) {
	now, err := time.Parse(time.RFC3339, noon)
	if err != nil {
		return nil, nil, err
	}
	world := quickWorld(now)
	t := env.T().(testing.TB)
	servers, err := world.Start(t.Context())
	if err == nil {
		env.Defer(servers.Close)
	}
	return world, servers, err
}

// quickWorld makes vendors that answer at once and whose clock stands.
func quickWorld(now time.Time) *vendorsim.World {
	o := vendorsim.Options{Seed: 3, CallsPerDay: 20, TextsPerDay: 10}
	o.Dialpad.Limits.Rate, o.Dialpad.ProcessingPolls = -1, -1
	world := vendorsim.New(o)
	world.SetNow(now)
	return world
}

// quickServers are the servers of a quick world at noon.
func quickServers(t *testing.T) *vendorsim.Running {
	t.Helper()
	now, err := time.Parse(time.RFC3339, noon)
	if err != nil {
		t.Fatal(err)
	}
	servers, err := quickWorld(now).Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(servers.Close)
	return servers
}

// quickVariables point windrow at the vendors, without waiting for anybody.
func quickVariables(servers *vendorsim.Running) []string {
	return append(servers.Env(),
		"WINDROW_UCONTACT_RATE=1000", "WINDROW_CHATTONIC_RATE=1000", "WINDROW_DIALPAD_RATE=1000",
		"WINDROW_DIALPAD_POLL_FIRST=10ms", "WINDROW_DIALPAD_POLL_EVERY=10ms", "WINDROW_RETRY_FOR=200ms",
		"WINDROW_FROM=2025-09-07",
	)
}

func pointAtVendors(ts *testscript.TestScript, neg bool, args []string) {
	for _, pair := range quickVariables(ts.Value(worldKey{}).(*simulation).servers) {
		name, value, _ := strings.Cut(pair, "=")
		rest := strings.TrimPrefix(name, "WINDROW_")
		source, _, _ := strings.Cut(rest, "_")
		wanted := len(args) == 0 || source != "UCONTACT" && source != "CHATTONIC" && source != "DIALPAD"
		for _, a := range args {
			wanted = wanted || strings.EqualFold(a, source)
		}
		if wanted {
			ts.Setenv(name, value)
		}
	}
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: exits CODE ARGS…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	if err := ts.Exec("windrow", args[1:]...); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			ts.Fatalf("windrow: %v", err)
		}
		code = exit.ExitCode()
	}
	if code != want {
		ts.Fatalf("windrow %s: exit code %d, want %d", strings.Join(args[1:], " "), code, want)
	}
}

func fails(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: fails HOST KIND TIMES")
	}
	times, err := strconv.Atoi(args[2])
	ts.Check(err)
	f := vendorsim.Fault{Host: args[0], Times: times, Kind: vendorsim.FaultStatus}
	switch args[1] {
	case "html":
		f.Kind = vendorsim.FaultHTML
	case "500":
		f.Code = http.StatusInternalServerError
	case "401":
		f.Code = http.StatusUnauthorized
	default:
		ts.Fatalf("no failure %q", args[1])
	}
	ts.Value(worldKey{}).(*simulation).world.Inject(f)
}

func refuses(ts *testscript.TestScript, _ bool, args []string) {
	ts.Value(worldKey{}).(*simulation).world.Set(func(o *vendorsim.Options) { o.Dialpad.Refused = args })
}

func differ(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: differ DURATION")
	}
	by, err := time.ParseDuration(args[0])
	ts.Check(err)
	ts.Value(worldKey{}).(*simulation).world.Set(func(o *vendorsim.Options) {
		o.Real = func() time.Time { return time.Now().Add(by) }
	})
}

func uContactSays(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: ucontact-says FILE")
	}
	text := ts.ReadFile(args[0])
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }))
	ts.Defer(server.Close)
	for name, value := range map[string]string{"URL": server.URL, "TOKEN": "k", "TIMEZONE": "UTC", "AGENTS": "Ana", "RATE": "1000"} {
		ts.Setenv("WINDROW_UCONTACT_"+name, value)
	}
}

func unknownBatch(ts *testscript.TestScript, _ bool, _ []string) {
	var all []struct{ ID string }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &all))
	if len(all) != 1 {
		ts.Fatalf("%d batches are unknown", len(all))
	}
	ts.Setenv("BATCH", all[0].ID)
}

func mended(ts *testscript.TestScript, neg bool, args []string) {
	ts.Value(worldKey{}).(*simulation).world.ClearFaults()
}
