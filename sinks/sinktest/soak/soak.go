// Package soak says how often the tests that prove by repetition repeat.
//
// Such a proof is a number of trials, each with a warehouse of its own. A test
// run takes a sample, which a seed chooses; `.ci/run soak` runs every trial and
// notes which have passed, so that a soak that was stopped goes on where it was.
//
//   - SOAK_SEED is the seed. Unset, it is the number of the day. A test that fails
//     names it: the same seed chooses the same trials.
//   - SOAK_STATE is the folder of the notes. Set, every trial runs that has no note.
//
// The package is for tests alone. It stands beside the conformance suite because
// what repeats are the ways to interrupt a commit.
package soak

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	seedVariable  = "SOAK_SEED"
	stateVariable = "SOAK_STATE"
)

const (
	stride = 8 // a sample of Sweep has every eighth point
	step   = 4 // one of Until every fourth
)

// Whole reports whether every trial is to run, instead of a sample.
func Whole() bool { return os.Getenv(stateVariable) != "" } //nolint:forbidigo // a test has no other way to be told

// Seed returns the seed and logs it.
func Seed(t testing.TB) uint64 {
	t.Helper()
	seed := uint64(time.Now().Unix() / (24 * 60 * 60))
	if text := os.Getenv(seedVariable); text != "" { //nolint:forbidigo // a test has no other way to be told
		given, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("%s is %q, want a whole number", seedVariable, text)
		}
		seed = given
	}
	t.Logf("%s=%d repeats the choice", seedVariable, seed)
	return seed
}

// Sweep runs the trials of n points, counted from 1, that go wrong in each of the
// ways. A sample has every eighth point, each in one way; 8 × ways consecutive
// seeds have every trial once.
func Sweep(t *testing.T, n int, ways []string, trial func(t *testing.T, point, way int)) {
	t.Helper()
	seed, notes := Seed(t), readNotes(t)
	ran := 0
	for point := 1; point <= n; point++ {
		for way, name := range ways {
			if !Whole() && !sampled(seed, min(stride, n), point, way, len(ways)) {
				continue
			}
			key := fmt.Sprintf("%s at %d", name, point)
			if _, passed := notes.passed[key]; passed {
				continue
			}
			ran++
			if t.Run(key, func(t *testing.T) { trial(t, point, way) }) {
				notes.add(t, key, 1)
			}
		}
	}
	t.Logf("%d of %d trials ran; %d had passed before", ran, n*len(ways), len(notes.passed)-notes.added)
}

// sampled reports whether the seed chooses this trial: one point of so many, in one way.
func sampled(seed uint64, every, point, way, ways int) bool {
	e, p := uint64(every), uint64(point)
	return p%e == seed%e && int((p/e+seed/e)%uint64(ways)) == way
}

// Until runs the trials of points counted from 0, in each of the ways, until a
// trial says that it was beyond the last point. A sample has every fourth point,
// each in one way, so that a sample's last trial may be some points further.
// Until returns how many trials were at a point, those that passed before included.
func Until(t *testing.T, ways []string, trial func(t *testing.T, point, way int) (beyond bool)) (within int) {
	t.Helper()
	seed, notes := Seed(t), readNotes(t)
	for way, name := range ways {
		for point, beyond := 0, false; !beyond; point++ {
			if !Whole() && !sampled(seed, step, point, way, len(ways)) {
				continue
			}
			key := fmt.Sprintf("%s at %d", name, point)
			count, passed := notes.passed[key]
			if !passed {
				ok := t.Run(key, func(t *testing.T) {
					if beyond = trial(t, point, way); !beyond {
						count = 1
					}
				})
				if ok {
					notes.add(t, key, count)
				} else if count == 0 && !beyond {
					break // it failed before it could say where it was
				}
			}
			beyond = count == 0
			within += count
		}
	}
	return within
}

// Chosen reports whether a sample has the n-th variant of a test. Of so many consecutive seeds one has it, and of the tests
// of a run as large a share.
func Chosen(t testing.TB, n, of int) bool {
	t.Helper()
	h := fnv.New64a()
	_, _ = h.Write([]byte(t.Name())) // never fails
	return Whole() || (Seed(t)+h.Sum64()+uint64(n))%uint64(of) == 0
}

// Rounds runs rounds until their counts add up to few, or to many when every
// trial is to run. The random numbers of a round depend on the seed and its
// point among the rounds. Rounds stops at the first round that fails.
func Rounds(t *testing.T, few, many int, round func(t *testing.T, random *rand.Rand) (count int)) {
	t.Helper()
	seed, notes := Seed(t), readNotes(t)
	wanted, reached := few, 0
	if Whole() {
		wanted = many
	}
	for i := 0; reached < wanted; i++ {
		key := fmt.Sprintf("round %d", i)
		count, passed := notes.passed[key]
		if !passed {
			ok := t.Run(key, func(t *testing.T) { count = round(t, rand.New(rand.NewPCG(seed, uint64(i)))) })
			if !ok {
				return
			}
			notes.add(t, key, count)
		}
		reached += count
	}
	t.Logf("%d of %d reached; %d rounds had passed before", reached, wanted, len(notes.passed)-notes.added)
}

// notes are the trials of one test that have passed, each with its count.
type notes struct {
	file   string // empty: no notes are kept
	passed map[string]int
	added  int
}

// readNotes reads the notes of the test, if notes are kept. A last line that a
// kill cut short is no note.
func readNotes(t *testing.T) *notes {
	t.Helper()
	n := &notes{passed: map[string]int{}}
	if !Whole() {
		return n
	}
	folder := os.Getenv(stateVariable) //nolint:forbidigo // as above
	n.file = filepath.Join(folder, strings.ReplaceAll(t.Name(), "/", "."))
	text, err := os.ReadFile(n.file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		count, key, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		key, ended := strings.CutSuffix(key, ".")
		if c, err := strconv.Atoi(count); err == nil && ended {
			n.passed[key] = c
		}
	}
	return n
}

// add notes a trial. The line begins anew, should a kill have cut the one before.
func (n *notes) add(t *testing.T, key string, count int) {
	t.Helper()
	if n.file == "" {
		return
	}
	n.passed[key] = count
	n.added++
	f, err := os.OpenFile(n.file, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err == nil {
		_, err = fmt.Fprintf(f, "\n%d %s.", count, key)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
}
