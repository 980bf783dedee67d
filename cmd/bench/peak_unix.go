//go:build unix

package main

import (
	"os"
	"runtime"
	"syscall"
)

// peakOf is the largest resident set that an ended process had, in bytes.
func peakOf(p *os.ProcessState) int64 {
	if u, ok := p.SysUsage().(*syscall.Rusage); ok {
		return bytesOf(u.Maxrss)
	}
	return 0
}

// ownPeak is the largest resident set of this process so far, in bytes.
func ownPeak() int64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return bytesOf(u.Maxrss)
}

// bytesOf reads ru_maxrss: kilobytes, but bytes on macOS.
func bytesOf(maxrss int64) int64 {
	if runtime.GOOS == "darwin" {
		return maxrss
	}
	return maxrss << 10
}
