package endtoend

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/parquet"
)

// The variables by which a test tells its own re-executed binary to be a sync.
const (
	childRoot  = "ENDTOEND_ROOT"
	childNow   = "ENDTOEND_NOW"
	childFrom  = "ENDTOEND_FROM"
	childPoint = "ENDTOEND_KILL_AT" // name#n: die at the n-th pass of the point
	childTrace = "ENDTOEND_TRACE"   // a file that gets the name of every point passed
	childPeak  = "ENDTOEND_PEAK"    // a file that gets the peak resident memory in KiB
)

func TestMain(m *testing.M) {
	// No machine's own zone may matter (promise 9), least of all where it is UTC.
	time.Local = time.FixedZone("elsewhere", 5*60*60+45*60)
	if root := os.Getenv(childRoot); root != "" {
		os.Exit(child(root))
	}
	os.Exit(m.Run())
}

// child is one sync in a process of its own, which may kill itself at a point.
func child(root string) int {
	at, err := time.Parse(time.RFC3339, os.Getenv(childNow))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	clock := func() time.Time { return at }
	debug.SetMemoryLimit(128 << 20) // as main does
	ctx := pipeline.WithPoints(context.Background(), dieAt(os.Getenv(childPoint), os.Getenv(childTrace)))
	sources, err := openSources(clock)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	for i := range sources {
		sources[i] = fromDay{sources[i], os.Getenv(childFrom)}
	}
	store, err := parquet.Open(ctx, root, parquet.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer store.Close() //nolint:errcheck // the process ends
	e := &pipeline.Engine{Store: store, Sources: sources, Clock: clock, Now: time.Now, MaxRejects: 0.01, Concurrency: 8}
	sum, err := e.Sync(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if sum.Exit != 0 {
		fmt.Fprintln(os.Stderr, failures(sum))
	}
	if err := writePeak(os.Getenv(childPeak)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return sum.Exit
}

// writePeak writes the process's peak resident memory, as Linux counts it.
func writePeak(path string) error {
	if path == "" {
		return nil
	}
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		if kib, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			return os.WriteFile(path, []byte(strings.TrimSuffix(strings.TrimSpace(kib), " kB")), 0o600)
		}
	}
	return fmt.Errorf("no VmHWM in /proc/self/status")
}

// dieAt kills the process by SIGKILL at the n-th pass of a named point.
func dieAt(spec, trace string) func(string) {
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
				f.Close()
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

// spawn starts a sync of the site as a process of its own.
func (s *site) spawn(root string, extra ...string) *exec.Cmd {
	s.Helper()
	cmd := exec.CommandContext(s.Context(), os.Args[0], "-test.run=^$")
	for name, value := range s.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Env = append(cmd.Env, "HOME="+os.Getenv("HOME"), "PATH="+os.Getenv("PATH"), "TMPDIR="+s.TempDir(),
		childRoot+"="+root, childNow+"="+s.world.Now().Format(time.RFC3339), childFrom+"="+s.from)
	cmd.Env = append(cmd.Env, extra...)
	var out strings.Builder
	cmd.Stderr = &out
	if err := cmd.Start(); err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() {
		if s.Failed() && out.Len() > 0 {
			s.Log(out.String())
		}
	})
	return cmd
}

func killed(err error) bool {
	exit, ok := err.(*exec.ExitError) //nolint:errorlint // Wait returns it bare
	return ok && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
}

// killSite is a site whose vendors give no reason to wait.
func killSite(t *testing.T) *site {
	return newSite(t, func(o *vendorsim.Options) { o.UContact.MaxLoad, o.Dialpad.Limits.Posts = -1, -1 })
}

func TestPromise02_KilledAtEveryNamedPointTheNextRunReachesTheSameTables(t *testing.T) {
	s := killSite(t)
	trace := filepath.Join(t.TempDir(), "trace")
	reference := filepath.Join(t.TempDir(), "reference")
	if err := s.spawn(reference, childTrace+"="+trace).Wait(); err != nil {
		t.Fatal(err)
	}
	want := contents(t, reference)
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	passes := make(map[string]int)
	for _, name := range strings.Fields(string(text)) {
		passes[name]++
	}
	if len(passes) < 6 {
		t.Fatalf("a sync passes only %v", passes)
	}
	for name, n := range passes {
		// The first, a middle and the last pass of each point.
		for _, pass := range slicesCompact(1, (n+1)/2, n) {
			t.Run(fmt.Sprintf("%s_%d", name, pass), func(t *testing.T) {
				root := filepath.Join(t.TempDir(), "warehouse")
				// How often a point is passed depends on how windows fall into
				// groups, so a late pass may not come: then the run is a whole one.
				err := s.spawn(root, fmt.Sprintf("%s=%s#%d", childPoint, name, pass)).Wait()
				if pass == 1 && !killed(err) {
					t.Fatalf("the run was not killed: %v", err)
				}
				if err := s.spawn(root).Wait(); err != nil {
					t.Fatalf("the run after the kill: %v", err)
				}
				sameRows(t, contents(t, root), want)
			})
		}
	}
}

func slicesCompact(values ...int) []int {
	var out []int
	for _, v := range values {
		if len(out) == 0 || out[len(out)-1] != v {
			out = append(out, v)
		}
	}
	return out
}

func TestPromise02_KilledAtRandomTheNextRunReachesTheSameTables(t *testing.T) {
	s := killSite(t)
	reference := filepath.Join(t.TempDir(), "reference")
	started := time.Now()
	if err := s.spawn(reference).Wait(); err != nil {
		t.Fatal(err)
	}
	whole := time.Since(started)
	want := contents(t, reference)

	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d, a whole run takes %v", seed, whole)
	random := rand.New(rand.NewPCG(seed, 1))
	kills := 0
	for kills < randomKills {
		root := filepath.Join(t.TempDir(), fmt.Sprint("warehouse", kills))
		for range 6 {
			cmd := s.spawn(root)
			timer := time.AfterFunc(time.Duration(random.Float64()*float64(whole)), func() { _ = cmd.Process.Kill() })
			err := cmd.Wait()
			timer.Stop()
			if killed(err) {
				kills++
			} else if err != nil {
				t.Fatalf("a run that was not killed failed: %v", err)
			}
		}
		if err := s.spawn(root).Wait(); err != nil {
			t.Fatalf("the run after the kills: %v", err)
		}
		sameRows(t, contents(t, root), want)
		_ = os.RemoveAll(root)
	}
	t.Logf("%d kills", kills)
}
