package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const root = "../.."

// documents maps every page of the tree, by its path below the root, to its text.
func documents(t *testing.T) map[string]string {
	t.Helper()
	pages := map[string]string{}
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && strings.HasPrefix(e.Name(), ".") && path != root:
			return filepath.SkipDir
		case e.IsDir() || filepath.Ext(path) != ".md":
			return nil
		}
		text, err := os.ReadFile(path)
		pages[strings.TrimPrefix(path, root+"/")] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"} {
		if pages[name] == "" {
			t.Errorf("there is no %s", name)
		}
	}
	return pages
}

var (
	links = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	// A path begins with one of the rooms. What stands in <> is any name.
	paths = regexp.MustCompile(`(?:^|[^\w./<>-])(?:\./)?((?:cmd|connectors|pipeline|sinks|transforms|testdata|deploy|\.ci|\.github)/[\w./<>*-]*\w[>*]?)`)
	named = regexp.MustCompile("(?s)`(\\w+)`\\s+\\((?:`([\\w./-]+\\.go)`|same file)\\)")
)

func TestEveryLinkOfTheDocumentsLeadsSomewhere(t *testing.T) {
	pages, found := documents(t), 0
	for page, text := range pages {
		for _, m := range links.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			found++
			file, anchor, _ := strings.Cut(m[1], "#")
			target := page
			if file != "" {
				target = filepath.Join(filepath.Dir(page), file)
			}
			if _, err := os.Stat(filepath.Join(root, target)); err != nil {
				t.Errorf("%s links to %s: %v", page, m[1], err)
			} else if anchor != "" && !slices.Contains(anchors(pages[target]), anchor) {
				t.Errorf("%s links to %s, which has no such heading", page, m[1])
			}
		}
	}
	if found < 10 {
		t.Errorf("the documents have only %d links", found)
	}
}

// anchors are the names by which a page's headings are linked to.
func anchors(page string) (all []string) {
	for line := range strings.Lines(page) {
		if title, ok := strings.CutPrefix(strings.TrimLeft(strings.TrimSpace(line), "#"), " "); ok && strings.HasPrefix(line, "#") {
			name := regexp.MustCompile(`[^\w -]`).ReplaceAllString(strings.ToLower(title), "")
			all = append(all, strings.ReplaceAll(name, " ", "-"))
		}
	}
	return all
}

func TestEveryPathInTheDocumentsExists(t *testing.T) {
	found := 0
	for page, text := range documents(t) {
		if page == "CHANGELOG.md" { // it tells of the past
			continue
		}
		for _, m := range paths.FindAllStringSubmatch(text, -1) {
			if found++; m[1] == "deploy/terraform/terraform.tfvars" { // the reader makes it
				continue
			}
			pattern := regexp.MustCompile(`<[^>]*>`).ReplaceAllString(m[1], "*")
			if some, err := filepath.Glob(filepath.Join(root, pattern)); err != nil || len(some) == 0 {
				t.Errorf("%s names %s, which does not exist", page, m[1])
			}
		}
	}
	if found < 50 {
		t.Errorf("the documents name only %d paths", found)
	}
}

func TestTheWalksNameFunctionsWhereTheyStand(t *testing.T) {
	steps, file := 0, ""
	for _, m := range named.FindAllStringSubmatch(documents(t)["ARCHITECTURE.md"], -1) {
		if m[2] != "" {
			file = m[2]
		}
		text, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Error(err)
			continue
		}
		steps++
		if !regexp.MustCompile(`(?m)^(func (\(\w+ \*?\w+(\[\w+\])?\) )?|type )` + m[1] + `\b`).Match(text) {
			t.Errorf("%s is neither a function nor a type of %s", m[1], file)
		}
	}
	if steps < 20 {
		t.Errorf("ARCHITECTURE.md names only %d functions and their files", steps)
	}
}

// Whoever opens a package of several files learns from its comment with which to begin.
func TestEveryPackageSaysWhereToStart(t *testing.T) {
	comment := regexp.MustCompile(`(?m)(?:^//.*\n)+package `)
	packages := 0
	for _, p := range listPackages(t) {
		if len(p.GoFiles) < 2 {
			continue
		}
		packages++
		says := false
		for _, name := range p.GoFiles {
			text, err := os.ReadFile(filepath.Join(p.Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			says = says || strings.Contains(string(comment.Find(text)), "Start ")
		}
		if !says {
			t.Errorf("the comment of %s does not say where to start", p.ImportPath)
		}
	}
	if packages < 20 {
		t.Errorf("only %d packages of several files", packages)
	}
}

func TestTheDocumentsStayShort(t *testing.T) {
	pages := documents(t)
	for page, most := range map[string]int{"README.md": 250, "ARCHITECTURE.md": 150} {
		if n := strings.Count(pages[page], "\n"); n > most {
			t.Errorf("%s has %d lines, at most %d are wanted: what belongs elsewhere?", page, n, most)
		}
	}
}

// Comments name the files of their own package, or those of another by their path.
func TestCommentsNameFilesThatExist(t *testing.T) {
	named := regexp.MustCompile(`(?:^|[^\w*/.-])((?:[\w-]+/)*[a-z]\w*\.go)\b`)
	found := 0
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && strings.HasPrefix(e.Name(), ".") && path != root:
			return filepath.SkipDir
		case filepath.Ext(path) != ".go":
			return nil
		}
		text, err := os.ReadFile(path)
		for line := range strings.Lines(string(text)) {
			_, comment, _ := strings.Cut(line, "//")
			for _, m := range named.FindAllStringSubmatch(comment, -1) {
				found++
				_, here := os.Stat(filepath.Join(filepath.Dir(path), m[1]))
				_, below := os.Stat(filepath.Join(root, m[1]))
				if here != nil && below != nil {
					t.Errorf("%s speaks of %s, which does not exist", path, m[1])
				}
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if found < 50 {
		t.Errorf("comments name only %d files", found)
	}
}

// What a vendor's own sample leaves in extras has its unit and its class on the connectors' page.
func TestEveryExtraOfTheVendorsSamplesIsExplained(t *testing.T) {
	page := documents(t)["connectors/README.md"]
	files, err := filepath.Glob(filepath.Join(root, "testdata/*/*/vendor*.golden.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			var row struct{ Extras string }
			extras := map[string]any{}
			err := json.Unmarshal([]byte(line), &row)
			if row.Extras != "" {
				err = errors.Join(err, json.Unmarshal([]byte(row.Extras), &extras))
			}
			if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
			for name := range extras {
				if seen[name] = true; !strings.Contains(page, "`"+name+"`") {
					t.Errorf("%s: connectors/README.md does not say what %s is", file, name)
				}
			}
		}
	}
	if len(seen) < 60 {
		t.Errorf("the samples have only %d fields in extras", len(seen))
	}
}

// The words of the ledger, of plan and of the history are explained where the sinks' page tells of them.
func TestTheSinksPageKnowsEveryWord(t *testing.T) {
	page := documents(t)["sinks/README.md"]
	words := []string{}
	for _, file := range []string{"planned.go", "entry.go", "ledger.go", "history.go"} {
		text, err := os.ReadFile(filepath.Join(root, "pipeline", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^(?:const)?\s+?\w+\s+(?:Reason|EntryKind|HistoryKind)\s+= "(\w+)"`).FindAllStringSubmatch(string(text), -1) {
			words = append(words, m[1])
		}
	}
	for _, word := range words {
		if !strings.Contains(page, "`"+word+"`") {
			t.Errorf("sinks/README.md does not explain %s", word)
		}
	}
	if len(words) < 20 {
		t.Errorf("only %d words were found: %v", len(words), words)
	}
}

// Each stream of the catalogue is named where the README tells what the tables hold, and has goldens with rows. Its
// conformance is the suite's affair, which leaves no stream out unsaid, and its sums those of package endtoend.
func TestEveryStreamIsInTheReadmeAndHasGoldens(t *testing.T) {
	_, section, _ := strings.Cut(readme(t), "\n## What the tables mean\n")
	section, _, _ = strings.Cut(section, "\n- ")
	var named []string
	source := ""
	for _, m := range regexp.MustCompile("`(\\w*)\\.(\\w+)`").FindAllStringSubmatch(section, -1) {
		source = cmp.Or(m[1], source) // `.texts` is of the source that was named last
		named = append(named, source+"."+m[2])
	}
	s, err := (&app{stdout: io.Discard, stderr: io.Discard, now: time.Now}).configure()
	if err != nil {
		t.Fatal(err)
	}
	known := s.catalogue()
	for _, of := range known {
		name := string(of.Key.Stream)
		if i := slices.Index(named, name); i < 0 {
			t.Errorf("the README does not name %s", name)
		} else {
			named = slices.Delete(named, i, i+1)
		}
		files, err := filepath.Glob(filepath.Join(root, "testdata", strings.Replace(name, ".", "/", 1), "*.golden.jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.ContainsFunc(files, func(file string) bool {
			text, err := os.ReadFile(file)
			return err == nil && strings.Contains(string(text), `"local_date":`)
		}) {
			t.Errorf("none of the %d goldens of %s has a row", len(files), name)
		}
	}
	if len(named) > 0 {
		t.Errorf("the README names %v, which do not exist, or twice", named)
	}
	if len(known) != 20 {
		t.Errorf("there are %d streams", len(known))
	}
}
