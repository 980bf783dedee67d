package main

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/cmd/windrow/internal/show"
	"github.com/windrow-data/windrow/sinks/bigquery"
)

// What is deployed is checked by .ci/deploy; this alone needs the program's
// own list of variables.
func TestEveryVariableThatDeployNamesExists(t *testing.T) {
	var known []string
	for _, v := range declaredVariables(vendors) {
		known = append(known, v.Name)
	}
	seen := 0
	err := filepath.WalkDir("../../deploy", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.Name() == ".terraform": // what somebody's provider left
			return filepath.SkipDir
		case d.IsDir():
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, name := range regexp.MustCompile(`\bWINDROW_[A-Z_]*[A-Z]\b`).FindAllString(string(text), -1) {
			seen++
			if !slices.Contains(known, name) {
				t.Errorf("%s names %s, which does not exist", strings.TrimPrefix(path, "../../"), name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen == 0 {
		t.Error("no file of deploy names a variable")
	}
}

func TestTheGuideTellsWhenWindowsAreCommitted(t *testing.T) {
	text, err := os.ReadFile("../../deploy/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{fmt.Sprintf("at %d windows", bigquery.Grouping().Windows), "1 GiB at most", "five\nminutes after the first"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("deploy/README.md does not say %q", want)
		}
	}
}

func TestTheAlertAwaitsTheRecordThatEverySyncEndsWith(t *testing.T) {
	for _, file := range []string{"terraform/alerts.tf", "README.md"} {
		text, err := os.ReadFile("../../deploy/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`jsonPayload.message="` + show.Finished + `"`, "jsonPayload.streams.late>0"} {
			if !strings.Contains(string(text), want) {
				t.Errorf("deploy/%s does not hold %s", file, want)
			}
		}
	}
}

// dbt asks the ledger when a table was last read: of the streams whose rows are in it.
func TestTheFreshnessOfDBTKnowsEveryStream(t *testing.T) {
	text, err := os.ReadFile("../../deploy/dbt/models/sources.yml")
	if err != nil {
		t.Fatal(err)
	}
	a := &app{stdout: io.Discard, stderr: io.Discard, now: time.Now}
	s, err := a.configure()
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, st := range s.catalogue() {
		_, after, _ := strings.Cut(string(text), "- name: "+st.Table.Name+"\n")
		of, _, _ := strings.Cut(after, "- name: ")
		if found++; !strings.Contains(of, "'"+string(st.Key.Stream)+"'") {
			t.Errorf("%s is not asked for the freshness of %s", st.Key.Stream, st.Table.Name)
		}
	}
	if found < 20 {
		t.Errorf("%d streams", found)
	}
}
