package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// measure is what one process took from start to end, and what it wrote.
type measure struct {
	Wall  time.Duration `json:"wall_ns"`
	CPU   time.Duration `json:"cpu_ns"`
	Peak  int64         `json:"peak_bytes"` // largest resident set
	Bytes int64         `json:"output_bytes"`
	Files int           `json:"output_files"`
}

// run starts cmd, waits for it and adds up the files that match.
//
// The kernel counts the starting process's own peak as the child's until the
// child's program replaces it, so this process has to stay small: what needs
// memory is done by further children.
func run(cmd *exec.Cmd, files string) (measure, error) {
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	began := time.Now()
	err := cmd.Run()
	m := measure{Wall: time.Since(began)}
	if err != nil {
		return m, fmt.Errorf("%s: %w\n%s", filepath.Base(cmd.Path), err, said.Bytes())
	}
	m.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	m.Peak = peakOf(cmd.ProcessState)
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
		return m, fmt.Errorf("%s wrote no file %s\n%s", filepath.Base(cmd.Path), files, said.Bytes())
	}
	return m, nil
}

func (m measure) String() string {
	return fmt.Sprintf("%.3f s (CPU %.3f s), %d MiB, %d bytes in %d files", m.Wall.Seconds(), m.CPU.Seconds(), m.Peak/mib, m.Bytes, m.Files)
}
