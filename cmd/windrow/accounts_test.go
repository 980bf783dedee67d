package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/connectors/ucontact"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
)

// No variable gives a vendor two accounts yet. All behind the reading of the
// environment knows them already.
func TestTwoAccountsOfAVendorTravelFromTheEnvironmentToThePlan(t *testing.T) {
	for name, value := range map[string]string{
		"MX_URL": "http://127.0.0.1:1", "MX_TOKEN": "k", "MX_TIMEZONE": "America/Mexico_City", "MX_AGENTS": "Agent1",
		"JP_URL": "http://127.0.0.1:2", "JP_TOKEN": "l", "JP_TIMEZONE": "Asia/Tokyo", "JP_AGENTS": "Agent2",
	} {
		t.Setenv("WINDROW_UCONTACT_"+name, value)
	}
	t.Setenv("WINDROW_SINK", t.TempDir())
	t.Setenv("WINDROW_STREAMS", "ucontact.agents")
	t.Setenv("WINDROW_FROM", "2025-09-07")
	two := connectorOf[ucontact.Config]("ucontact", ucontact.New, ucontact.Streams,
		account{"mx", "WINDROW_UCONTACT_MX_"}, account{"jp", "WINDROW_UCONTACT_JP_"})

	var stdout, stderr strings.Builder
	a := newApp(&stdout, &stderr, time.Now)
	a.asOf = "2025-09-08T12:00:00Z"
	s, err := a.configureFor([]vendor{two})
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

func TestAVendorWithOneOfTwoAccountsIsConfigured(t *testing.T) {
	t.Setenv("WINDROW_SINK", t.TempDir())
	t.Setenv("WINDROW_UCONTACT_JP_TOKEN", "l")
	t.Setenv("WINDROW_UCONTACT_JP_URL", "http://127.0.0.1:2")
	t.Setenv("WINDROW_UCONTACT_JP_TIMEZONE", "Asia/Tokyo")
	t.Setenv("WINDROW_UCONTACT_JP_AGENTS", "Agent2")
	two := connectorOf[ucontact.Config]("ucontact", ucontact.New, ucontact.Streams,
		account{"mx", "WINDROW_UCONTACT_MX_"}, account{"jp", "WINDROW_UCONTACT_JP_"})
	a := newApp(&strings.Builder{}, &strings.Builder{}, time.Now)
	s, err := a.configureFor([]vendor{two})
	if err != nil {
		t.Fatal(err)
	}
	if faults := s.streamFaults("--streams", []pipeline.StreamID{"ucontact.agents"}); len(faults) > 0 {
		t.Errorf("a stream that one account has is refused: %v", faults)
	}
	sources, err := a.sources(s, time.Second, time.Now)
	if err != nil || len(sources) != 1 || sources[0].Streams()[0].Key.Account != "jp" {
		t.Errorf("%d sources, %v", len(sources), err)
	}
}

func TestAnAdoptionNamesTheAccountWhereASourceHasSeveral(t *testing.T) {
	t.Setenv("WINDROW_SINK", t.TempDir())
	t.Setenv("WINDROW_UCONTACT_JP_TOKEN", "l")
	t.Setenv("WINDROW_UCONTACT_JP_URL", "https://jp.example")
	t.Setenv("WINDROW_UCONTACT_JP_TIMEZONE", "Asia/Tokyo")
	two := connectorOf[ucontact.Config]("ucontact", ucontact.New, ucontact.Streams,
		account{"mx", "WINDROW_UCONTACT_MX_"}, account{"jp", "WINDROW_UCONTACT_JP_"})
	var stdout strings.Builder
	a := newApp(&stdout, &strings.Builder{}, time.Now)
	s, err := a.configureFor([]vendor{two})
	if err != nil {
		t.Fatal(err)
	}
	for account, want := range map[pipeline.AccountID]string{
		"": "--account is missing: ucontact has mx, jp", "us": "--account us: ucontact has no such account\nIt has mx, jp.",
		"mx": "ucontact@mx is not configured",
	} {
		err := a.adopt(t.Context(), s, pipeline.TenantKey{Source: "ucontact", Account: account}, false)
		if err == nil || exitCode(err) != pipeline.ExitInvalid || !strings.Contains(err.Error(), want) {
			t.Errorf("account %q: %v", account, err)
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
