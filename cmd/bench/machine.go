package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
)

// machine says where figures come from, in one line.
func machine(ctx context.Context) string {
	parts := []string{
		fmt.Sprintf("%s/%s, %d cores", runtime.GOOS, runtime.GOARCH, runtime.NumCPU()),
		fromFile("/proc/cpuinfo", "model name"),
		fromFile("/proc/meminfo", "MemTotal"),
		runtime.Version(),
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if d.Path == "github.com/duckdb/duckdb-go/v2" {
				parts = append(parts, "DuckDB by duckdb-go "+d.Version)
			}
		}
	}
	return strings.Join(parts, "; ") + "; load " + load(ctx)
}

// fromFile reads "name : value" from a file of the kernel.
func fromFile(path, name string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return name + " unknown"
	}
	for line := range bytes.Lines(text) {
		if key, value, ok := bytes.Cut(line, []byte(":")); ok && string(bytes.TrimSpace(key)) == name {
			return string(bytes.TrimSpace(value))
		}
	}
	return name + " unknown"
}

// load is how busy the machine is besides: figures of a busy one mean little.
func load(ctx context.Context) string {
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		return strings.Join(strings.Fields(string(text))[:3], " ")
	}
	out, err := exec.CommandContext(ctx, "uptime").Output()
	if _, after, ok := strings.Cut(string(out), "load average"); err == nil && ok {
		return strings.Trim(after, "s: \n")
	}
	return "unknown"
}
