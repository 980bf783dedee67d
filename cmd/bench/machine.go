package main

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// machine says where figures come from, in one line.
func machine(ctx context.Context) string {
	memory := "memory unknown"
	var kB int64
	if _, err := fmt.Sscanf(fromFile("/proc/meminfo", "MemTotal"), "%d kB", &kB); err == nil {
		memory = fmt.Sprintf("%.1f GiB", float64(kB)/(1<<20))
	}
	return strings.Join([]string{
		fmt.Sprintf("%s/%s, %d cores", runtime.GOOS, runtime.GOARCH, runtime.NumCPU()),
		fromFile("/proc/cpuinfo", "model name"), memory, runtime.Version(), "DuckDB " + duckVersion(ctx), "load " + load(ctx),
	}, "; ")
}

// duckVersion asks DuckDB itself.
func duckVersion(ctx context.Context) string {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return "unknown"
	}
	defer db.Close() //nolint:errcheck // it was only asked
	var version string
	if err := db.QueryRowContext(ctx, "SELECT version()").Scan(&version); err != nil {
		return "unknown"
	}
	return version
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
