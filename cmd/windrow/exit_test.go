package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

func TestEveryErrorHasItsExitCode(t *testing.T) {
	of := func(k pipeline.Kind) error { return fmt.Errorf("outer: %w", &pipeline.Error{Op: "x", Kind: k}) }
	for _, c := range []struct {
		name string
		err  error
		want int
	}{
		{"none", nil, 0},
		{"a bug", errors.New("oops"), 1},
		{"a sink that fails", of(pipeline.SinkFailed), 1},
		{"usage", usagef("hint", "problem"), 2},
		{"faults", &faultsError{}, 2},
		{"an argument that the engine refuses", of(pipeline.Invalid), 2},
		{"failed windows", exitWith(pipeline.ExitFailed), 3},
		{"failed windows, and a sink that does not close", errors.Join(errors.New("close"), exitWith(pipeline.ExitFailed)), 3},
		{"refused credentials", of(pipeline.Unauthorized), 4},
		{"a signal", fmt.Errorf("reading: %w", context.Canceled), 130},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := exitCode(c.err); got != c.want {
				t.Errorf("exit code %d, want %d", got, c.want)
			}
		})
	}
}

func TestACheckEndsAsASyncWould(t *testing.T) {
	of := func(kinds ...pipeline.Kind) (found []checkResult) {
		for _, k := range kinds {
			found = append(found, resultOf("x", "", nil, &pipeline.Error{Op: "x", Kind: k}))
		}
		return append(found, resultOf("y", "", nil, nil))
	}
	for _, c := range []struct {
		name  string
		found []checkResult
		want  int
	}{
		{"nothing is wrong", of(), 0},
		{"a vendor is out of reach", of(pipeline.Unavailable), 3},
		{"the sink is full or read-only", of(pipeline.Unwritable), 1},
		{"that, and the vendors are worse", of(pipeline.Unauthorized, pipeline.Invalid, pipeline.Unwritable), 1},
		{"a wrong clock", of(pipeline.Unauthorized, pipeline.ClockWrong), 1},
		{"a damaged ledger", of(pipeline.Unavailable, pipeline.Damaged), 1},
		{"what a sync refuses", of(pipeline.Unavailable, pipeline.Invalid), 2},
		{"refused credentials", of(pipeline.Invalid, pipeline.Damaged, pipeline.Unauthorized), 4},
	} {
		if got := exitOfChecks(c.found); got != c.want {
			t.Errorf("%s: exit code %d, want %d", c.name, got, c.want)
		}
	}
}

func TestAPanicIsAnInternalError(t *testing.T) {
	t.Chdir(t.TempDir())
	var out, errs strings.Builder
	a := &app{stdout: &out, stderr: &errs, now: func() time.Time { panic("no clock") }}
	if code := a.run(t.Context(), []string{"demo"}); code != pipeline.ExitInternal || !strings.HasPrefix(errs.String(), "windrow: internal error: no clock\n") {
		t.Errorf("exit code %d, %q", code, errs.String())
	}
}

// torn is a stdout that nobody survives writing to.
type torn struct{}

func (torn) Write([]byte) (int, error) { panic("stdout is torn") }

func TestAPanicOfASyncIsALineAndTheRecordStillComesLast(t *testing.T) {
	for name, value := range map[string]string{
		"CLOUD_RUN_JOB": "nightly", "CLOUD_RUN_TASK_INDEX": "1", "CLOUD_RUN_TASK_COUNT": "2",
		"WINDROW_DIALPAD_TOKEN": "k", "WINDROW_DIALPAD_TIMEZONE": "UTC",
	} {
		t.Setenv(name, value)
	}
	var errs strings.Builder
	a := newApp(torn{}, &errs, time.Now)
	code := a.run(t.Context(), []string{"sync", "--waive", "gone", "--from", "2025-09-01", "--to", "2025-09-01"})
	lines := strings.Split(strings.TrimSpace(errs.String()), "\n")
	if code != pipeline.ExitInternal || len(lines) != 2 ||
		!strings.Contains(lines[0], `"severity":"ERROR","message":"internal error: stdout is torn\ngoroutine`) ||
		!strings.Contains(lines[1], `"severity":"ERROR","message":"sync finished","exit":1,`) {
		t.Errorf("exit code %d:\n%s", code, errs.String())
	}
	if a.tell(slog.LevelError, "too late"); strings.Contains(errs.String(), "too late") {
		t.Error("a line came after the record")
	}
}

func TestAResultThatHasBeenShownIsNotReportedAgain(t *testing.T) {
	for _, c := range []struct {
		err  error
		want []string
	}{
		{nil, nil},
		{exitWith(3), nil},
		{context.Canceled, nil},
		{errors.Join(errors.New("close failed"), exitWith(3)), []string{"close failed"}},
		{errors.Join(errors.Join(errors.New("record"), nil, exitWith(3)), errors.New("close")), []string{"record", "close"}},
		{fmt.Errorf("reading: %w", context.Canceled), []string{"reading: context canceled"}},
		{&faultsError{[]pipeline.ConfigError{{Variable: "WINDROW_A", Problem: "is bad", Example: "1"}}}, []string{"1 setting is wrong:\n  WINDROW_A is bad; for example WINDROW_A=1"}},
	} {
		if got := reasons(c.err); !slices.Equal(got, c.want) {
			t.Errorf("%v: got %q, want %q", c.err, got, c.want)
		}
	}
}
