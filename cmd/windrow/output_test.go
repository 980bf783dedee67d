package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
)

// Whoever reads a sync's output may leave, and a disk that takes it may be full: the windows are committed all the
// same.
func TestASyncThatNobodyListensToCommitsItsWindowsAndEndsWithItsRecordAndItsOwnExitCode(t *testing.T) {
	now, err := time.Parse(time.RFC3339, noon)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		// listen connects the process and returns what is done once it runs.
		listen func(*testing.T, *exec.Cmd) (started func())
		fault  bool // of a vendor
		exit   int
	}{
		{"2>&1 | head -1", leaveAfterOneLine(true, true), false, pipeline.ExitDone},
		{"2>&1 | head -1, and a window fails: that code counts", leaveAfterOneLine(true, true), true, pipeline.ExitFailed},
		{"2> >(head -1)", leaveAfterOneLine(false, true), false, pipeline.ExitDone},
		{"| head -0: nobody wants the summary", func(t *testing.T, cmd *exec.Cmd) func() {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			r.Close()
			cmd.Stdout = w
			return func() { w.Close() }
		}, false, pipeline.ExitDone},
		{"a full disk takes stdout", func(t *testing.T, cmd *exec.Cmd) func() {
			cmd.Stdout = openFull(t)
			return func() {}
		}, false, pipeline.ExitInternal},
		{"a full disk takes stderr", func(t *testing.T, cmd *exec.Cmd) func() {
			cmd.Stderr = openFull(t)
			return func() {}
		}, false, pipeline.ExitDone},
	} {
		for sink, result := range pairs(slices.Sorted(maps.Keys(sinksOf)), []string{"--json=false", "--json"}) {
			t.Run(c.name+" "+result+" "+sink, func(t *testing.T) {
				world := quickWorld(now)
				servers, err := world.Start(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer servers.Close()
				if c.fault {
					world.Inject(vendorsim.Fault{Host: "ucontact", Kind: vendorsim.FaultHTML, Times: -1})
				}
				dir := t.TempDir()
				into := sinksOf[sink](t, dir)
				cmd := process(t, "windrow", dir, append(quickVariables(servers), into.variables...), "sync", "--as-of", noon, "--streams", "dialpad.texts,ucontact.agents", result)
				var stdout, stderr bytes.Buffer
				cmd.Stdout, cmd.Stderr = &stdout, &stderr
				started := c.listen(t, cmd)
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				started()
				if code := exitCodeOf(t, cmd.Wait()); code != c.exit {
					t.Errorf("exit code %d, want %d\n%s%s", code, c.exit, stdout.String(), stderr.String())
				}
				if n := into.windows(t, "dialpad.texts"); n != 3 {
					t.Errorf("%d of 3 windows are committed", n)
				}
				if n := into.runs(t); n != 1 {
					t.Errorf("%d runs are recorded", n)
				}
				if cmd.Stderr == &stderr {
					endsWithItsRecord(t, stderr.String(), c.exit)
				}
			})
		}
	}
}

// Whoever should read a sync's output may stop reading and stay, with a pipe that is full.
func TestASyncWhoseReaderHasStoppedReadingCommitsItsWindowsAndEndsWithItsRecordAndItsOwnExitCode(t *testing.T) {
	t.Parallel()
	now, err := time.Parse(time.RFC3339, noon)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name           string
		stdout, stderr bool // stalled
		fault          bool
		exit           int
	}{
		{"both", true, true, false, pipeline.ExitDone},
		{"stderr, and a window fails", false, true, true, pipeline.ExitFailed},
		{"stdout", true, false, false, pipeline.ExitDone},
	} {
		for _, result := range []string{"--json=false", "--json"} {
			t.Run(c.name+" "+result, func(t *testing.T) {
				t.Parallel()
				world := quickWorld(now)
				servers, err := world.Start(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				defer servers.Close()
				if c.fault {
					world.Inject(vendorsim.Fault{Host: "ucontact", Kind: vendorsim.FaultHTML, Times: -1})
				}
				dir := t.TempDir()
				cmd := process(t, "windrow", dir, quickVariables(servers), "sync", "--as-of", noon, "--streams", "dialpad.texts,ucontact.agents", result)
				var stdout, stderr bytes.Buffer
				cmd.Stdout, cmd.Stderr = &stdout, &stderr
				full := fullPipe(t)
				if c.stdout {
					cmd.Stdout = full
				}
				if c.stderr {
					cmd.Stderr = full
				}
				began := time.Now()
				if code := exitCodeOf(t, cmd.Run()); code != c.exit {
					t.Errorf("exit code %d, want %d\n%s%s", code, c.exit, stdout.String(), stderr.String())
				}
				if took := time.Since(began); took < outputPatience {
					t.Errorf("it ended after %s: it did not wait for a reader that may be slow", took)
				}
				into := sinksOf["parquet"](t, dir)
				if n := into.windows(t, "dialpad.texts"); n != 3 {
					t.Errorf("%d of 3 windows are committed", n)
				}
				if n := into.runs(t); n != 1 {
					t.Errorf("%d runs are recorded", n)
				}
				if !c.stderr {
					endsWithItsRecord(t, stderr.String(), c.exit)
				}
			})
		}
	}
}

// fullPipe is the writing end of a pipe that is full and that nobody reads.
func fullPipe(t *testing.T) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	if err := w.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err = w.Write(make([]byte, 2<<20)); !errors.Is(err, os.ErrDeadlineExceeded) { // more than any pipe holds
		t.Fatal(err)
	}
	return w
}

func TestAnOutputIsWaitedForAndThenDroppedUntilItsReaderGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe() // nobody reads yet
		var stalls int
		hurry := make(chan struct{})
		o := &patientOutput{
			out: w, stalled: func() { stalls++ }, hurry: hurry,
			missed: func(n int) []byte { return fmt.Appendf(nil, "%d missed;", n) },
		}
		write := func(text string, takes time.Duration) {
			t.Helper()
			began := time.Now()
			if n, err := io.WriteString(o, text); err != nil || n != len(text) {
				t.Errorf("%d of %d bytes, %v", n, len(text), err)
			}
			if took := time.Since(began); took != takes {
				t.Errorf("%.20q took %s, want %s", text, took, takes)
			}
		}
		write("first;", outputPatience)
		write("second;", 0)
		write("third;", 0)
		var got bytes.Buffer
		read := make(chan struct{})
		resume := make(chan struct{})
		go func() {
			defer close(read)
			_, _ = io.CopyN(&got, r, int64(len("first;2 missed;fourth;")))
			<-resume
		}()
		synctest.Wait()
		write("fourth;", 0)
		synctest.Wait()
		close(hurry)
		write(strings.Repeat("x", 3*oneWrite), lastLineWithin)
		write("fifth;", 0)
		close(resume)
		<-read
		if got.String() != "first;2 missed;fourth;" || stalls != 2 {
			t.Errorf("the reader got %q, and %d stalls were told", &got, stalls)
		}
		r.Close()
		synctest.Wait()
		if _, err := io.WriteString(o, "sixth"); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("a closed output: %v", err)
		}
	})
}

// pairs are all pairs of both lists.
func pairs(a, b []string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, x := range a {
			for _, y := range b {
				if !yield(x, y) {
					return
				}
			}
		}
	}
}

// endsWithItsRecord fails unless the last line of a sync of six windows tells how it ended.
func endsWithItsRecord(t *testing.T, stderr string, exit int) {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	var last struct {
		Msg     string
		Exit    int
		Windows struct{ Committed int }
	}
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || last.Msg != "sync finished" || last.Exit != exit || last.Windows.Committed != 6 {
		t.Errorf("the last line is no record of what happened: %s %v", lines[len(lines)-1], err)
	}
}

// failing is an output whose writes end with an error.
type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestAnOutputThatNobodyReadsIsNoFailureAndAFullOneIs(t *testing.T) {
	for _, c := range []struct {
		name     string
		err      error
		terminal bool
		want     error
	}{
		{"a pipe that nobody reads", syscall.EPIPE, false, nil},
		{"a terminal that has hung up", syscall.EIO, true, nil},
		{"a broken disk", syscall.EIO, false, syscall.EIO},
		{"a full disk", syscall.ENOSPC, false, syscall.ENOSPC},
	} {
		o := readOutput{failing{&fs.PathError{Op: "write", Path: "/dev/stdout", Err: c.err}}, c.terminal}
		if n, err := o.Write([]byte("text")); !errors.Is(err, c.want) || (n == 4) != (c.want == nil) {
			t.Errorf("%s: %d bytes, %v", c.name, n, err)
		}
	}
}

// leaveAfterOneLine reads one line of the streams and goes.
func leaveAfterOneLine(stdout, stderr bool) func(*testing.T, *exec.Cmd) func() {
	return func(t *testing.T, cmd *exec.Cmd) func() {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		if stdout {
			cmd.Stdout = w
		}
		if stderr {
			cmd.Stderr = w
		}
		return func() {
			w.Close()
			if _, err := bufio.NewReaderSize(io.LimitReader(r, 16), 16).ReadByte(); err != nil {
				t.Error(err)
			}
			r.Close()
		}
	}
}

// openFull is a file on a disk that is full.
func openFull(t *testing.T) *os.File {
	t.Helper()
	f, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}
