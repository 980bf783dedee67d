package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
)

// process starts this test binary as another program (see TestMain), in dir
// and with these variables of Windrow alone.
func process(t *testing.T, name, dir string, env []string, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, args...)
	cmd.Args[0], cmd.Dir = name, dir
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "WINDROW_") {
			cmd.Env = append(cmd.Env, pair)
		}
	}
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

// exitCodeOf is what a process ended with.
func exitCodeOf(t *testing.T, err error) int {
	t.Helper()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if err == nil {
		return 0
	}
	return exit.ExitCode()
}

// stubborn obeys no cancelled context. With an argument stderr takes nothing more.
func stubborn() {
	a := newApp(os.Stdout, os.Stderr, time.Now)
	a.final.begin("", true)
	_, release := a.untilSignal(context.Background())
	defer release()
	if len(os.Args) > 1 {
		fill(os.Stderr)
	}
	os.Stdout.WriteString("ready\n")
	select {}
}

// fill writes into a pipe what it holds, to the last byte.
func fill(pipe *os.File) {
	fd := int(pipe.Fd())
	_ = syscall.SetNonblock(fd, true)
	for size := 4096; size > 0; {
		if _, err := syscall.Write(fd, make([]byte, size)); err == syscall.EAGAIN { //nolint:errorlint // as a system call returns it
			size /= 4096
		}
	}
	_ = syscall.SetNonblock(fd, false)
}

func TestPromise14_AProgramThatDoesNotStopIsEndedWithin8Seconds(t *testing.T) {
	for _, c := range []struct {
		name          string
		then          []os.Signal
		after, within time.Duration
	}{
		{"one signal: when its time is over", nil, 5 * time.Second, 8 * time.Second},
		{"a second signal: at once", []os.Signal{syscall.SIGINT}, 0, 4 * time.Second},
		{"the same signal twice at once, as timeout(1) sends it, is one", []os.Signal{syscall.SIGTERM}, 5 * time.Second, 8 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cmd := process(t, "stubborn", t.TempDir(), nil)
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			stderr, err := cmd.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			readUntil(t, stdout, "ready")
			began := time.Now()
			send(t, cmd, syscall.SIGTERM)
			readUntil(t, stderr, "stopping")
			for _, sig := range c.then {
				send(t, cmd, sig)
			}
			said, _ := io.ReadAll(stderr)
			code := exitCodeOf(t, cmd.Wait())
			defer func() {
				if t.Failed() {
					t.Logf("%s", said)
				}
			}()
			if took := time.Since(began); code != pipeline.ExitStopped || took < c.after || took >= c.within {
				t.Errorf("exit code %d after %s; want 130 after %s and within %s", code, took, c.after, c.within)
			}
		})
	}
}

// Whoever reads stderr may have stopped, as a pager does: a signal ends the program all the same.
func TestPromise14_AProgramWhoseWordsNobodyTakesIsEndedWithin8Seconds(t *testing.T) {
	t.Parallel()
	cmd := process(t, "stubborn", t.TempDir(), nil, "with a full stderr")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd.Stderr = w
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	readUntil(t, stdout, "ready")
	began := time.Now()
	send(t, cmd, syscall.SIGTERM)
	_, _ = io.Copy(io.Discard, stdout)
	code := exitCodeOf(t, cmd.Wait())
	if took := time.Since(began); code != pipeline.ExitStopped || took < 5*time.Second || took >= 8*time.Second {
		t.Errorf("exit code %d after %s; want 130 after 5 s and within 8 s", code, took)
	}
}

func TestARunThatIsKilledIsOnRecordAsOneThatNeverFinished(t *testing.T) {
	t.Parallel()
	now, err := time.Parse(time.RFC3339, noon)
	if err != nil {
		t.Fatal(err)
	}
	world := quickWorld(now)
	servers, err := world.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer servers.Close()
	dir := t.TempDir()
	env := quickVariables(servers)
	world.Inject(vendorsim.Fault{Host: "ucontact", Kind: vendorsim.FaultHang, Times: -1})
	cmd := process(t, "windrow", dir, env, "sync", "--as-of", noon)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	readUntil(t, stderr, `"msg":"committed","stream":"dialpad.texts"`)
	send(t, cmd, syscall.SIGKILL)
	_ = cmd.Wait() // it was killed
	world.ClearFaults()
	if out, err := process(t, "windrow", dir, env, "sync", "--as-of", noon).CombinedOutput(); err != nil {
		t.Fatalf("the next sync: %v\n%s", err, out)
	}

	out, err := process(t, "windrow", dir, env, "runs", "--json").Output()
	if err != nil {
		t.Fatal(err)
	}
	var runs []pipeline.RunRow
	if err := json.Unmarshal(out, &runs); err != nil || len(runs) != 2 {
		t.Fatalf("%v: %s", err, out)
	}
	if killed := runs[0]; killed.FinishedAt != nil || killed.Exit != nil || killed.Committed != nil || killed.StartedAt == nil || killed.Command == nil || *killed.Command != pipeline.CommandSync {
		t.Errorf("of the run that was killed the record says %s", out)
	}
	if next := runs[1]; next.FinishedAt == nil || next.Exit == nil || *next.Exit != 0 || *next.Committed == 0 {
		t.Errorf("of the next run the record says %s", out)
	}
	if out, err := process(t, "windrow", dir, env, "runs").Output(); err != nil || !strings.Contains(string(out), " no end  sync ") || !strings.Contains(string(out), "\n1 run has no end: killed before it finished, or still under way.\n") {
		t.Errorf("%v: %s", err, out)
	}
}

func TestPromise14_ASignalStopsASyncInTimeAndTheNextOneCompletesIt(t *testing.T) {
	now, err := time.Parse(time.RFC3339, noon)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		sig   syscall.Signal
		sink  string
		until string // what the log says before the signal
		runs  int    // that are recorded before
	}{
		{syscall.SIGTERM, "parquet", `"msg":"committed","stream":"dialpad.texts"`, 0},
		{syscall.SIGINT, "parquet", `"msg":"committed","stream":"dialpad.texts"`, 0},
		// BigQuery's groups wait for minutes, so what is committed is an earlier run's.
		{syscall.SIGTERM, "bigquery", `"msg":"reading","stream":"chattonic.operators"`, 1},
	} {
		t.Run(c.sig.String()+" "+c.sink, func(t *testing.T) {
			world := quickWorld(now)
			servers, err := world.Start(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer servers.Close()
			dir := t.TempDir()
			into := sinksOf[c.sink](t, dir)
			env := append(quickVariables(servers), into.variables...)
			for range c.runs {
				if out, err := process(t, "windrow", dir, env, "sync", "--as-of", noon, "--streams", "dialpad.texts").CombinedOutput(); err != nil {
					t.Fatalf("%v\n%s", err, out)
				}
			}
			world.Inject(vendorsim.Fault{Host: "ucontact", Kind: vendorsim.FaultHang, Times: -1})

			cmd := process(t, "windrow", dir, append(slices.Clone(env), "WINDROW_LOG_LEVEL=debug"), "sync", "--as-of", noon)
			stderr, err := cmd.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			var stdout bytes.Buffer
			cmd.Stdout = &stdout
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			readUntil(t, stderr, c.until)
			began := time.Now()
			send(t, cmd, c.sig)
			said, _ := io.ReadAll(stderr)
			code := exitCodeOf(t, cmd.Wait())
			defer func() {
				if t.Failed() {
					t.Logf("%s", said)
				}
			}()
			if took := time.Since(began); code != pipeline.ExitStopped || took >= 8*time.Second {
				t.Errorf("exit code %d after %s; want 130 within 8 s", code, took)
			}
			if !strings.Contains(stdout.String(), "Stopped by a signal") {
				t.Errorf("the summary does not say that it was stopped:\n%s", stdout.String())
			}
			if into.windows(t, "dialpad.texts") == 0 || into.runs(t) != c.runs+1 {
				t.Errorf("of what was committed %d windows are there, and %d runs are recorded", into.windows(t, "dialpad.texts"), into.runs(t))
			}

			world.ClearFaults()
			if out, err := process(t, "windrow", dir, env, "sync", "--as-of", noon).CombinedOutput(); err != nil {
				t.Fatalf("the next sync: %v\n%s", err, out)
			}
			out, err := process(t, "windrow", dir, env, "status", "--as-of", noon, "--json").Output()
			if err != nil || strings.Contains(string(out), `"watermark": null`) || strings.Count(string(out), `"open": 0`) != strings.Count(string(out), `"open"`) {
				t.Errorf("the next sync did not complete it: %v\n%s", err, out)
			}
		})
	}
}

func TestDemoServesUntilASignalWhatItsExportLinesPointAt(t *testing.T) {
	dir := t.TempDir()
	cmd := process(t, "windrow", dir, nil, "demo", "--serve")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var env []string
	lines := bufio.NewScanner(stdout)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "and then") {
		if pair, ok := strings.CutPrefix(lines.Text(), "export "); ok {
			env = append(env, strings.ReplaceAll(pair, "'", ""))
		}
	}
	push := ""
	for lines.Scan() && !strings.Contains(lines.Text(), "push status") {
		push += lines.Text() + "\n"
	}
	out, err := process(t, "windrow", dir, env, "check").CombinedOutput()
	if err != nil || strings.Count(string(out), " ok\n") != 10 {
		t.Errorf("check against the demo's vendors: %v\n%s", err, out)
	}
	out, err = process(t, "windrow", dir, env, "status", "--json").CombinedOutput()
	if err != nil || strings.Contains(string(out), `"watermark": null`) {
		t.Errorf("status of the demo's warehouse: %v\n%s", err, out)
	}
	sh := process(t, "sh", dir, append(env, "PATH="+pathWithWindrow(t)), "-c", push+lines.Text())
	if sh.Path, err = exec.LookPath("sh"); err != nil {
		t.Fatal(err)
	}
	out, err = sh.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Ventas") {
		t.Errorf("the push of the demo: %v\n%s", err, out)
	}
	send(t, cmd, syscall.SIGTERM)
	_, _ = io.Copy(io.Discard, stdout)
	if code := exitCodeOf(t, cmd.Wait()); code != pipeline.ExitStopped {
		t.Errorf("exit code %d, want 130", code)
	}
}

// pathWithWindrow is a path on which this test binary is windrow.
func pathWithWindrow(t *testing.T) string {
	t.Helper()
	exe, err := os.Executable()
	dir := t.TempDir()
	if err == nil {
		err = os.Symlink(exe, filepath.Join(dir, "windrow"))
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir + string(os.PathListSeparator) + os.Getenv("PATH")
}

// readUntil reads lines until one holds text.
func readUntil(t *testing.T, r io.Reader, text string) {
	t.Helper()
	var seen strings.Builder
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if strings.Contains(lines.Text(), text) {
			return
		}
		seen.WriteString(lines.Text() + "\n")
	}
	t.Fatalf("the process never said %q, but\n%s", text, seen.String())
}

func send(t *testing.T, cmd *exec.Cmd, sig os.Signal) {
	t.Helper()
	if err := cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

func parquetFiles(t *testing.T, root string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, ".parquet") {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
