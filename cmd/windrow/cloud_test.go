package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
)

// onCloudRun are variables of a job's task.
var onCloudRun = []string{
	"CLOUD_RUN_JOB=nightly", "CLOUD_RUN_EXECUTION=nightly-x7k2p", "CLOUD_RUN_TASK_INDEX=0", "CLOUD_RUN_TASK_COUNT=1", "CLOUD_RUN_TASK_ATTEMPT=1",
	"GOOGLE_CLOUD_PROJECT=around",
}

// cloudLines are the lines of stderr, each of which must be one of Cloud Logging.
func cloudLines(t *testing.T, stderr string) []map[string]any {
	t.Helper()
	var lines []map[string]any
	for text := range strings.Lines(stderr) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("no line of Cloud Logging: %s", text)
		}
		labels, _ := line["logging.googleapis.com/labels"].(map[string]any)
		trace, _ := line["logging.googleapis.com/trace"].(string)
		if line["severity"] == nil || line["message"] == nil || line["time"] == nil ||
			labels["task"] != "0" || labels["attempt"] != "1" || labels["execution"] != "nightly-x7k2p" || !strings.HasPrefix(trace, "projects/around/traces/") {
			t.Errorf("the line lacks something: %s", text)
		}
		lines = append(lines, line)
	}
	return lines
}

// isRecord checks the last line of a sync.
func isRecord(t *testing.T, line map[string]any, severity string, exit int) {
	t.Helper()
	if line["message"] != "sync finished" || line["severity"] != severity || line["exit"] != float64(exit) {
		t.Errorf("the last line is %v; want the record of exit code %d, %s", line, exit, severity)
	}
	if seconds, ok := line["duration_seconds"].(float64); !ok || seconds < 0 || seconds > 60 {
		t.Errorf("it took %v seconds", line["duration_seconds"])
	}
}

func TestOnCloudRunEveryLineIsCloudLoggingsAndTheLastIsTheRecord(t *testing.T) {
	now, err := time.Parse(time.RFC3339, noon)
	if err != nil {
		t.Fatal(err)
	}
	refuses := vendorsim.Fault{Host: "ucontact", Kind: vendorsim.FaultStatus, Code: http.StatusUnauthorized, Times: -1}
	for _, c := range []struct {
		name     string
		fault    *vendorsim.Fault
		env      []string
		args     []string
		severity string // of the record; empty where there is none
		exit     int
		says     string // in a line before
	}{
		{"a sync that goes well", nil, nil, []string{"sync", "--as-of", noon}, "INFO", 0, "committed"},
		{"at any log level", nil, []string{"WINDROW_LOG_LEVEL=error"}, []string{"sync", "--as-of", noon, "--json"}, "INFO", 0, ""},
		{"windows that fail", &vendorsim.Fault{Host: "ucontact", Kind: vendorsim.FaultHTML, Times: -1}, nil, []string{"sync", "--as-of", noon}, "ERROR", 3, "failed"},
		{"credentials that are refused", &refuses, nil, []string{"sync", "--as-of", noon}, "ERROR", 4, "failed"},
		{"a sink without credentials", nil, []string{"WINDROW_SINK=bigquery://around/d", "GOOGLE_APPLICATION_CREDENTIALS=/nobody.json"}, []string{"sync", "--as-of", noon}, "ERROR", 4, "open the sink: unauthorized"},
		{"a configuration that is wrong", nil, []string{"WINDROW_FROM=x", "WINDROW_LOG_FORMAT=xml"}, []string{"sync"}, "ERROR", 2, "2 settings are wrong:\n  WINDROW_FROM"},
		{"a task that is none", nil, []string{"CLOUD_RUN_TASK_COUNT=0"}, []string{"sync"}, "ERROR", 2, "CLOUD_RUN_TASK_COUNT"},
		{"a flag that does not exist", nil, nil, []string{"sync", "--strems", "x"}, "ERROR", 2, "unknown flag: --strems"},
		{"a waiver", nil, nil, []string{"sync", "--as-of", noon, "--from", "2025-08-01", "--to", "2025-08-01", "--waive", "gone"}, "INFO", 0, ""},
		{"another verb", nil, nil, []string{"status", "--as-of", noon}, "", 0, ""},
		{"another verb that fails", nil, nil, []string{"status", "now"}, "", 2, "takes flags alone, and there is \"now\""},
		{"a verb that does not exist", nil, nil, []string{"snyc"}, "", 2, "unknown command"},
		{"help", nil, nil, []string{"sync", "--help"}, "", 0, ""},
		{"the demo", nil, nil, []string{"demo"}, "", 0, "simulated vendors answer on loopback"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			world := quickWorld(now)
			servers, err := world.Start(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer servers.Close()
			if c.fault != nil {
				world.Inject(*c.fault)
			}
			cmd := process(t, "windrow", t.TempDir(), append(append(quickVariables(servers), onCloudRun...), c.env...), c.args...)
			if c.name == "a sink without credentials" {
				cmd.Env = append(cmd.Env, "GOOGLE_CLOUD_PROJECT=") // the sink names the project
			}
			var stderr strings.Builder
			cmd.Stderr = &stderr
			if code := exitCodeOf(t, cmd.Run()); code != c.exit {
				t.Errorf("exit code %d, want %d\n%s", code, c.exit, stderr.String())
			}
			lines := cloudLines(t, stderr.String())
			if c.severity != "" {
				if len(lines) == 0 {
					t.Fatal("nothing was logged")
				}
				isRecord(t, lines[len(lines)-1], c.severity, c.exit)
				for _, line := range lines {
					labels, _ := line["logging.googleapis.com/labels"].(map[string]any)
					if id := lines[len(lines)-1]["sync_id"]; id == nil || line["sync_id"] != id || labels["sync_id"] != id {
						t.Errorf("not of the run %v: %v", id, line)
					}
				}
				lines = lines[:len(lines)-1]
			}
			said := c.says == ""
			for _, line := range lines {
				text, _ := line["message"].(string)
				said = said || strings.Contains(text, c.says)
				if text == "sync finished" {
					t.Errorf("a record that is not the last line: %v", line)
				}
			}
			if !said {
				t.Errorf("no line says %q:\n%s", c.says, stderr.String())
			}
		})
	}
}

func TestTheRecordFollowsTheTableAndTellsWhatItTells(t *testing.T) {
	servers := quickServers(t)
	for _, c := range []struct {
		name, message, severity string
		env                     []string
		streams                 string
	}{
		{"on Cloud Run", "message", "severity", onCloudRun, "dialpad.texts"},
		{"JSON lines elsewhere", "msg", "level", nil, "dialpad.texts"},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := append(quickVariables(servers), c.env...)
			out, err := process(t, "windrow", t.TempDir(), env, "sync", "--as-of", noon, "--streams", c.streams).CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			all := strings.Split(strings.TrimSpace(string(out)), "\n")
			var record map[string]any
			if err := json.Unmarshal([]byte(all[len(all)-1]), &record); err != nil {
				t.Fatalf("the last line is no record: %s", out)
			}
			for _, text := range all {
				var line map[string]any
				if json.Unmarshal([]byte(text), &line) == nil && line["sync_id"] != record["sync_id"] { // what is no JSON is the table
					t.Errorf("not of the run: %s", text)
				}
			}
			windows, _ := record["windows"].(map[string]any)
			if record[c.message] != "sync finished" || record[c.severity] != "INFO" || windows["committed"] != 3.0 || windows["failed"] != 0.0 ||
				record["rows"] != 61.0 || record["rejected"] != 0.0 || record["sync_id"] == nil || record["receipt"] != nil {
				t.Errorf("the record is %v", record)
			}
		})
	}
	out, err := process(t, "windrow", t.TempDir(), append(quickVariables(servers), "WINDROW_LOG_FORMAT=text"), "sync", "--as-of", noon, "--streams", "dialpad.texts").CombinedOutput()
	if err != nil || strings.Contains(string(out), "sync finished") {
		t.Errorf("text for people has a record, or %v:\n%s", err, out)
	}
}

// What the alert on lag matches: streams are counted where somebody asks for it, whatever the run was asked for.
func TestTheRecordCountsTheStreamsThatAreLate(t *testing.T) {
	t.Parallel()
	servers, dir := quickServers(t), t.TempDir()
	for _, c := range []struct {
		name    string
		env     []string
		streams string
		want    string
	}{
		{"nobody asks", nil, "dialpad.texts", "null"},
		{"one was never read", []string{"WINDROW_MAX_LAG=36h"}, "dialpad.texts", `{"configured":2,"late":1}`},
		{"no stream is late", []string{"WINDROW_MAX_LAG=36h"}, "ucontact.agents", `{"configured":2,"late":0}`},
		{"every lag is too much", []string{"WINDROW_MAX_LAG=1m"}, "ucontact.agents", `{"configured":2,"late":2}`},
		{"a report asks", []string{"WINDROW_REPORT=report.html"}, "ucontact.agents", `{"configured":2,"late":0}`},
	} {
		env := append(append(quickVariables(servers), "WINDROW_STREAMS=ucontact.agents,dialpad.texts"), c.env...)
		cmd := process(t, "windrow", dir, env, "sync", "--as-of", noon, "--streams", c.streams)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		if err := cmd.Run(); err != nil {
			t.Fatalf("%s: %v\n%s", c.name, err, stderr.String())
		}
		lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
		var record struct {
			Streams *struct{ Configured, Late int }
		}
		if err := json.Unmarshal([]byte(lines[len(lines)-1]), &record); err != nil {
			t.Fatal(err)
		}
		if got, _ := json.Marshal(record.Streams); strings.ToLower(string(got)) != c.want {
			t.Errorf("%s: the record counts %s, want %s", c.name, got, c.want)
		}
	}
}

func TestASignalIsALineOfCloudLoggingAndTheRecordStillComesLast(t *testing.T) {
	now, err := time.Parse(time.RFC3339, noon)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, until string
		start       func(t *testing.T) *exec.Cmd
		signals     []os.Signal
	}{
		{"a sync that stops in time", `"message":"committed"`, func(t *testing.T) *exec.Cmd {
			world := quickWorld(now)
			servers, err := world.Start(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(servers.Close)
			world.Inject(vendorsim.Fault{Host: "ucontact", Kind: vendorsim.FaultHang, Times: -1})
			return process(t, "windrow", t.TempDir(), append(quickVariables(servers), onCloudRun...), "sync", "--as-of", noon)
		}, []os.Signal{syscall.SIGTERM}},
		{"a sync that is ended at once", "ready", func(t *testing.T) *exec.Cmd {
			return process(t, "stubborn", t.TempDir(), onCloudRun)
		}, []os.Signal{syscall.SIGTERM, syscall.SIGINT}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cmd := c.start(t)
			reader, writer, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			defer reader.Close()
			cmd.Stderr = writer
			if cmd.Args[0] == "stubborn" {
				cmd.Stdout = writer
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			writer.Close()
			readUntil(t, byteByByte{reader}, c.until)
			send(t, cmd, c.signals[0])
			for _, sig := range c.signals[1:] {
				readUntil(t, byteByByte{reader}, "stopping")
				send(t, cmd, sig)
			}
			rest, err := io.ReadAll(reader)
			if err != nil {
				t.Fatal(err)
			}
			if code := exitCodeOf(t, cmd.Wait()); code != pipeline.ExitStopped {
				t.Errorf("exit code %d, want 130", code)
			}
			lines := cloudLines(t, string(rest[max(bytes.IndexByte(rest, '{'), 0):]))
			isRecord(t, lines[len(lines)-1], "WARNING", pipeline.ExitStopped)
			if len(c.signals) == 1 && !strings.Contains(string(rest), `"severity":"WARNING","message":"terminated: stopping; what is committed stays"`) {
				t.Errorf("no line tells of the signal:\n%s", rest)
			}
		})
	}
}

// byteByByte keeps a scanner from reading beyond the line that it looks for.
type byteByByte struct{ io.Reader }

func (r byteByByte) Read(p []byte) (int, error) { return r.Reader.Read(p[:1]) }
