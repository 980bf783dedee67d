package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/windrow-data/windrow/cmd/windrow/internal/config"
	"github.com/windrow-data/windrow/cmd/windrow/internal/show"
)

// newApp is one run of the program, which writes on stderr as its surroundings want.
func newApp(stdout, stderr io.Writer, now func() time.Time) *app {
	a := &app{stdout: newReadOutput(stdout), stderr: stderr, now: now, began: now()}
	if f, ok := stderr.(*os.File); ok {
		a.terminal = term.IsTerminal(int(f.Fd()))
	}
	var err error
	if a.logs, err = config.ReadLogs(a.terminal, projectOf); err != nil {
		a.tell(slog.LevelError, err.Error()) // the configuration will say the same, and end the run
	}
	if a.logs.Style != config.TextLog { // bars must see the terminal itself
		a.stderr = &lastLine{out: stderr}
	}
	return a
}

// newLog writes to w in the style of the surroundings.
func (a *app) newLog(w io.Writer, level slog.Level) *slog.Logger {
	if a.logs.Style == config.CloudLog {
		o := show.Origin{Project: a.logs.Project, Execution: a.logs.CloudRun.Execution}
		if a.logs.CloudRun.Job != "" {
			o.Task, o.Attempt = a.logs.CloudRun.Index, a.logs.CloudRun.Attempt
		}
		return show.NewCloudLog(w, level, o)
	}
	return show.NewLog(w, a.logs.Style == config.JSONLog, level)
}

// tell writes what a person must know, whatever the log level. Cloud Logging
// gets a line of its own kind, with all of a long text in it.
func (a *app) tell(level slog.Level, text string) {
	if a.logs.Style == config.CloudLog {
		a.newLog(a.stderr, slog.LevelDebug).Log(context.Background(), level, text)
		return
	}
	fmt.Fprintf(a.stderr, "windrow: %s\n", text)
}
