// Command stopwatch runs a command and prints, as JSON on stdout, what its
// process took: {"wall_ns":…,"cpu_ns":…,"peak_bytes":…}. What the command says
// goes to stderr.
//
// It is a program of its own because it has to be small: the kernel counts the
// starting process's peak of memory as the started one's too. Start here: peak_*.go
// are the systems.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"time"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: stopwatch command [argument …]")
		os.Exit(2)
	}
	if err := watch(os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, "stopwatch:", err)
		os.Exit(1)
	}
}

func watch(name string, args []string) error {
	ctx, release := signal.NotifyContext(context.Background(), os.Interrupt)
	defer release()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stderr, os.Stderr
	began := time.Now()
	err := cmd.Run()
	wall := time.Since(began)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return json.NewEncoder(os.Stdout).Encode(map[string]int64{
		"wall_ns":    wall.Nanoseconds(),
		"cpu_ns":     (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Nanoseconds(),
		"peak_bytes": peakOf(cmd.ProcessState),
	})
}
