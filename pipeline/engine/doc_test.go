package engine

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestThePathOfARowNamesFunctionsWhereTheyStand(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	steps := regexp.MustCompile(`([A-Za-z]+)\]? \(([a-z]+\.go)\)`).FindAllStringSubmatch(string(doc), -1)
	if len(steps) < 7 {
		t.Fatalf("%d steps name a function and its file", len(steps))
	}
	for _, s := range steps {
		name, file := s[1], s[2]
		text, err := os.ReadFile(file)
		if err != nil {
			t.Error(err)
			continue
		}
		if !regexp.MustCompile(`(?m)^func (\([a-z]+ \*?[A-Za-z]+\) )?` + name + `\(`).Match(text) {
			t.Errorf("%s is no function of %s", name, file)
		}
	}
	for _, word := range strings.Fields(string(doc)) {
		if file := strings.Trim(word, "():,.;"); strings.HasSuffix(file, ".go") && !strings.Contains(file, "/") {
			if _, err := os.Stat(file); err != nil {
				t.Error(err)
			}
		}
	}
}
