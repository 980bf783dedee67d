package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/connectors/dialpad"
	"github.com/windrow-data/windrow/connectors/ucontact"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
)

func TestTwoAccountsOfAVendorTravelFromTheEnvironmentToThePlan(t *testing.T) {
	setAccounts(t, map[string]string{
		"ACCOUNTS": "mx,jp",
		"MX_URL":   "http://127.0.0.1:1", "MX_TOKEN": "k", "MX_TIMEZONE": "America/Mexico_City", "MX_AGENTS": "Agent1",
		"JP_URL": "http://127.0.0.1:2", "JP_TOKEN": "l", "JP_TIMEZONE": "Asia/Tokyo", "JP_AGENTS": "Agent2",
	})
	t.Setenv("WINDROW_STREAMS", "ucontact.agents")
	t.Setenv("WINDROW_FROM", "2025-09-07")
	var stdout, stderr strings.Builder
	a := newApp(&stdout, &stderr, time.Now)
	a.asOf = "2025-09-08T12:00:00Z"
	s, err := a.configureFor([]vendor{uContact()})
	if err != nil {
		t.Fatal(err)
	}
	var planned []pipeline.PlannedStream
	err = a.withEngine(t.Context(), s, func(e *engine.Engine) error {
		planned, err = e.Plan(t.Context())
		if err != nil {
			return err
		}
		return a.plan(t.Context(), s, e, &selection{})
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range planned {
		for _, w := range p.Windows {
			got = append(got, p.Stream.Key.String()+" "+w.Window.Span.String())
		}
	}
	if want := []string{
		"ucontact.agents@mx 2025-09-07T06:00:00Z/2025-09-08T06:00:00Z",
		"ucontact.agents@jp 2025-09-06T15:00:00Z/2025-09-07T15:00:00Z",
	}; !slices.Equal(got, want) {
		t.Errorf("planned %q, want %q", got, want)
	}
	for _, name := range []string{"ucontact.agents@mx  new", "ucontact.agents@jp  new"} {
		if !strings.Contains(stdout.String(), name) {
			t.Errorf("the plan lacks %q:\n%s", name, stdout.String())
		}
	}
}

func TestAStreamThatOneOfTwoAccountsHasIsServed(t *testing.T) {
	setAccounts(t, map[string]string{
		"ACCOUNTS": "mx,jp", "MX_URL": "http://127.0.0.1:1", "MX_TOKEN": "k", "JP_URL": "http://127.0.0.1:2", "JP_TOKEN": "l",
		"TIMEZONE": "Asia/Tokyo", "MX_CAMPAIGNS": "Ventas", "JP_AGENTS": "Agent2",
	})
	a := newApp(&strings.Builder{}, &strings.Builder{}, time.Now)
	s, err := a.configureFor([]vendor{uContact()})
	if err != nil {
		t.Fatal(err)
	}
	if faults := s.streamFaults("--streams", []pipeline.StreamID{"ucontact.agents"}); len(faults) > 0 {
		t.Errorf("a stream that one account has is refused: %v", faults)
	}
	sources, err := a.sources(s, time.Second, time.Now)
	if err != nil || len(sources) != 2 {
		t.Fatalf("%d sources, %v", len(sources), err)
	}
	if err := s.chooseAccounts("jp"); err != nil {
		t.Fatal(err)
	}
	sources, err = a.sources(s, time.Second, time.Now)
	if err != nil || len(sources) != 1 || sources[0].Streams()[0].Key.Account != "jp" {
		t.Errorf("%d sources, %v", len(sources), err)
	}
	if err := s.chooseAccounts("jp,us"); err == nil || exitCode(err) != pipeline.ExitInvalid || !strings.Contains(strings.Join(reasons(err), " "), "mx, jp") {
		t.Errorf("an account that does not exist: %v", err)
	}
}

func TestAnAccountHasItsOwnHostAndSecretsAndElseTheSources(t *testing.T) {
	setAccounts(t, map[string]string{
		"ACCOUNTS": "mx, us-east", "TIMEZONE": "America/Mexico_City", "AGENTS": "Ana", "GROUPNUM": "30", "RATE": "7",
		"MX_URL": "http://127.0.0.1:1", "MX_TOKEN": "k",
		"US_EAST_URL": "http://127.0.0.1:2", "US_EAST_TOKEN": "l", "US_EAST_TIMEZONE": "America/New_York", "US_EAST_GROUPNUM": "15",
	})
	s, err := newApp(&strings.Builder{}, &strings.Builder{}, time.Now).configureFor([]vendor{uContact()})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, t := range s.tenants {
		of := t.streams[0]
		got = append(got, of.Key.String()+" "+of.Calendar.Zone.String()+" "+of.Grain.String()+" "+strings.Join(of.Missing, ","))
	}
	if want := []string{"ucontact.agents@mx America/Mexico_City 30m ", "ucontact.agents@us-east America/New_York 15m "}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestFaultsOfAccountsNameTheVariableThatWasTyped(t *testing.T) {
	for _, c := range []struct {
		says string
		env  map[string]string
		want []string // the beginnings of the faults, in order
	}{
		{"an account without its secrets", map[string]string{"ACCOUNTS": "mx,us", "TIMEZONE": "UTC", "MX_URL": "https://mx.example", "MX_TOKEN": "k", "US_URL": "https://us.example"},
			[]string{"US_TOKEN is required to read uContact"}},
		{"hosts and secrets of the source do not count", map[string]string{"ACCOUNTS": "mx", "TIMEZONE": "UTC", "URL": "https://mx.example", "TOKEN": "k"},
			[]string{"URL is of no account: where WINDROW_UCONTACT_ACCOUNTS names several", "TOKEN is of no account", "MX_TOKEN is required", "MX_URL is required"}},
		{"what they share is told once", map[string]string{"ACCOUNTS": "mx,us", "TIMEZONE": "Mars", "MX_URL": "https://mx.example", "MX_TOKEN": "k", "US_URL": "https://us.example", "US_TOKEN": "l", "US_RATE": "fast"},
			[]string{`TIMEZONE is "Mars"`, `US_RATE is "fast"`}},
		{"names that are none", map[string]string{"ACCOUNTS": "MX,,9x,us,us,agent", "TIMEZONE": "UTC", "US_URL": "https://us.example", "US_TOKEN": "l", "AGENT_URL": "https://us.example", "AGENT_TOKEN": "l"},
			[]string{`ACCOUNTS names "MX"; an account's name is of small letters`, "ACCOUNTS has a blank between two commas", `ACCOUNTS names "9x"`, "ACCOUNTS names us twice",
				"ACCOUNTS names agent, whose variable WINDROW_UCONTACT_AGENT_METRICS is one of the source"}},
		{"a variable of an account that is not named", map[string]string{"ACCOUNTS": "mx", "TIMEZONE": "UTC", "MX_URL": "https://mx.example", "MX_TOKEN": "k", "US_TOKEN": "l"},
			[]string{"US_TOKEN is of the account us, which WINDROW_UCONTACT_ACCOUNTS does not name"}},
	} {
		t.Run(c.says, func(t *testing.T) {
			setAccounts(t, c.env)
			_, err := newApp(&strings.Builder{}, &strings.Builder{}, time.Now).configureFor([]vendor{uContact()})
			var faults *faultsError
			if !errors.As(err, &faults) || exitCode(err) != pipeline.ExitInvalid {
				t.Fatal(err)
			}
			var got []string
			for _, f := range faults.faults {
				got = append(got, strings.TrimPrefix(f.String(), "WINDROW_UCONTACT_"))
			}
			if !slices.EqualFunc(got, c.want, strings.HasPrefix) {
				t.Errorf("%q", got)
			}
		})
	}
}

func uContact() vendor {
	return connector[ucontact.Config]("ucontact", ucontact.New, ucontact.Streams, outbound)
}

// setAccounts sets variables of uContact, and a sink.
func setAccounts(t *testing.T, env map[string]string) {
	t.Helper()
	for name, value := range env {
		t.Setenv("WINDROW_UCONTACT_"+name, value)
	}
	t.Setenv("WINDROW_SINK", t.TempDir())
}

func TestAnAdoptionNamesTheAccountWhereASourceHasSeveral(t *testing.T) {
	setAccounts(t, map[string]string{
		"ACCOUNTS": "mx,jp", "TIMEZONE": "Asia/Tokyo", "MX_URL": "https://mx.example", "MX_TOKEN": "k", "JP_URL": "https://jp.example", "JP_TOKEN": "l",
	})
	var stdout strings.Builder
	a := newApp(&stdout, &strings.Builder{}, time.Now)
	s, err := a.configureFor([]vendor{uContact(), connector[dialpad.Config]("dialpad", dialpad.New, dialpad.Streams, nil)})
	if err != nil {
		t.Fatal(err)
	}
	for of, want := range map[pipeline.TenantKey]string{
		{Source: "ucontact"}:                "--account is missing: ucontact has mx, jp",
		{Source: "ucontact", Account: "us"}: "--account us: ucontact has no such account\nIt has mx, jp.",
		{Source: "dialpad"}:                 "dialpad is not configured",
	} {
		err := a.adopt(t.Context(), s, of, false)
		if err == nil || exitCode(err) != pipeline.ExitInvalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v", of, err)
		}
	}
	if err := a.adopt(t.Context(), s, pipeline.TenantKey{Source: "ucontact", Account: "jp"}, false); err != nil || !strings.Contains(stdout.String(), "nothing of ucontact@jp yet: its first commit notes jp.example.") {
		t.Errorf("%v: %s", err, stdout.String())
	}
}

// The account without a name is given where the environment is read; whoever
// else named it would not notice a second account.
func TestOnlyTheReaderOfTheEnvironmentNamesTheDefaultAccount(t *testing.T) {
	allowed := []string{
		"cmd/windrow/vendor.go", // gives it
		"pipeline/ids.go",       // declares it, and leaves it out of labels
	}
	// The benchmark and the replayed answers have one account, as the program's users have today.
	others := []string{root + "/cmd/bench", root + "/connectors/connectortest"}
	var found []string
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.IsDir() && slices.Contains(others, filepath.ToSlash(path)) {
			return filepath.SkipDir
		}
		if err != nil || e.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.Contains(string(text), "DefaultAccount") {
			found = append(found, filepath.ToSlash(strings.TrimPrefix(path, root+string(filepath.Separator))))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(found, allowed) {
		t.Errorf("these name it: %q; want %q", found, allowed)
	}
}
