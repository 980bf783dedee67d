package soak

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestAsManySeedsAsASampleIsRareHaveEveryTrialOnce(t *testing.T) {
	for _, n := range []int{1, 3, 8, 37, 82} {
		for _, ways := range []int{1, 3, 5} {
			for point := 1; point <= n; point++ {
				for way := range ways {
					chosen := 0
					for seed := range uint64(min(stride, n) * ways) {
						if sampled(1000+seed, min(stride, n), point, way, ways) {
							chosen++
						}
					}
					if chosen != 1 {
						t.Fatalf("point %d of %d, way %d of %d: chosen by %d seeds", point, n, way, ways, chosen)
					}
				}
			}
		}
	}
}

func TestASampleHasEveryEighthPlaceInOneWay(t *testing.T) {
	t.Setenv(stateVariable, "")
	t.Setenv(seedVariable, "11") // of 5 ways: offset 3, and one way later than seed 3
	var got []string
	Sweep(t, 20, []string{"a", "b", "c", "d", "e"}, func(_ *testing.T, point, way int) {
		got = append(got, fmt.Sprint(point, way))
	})
	if want := []string{"3 1", "11 2", "19 3"}; !slices.Equal(got, want) {
		t.Errorf("ran %v, want %v", got, want)
	}
}

func TestAVariantIsChosenByOneOfSoManySeeds(t *testing.T) {
	t.Setenv(stateVariable, "")
	chosen := map[int]int{}
	for seed := range 12 {
		t.Setenv(seedVariable, fmt.Sprint(100+seed))
		for n := range 2 {
			if Chosen(t, n, 4) {
				chosen[n]++
			}
		}
	}
	if chosen[0] != 3 || chosen[1] != 3 {
		t.Errorf("of 12 seeds, how many have chosen each variant: %v", chosen)
	}
	t.Setenv(stateVariable, t.TempDir())
	if !Chosen(t, 0, 4) || !Chosen(t, 1, 4) {
		t.Error("a soak leaves a variant out")
	}
}

func TestASoakThatWasStoppedGoesOn(t *testing.T) {
	state := t.TempDir()
	t.Setenv(stateVariable, state)
	for notes, want := range map[string]int{
		"":                              6,
		"\n1 a at 1.\n1 b at 1.":        4,
		"\n1 a at 1.\n1 b a":            5, // cut short by a kill
		"\n1 a at 1.\n1 b\n1 b at 2.":   4,
		"\n1 a at 1.\n1 of no trial.\n": 5,
	} {
		t.Run(fmt.Sprintf("%q", notes), func(t *testing.T) {
			file := filepath.Join(state, strings.ReplaceAll(t.Name(), "/", "."))
			if err := os.WriteFile(file, []byte(notes), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, want := range []int{want, 0} { // the second time nothing is left
				ran := 0
				Sweep(t, 3, []string{"a", "b"}, func(*testing.T, int, int) { ran++ })
				if ran != want {
					t.Errorf("%d trials ran, want %d", ran, want)
				}
			}
		})
	}
}

func TestUntilEndsBeyondTheLastPlace(t *testing.T) {
	run := func(t *testing.T, state, seed string) (ran []string, within int) {
		t.Setenv(stateVariable, state)
		t.Setenv(seedVariable, seed)
		within = Until(t, []string{"a", "b"}, func(_ *testing.T, point, way int) bool {
			ran = append(ran, fmt.Sprint(point, way))
			return point >= 9
		})
		return ran, within
	}
	if ran, within := run(t, "", "1"); within != 2 || !slices.Equal(ran, []string{"1 0", "9 0", "5 1", "13 1"}) {
		t.Errorf("the sample of seed 1 ran %v, of which %d within", ran, within)
	}
	state := t.TempDir()
	if ran, within := run(t, state, "1"); within != 18 || len(ran) != 20 {
		t.Errorf("the whole ran %v, of which %d within", ran, within)
	}
	if ran, within := run(t, state, "1"); within != 18 || len(ran) != 0 {
		t.Errorf("again it ran %v, of which %d within", ran, within)
	}
	seen := map[string]bool{}
	for seed := range step * 2 {
		ran, _ := run(t, "", fmt.Sprint(seed))
		for _, trial := range ran {
			seen[trial] = true
		}
	}
	for point := range 9 {
		if !seen[fmt.Sprint(point, 0)] || !seen[fmt.Sprint(point, 1)] {
			t.Errorf("no seed has point %d in both ways: %v", point, seen)
		}
	}
}

func TestRoundsAddUpAndRepeatTheirNumbers(t *testing.T) {
	t.Setenv(seedVariable, "5")
	run := func(state string) (numbers []uint64) {
		t.Setenv(stateVariable, state)
		Rounds(t, 4, 9, func(_ *testing.T, random *rand.Rand) int {
			numbers = append(numbers, random.Uint64())
			return 2
		})
		return numbers
	}
	few := run("")
	state := t.TempDir()
	many := run(state)
	if len(few) != 2 || len(many) != 5 || !slices.Equal(few, many[:2]) {
		t.Errorf("rounds of 2 for 4 and 9: %v and %v", few, many)
	}
	if again := run(state); len(again) != 0 {
		t.Errorf("%d rounds ran again", len(again))
	}
}
