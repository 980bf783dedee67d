package config

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

type sample struct {
	Token string `envconfig:"TOKEN" desc:"the key"`
	Rate  string `envconfig:"RATE" default:"20" desc:"requests per second"`
}

func TestFill(t *testing.T) {
	for _, c := range []struct {
		name string
		env  map[string]string
		want sample
	}{
		{"nothing set gives the defaults", nil, sample{Rate: "20"}},
		{"what is set counts", map[string]string{"WINDROW_X_TOKEN": "k", "WINDROW_X_RATE": "5"}, sample{"k", "5"}},
		{"set to nothing is not set", map[string]string{"WINDROW_X_RATE": ""}, sample{Rate: "20"}},
		{"names without the prefix belong to others", map[string]string{"TOKEN": "theirs", "RATE": "1"}, sample{Rate: "20"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for k, v := range c.env {
				t.Setenv(k, v)
			}
			var got sample
			if err := Fill("WINDROW_X_", &got); err != nil || got != c.want {
				t.Errorf("Fill gave %+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

func TestVariablesHaveNameDefaultAndMeaning(t *testing.T) {
	want := []Variable{{"WINDROW_X_TOKEN", "", "the key"}, {"WINDROW_X_RATE", "20", "requests per second"}}
	if got := Variables("WINDROW_X_", &sample{}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestUnknownVariables(t *testing.T) {
	known := append(Variables(Prefix, &Scope{}), Variables("WINDROW_DIALPAD_", &sample{})...)
	sources := []pipeline.SourceID{"dialpad", "chattonic"}
	for _, c := range []struct{ name, variable, want string }{
		{"a known variable is none", "WINDROW_SINK", ""},
		{"a known variable of a source is none", "WINDROW_DIALPAD_TOKEN", ""},
		{"other programs' variables are none", "PATH", ""},
		{"a misspelt one is told the nearest", "WINDROW_STREAM", "did you mean WINDROW_STREAMS?"},
		{"swapped letters are near", "WINDROW_DIALPAD_TOKNE", "did you mean WINDROW_DIALPAD_TOKEN?"},
		{"a strange one does not exist", "WINDROW_FLUX_CAPACITOR", "does not exist"},
		{"the bare prefix does not exist", "WINDROW_", "does not exist"},
		{"an inbox has another name", "WINDROW_CHATTONIC_NPS_INBOX", "does not exist"},
		{"an account that is not named", "WINDROW_DIALPAD_US_EAST_TOKEN", "is of the account us-east, which WINDROW_DIALPAD_ACCOUNTS does not name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			faults := UnknownVariables([]string{c.variable + "=s3cret=value"}, known, sources)
			empty := UnknownVariables([]string{c.variable + "="}, known, sources)
			if refused := c.want != "" && !strings.Contains(c.want, "ACCOUNTS"); (len(empty) > 0) != refused {
				t.Errorf("without a value: %v", empty)
			}
			if c.want == "" {
				if len(faults) != 0 {
					t.Fatalf("got %v, want none", faults)
				}
				return
			}
			if len(faults) != 1 || faults[0].Variable != c.variable || !strings.Contains(faults[0].Problem, c.want) {
				t.Fatalf("got %v, want one of %s that says %q", faults, c.variable, c.want)
			}
			if strings.Contains(faults[0].String(), "s3cret") {
				t.Errorf("the fault repeats the value: %s", faults[0])
			}
		})
	}
}

func defaults(t *testing.T) (Scope, Operation) {
	t.Helper()
	var scope Scope
	var operation Operation
	if err := errors.Join(Fill("WINDROW_NOBODY_SETS_", &scope), Fill("WINDROW_NOBODY_SETS_", &operation)); err != nil {
		t.Fatal(err)
	}
	return scope, operation
}

func TestTheDefaultsAreGood(t *testing.T) {
	scope, operation := defaults(t)
	var got Settings
	if faults := append(scope.Parse(&got), operation.Parse(&got)...); len(faults) > 0 {
		t.Fatal(faults)
	}
	want := Settings{Sink: "./warehouse", Streams: []pipeline.StreamID{pipeline.DefaultStreams}, MaxRejects: 0.01, MaxUnread: 0.2, MaxBody: 8 << 30, Concurrency: 8, RetryFor: 2 * time.Minute}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestEveryFaultIsReportedAtOnce(t *testing.T) {
	var s Settings
	faults := append(Scope{Sink: `"./w"`, From: "2025-02-30"}.Parse(&s), Operation{
		MaxRejects: "1.5", MaxUnread: "NaN", OnDrift: "WARN", MaxBody: "8", Concurrency: "0", RetryFor: "-1s", LogLevel: "loud", LogFormat: "xml",
	}.Parse(&s)...)
	var names []string
	for _, f := range faults {
		names = append(names, strings.TrimPrefix(f.Variable, Prefix))
		if f.Problem == "" || f.Example == "" {
			t.Errorf("%+v lacks a problem or an example", f)
		}
	}
	want := "SINK FROM MAX_REJECTS MAX_UNREADABLE ON_DRIFT MAX_BODY CONCURRENCY RETRY_FOR LOG_LEVEL LOG_FORMAT"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("faults of %s; want %s", got, want)
	}
}

func TestTheSizeOfABody(t *testing.T) {
	for text, want := range map[string]int64{
		"8GiB": 8 << 30, "8 GB": 8_000_000_000, "1MiB": 1 << 20, "1.5TiB": 3 << 39, "64mib": 64 << 20,
		"1MB": 1_000_000, "1KiB": 1 << 10, "1B": 1, "0GiB": 0, "-1GiB": 0, "8": 0, "8589934592": 0, "much": 0, "": 0, "NaNGiB": 0, "InfGiB": 0, "1e30GiB": 0, "16EiB": 0, "9EiB": 0,
	} {
		_, operation := defaults(t)
		operation.MaxBody = text
		var s Settings
		faults := operation.Parse(&s)
		switch {
		case want > 0 && (len(faults) > 0 || s.MaxBody != want):
			t.Errorf("%q: %d, %v; want %d", text, s.MaxBody, faults, want)
		case want == 0 && (len(faults) != 1 || faults[0].Variable != "WINDROW_MAX_BODY" || faults[0].Example != "8GiB"):
			t.Errorf("%q was taken for %d: %v", text, s.MaxBody, faults)
		}
	}
}

func TestSinksOfEachKindAreTaken(t *testing.T) {
	for _, sink := range []string{"./warehouse", "file:///data/w", "gs://b/p", "s3://b/p", "bigquery://p/d?location=EU"} {
		scope, _ := defaults(t)
		scope.Sink = sink
		var s Settings
		if faults := scope.Parse(&s); len(faults) > 0 || s.Sink != sink {
			t.Errorf("%s: %q, %v", sink, s.Sink, faults)
		}
	}
}

func TestASinkIsTrimmedAndWhatOnlyAShellOrAnAccidentPutsThereIsRefusedWithWhatToWriteInstead(t *testing.T) {
	for _, c := range []struct{ name, typed, sink, problem, instead string }{
		{"blanks around it go", "  ./w \t\r\n", "./w", "", ""},
		{"blanks in it stay", "/data/call centre", "/data/call centre", "", ""},
		{"an apostrophe in it stays", "/data/O'Brien/w", "/data/O'Brien/w", "", ""},
		{"~ in it stays", "/data/~w", "/data/~w", "", ""},
		{"double quotes", `"./w"`, "", "quotes", "./w"},
		{"single quotes", "'./w'", "", "quotes", "./w"},
		{"a quote that is alone", "./w'", "", "quotes", "./w"},
		{"typographic quotes", "\u201cbigquery://p/d\u201d", "", "quotes", "bigquery://p/d"},
		{"quotes and nothing", `""`, "", "quotes", "./warehouse"},
		{"~/", "~/w", "", "begins with ~", "/home/you/w"},
		{"~ of somebody", "~ana/w", "", "begins with ~", "/home/you/w"},
		{"~ in quotes", `"~/w"`, "", "quotes", "/home/you/w"},
		{"a line end", "./w\nx", "", "control character", "./wx"},
		{"an escape sequence", "\x1b[1m./w", "", "control character", "[1m./w"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s Settings
			faults := Scope{Sink: c.typed}.Parse(&s)
			if c.problem == "" {
				if len(faults) > 0 || s.Sink != c.sink {
					t.Errorf("%q: %v", s.Sink, faults)
				}
				return
			}
			if len(faults) != 1 || faults[0].Variable != "WINDROW_SINK" || !strings.Contains(faults[0].Problem, c.problem) || faults[0].Example != c.instead {
				t.Errorf("%q: %v", c.typed, faults)
			}
		})
	}
}

func TestTasksOfCloudRun(t *testing.T) {
	for _, c := range []struct {
		name                  string
		index, count, attempt string
		want                  Task
		faults                string // of which variables
	}{
		{"outside of Cloud Run there is one", "", "", "", Task{0, 1, 0}, ""},
		{"a job of one task", "0", "1", "2", Task{0, 1, 2}, ""},
		{"the last of some", "3", "4", "0", Task{3, 4, 0}, ""},
		{"a count without an index", "", "4", "", Task{}, "INDEX"},
		{"an index without a count", "1", "", "", Task{}, "INDEX"},
		{"an index that is too high", "4", "4", "", Task{}, "INDEX"},
		{"an index below zero", "-1", "4", "", Task{}, "INDEX"},
		{"a count of none", "0", "0", "", Task{}, "COUNT"},
		{"more tasks than a job can have", "0", "10001", "", Task{}, "COUNT"},
		{"words", "one", "two", "three", Task{}, "COUNT ATTEMPT INDEX"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for name, value := range map[string]string{"INDEX": c.index, "COUNT": c.count, "ATTEMPT": c.attempt} {
				t.Setenv("CLOUD_RUN_TASK_"+name, value)
			}
			var typed CloudRun
			if err := Fill("", &typed); err != nil {
				t.Fatal(err)
			}
			got, faults := typed.Task()
			var names []string
			for _, f := range faults {
				names = append(names, strings.TrimPrefix(f.Variable, "CLOUD_RUN_TASK_"))
			}
			if strings.Join(names, " ") != c.faults || c.faults == "" && got != c.want {
				t.Errorf("got %+v, faults %v; want %+v, faults of %q", got, faults, c.want, c.faults)
			}
		})
	}
}

func TestLogsFitWhereTheyAreRead(t *testing.T) {
	projectOf := func(sink string) string {
		project, _ := strings.CutPrefix(sink, "cloud://")
		return strings.TrimPrefix(project, "./warehouse")
	}
	for _, c := range []struct {
		name     string
		env      map[string]string
		terminal bool
		want     LogStyle
		project  string
	}{
		{"people watch", nil, true, TextLog, ""},
		{"nobody watches", nil, false, JSONLog, ""},
		{"a word that is no format is not obeyed", map[string]string{"WINDROW_LOG_FORMAT": "xml"}, false, JSONLog, ""},
		{"JSON on a terminal", map[string]string{"WINDROW_LOG_FORMAT": "json"}, true, JSONLog, ""},
		{"text elsewhere", map[string]string{"WINDROW_LOG_FORMAT": "text"}, false, TextLog, ""},
		{"a job on Cloud Run", map[string]string{"CLOUD_RUN_JOB": "nightly", "GOOGLE_CLOUD_PROJECT": "around"}, false, CloudLog, "around"},
		{"a service on Cloud Run", map[string]string{"K_SERVICE": "w", "WINDROW_LOG_FORMAT": "json"}, false, CloudLog, ""},
		{"text on Cloud Run, for who wants it", map[string]string{"CLOUD_RUN_JOB": "nightly", "WINDROW_LOG_FORMAT": "text"}, false, TextLog, ""},
		{"the sink's project comes first", map[string]string{"WINDROW_SINK": "cloud://mine", "GOOGLE_CLOUD_PROJECT": "around"}, false, JSONLog, "mine"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, name := range []string{"WINDROW_LOG_FORMAT", "WINDROW_SINK", "CLOUD_RUN_JOB", "K_SERVICE", "GOOGLE_CLOUD_PROJECT"} {
				t.Setenv(name, c.env[name])
			}
			if got, err := ReadLogs(c.terminal, projectOf); err != nil || got.Style != c.want || got.Project != c.project {
				t.Errorf("got %+v, %v; want style %d, project %q", got, err, c.want, c.project)
			}
		})
	}
}

func TestStreamListLeavesOutBlanksAndRepetitions(t *testing.T) {
	got := StreamList(" dialpad.calls,,ucontact.agents , dialpad.calls")
	if want := []pipeline.StreamID{"dialpad.calls", "ucontact.agents"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
