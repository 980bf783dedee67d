package show

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

var task2 = Origin{Project: "my-project", Execution: "nightly-x7k2p", Task: "2", Attempt: "1"}

// cloudLine is the one line that do logs.
func cloudLine(t *testing.T, o Origin, do func(*slog.Logger)) map[string]any {
	t.Helper()
	var out bytes.Buffer
	do(NewCloudLog(&out, slog.LevelDebug, o))
	if n := strings.Count(out.String(), "\n"); n != 1 {
		t.Fatalf("%d lines:\n%s", n, out.String())
	}
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	return line
}

func TestCloudLinesHaveTheFieldsOfCloudLogging(t *testing.T) {
	line := cloudLine(t, task2, func(log *slog.Logger) {
		log.Warn("first\nsecond", "stream", "dialpad.calls", "account", "default", "rows", 3, "error", errors.New("broke"))
	})
	for field, want := range map[string]any{"severity": "WARNING", "message": "first\nsecond", "rows": 3.0, "error": "broke"} {
		if line[field] != want {
			t.Errorf("%s is %v, want %v", field, line[field], want)
		}
	}
	if at, err := time.Parse(time.RFC3339Nano, line["time"].(string)); err != nil || at.Location() != time.UTC {
		t.Errorf("time %v: %v", line["time"], err)
	}
	labels, _ := line["logging.googleapis.com/labels"].(map[string]any)
	want := map[string]any{"stream": "dialpad.calls", "account": "default", "task": "2", "attempt": "1", "execution": "nightly-x7k2p"}
	for name, value := range want {
		if labels[name] != value {
			t.Errorf("label %s is %v, want %v", name, labels[name], value)
		}
	}
	if len(labels) != len(want) {
		t.Errorf("labels %v, want %v", labels, want)
	}
	for _, field := range []string{"msg", "level", "stream", "account"} {
		if v, there := line[field]; there {
			t.Errorf("the line has a field %s: %v", field, v)
		}
	}
}

func TestEverySeverityIsOneOfCloudLoggings(t *testing.T) {
	for level, want := range map[slog.Level]string{
		slog.LevelDebug: "DEBUG", slog.LevelInfo: "INFO", slog.LevelInfo + 2: "INFO", slog.LevelWarn: "WARNING", slog.LevelError: "ERROR", slog.LevelError + 4: "ERROR",
	} {
		if line := cloudLine(t, task2, func(log *slog.Logger) { log.Log(t.Context(), level, "x") }); line["severity"] != want {
			t.Errorf("%s is %v, want %s", level, line["severity"], want)
		}
	}
}

func TestAllTasksAndAttemptsOfAnExecutionShareATrace(t *testing.T) {
	trace := func(o Origin) any {
		return cloudLine(t, o, func(log *slog.Logger) { log.Info("x") })["logging.googleapis.com/trace"]
	}
	first := trace(task2)
	if text, _ := first.(string); !regexp.MustCompile(`^projects/my-project/traces/[0-9a-f]{32}$`).MatchString(text) {
		t.Errorf("the trace is %v", first)
	}
	other := task2
	other.Task, other.Attempt = "0", "0"
	if trace(other) != first {
		t.Error("another task has another trace")
	}
	other.Execution = "nightly-aaaaa"
	if trace(other) == first {
		t.Error("another execution has the same trace")
	}
	for name, o := range map[string]Origin{"no project": {Execution: "x"}, "no execution": {Project: "p"}} {
		if got := trace(o); got != nil {
			t.Errorf("%s: trace %v", name, got)
		}
	}
}

func TestLabelsStandAtTheTopWhateverGroupsAreOpen(t *testing.T) {
	line := cloudLine(t, task2, func(log *slog.Logger) {
		log.With("stream", "dialpad.calls", "a", 1).WithGroup("").WithGroup("g").With("b", 2).Info("x", "c", 3, "stream", "inner")
	})
	labels := line["logging.googleapis.com/labels"].(map[string]any)
	group, _ := line["g"].(map[string]any)
	if labels["stream"] != "dialpad.calls" || line["a"] != 1.0 || group["b"] != 2.0 || group["c"] != 3.0 || group["stream"] != "inner" {
		t.Errorf("got %v", line)
	}
}

func TestALineWithoutLabelsHasNoEmptyObject(t *testing.T) {
	line := cloudLine(t, Origin{}, func(log *slog.Logger) { log.Info("x", "account", "") })
	if len(line) != 3 {
		t.Errorf("got %v", line)
	}
}

func TestTheRecordOfARunAddsItsStreamsUp(t *testing.T) {
	s := Ending{Stand: &Standing{Configured: 4, Late: 1}, Summary: pipeline.Summary{SyncID: "s-1", Receipt: &pipeline.Receipt{LoadJobs: 2}, Streams: []pipeline.StreamSummary{
		{Committed: 2, Unchanged: 1, Failed: 1, Rows: 10, Rejected: 1}, {Committed: 3, Rows: 5},
	}}}
	record := func(to func(io.Writer) *slog.Logger, s Ending) string {
		var out bytes.Buffer
		to(&out).LogAttrs(t.Context(), slog.LevelError, Finished, Record(s, 3, 1234567*time.Microsecond)...)
		return out.String()
	}
	const fields = `"exit":3,"sync_id":"s-1","duration_seconds":1.234,"windows":{"committed":5,"unchanged":1,"yielded":0,"failed":1},"rows":15,"rejected":1,"streams":{"configured":4,"late":1},` +
		`"receipt":{"load_jobs":2,"query_jobs":0,"bytes_staged":0,"bytes_billed":0,"slot_ms":0}`
	cloud := record(func(w io.Writer) *slog.Logger { return NewCloudLog(w, slog.LevelInfo, Origin{}) }, s)
	if !strings.Contains(cloud, `"severity":"ERROR","message":"sync finished",`+fields+`,"logging.googleapis.com/labels":{"sync_id":"s-1"}}`) {
		t.Errorf("on Cloud Run: %s", cloud)
	}
	plain := record(func(w io.Writer) *slog.Logger { return NewLog(w, true, slog.LevelInfo) }, s)
	if !strings.Contains(plain, `"level":"ERROR","msg":"sync finished",`+fields+"}\n") {
		t.Errorf("elsewhere: %s", plain)
	}
	if never := record(func(w io.Writer) *slog.Logger { return NewLog(w, true, slog.LevelInfo) }, Ending{}); strings.Contains(never, "sync_id") || strings.Contains(never, "receipt") || strings.Contains(never, "streams") {
		t.Errorf("a run that never began: %s", never)
	}
}
