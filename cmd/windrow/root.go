package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/windrow-data/windrow/cmd/windrow/internal/config"
	"github.com/windrow-data/windrow/cmd/windrow/internal/show"
	"github.com/windrow-data/windrow/pipeline"
)

// app is one run of the program.
type app struct {
	stdout, stderr io.Writer
	now            func() time.Time // the real clock
	began          time.Time
	terminal       bool // people watch stderr
	escapes        bool // a terminal may be sent escape sequences
	logs           config.Logs
	softMemory     bool // the collector gets a limit to aim at; GOMEMLIMIT sets another

	asOf    string // --as-of, as typed
	files   envFiles
	running bool // a verb has begun; errors before that are of usage
	final   finalRecord
	ping    pinging

	stopping chan struct{} // closed by the first signal
	unknown  atomic.Bool   // of a push: the outcome of a batch is unknown at this moment
}

// newApp is one run of the program, which writes on stderr as its surroundings want.
func newApp(stdout, stderr io.Writer, now func() time.Time) *app {
	a := &app{stdout: newReadOutput(stdout), stderr: stderr, now: now, began: now(), escapes: config.Escapes(), stopping: make(chan struct{})}
	if f, ok := stdout.(*os.File); ok && a.escapes && term.IsTerminal(int(f.Fd())) {
		a.stdout = show.Coloured{Writer: a.stdout}
	}
	if f, ok := stderr.(*os.File); ok {
		a.terminal = term.IsTerminal(int(f.Fd()))
	}
	var err error
	if a.logs, err = config.ReadLogs(a.terminal, projectOf); err != nil {
		a.tell(slog.LevelError, err.Error()) // the configuration will say the same, and end the run
	}
	a.stderr = &patientOutput{out: stderr, missed: a.missedLines, hurry: a.stopping}
	if a.logs.Style != config.TextLog { // bars must see the terminal itself
		a.stderr = &lastLine{out: a.stderr}
	}
	return a
}

// screen is the size of the terminal that people watch.
func (a *app) screen() show.Screen {
	if f, ok := a.stderr.(interface{ Fd() uintptr }); ok {
		if columns, lines, err := term.GetSize(int(f.Fd())); err == nil && columns > 0 && lines > 0 {
			return show.Screen{Columns: columns, Lines: lines}
		}
	}
	return show.Screen{Columns: 80, Lines: 24}
}

// missedLines is the line that stands for those that nobody took.
func (a *app) missedLines(n int) []byte {
	var line bytes.Buffer
	a.newLog(&line, slog.LevelDebug).Warn(pipeline.Counted(n, "line") + " dropped here: nobody was reading")
	return line.Bytes()
}

// newLog writes to w in the style of the surroundings.
func (a *app) newLog(w io.Writer, level slog.Level) *slog.Logger {
	if a.logs.Style == config.CloudLog {
		o := show.Origin{Project: a.logs.Project, Execution: a.logs.CloudRun.Execution}
		if a.logs.CloudRun.Job != "" {
			o.Task, o.Attempt = a.logs.CloudRun.Index, a.logs.CloudRun.Attempt
		}
		return show.OfRun(show.NewCloudLog(w, level, o), a.final.id)
	}
	return show.OfRun(show.NewLog(w, a.logs.Style == config.JSONLog, level), a.final.id)
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

// verbs lists the commands, in the order in which help shows them.
func (a *app) verbs() []*cobra.Command {
	return []*cobra.Command{
		a.syncCommand(), a.planCommand(), a.statusCommand(), a.checkCommand(), a.verifyCommand(), a.replayCommand(), a.runsCommand(), a.rejectsCommand(),
		a.historyCommand(), a.adoptCommand(), a.streamsCommand(), a.targetsCommand(), a.schemaCommand(), a.viewsCommand(), a.reportCommand(), a.pushCommand(), a.demoCommand(),
		a.versionCommand(), a.generateCommand(),
	}
}

// run carries out a command line and returns the exit code.
func (a *app) run(ctx context.Context, args []string) (code int) {
	defer func() {
		if p := recover(); p != nil { // the runtime would exit with 2, which is for usage
			a.tell(slog.LevelError, fmt.Sprintf("internal error: %v\n%s", p, debug.Stack()))
			code = pipeline.ExitInternal
		}
		a.endPing(ctx, code)
		a.end(code)
	}()
	root := &cobra.Command{
		Use:   "windrow",
		Short: "Syncs contact-centre statistics into tables, window by window",
		Long: `Windrow syncs contact-centre statistics from uContact, Chat-Tonic and Dialpad
into Parquet files or BigQuery, window by window. It can be killed and run again
at any moment without losing or doubling a row.

Settings are environment variables that begin with WINDROW_; the README lists
them. "windrow demo" needs none.

Exit codes: 0 done; 1 internal error; 2 usage or configuration; 3 some windows
failed; 4 a vendor or the sink refused the credentials; 5 a push whose outcome is
unknown; 130 stopped by a signal.`,
		SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			a.running = true
			a.expectRecord(ctx, cmd)
			if err := a.files.refusal(); err != nil {
				return err
			}
			_, err := a.clock()
			return err
		},
	}
	a.files.declare(root.PersistentFlags())
	root.PersistentFlags().StringVar(&a.asOf, "as-of", "", "act as if now were this instant (RFC 3339; a date is its midnight UTC)")
	cobra.EnableCommandSorting = false
	root.AddCommand(a.verbs()...)
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(helpCommand())
	root.InitDefaultCompletionCmd(args...)
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			c.Args, c.RunE = nil, func(c *cobra.Command, args []string) error {
				if len(args) == 0 {
					return c.Help()
				}
				return needsOne(c, args)
			}
		}
	}
	root.SetArgs(args)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)

	cmd, err := root.ExecuteContextC(ctx)
	if err != nil && !a.running {
		a.expectRecord(ctx, cmd)
		err = usagef(fmt.Sprintf("Run '%s --help' for what it takes.", cmd.CommandPath()), "%s", err)
	}
	var told []string
	for _, reason := range reasons(err) {
		if !slices.Contains(told, reason) {
			told = append(told, reason)
			a.tell(slog.LevelError, reason)
		}
	}
	return exitCode(err)
}

// expectRecord gives a run its id, where cmd is one, and makes the last line that of a sync, which no reader may hold up.
// Whoever monitors syncs hears of it, also of one whose command line is wrong.
// What other verbs show is waited for: they have done nothing that must be told.
func (a *app) expectRecord(ctx context.Context, cmd *cobra.Command) {
	switch cmd.Name() {
	case replayVerb, demoVerb:
		a.final.begin(pipeline.NewSyncID(a.now()), false)
	case syncVerb:
		a.final.begin(pipeline.NewSyncID(a.now()), true)
		a.beginPing(ctx)
		patient := &patientOutput{out: a.stdout, hurry: a.stopping, stalled: func() {
			a.tell(slog.LevelWarn, "nobody reads the results, and the rest of them is dropped; `windrow status` shows what is committed")
		}}
		if _, ok := a.stdout.(show.Coloured); ok {
			a.stdout = show.Coloured{Writer: patient}
		} else {
			a.stdout = patient
		}
	}
}

// clock is the clock that plans: the real one, or that of --as-of.
func (a *app) clock() (pipeline.Clock, error) {
	if a.asOf == "" {
		return a.now, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, a.asOf); err == nil {
			return func() time.Time { return t }, nil
		}
	}
	return nil, usagef("For example --as-of 2025-09-08T12:00:00Z.", "--as-of %q is neither an RFC 3339 instant nor a date", a.asOf)
}
