package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/cmd/windrow/internal/killtest"
	"github.com/windrow-data/windrow/pipeline"
)

// keptIn are the files of an archive's stream whose names end so.
func keptIn(t *testing.T, dir, stream, suffix string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "warehouse", "raw", "source=*", "account=*", "stream="+stream, "date=*", "*"+suffix))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// What a killed run has left, and answers that are past their days, go with any sync: also of a stream that it does not read,
// or that is not configured any more.
func TestASyncTidiesTheArchiveOfEveryStream(t *testing.T) {
	t.Parallel()
	servers := quickServers(t)
	dir := t.TempDir()
	sync := func(settings []string, args ...string) {
		t.Helper()
		cmd := process(t, "windrow", dir, append(quickVariables(servers), settings...), append([]string{"sync"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	sync(nil, "--as-of", noon, "--streams", "ucontact.agents,dialpad.texts")
	sync([]string{"WINDROW_UCONTACT_GROUPNUM=30"}, "--as-of", noon, "--streams", "ucontact.agents,dialpad.texts", "--refetch") // asked otherwise
	if n := len(keptIn(t, dir, "ucontact.agents", ".zst")); n != 6 {
		t.Fatalf("%d answers, want two for each of three days", n)
	}
	lost := keptIn(t, dir, "dialpad.texts", ".zst")
	if len(lost) == 0 || os.Remove(lost[0]) != nil {
		t.Fatal(lost)
	}
	sync([]string{"WINDROW_UCONTACT_AGENTS=", "WINDROW_ARCHIVE_DAYS=30"}, "--as-of", "2025-12-01T18:00:00Z", "--streams", "ucontact.campaigns", "--from", "2025-09-07", "--to", "2025-09-07")
	if n := len(keptIn(t, dir, "ucontact.agents", ".zst")); n != 3 {
		t.Errorf("%d answers of a stream that is not configured any more, want those of its windows", n)
	}
	if n := len(keptIn(t, dir, "dialpad.texts", ".meta.json")); n != len(lost)-1 {
		t.Errorf("%d descriptions of %d answers", n, len(lost)-1)
	}
}

// Answers that are past their days go with a sync that may be killed at any of them: what is left is whole, and the next sync
// removes the rest and nothing of what windows are made of.
func TestASyncThatIsKilledWhileItTidiesTheArchiveIsCompletedByTheNext(t *testing.T) {
	t.Parallel()
	servers := quickServers(t)
	run := func(program, dir string, settings []string, args ...string) ([]byte, error) {
		return process(t, program, dir, append(quickVariables(servers), settings...), args...).CombinedOutput()
	}
	must := func(dir string, settings []string, args ...string) []byte {
		t.Helper()
		out, err := run("windrow", dir, settings, args...)
		if err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		return out
	}
	first := t.TempDir()
	for _, asked := range []string{"60", "30"} { // in two ways, so that one of two answers is of no window any more
		must(first, []string{"WINDROW_UCONTACT_GROUPNUM=" + asked}, "sync", "--as-of", noon, "--streams", "ucontact.agents", "--refetch")
	}
	// Settings that were not read for these days leave the windows alone.
	later := []string{"sync", "--as-of", "2025-12-01T18:00:00Z", "--streams", "ucontact.campaigns", "--from", "2025-09-07", "--to", "2025-09-07"}
	tidy := []string{"WINDROW_ARCHIVE_DAYS=30", "WINDROW_UCONTACT_GROUPNUM=30"}
	for n := 1; n <= 3; n++ {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(first)); err != nil {
			t.Fatal(err)
		}
		if out, err := run("mortal", dir, append(tidy, fmt.Sprintf("%s=archive.removed#%d", mortalAt, n)), later...); !killtest.Killed(err) {
			t.Fatalf("%d: the sync was not killed: %v\n%s", n, err, out)
		}
		if bodies, metas := len(keptIn(t, dir, "ucontact.agents", ".zst")), len(keptIn(t, dir, "ucontact.agents", ".meta.json")); bodies != 6-n || metas != bodies {
			t.Errorf("%d: killed, it leaves %d answers and %d descriptions", n, bodies, metas)
		}
		must(dir, tidy, later...)
		if bodies, metas := len(keptIn(t, dir, "ucontact.agents", ".zst")), len(keptIn(t, dir, "ucontact.agents", ".meta.json")); bodies != 3 || metas != 3 {
			t.Errorf("%d: the next leaves %d answers and %d descriptions", n, bodies, metas)
		}
		var replayed pipeline.Summary
		out := must(dir, nil, "replay", "--json", "--as-of", noon, "--streams", "ucontact.agents")
		if err := json.Unmarshal(out[bytes.Index(out, []byte("{\n")):], &replayed); err != nil || len(replayed.Streams) != 1 || replayed.Streams[0].Unchanged != 3 || replayed.Streams[0].Committed != 0 {
			t.Errorf("%d: a replay of what is left: %v\n%s", n, err, out)
		}
	}
}

// An archive that takes no more ends the run with that word; nothing is committed of what it does not have, and the next run
// completes it.
func TestASyncWhoseArchiveIsFullCommitsNothingAndTheNextCompletes(t *testing.T) {
	t.Parallel()
	limited, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	space := make([]byte, 1<<20) // white space is no row and does not compress well: the answer outgrows the limit, and no table
	random := rand.New(rand.NewPCG(1, 2))
	for i := range space {
		space[i] = " \t\r\n"[random.IntN(4)]
	}
	answer := `[` + string(space) + `{"date":"Sep 8, 2025, 9:00:00 AM","resource":"Ana","connected":3540}]`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(answer)) // a client that has gone is not the test's affair
	}))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	env := []string{"WINDROW_UCONTACT_URL=" + server.URL, "WINDROW_UCONTACT_TOKEN=k", "WINDROW_UCONTACT_TIMEZONE=UTC", "WINDROW_UCONTACT_AGENTS=Ana", "WINDROW_FROM=2025-09-08", "WINDROW_RETRY_FOR=200ms"}
	args := []string{"sync", "--as-of", "2025-09-09T12:00:00Z", "--from", "2025-09-08", "--to", "2025-09-08"}
	program := filepath.Join(t.TempDir(), "windrow") // a shell starts it under this name
	if exe, err := os.Executable(); err != nil || os.Symlink(exe, program) != nil {
		t.Fatal(err)
	}
	cmd := process(t, "sh", dir, env, append([]string{"-c", `ulimit -f 128 && exec "$0" "$@"`, program}, args...)...)
	cmd.Path = limited
	out, err := cmd.CombinedOutput()
	if code := exitCodeOf(t, err); code != pipeline.ExitInternal || !strings.Contains(string(out), "a file may not grow that large") || !strings.Contains(string(out), "archive a body") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	if files, err := filepath.Glob(filepath.Join(dir, "warehouse", "activity", "source=*", "*", "*", "*", "*.parquet")); err != nil || len(files) > 0 {
		t.Errorf("%v are committed, %v", files, err)
	}
	if n := len(keptIn(t, dir, "ucontact.agents", "")); n > 0 {
		t.Errorf("%d files of an answer that was not kept", n)
	}
	if out, err := process(t, "windrow", dir, env, args...).CombinedOutput(); err != nil {
		t.Errorf("the next run: %v\n%s", err, out)
	}
	if n := len(keptIn(t, dir, "ucontact.agents", "")); n != 2 {
		t.Errorf("%d files of one answer", n)
	}
}
