package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// wording tells a licence by words that stand in no other one.
var wording = []struct{ licence, words string }{
	{"Apache-2.0", "Apache License"},
	{"Unlicense", "free and unencumbered"},
	{"MIT", "Permission is hereby granted, free of charge"},
	{"BSD-3-Clause", "names of its"},
	{"BSD-3-Clause", "Neither the name"},
	{"BSD-2-Clause", "Redistribution and use"},
}

// byHand are modules whose file of a licence has several, or that name it in their README alone.
var byHand = map[string]string{
	"github.com/JohnCGriffin/overflow": "MIT",
	"github.com/klauspost/compress":    "BSD-3-Clause AND Apache-2.0 AND MIT",
	"go.yaml.in/yaml/v3":               "MIT AND Apache-2.0",
}

// What is linked is listed with its licence, and nothing else is.
func TestTheLicencesOfAllLinkedModulesAreListed(t *testing.T) {
	text, err := os.ReadFile("../../deploy/LICENSES.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := make(map[string]string)
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^|]+) \\|$").FindAllStringSubmatch(string(text), -1) {
		listed[row[1]] = row[2]
	}
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{with .Module}}{{.Path}} {{.Dir}}{{end}}", module+"cmd/windrow").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for line := range strings.Lines(string(out)) {
		path, dir, _ := strings.Cut(strings.TrimSpace(line), " ")
		if path == "" || path+"/" == module || seen[path] {
			continue
		}
		seen[path] = true
		if is := licenceIn(t, path, dir); is != listed[path] {
			t.Errorf("deploy/LICENSES.md gives %s the licence %q; want the row | `%s` | %s |", path, listed[path], path, is)
		}
	}
	for path := range listed {
		if !seen[path] {
			t.Errorf("deploy/LICENSES.md lists %s, which is not linked", path)
		}
	}
	if len(seen) < 50 {
		t.Errorf("go list knows %d modules only", len(seen))
	}
}

func licenceIn(t *testing.T, path, dir string) string {
	t.Helper()
	if is, known := byHand[path]; known {
		return is
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !regexp.MustCompile(`(?i)^(licen[sc]e|copying|unlicense)`).MatchString(f.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range wording {
			if strings.Contains(string(text[:min(len(text), 3000)]), w.words) {
				return w.licence
			}
		}
	}
	t.Errorf("%s has no licence that this test knows", path)
	return "unknown"
}
