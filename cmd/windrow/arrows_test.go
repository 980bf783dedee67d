package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/windrow-data/windrow/"

// goPackage is what `go list -json` says of a package.
type goPackage struct {
	ImportPath string
	Dir        string
	Imports    []string
	GoFiles    []string // without tests
}

// An arrow forbids packages under from to import those under to.
type arrow struct {
	from   string   // below the module's root; with a $ behind it that package alone
	to     []string // prefixes; those of the module begin with "./"
	except []string
	reason string
}

// The linter's configuration says the same (.golangci.yml, depguard); this
// test says it to those who do not run the linter.
var arrows = []arrow{
	{"pipeline", []string{"./"}, []string{"./pipeline"}, "pipeline is the vocabulary: everything may know it, it knows none of us"},
	{"pipeline/calendar", []string{"./"}, nil, "calendar is the lowest floor: pure values, which know nothing of us"},
	{"pipeline$", []string{"./"}, []string{"./pipeline/calendar"}, "the contract knows time; neither who plans nor who moves"},
	{"pipeline/plan", []string{"./"}, []string{"./pipeline$", "./pipeline/calendar"}, "a plan is made of the contract's words alone"},
	{"pipeline/engine", []string{"./"}, []string{"./pipeline$", "./pipeline/calendar", "./pipeline/plan"}, "the engine moves what was planned"},
	{"pipeline/archive", []string{"./"}, []string{"./pipeline$"}, "the archive decorates the contract's sources and knows nobody who reads them"},
	{"pipeline/push", []string{"./"}, []string{"./pipeline$", "./pipeline/push"}, "a push shares the contract's words with a sync and nothing else"},
	{"connectors", []string{"./pipeline/engine", "./pipeline/plan"}, nil, "a connector knows the contract, not who plans or moves"},
	{"sinks", []string{"./pipeline/engine", "./pipeline/plan"}, nil, "a sink knows the contract, not who plans or moves"},
	{"transforms", []string{"./pipeline/engine", "./pipeline/plan"}, nil, "a format knows the contract, not who plans or moves"},
	{"pipeline", []string{"net/http", "os", "os/exec", "cloud.google.com/", "gocloud.dev/", "github.com/spf13/", "github.com/kelseyhightower/"}, nil,
		"pipeline knows no vendor, no SDK, no file system and no environment"},
	{"transforms", []string{"./pipeline/archive"}, nil, "a format reads bodies, wherever they come from"},
	{"transforms$", []string{"./pipeline/push"}, nil, "a format makes rows of a table; a push has none"},
	{"transforms/phone", []string{"./"}, nil, "phone numbers are the world's, not ours"},
	{"connectors", []string{"./transforms/rows"}, nil, "a connector gets rows; which file they stood in is not its business, and it links no Parquet"},
	{"transforms", []string{"./"}, []string{"./transforms", "./pipeline"}, "transforms is pure: formats know the words and nothing else of us"},
	{"transforms", []string{"net/http", "os", "os/exec"}, nil, "transforms does no I/O of its own"},
	{"connectors", []string{"./sinks", "./cmd"}, nil, "a connector yields bodies; where they end up is not its business"},
	{"connectors", []string{"os"}, nil, "the environment is read in cmd; configuration arrives as a struct"},
	{"sinks", []string{"./connectors", "./cmd"}, nil, "a sink stores windows; where they come from is not its business"},
	{"sinks", []string{"./transforms"}, nil, "a sink gets columns; how a vendor's bytes became rows is not its business"},
	{"connectors/vendorsim", []string{"./"}, []string{"./connectors/vendorsim"}, "the simulated vendors must not share a misunderstanding with us"},
}

// suite is the test of connectors. It runs them as the program does, and so knows who plans and moves.
const suite = "connectors/connectortest"

// Siblings do not know each other.
var siblings = []string{"connectors/ucontact", "connectors/chattonic", "connectors/dialpad", "connectors/vendorsim", "sinks/parquet", "sinks/archive", "sinks/memory", "sinks/bigquery", "sinks/objectstore"}

func TestDependenciesFollowTheArrows(t *testing.T) {
	packages := listPackages(t)
	for _, p := range packages {
		for _, a := range arrows {
			for _, found := range a.broken(p) {
				t.Errorf("%s imports %s: %s", p.ImportPath, found, a.reason)
			}
		}
		for _, s := range siblings {
			for _, other := range siblings {
				if s != other && under(p.ImportPath, module+s) {
					for _, i := range p.Imports {
						if under(i, module+other) {
							t.Errorf("%s imports %s: siblings meet in cmd alone", p.ImportPath, i)
						}
					}
				}
			}
		}
	}
}

func TestTheArrowsWouldCatchAnImport(t *testing.T) {
	for _, c := range []struct{ from, to string }{
		{"pipeline", module + "transforms"}, {"pipeline", "os"}, {"transforms", module + "sinks/parquet"},
		{"connectors/dialpad", module + "sinks/memory"}, {"sinks/parquet", module + "connectors/dialpad"}, {"connectors/vendorsim", module + "pipeline"},
		{"pipeline/calendar", module + "pipeline"}, {"pipeline", module + "pipeline/plan"}, {"pipeline/plan", module + "pipeline/engine"},
		{"pipeline/engine", module + "transforms"}, {"pipeline/engine", module + "pipeline/push"}, {"pipeline/push", module + "pipeline/plan"}, {"sinks/parquet", module + "pipeline/engine"}, {"connectors/dialpad", module + "pipeline/plan"},
		{"pipeline/engine", module + "pipeline/archive"}, {"pipeline/archive", module + "pipeline/push"}, {"transforms", module + "pipeline/archive"},
		{"transforms/rows", module + "pipeline/archive"}, {"transforms", module + "pipeline/push"}, {"connectors/ucontact/contacts", module + "transforms/rows"}, {"transforms/phone", module + "pipeline"},
	} {
		caught := false
		for _, a := range arrows {
			caught = caught || len(a.broken(goPackage{ImportPath: module + c.from, Imports: []string{c.to}})) > 0
		}
		if !caught {
			t.Errorf("no arrow forbids %s to import %s", c.from, c.to)
		}
	}
}

// mostFiles is how many source files a newcomer looks through. The program has a file for each verb, and the simulated
// vendors are several vendors.
const mostFiles = 25

func TestNoPackageIsCrowded(t *testing.T) {
	for _, p := range listPackages(t) {
		room := strings.TrimPrefix(p.ImportPath, module)
		if n := len(p.GoFiles); n > mostFiles && room != "cmd/windrow" && room != "connectors/vendorsim" {
			t.Errorf("%s has %d source files, at most %d are wanted: what is a package of its own?", room, n, mostFiles)
		}
	}
}

// The program is one static file: it links no C, and above all not DuckDB, which
// is large and serves the tests.
func TestTheProgramLinksNoCAndNoDuckDB(t *testing.T) {
	for _, p := range linked(t) {
		path, cgo, _ := strings.Cut(p, " ")
		if strings.Contains(strings.ToLower(path), "duckdb") {
			t.Errorf("the program links DuckDB (%s), which serves the tests alone", path)
		}
		if cgo != "" {
			t.Errorf("%s is in part C (%s): the program would not be a static file", path, cgo)
		}
	}
}

// The clients of the object stores are linked by sinks/objectstore, and by whoever wires it: a sink is handed a volume.
func TestNothingButObjectstoreLinksAnObjectStoresClient(t *testing.T) {
	rooms := []string{"pipeline/...", "transforms/...", "connectors/...", "sinks/parquet", "sinks/archive", "sinks/pushledger", "sinks/memory", "sinks/bigquery/...", "sinks/internal/..."}
	list := []string{"list", "-deps", "-f", "{{.ImportPath}}"}
	for _, room := range rooms {
		list = append(list, module+room)
	}
	clients := func(args []string) (found []string) {
		out, err := exec.CommandContext(t.Context(), "go", args...).Output()
		if err != nil {
			t.Fatal(err)
		}
		for path := range strings.Lines(string(out)) {
			if path = strings.TrimSpace(path); under(path, "github.com/aws") || under(path, "google.golang.org/api/storage") || under(path, "cloud.google.com/go/storage") {
				found = append(found, path)
			}
		}
		return found
	}
	if found := clients(list); len(found) > 0 {
		t.Errorf("%q are linked", found)
	}
	if found := clients(append(list[:4:4], module+"sinks/objectstore")); len(found) < 2 {
		t.Errorf("sinks/objectstore links %q only: this test looks for the wrong clients", found)
	}
}

// The suites, the simulated BigQuery and the payloads of the tests stay outside of the program. The demo needs the
// simulated vendors.
func TestTheProgramLinksNothingOfTheTests(t *testing.T) {
	ours := 0
	for _, p := range linked(t) {
		path, _, _ := strings.Cut(p, " ")
		if under(path, "github.com/nyaruka/phonenumbers") {
			t.Errorf("the program links %s, which takes as long as all of the rest of a start; see transforms/phone/plan.go", path)
		}
		room, is := strings.CutPrefix(path, module)
		if !is {
			continue
		}
		if ours++; strings.HasSuffix(room, "test") || under(room, "testdata") || strings.Contains(room, "test/") {
			t.Errorf("the program links %s, which is for tests", room)
		}
	}
	if ours < 15 {
		t.Errorf("the program links only %d packages of ours", ours)
	}
}

// linked lists the packages of which the program is made, but for the standard library's, each with its files in C.
func linked(t *testing.T) []string {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f",
		"{{if not .Standard}}{{.ImportPath}} {{join .CgoFiles \",\"}}{{end}}", module+"cmd/windrow")
	// With cgo on, else files of C would be left out unseen. The standard library has some of its own for either way.
	list.Env = append(list.Environ(), "CGO_ENABLED=1")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(packages) < 20 {
		t.Fatalf("go list knows %d packages only", len(packages))
	}
	return packages
}

// broken lists the imports of p that the arrow forbids. Tests may import more.
func (a arrow) broken(p goPackage) []string {
	if !under(p.ImportPath, module+a.from) {
		return nil
	}
	var found []string
	for _, i := range p.Imports {
		if under(p.ImportPath, module+suite) && under(i, module+"pipeline") {
			continue
		}
		if matches(i, a.to) && !matches(i, a.except) {
			found = append(found, i)
		}
	}
	return found
}

func matches(path string, prefixes []string) bool {
	for _, prefix := range prefixes {
		if ours, ok := strings.CutPrefix(prefix, "./"); ok {
			prefix = module + ours
		}
		if under(path, prefix) || strings.HasSuffix(prefix, "/") && strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}

// under reports whether path is the package, or lies below it; with a $ behind the prefix, whether it is the package.
func under(path, prefix string) bool {
	if exact, ok := strings.CutSuffix(prefix, "$"); ok {
		return path == exact
	}
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

func listPackages(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Dir,Imports,GoFiles", module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var packages []goPackage
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		switch err := d.Decode(&p); {
		case errors.Is(err, io.EOF):
			if len(packages) < 8 {
				t.Fatalf("go list knows %d packages only", len(packages))
			}
			return packages
		case err != nil:
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}
