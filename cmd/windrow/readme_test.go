package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/cmd/windrow/internal/config"
)

func readme(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestTheReadmeNamesEveryVariableWithItsDefaultAndNoOther(t *testing.T) {
	text := readme(t)
	known := declaredVariables(vendors)
	for _, k := range sinks {
		if k.emulator != nil {
			known = append(known, k.emulator.variables...)
		}
	}
	known = append(known, config.Variables("", &config.Google{})...)
	known = append(known, config.Variables("", &config.CloudRun{})...)
	var names []string
	for _, v := range known {
		names = append(names, v.Name)
		row := fmt.Sprintf("\n| `%s` | |", v.Name)
		if v.Default != "" {
			row = fmt.Sprintf("\n| `%s` | `%s` |", v.Name, v.Default)
		}
		if !strings.Contains(text, row) {
			t.Errorf("the README has no row %q", row[1:])
		}
		if v.Meaning == "" {
			t.Errorf("%s has no description", v.Name)
		}
	}
	for _, name := range regexp.MustCompile(`WINDROW_[A-Z_]*[A-Z]`).FindAllString(text, -1) {
		if !slices.Contains(names, name) {
			t.Errorf("the README names %s, which does not exist", name)
		}
	}
}

func TestTheReadmeNamesEveryVerbAndExitCode(t *testing.T) {
	text := readme(t)
	for _, cmd := range (&app{}).verbs() {
		if strings.Contains(cmd.Short, "not served by this build") {
			continue
		}
		if !strings.Contains(text, "\n| `windrow "+cmd.Use+"` |") {
			t.Errorf("the README's table of commands lacks %q", cmd.Use)
		}
	}
	for _, code := range []int{0, 1, 2, 3, 4, 130} {
		if !strings.Contains(text, fmt.Sprintf("\n| %d | ", code)) {
			t.Errorf("the README does not explain exit code %d", code)
		}
	}
}
