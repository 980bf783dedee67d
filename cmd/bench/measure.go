package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// measure is what one process took from start to end, and what it wrote.
type measure struct {
	Wall  time.Duration `json:"wall_ns"`
	CPU   time.Duration `json:"cpu_ns"`     // user and system
	Peak  int64         `json:"peak_bytes"` // largest resident set
	Bytes int64         `json:"output_bytes"`
	Files int           `json:"output_files"`
}

func (m measure) String() string {
	return fmt.Sprintf("%.3f s (CPU %.3f s), %d MiB, %d bytes in %d files", m.Wall.Seconds(), m.CPU.Seconds(), m.Peak/mib, m.Bytes, m.Files)
}

// build makes a static binary of a package of this repository.
func build(ctx context.Context, dir, name, pkg string) (string, error) {
	binary := filepath.Join(dir, name)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", binary, "github.com/windrow-data/windrow/"+pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("build %s; the benchmark has to run in its repository: %w", pkg, err)
	}
	return binary, nil
}

// run has cmd run under the stopwatch and adds up the files that match.
func run(stopwatch string, cmd *exec.Cmd, files string) (measure, error) {
	var m measure
	var took, said bytes.Buffer
	name := filepath.Base(cmd.Path)
	cmd.Args = append([]string{stopwatch, cmd.Path}, cmd.Args[1:]...)
	cmd.Path, cmd.Stdout, cmd.Stderr = stopwatch, &took, &said
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // it stops the command too
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		return m, fmt.Errorf("%s: %w\n%s", name, err, said.Bytes())
	}
	if err := json.Unmarshal(took.Bytes(), &m); err != nil {
		return m, fmt.Errorf("stopwatch: %w", err)
	}
	names, err := filepath.Glob(files)
	if err != nil {
		return m, err
	}
	for _, name := range names {
		s, err := os.Stat(name)
		if err != nil {
			return m, err
		}
		m.Bytes += s.Size()
		m.Files++
	}
	if m.Files == 0 {
		return m, fmt.Errorf("%s wrote no file %s\n%s", name, files, said.Bytes())
	}
	return m, nil
}
