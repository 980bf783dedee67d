package config

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

func envFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "prod.env")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestAFileOfVariablesIsReadAsDockerAndSystemdDo(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]map[string]string{
		"A=1\nB=two words \n":              {"A": "1", "B": "two words"},
		"\ufeffA=1\r\nB=2\r\n":             {"A": "1", "B": "2"},
		"# one\n; two\n\n  # three\nA=1":   {"A": "1"},
		"export A=1\n\texport\tB=2":        {"A": "1", "B": "2"},
		"exported=1":                       {"exported": "1"},
		`A="two words" # why` + "\nB=''":   {"A": "two words", "B": ""},
		`A='a "b" \n $c'`:                  {"A": `a "b" \n $c`},
		`A="a \"b\" \\ \n \$c 'd'"`:        {"A": `a "b" \ \n $c 'd'`},
		"A=\nB=x=y\nC=it's\nD=a#b\nE=C:\\": {"A": "", "B": "x=y", "C": "it's", "D": "a#b", "E": `C:\`},
		"A=1\nA=2":                         {"A": "2"},
	} {
		got, err := ReadEnvFiles([]string{envFile(t, text)})
		if err != nil || !maps.Equal(got.values, want) {
			t.Errorf("%q is read as %q (%v), want %q", text, got.values, err, want)
		}
	}
}

func TestWhatIsWrongWithAFileOfVariablesNamesItAndTheLineAndNoValue(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"A=1\nhush":               "line 2: there is no =",
		"A =hush":                 "line 1: there is a blank before the =",
		"\n\n9A=hush":             "line 3: what stands before the = is no name",
		"A=\"hush":                "line 1: the value of A begins with a quote that does not end",
		"A='hush'hush":            "line 1: the value of A goes on behind its closing quote",
		"A='hush'#hush":           "line 1: the value of A goes on behind its closing quote",
		"A=hush # which":          "line 1: the value of A holds a # behind a blank",
		"A=hush\x00":              "line 1: the value of A is no UTF-8",
		"\xff\xfeA\x00=\x001\x00": "is UTF-16; save it as UTF-8",
		strings.Repeat("#\n", mostEnvFile/2) + "A": "is longer than",
	} {
		_, err := ReadEnvFiles([]string{envFile(t, text)})
		if err == nil || !strings.Contains(err.Error(), "prod.env") || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
	}
	if _, err := ReadEnvFiles([]string{"missing.env", "", t.TempDir()}); err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("of three files that are none: %v", err)
	}
}

func TestTheEnvironmentWinsOverFilesAndALaterFileOverAnEarlierOne(t *testing.T) {
	t.Setenv("OPS_SET", "environment")
	t.Setenv("OPS_BLANK", "")
	for _, name := range []string{"OPS_ONE", "OPS_TWO"} {
		t.Setenv(name, "") // so that it is as it was afterwards
		os.Unsetenv(name)
	}
	one, two := envFile(t, "OPS_SET=1\nOPS_BLANK=1\nOPS_ONE=1\nOPS_TWO=1"), envFile(t, "\nOPS_TWO=2")
	f, err := ReadEnvFiles([]string{one, two})
	if err == nil {
		err = f.Set()
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"OPS_SET": "environment", "OPS_BLANK": "", "OPS_ONE": "1", "OPS_TWO": "2"} {
		if got := os.Getenv(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	faults := f.Locate([]pipeline.ConfigError{{Variable: "OPS_TWO", Problem: "is wrong"}, {Variable: "OPS_SET", Problem: "is wrong"}})
	if got := faults[0].String(); got != two+", line 2: OPS_TWO is wrong" {
		t.Errorf("a fault of a file is told as %q", got)
	}
	if got := faults[1].String(); got != "OPS_SET is wrong" {
		t.Errorf("a fault of the environment is told as %q", got)
	}
}
