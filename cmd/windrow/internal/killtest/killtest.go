// Package killtest lets tests kill a process of their own, at a step of it that has a name (pipeline.Point). The process
// dies as a machine that loses its power does: nothing of it is closed or said.
package killtest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// At returns what is called at each point. It kills the process at the n-th pass of a name, where spec is "name#n". It
// writes the name of every pass into the file trace, unless that is empty.
func At(spec, trace string) func(point string) {
	name, number, _ := strings.Cut(spec, "#")
	n, _ := strconv.Atoi(number)
	var mu sync.Mutex
	passed := 0
	return func(at string) {
		mu.Lock()
		defer mu.Unlock()
		if trace != "" {
			if f, err := os.OpenFile(trace, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err == nil {
				fmt.Fprintln(f, at)
				_ = f.Close() // the process may die here
			}
		}
		if at == name {
			if passed++; passed == n {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {} // SIGKILL takes no time, but it is not a return either
			}
		}
	}
}

// Killed tells whether a process was killed, by what Wait says.
func Killed(err error) bool {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signal() == syscall.SIGKILL
}

// Passes counts the passes of each point in a trace.
func Passes(t testing.TB, trace string) map[string]int {
	t.Helper()
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	passes := make(map[string]int)
	for _, name := range strings.Fields(string(text)) {
		passes[name]++
	}
	return passes
}
