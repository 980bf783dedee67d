package endtoend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/cmd/windrow/internal/killtest"
	"github.com/windrow-data/windrow/connectors"
	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/archive"
	"github.com/windrow-data/windrow/pipeline/engine"
	"github.com/windrow-data/windrow/sinks/sinktest/soak"
)

// The variables by which a test tells its own re-executed binary to be a sync.
const (
	childRoot  = "ENDTOEND_ROOT"
	childNow   = "ENDTOEND_NOW"
	childFrom  = "ENDTOEND_FROM"
	childPoint = "ENDTOEND_KILL_AT" // name#n: die at the n-th pass of the point
	childTrace = "ENDTOEND_TRACE"   // a file that gets the name of every point passed
	// childMeeting is an address that answers when the run may commit.
	childMeeting = "ENDTOEND_MEETING"
	childPeak    = "ENDTOEND_PEAK" // a file that gets the peak resident memory in KiB
	// childServer is the root of the server that has the warehouse ENDTOEND_ROOT.
	childServer = "ENDTOEND_SERVER"
	// childProgram is the program that the process is to become, in a container.
	childProgram  = "ENDTOEND_PROGRAM"
	childStreams  = "ENDTOEND_STREAMS"  // comma list; empty: all
	childGrouping = "ENDTOEND_GROUPING" // a pipeline.Grouping as JSON
)

func TestMain(m *testing.M) {
	// No machine's own zone may matter (promise 9), least of all where it is UTC.
	time.Local = time.FixedZone("elsewhere", 5*60*60+45*60)
	for name, value := range keysOfS3 {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	if program := os.Getenv(childProgram); program != "" {
		os.Exit(contained(program))
	}
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
	clock, now, err := clocks(at, os.Getenv(childSkew))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	defer engine.NewSoftMemory(8).Follow()() // as the program does
	die, meet := killtest.At(os.Getenv(childPoint), os.Getenv(childTrace)), meetAt(os.Getenv(childMeeting))
	ctx := pipeline.WithPoints(context.Background(), func(point string) {
		die(point)
		meet(point)
	})
	sources, err := openSources(clock, func(o *connectors.Options) { o.Now = now })
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	for i := range sources {
		sources[i] = fromDay{Source: sources[i], from: os.Getenv(childFrom)}
	}
	store, err := openStore(ctx, root, os.Getenv(childServer), "", now)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer store.Close() //nolint:errcheck // the process ends
	e := &engine.Engine{Store: store, Sources: sources, Clock: clock, Now: now, MaxRejects: engine.RejectLimit{Share: 0.01}, Health: health, Concurrency: 8}
	e.Select.Refetch = os.Getenv(childRefetch) != ""
	if err := json.Unmarshal([]byte(os.Getenv(childGrouping)), &e.Group); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	for _, id := range strings.FieldsFunc(os.Getenv(childStreams), func(r rune) bool { return r == ',' }) {
		e.Streams = append(e.Streams, pipeline.StreamID(id))
	}
	work := e.Sync
	if kept := archiveOf(store); kept != nil && os.Getenv(childReplay) != "" {
		work = func(ctx context.Context) (pipeline.Summary, error) {
			return e.Replay(ctx, keptBodies{kept, sources}, everyAccount)
		}
	} else if kept != nil {
		e.Sources = slices.Clone(sources)
		for i, source := range sources {
			e.Sources[i] = archive.Tee(source, kept, 0)
		}
		work = func(ctx context.Context) (pipeline.Summary, error) {
			sum, err := e.Sync(ctx)
			of := archive.Tidying{Since: pipeline.InstantOf(now()), Now: pipeline.InstantOf(now()), Before: pipeline.NoInstant}
			return sum, errors.Join(err, archive.Tidy(ctx, kept, store, sum, of))
		}
	}
	sum, err := work(ctx)
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
	kib, err := peakIn(string(text))
	if err != nil {
		return err
	}
	return os.WriteFile(path, []byte(kib), 0o600)
}

// peakIn finds the peak resident memory, in KiB, in a process's status.
func peakIn(status string) (kib string, err error) {
	for line := range strings.Lines(status) {
		if kib, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			return strings.TrimSuffix(strings.TrimSpace(kib), " kB"), nil
		}
	}
	return "", fmt.Errorf("no VmHWM in the status of a process")
}

// spawn starts a sync of the site as a process of its own.
func (s *site) spawn(root string, extra ...string) *exec.Cmd {
	s.Helper()
	s.exportNPS()
	cmd := exec.CommandContext(s.Context(), os.Args[0], "-test.run=^$")
	for name, value := range s.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Env = append(cmd.Env, "HOME="+os.Getenv("HOME"), "PATH="+os.Getenv("PATH"), "TMPDIR="+s.TempDir(),
		childRoot+"="+root, childServer+"="+endpointOf(s.T, root), childNow+"="+s.world.Now().Format(time.RFC3339), childFrom+"="+s.from)
	for name, value := range keysOfS3 {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	group, err := json.Marshal(groupOf(root, s.group))
	if err != nil {
		s.Fatal(err)
	}
	var streams []string
	for _, id := range s.streams {
		streams = append(streams, string(id))
	}
	cmd.Env = append(cmd.Env, childGrouping+"="+string(group), childStreams+"="+strings.Join(streams, ","))
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

// killSite is a site whose vendors give no reason to wait.
func killSite(t *testing.T) *site { return killSiteOn(t, newSite) }

func killSiteOn(t *testing.T, newSite siteMaker) *site {
	t.Helper()
	s := newSite(t, clockless, func(o *vendorsim.Options) { o.UContact.MaxLoad, o.Dialpad.Limits.Posts = -1, -1 })
	s.shareClock()
	return s
}

// smallKillSite is a kill site whose sync takes little, yet commits several times.
func smallKillSite(t *testing.T, newSite siteMaker) *site {
	t.Helper()
	s := killSiteOn(t, newSite)
	s.from = "2025-09-08"
	s.world.Set(func(o *vendorsim.Options) { o.CallsPerDay, o.TextsPerDay = 8, 8 })
	s.streams = []pipeline.StreamID{"ucontact.agents", "chattonic.operators", "chattonic.nps", "dialpad.texts"}
	s.env["WINDROW_DIALPAD_TARGETS"] = vendorsim.CallCenters()[0].String()
	if isBigQuery(s.root) {
		s.group = pipeline.Grouping{Windows: 2, After: 10 * time.Millisecond}
	}
	return s
}

func TestPromise02_KilledAtEveryNamedPointTheNextRunReachesTheSameTables(t *testing.T) {
	onEveryKind(t, func(t *testing.T, newSite siteMaker) {
		s := smallKillSite(t, newSite)
		trace := filepath.Join(t.TempDir(), "trace")
		if err := s.spawn(s.root, trueClock, childTrace+"="+trace).Wait(); err != nil {
			t.Fatal(err)
		}
		want, seed := s.past(), soak.Seed(t)
		passes := killtest.Passes(t, trace)
		if len(passes) < 6 {
			t.Fatalf("a sync passes only %v", passes)
		}
		n := 0
		for i, name := range slices.Sorted(maps.Keys(passes)) {
			// The first, a middle and the last pass of each point.
			for _, pass := range slices.Compact([]int{1, (passes[name] + 1) / 2, passes[name]}) {
				if n++; isBucket(s.root) && !soak.Chosen(t, n, 8) {
					continue
				}
				t.Run(fmt.Sprintf("%s_%d", name, pass), func(t *testing.T) {
					t.Parallel()
					s.empty(t).killAt(rand.New(rand.NewPCG(seed, uint64(i<<8+pass))), name, pass, want)
				})
			}
		}
	})
}

// killAt kills a sync, on a machine whose clock is off, at that pass of a point, takes some of the data, and compares what
// a last sync makes of it.
func (s *site) killAt(random *rand.Rand, point string, pass int, want []string) {
	s.Helper()
	by := skew(random)
	err := s.spawn(s.root, childSkew+"="+by.String(), fmt.Sprintf("%s=%s#%d", childPoint, point, pass)).Wait()
	// How often a point is passed depends on how windows fall into groups, so a late pass may not come: then the run is a
	// whole one. For a machine that is a day behind little is due.
	if pass == 1 && by >= -2*time.Hour && !killtest.Killed(err) {
		s.Fatalf("the run, %s off, was not killed: %v", by, err)
	}
	last := []string{trueClock}
	if lost := s.loseSome(random); lost != "" {
		last = append(last, refetch)
	}
	if err := s.spawn(s.root, last...).Wait(); err != nil {
		s.Fatalf("the run after one that was %s off: %v", by, err)
	}
	sameRows(s.T, s.past(), want)
	s.wholeArchive()
}

func TestPromise02_KilledAtRandomTheNextRunReachesTheSameTables(t *testing.T) {
	onEveryKind(t, func(t *testing.T, newSite siteMaker) {
		s := smallKillSite(t, newSite)
		started := time.Now()
		if err := s.spawn(s.root, trueClock).Wait(); err != nil {
			t.Fatal(err)
		}
		whole := time.Since(started)
		want := s.past()

		few := 12
		if isBucket(s.root) { // each object is an exchange with the server
			few = 6
		}
		t.Logf("a whole run takes %v", whole)
		soak.Rounds(t, few, 200, func(t *testing.T, random *rand.Rand) (kills int) {
			one := s.empty(t)
			kills = one.killSome(random, whole)
			sameRows(t, one.past(), want)
			one.wholeArchive()
			return kills
		})
	})
}

// killSome kills some syncs of a warehouse, each on a machine with a clock of its own, takes some of the data between
// them, and lets a last sync come to its end.
func (s *site) killSome(random *rand.Rand, whole time.Duration) (kills int) {
	s.Helper()
	left, outlived := disturb(s.T, s.root, random), 0
	last := []string{trueClock}
	for range 6 {
		by := skew(random)
		root, server := s.root, endpointOf(s.T, s.root)
		if isBucket(root) && random.IntN(2) == 0 {
			root, server = s.failing()
		}
		cmd := s.spawn(root, childSkew+"="+by.String(), childServer+"="+server)
		after := time.Duration(random.Float64() * float64(whole))
		timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() })
		settled := left.settle(time.Duration(random.Float64() * 2 * float64(after)))
		err := cmd.Wait()
		timer.Stop()
		if killtest.Killed(err) {
			kills++
			outlived += left.outlived()
		} else if err != nil && by == 0 {
			s.Fatalf("a run that was not killed failed: %v", err)
		}
		<-settled
		if random.IntN(3) == 0 {
			left.end()
			if s.loseSome(random) != "" && len(last) == 1 {
				last = append(last, refetch)
			}
		}
	}
	left.heal()
	settled := left.settle(time.Duration(random.Float64() * float64(whole)))
	if err := s.spawn(s.root, last...).Wait(); err != nil {
		s.Fatalf("the run after the kills: %v", err)
	}
	<-settled
	s.Logf("%d kills; jobs were under way after them %d times", kills, outlived)
	return kills
}

func TestABucketThatFailsHalfTheTimeGetsTheSameTables(t *testing.T) {
	onBuckets(t, 4, func(t *testing.T, newSite siteMaker) {
		s := smallKillSite(t, newSite)
		s.mustRun(s.skewed(0))
		one := s.empty(t)
		root, server := one.failing()
		for range 2 { // the second time nothing is new
			if err := one.spawn(root, trueClock, childServer+"="+server).Wait(); err != nil {
				t.Fatal(err)
			}
			sameRows(t, one.past(), s.past())
		}
		one.wholeArchive()
	})
}

// A process that is killed over its request for an export has noted it: no later one asks again, and status names what
// perhaps was never sent.
func TestPromise11_AnExportIsAskedForOnceWhereverTheProcessIsKilled(t *testing.T) {
	onEither(t, func(t *testing.T, newSite siteMaker) {
		for point, sent := range map[string]int{"chattonic.asking": 0, "chattonic.asked": 1} {
			t.Run(point, func(t *testing.T) {
				inbox := t.TempDir()
				s := newSite(t, func(o *vendorsim.Options) {
					o.ChatTonic.Mail = func(m vendorsim.Mail) {
						if err := os.WriteFile(filepath.Join(inbox, "1.eml"), m.Text, 0o600); err != nil {
							t.Error(err)
						}
					}
				})
				s.env["WINDROW_CHATTONIC_NPS_FROM"], s.env["WINDROW_CHATTONIC_NPS_REQUEST"] = inbox, "true"
				s.from, s.streams = "2025-09-09", []pipeline.StreamID{"chattonic.nps"}
				if err := s.spawn(s.root, childPoint+"="+point+"#1").Wait(); !killtest.Killed(err) {
					t.Fatalf("the run was not killed: %v", err)
				}
				for range 2 {
					if err := s.spawn(s.root).Wait(); err != nil {
						t.Fatalf("the run after it: %v", err)
					}
				}
				if asked := s.world.Count("chattonic", "GET", "/api/v1/acme/stats/nps/export"); asked != sent {
					t.Errorf("asked %d times, want %d", asked, sent)
				}
				if st := s.status("chattonic.nps"); st.Settled != sent || len(st.Asked) != 1-sent || sent == 0 && st.Asked[0].Taken {
					t.Errorf("%d windows are settled; status names %+v", st.Settled, st.Asked)
				}
			})
		}
	})
}
