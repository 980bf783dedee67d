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
	known = append(known, config.Variables("", &config.Telemetry{})...)
	known = append(known, config.Variables("", &config.Terminal{})...)
	rows := variableRows(text)
	var names []string
	for _, v := range known {
		names = append(names, v.Name)
		if stated, is := rows[v.Name]; !is {
			t.Errorf("no row of the README's tables begins with %s", v.Name)
		} else if stated != v.Default {
			t.Errorf("the README gives %s the default %q, it is %q", v.Name, stated, v.Default)
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

// variableRows maps each variable that the README's tables explain to the default that its row gives. A row of several
// variables has as many defaults, a dash where there is none, or no default at all.
func variableRows(text string) map[string]string {
	stated := make(map[string]string)
	for _, row := range regexp.MustCompile("(?m)^\\| (`[A-Z_]+`(?:, `[A-Z_]+`)*) \\| ([^|]*)\\|").FindAllStringSubmatch(text, -1) {
		names := strings.Split(row[1], ", ")
		defaults := strings.Split(strings.TrimSpace(row[2]), ", ")
		if len(names) == 1 {
			defaults = []string{strings.TrimSpace(row[2])}
		}
		for i, name := range names {
			if len(defaults) == len(names) {
				stated[strings.Trim(name, "`")] = strings.Trim(defaults[i], "`–")
			} else if len(defaults) == 1 && defaults[0] == "" {
				stated[strings.Trim(name, "`")] = ""
			}
		}
	}
	return stated
}

func TestTheReadmeNamesEveryVerbAndExitCode(t *testing.T) {
	text := readme(t)
	for _, cmd := range (&app{}).verbs() {
		if cmd.Hidden || strings.Contains(cmd.Short, "not served by this build") {
			continue
		}
		if !regexp.MustCompile("\n\\| (`windrow [^|]+`, )?`windrow " + regexp.QuoteMeta(cmd.Use) + "`(, `[^|]+`)? \\|").MatchString(text) {
			t.Errorf("the README's table of commands lacks %q", cmd.Use)
		}
	}
	for _, code := range []int{0, 1, 2, 3, 4, 5, 130} {
		if !strings.Contains(text, fmt.Sprintf("\n| %d | ", code)) {
			t.Errorf("the README does not explain exit code %d", code)
		}
	}
}
