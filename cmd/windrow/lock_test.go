package main

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"github.com/windrow-data/windrow/pipeline"
)

// A process that holds the sink's lock and does not end is told of, and waited for as long as a commit and a retry may take.
func TestASyncThatFindsTheSinkLockedTellsWhoHoldsItAndEnds(t *testing.T) {
	servers := quickServers(t)
	for _, pair := range quickVariables(servers) {
		name, value, _ := strings.Cut(pair, "=")
		t.Setenv(name, value)
	}
	sink := t.TempDir()
	t.Setenv("WINDROW_SINK", sink)
	const holder = "pid 7 on night since 2025-09-10T03:00:00Z"
	path := filepath.Join(sink, "_windrow", "lock")
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(holder+"\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	lock := flock.New(path)
	if free, err := lock.TryLock(); err != nil || !free {
		t.Fatal(free, err)
	}
	began := time.Now()
	var seconds atomic.Int64 // at each look at the clock one passes
	clock := func() time.Time { return began.Add(time.Duration(seconds.Add(1)) * time.Second) }
	sync := func(now func() time.Time) (code int, told string) {
		var stdout, stderr strings.Builder
		code = newApp(&stdout, &stderr, now).run(t.Context(), []string{"sync", "--as-of", noon, "--streams", "ucontact.agents"})
		return code, stderr.String()
	}
	code, told := sync(clock)
	if code != pipeline.ExitFailed || strings.Count(told, `"another process is writing to the sink; waiting for it to end","holder":"`+holder+`"`) != 1 ||
		!strings.Contains(told, "sink locked: the lock is held by "+holder+" (run sync again once that process has ended, or end it)") {
		t.Errorf("exit code %d: %s", code, told)
	}
	if passed := time.Duration(seconds.Load()) * time.Second; passed < 5*time.Minute || passed > 30*time.Minute {
		t.Errorf("it took %s", passed)
	}
	if err := lock.Unlock(); err != nil {
		t.Fatal(err)
	}
	if code, told := sync(time.Now); code != pipeline.ExitDone {
		t.Errorf("once it is free: exit code %d: %s", code, told)
	}
}
