package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/windrow-data/windrow/cmd/windrow/internal/config"
	"github.com/windrow-data/windrow/cmd/windrow/internal/show"
	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
)

const (
	demoWarehouse = "warehouse-demo"
	demoReport    = demoWarehouse + "/windrow-report.html"
	// demoMark is the file that tells a demo's warehouse from any other.
	demoMark = "DEMO.txt"
	demoDays = 7
	// demoSettle is the longest settle time of the three vendors.
	demoSettle = 6 * time.Hour
	demoQuery  = `SELECT stream, local_date, count(*) AS calls, round(sum(talk_seconds) / 60) AS talk_minutes
FROM read_parquet('./warehouse-demo/events/**/*.parquet', hive_partitioning=true, union_by_name=true)
WHERE is_entry GROUP BY ALL ORDER BY ALL;`
)

// demoPush is a push to a hub of the simulated uContact; demoPushKey is the variable that it needs beside a sync's.
const (
	demoPushKey = "WINDROW_PUSH_KEY=no secret: the key of a demo alone"
	demoPush    = `printf 'clientIds,data.order\n+1 202 555 0101,1001\n+1 202 555 0102,1002\n' |
  windrow push leads --hub Ventas --hub-type telephony --key demo --from -
windrow push status`
)

func (a *app) demoCommand() *cobra.Command {
	var serve bool
	var port int
	cmd := &cobra.Command{
		Use: demoVerb, Short: "Syncs simulated vendors into ./warehouse-demo; needs no configuration", Args: noArgs,
		Example: `  windrow demo
  windrow demo --serve --port 8800`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("port") && (port < 1 || port > highestDemoPort) {
				return usagef("For example --port 8800.", "--port %d is not a number from 1 to %d", port, highestDemoPort)
			}
			return a.demo(cmd.Context(), serve, port)
		},
	}
	cmd.Flags().BoolVar(&serve, "serve", false, "keep the simulated vendors running, and print the variables that point a sync at them")
	cmd.Flags().IntVar(&port, "port", 0, "the first of the four ports that they listen on; 0: any that are free")
	return cmd
}

// demo is the ordinary sync under an environment of its own.
func (a *app) demo(ctx context.Context, serve bool, port int) error {
	if err := claimDemoWarehouse(); err != nil {
		return err
	}
	clock, err := a.clock()
	if err != nil {
		return err
	}
	servers, err := vendorsim.New(demoWorld(clock, port)).Start(ctx)
	if errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, syscall.EACCES) {
		return usagef("Say another --port, or none.", "the simulated vendors cannot listen on the four ports from %d on: %s", port, err)
	}
	if err != nil {
		return err
	}
	defer servers.Close()
	first, last := demoSpan(clock())
	here, err := filepath.Abs(".")
	if err != nil {
		return err
	}
	env := append(servers.Env(),
		"WINDROW_CHATTONIC_DURATION_UNIT=seconds",
		"WINDROW_SINK="+filepath.Join(here, demoWarehouse),
		"WINDROW_REPORT="+filepath.Join(here, demoReport),
		"WINDROW_FROM="+first)
	if err := useEnvironment(append(env, "WINDROW_LOG_LEVEL=warn")); err != nil {
		return err
	}
	s, err := a.configure()
	if err != nil {
		return err
	}
	s.task = config.Task{Count: 1} // the demo is one process, wherever it runs
	a.tell(slog.LevelInfo, fmt.Sprintf("simulated vendors answer on loopback; %s to %s goes into ./%s", first, last, demoWarehouse))
	if err := a.sync(ctx, s, &selection{to: last}, a.showDemo); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "\nThe tables are ordinary Parquet files. In DuckDB:\n\n%s\n\n", demoQuery)
	fmt.Fprintf(a.stdout, "Whether they are whole says a page: open %s in a browser.\n\n", demoReport)
	if !serve {
		fmt.Fprintf(a.stdout, "Run `windrow demo` again: nothing is doubled, and what has not changed is not written.\n"+
			"`windrow demo --serve` keeps the vendors running, so that you can try sync, plan, status and check against them.\n")
		return nil
	}
	fmt.Fprintf(a.stdout, "The vendors keep running until you press Ctrl-C. In another terminal:\n\n%s\n"+
		"and then, for example, `windrow status` or `windrow sync`, or two contacts to an outbound hub, each of them once:\n\n%s\n",
		exports(append(env, demoPushKey)), demoPush)
	<-ctx.Done()
	return ctx.Err()
}

// highestDemoPort leaves room for the three behind it.
const highestDemoPort = 1<<16 - demoPorts

const demoPorts = 4

// demoWorld are vendors on four ports, from port on; 0: on any.
func demoWorld(clock pipeline.Clock, port int) vendorsim.Options {
	o := vendorsim.Options{Seed: 1, Clock: clock, Gzip: true}
	for i, address := range []*string{&o.UContact.Address, &o.ChatTonic.Address, &o.Dialpad.Address, &o.Dialpad.DownloadAddress} {
		if port > 0 {
			*address = fmt.Sprintf("127.0.0.1:%d", port+i)
		}
	}
	return o
}

// showDemo leaves out what to do next when all is well: the demo has its own.
func (a *app) showDemo(summary pipeline.Summary) error {
	if err := show.Summary(a.stdout, summary); err != nil || summary.Exit == pipeline.ExitDone {
		return err
	}
	return show.Next(a.stdout, summary, show.Asked{})
}

// demoSpan returns the last local days that every vendor has settled.
func demoSpan(now time.Time) (first, last string) {
	chicago, err := time.LoadLocation("America/Chicago") // the zone whose days settle last
	if err != nil {
		chicago = time.UTC
	}
	settled := now.In(chicago).Add(-demoSettle)
	return settled.AddDate(0, 0, -demoDays).Format(time.DateOnly), settled.AddDate(0, 0, -1).Format(time.DateOnly)
}

// claimDemoWarehouse makes the folder, and refuses one that holds something else.
func claimDemoWarehouse() error {
	mark := filepath.Join(demoWarehouse, demoMark)
	if _, err := os.Stat(mark); err == nil {
		return nil
	}
	switch entries, err := os.ReadDir(demoWarehouse); {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.Mkdir(demoWarehouse, 0o750); err != nil {
			return err
		}
	case err != nil:
		return err
	case len(entries) > 0:
		return usagef("Run the demo in another folder, or move this one away.", "./%s exists and was not made by the demo", demoWarehouse)
	}
	return os.WriteFile(mark, []byte("Simulated data, written by `windrow demo`. Safe to delete.\n"), 0o640)
}

// useEnvironment makes these the only variables of Windrow.
func useEnvironment(env []string) error {
	for _, pair := range os.Environ() {
		if name, _, _ := strings.Cut(pair, "="); strings.HasPrefix(name, config.Prefix) {
			if err := os.Unsetenv(name); err != nil {
				return err
			}
		}
	}
	for _, pair := range env {
		name, value, _ := strings.Cut(pair, "=")
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	return nil
}

// exports writes variables as lines for a shell.
func exports(env []string) string {
	var b strings.Builder
	for _, pair := range env {
		name, value, _ := strings.Cut(pair, "=")
		fmt.Fprintf(&b, "export %s='%s'\n", name, strings.ReplaceAll(value, "'", `'\''`))
	}
	return b.String()
}
