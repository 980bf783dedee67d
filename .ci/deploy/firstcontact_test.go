package deploy

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// commands are the lines of a section of the README that a reader types, without what is said of them.
func commands(t *testing.T, section string) []string {
	t.Helper()
	_, text, found := strings.Cut(read(t, root+"/README.md"), "\n## "+section+"\n")
	if !found {
		t.Fatalf("the README has no section %q", section)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	var lines []string
	for line := range strings.Lines(text) {
		typed, is := strings.CutPrefix(line, "    ")
		typed, _, _ = strings.Cut(typed, "#")
		if typed = strings.TrimSpace(typed); is && typed != "" {
			lines = append(lines, typed)
		}
	}
	return lines
}

// newcomer is somebody with an empty home, who has Go's caches.
type newcomer struct {
	home, in string
	env      []string
}

func arrive(t *testing.T, in string, env ...string) newcomer {
	t.Helper()
	n := newcomer{home: t.TempDir(), in: in}
	n.env = append([]string{"HOME=" + n.home, "TMPDIR=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}, env...)
	return n
}

// types is what somebody types into a shell.
func (n newcomer) types(t *testing.T, line string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
	cmd.Dir, cmd.Env = n.in, n.env
	return cmd
}

func (n newcomer) gets(t *testing.T, line string) string {
	t.Helper()
	out, err := n.types(t, line).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", line, err, out)
	}
	return string(out)
}

// withGo are the variables by which Go finds its caches without a home. The flags are the image's, so that what it has
// compiled is not compiled again.
func withGo(t *testing.T, d dockerfile) []string {
	t.Helper()
	env := append(slices.Clone(d.env), "GOFLAGS=-trimpath -buildvcs=false")
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPROXY", "GOSUMDB", "GOTOOLCHAIN"} {
		value, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		env = append(env, name+"="+strings.TrimSpace(string(value)))
	}
	return env
}

// What the README has a newcomer type is typed as it stands there: the demo in a clone, again, and with its vendors left
// running; then the commands of a first sync, in an empty folder, as the demo's settings point them at those vendors.
func TestTheReadmesFirstContact(t *testing.T) {
	d := readDockerfile(t, imageVersion)
	program, clone := builtImage(t, d), buildContext(t, d)

	two := commands(t, "Two commands")
	if len(two) != 2 || !strings.HasPrefix(two[0], "go run ./cmd/windrow ") {
		t.Fatalf("the two commands are %q", two)
	}
	if ci := read(t, root+"/.ci/run"); two[1] != "go test ./..." || !regexp.MustCompile(`(?m)^\tgo_test test .* \./\.\.\.$`).MatchString(ci) {
		t.Errorf("%q is not what CI tests with", two[1])
	}
	n := arrive(t, clone, withGo(t, d)...)
	out := n.gets(t, two[0])
	first := tables(t, filepath.Join(clone, "warehouse-demo"))
	if len(first) < 50 || !strings.Contains(out, "\ntotal ") {
		t.Errorf("%s made %d files of tables, and said\n%s", two[0], len(first), out)
	}
	out = n.gets(t, two[0]) // "Run it again: nothing is written twice."
	if again := tables(t, filepath.Join(clone, "warehouse-demo")); !slices.Equal(again, first) {
		t.Errorf("a second demo changed the tables from\n%q to\n%q\n%s", first, again, out)
	}

	flag := regexp.MustCompile("With `(--[a-z]+)` it keeps its vendors running, for the other commands").FindStringSubmatch(read(t, root+"/README.md"))
	if flag == nil {
		t.Fatal("the README does not say with which flag the vendors keep running")
	}
	settings := served(t, n, two[0]+" "+flag[1])

	typed := commands(t, "A first real sync")
	install := "go install " + strings.TrimPrefix(strings.SplitN(read(t, root+"/go.mod"), "\n", 2)[0], "module ") + "/cmd/windrow@latest"
	if typed[0] != install {
		t.Errorf("it is installed by %q, want %q", typed[0], install)
	}
	there := arrive(t, t.TempDir(), "PATH="+program+":/usr/bin:/bin")
	ran := 0
	for _, line := range typed[1:] {
		if strings.HasPrefix(line, "export WINDROW_") { // of one's own vendors
			continue
		}
		if !strings.HasPrefix(line, "windrow ") {
			t.Errorf("nobody knows how to try %q", line)
			continue
		}
		ran++
		out := there.gets(t, settings+line)
		if line == "windrow status" && !regexp.MustCompile(`^All 13 streams are whole`).MatchString(out) {
			t.Errorf("after a first sync it stands so:\n%s", out)
		}
		t.Logf("%s\n%s", line, out)
	}
	if ran < 4 {
		t.Errorf("a first sync has the commands %q", typed)
	}
	for _, empty := range []string{there.home, there.in} {
		if left, err := os.ReadDir(empty); err != nil || len(left) > 0 {
			t.Errorf("a first sync left %v in a folder that is none of its own (%v)", left, err)
		}
	}
}

// served are the settings that a demo prints whose vendors run until the test ends.
func served(t *testing.T, n newcomer, line string) string {
	t.Helper()
	cmd := n.types(t, line)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) // Ctrl-C
		_ = cmd.Wait()                                     // it was interrupted
	})
	var settings strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "export ") {
			settings.WriteString(lines.Text() + "\n")
		} else if settings.Len() > 0 {
			go func() { // what it says afterwards nobody needs
				for lines.Scan() {
				}
			}()
			return settings.String()
		}
	}
	t.Fatalf("%s ended without settings", line)
	return ""
}

// tables are the files of a warehouse's tables, each with its size and when it was written.
func tables(t *testing.T, warehouse string) []string {
	t.Helper()
	var files []string
	for _, table := range []string{"activity", "events"} {
		err := filepath.WalkDir(filepath.Join(warehouse, table), func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			info, err := e.Info()
			if err != nil {
				return err
			}
			files = append(files, fmt.Sprintf("%s %d %s", strings.TrimPrefix(path, warehouse), info.Size(), info.ModTime()))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}
