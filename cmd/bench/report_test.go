package main

import (
	"math"
	"strings"
	"testing"
	"time"
)

// oneRun is a result in which DuckDB took 1000 s, 1000 MiB and 1000 bytes.
func oneRun(j job, windrow measure) result {
	return result{
		Job: j.String(), job: j, Windrow: []measure{windrow},
		DuckDB: []measure{{Wall: 1000 * time.Second, CPU: 1000 * time.Second, Peak: 1000 * mib, Bytes: 1000 * mib}},
	}
}

var (
	largeCalls = job{want: want{"calls", 1000, false}, Windows: 1}
	smallCalls = job{want: want{"calls", 100, false}, Windows: 1}
	largeStats = job{want: want{"stats", 500, false}, Windows: 1}
)

func TestEveryGateStandsWhereItWasSet(t *testing.T) {
	const peaks = 100 // MiB, of the small export
	wallOf := func(x float64) measure { return measure{Wall: time.Duration(x * 1000 * float64(time.Second))} }
	cpuOf := func(x float64) measure { return measure{CPU: time.Duration(x * 1000 * float64(time.Second))} }
	peakOf := func(x float64) measure { return measure{Peak: int64(x * 1000 * mib)} }
	peakMiB := func(x float64) measure { return measure{Peak: int64(x * mib)} }
	growth := func(x float64) measure { return measure{Peak: int64(x * peaks * mib)} }
	sizeOf := func(x float64) measure { return measure{Bytes: int64(x * 1000 * mib)} }
	thirty := func(j job) job { j.Windows = 30; return j }
	archived := func(j job) job { j.Archived = true; return j }
	for _, tt := range []struct {
		job           job
		what, unit    string
		gate, stretch float64 // stretch 0: none
		took          func(float64) measure
	}{
		{largeCalls, "wall", "", 0.42, 0.30, wallOf},
		{largeCalls, "CPU time", "", 0.36, 0.25, cpuOf},
		{largeCalls, "peak memory", "", 1.0 / 5, 1.0 / 8, peakOf},
		{largeCalls, "peak memory", "MiB", 160, 0, peakMiB},
		{largeCalls, "output bytes", "", 1, 0.93, sizeOf},
		{largeCalls, "CSV peak memory, 1000 MB ÷ 100 MB", "Windrow ÷ Windrow", 1.25, 1.10, growth},
		{thirty(largeCalls), "wall", "", 0.80, 0.55, wallOf},
		{thirty(largeCalls), "peak memory", "", 1.0 / 5, 1.0 / 8, peakOf},
		{thirty(largeCalls), "peak memory", "MiB", 160, 0, peakMiB},
		{thirty(largeCalls), "output bytes", "", 1, 0.93, sizeOf},
		{largeStats, "wall", "", 0.55, 0.35, wallOf},
		{largeStats, "peak memory", "", 1.0 / 8, 1.0 / 12, peakOf},
		{largeStats, "output bytes", "", 1, 0.93, sizeOf},
		{largeStats, "CPU time", "", 0.45, 0.25, cpuOf},
		{thirty(largeStats), "CPU time", "", 0.45, 0.25, cpuOf},
		{thirty(largeStats), "wall", "", 0.55, 0.35, wallOf},
		{thirty(largeStats), "peak memory", "", 1.0 / 8, 1.0 / 12, peakOf},
		{thirty(largeStats), "output bytes", "", 1, 0.93, sizeOf},
		{archived(largeCalls), "wall", "", 1, 0, wallOf},
		{archived(largeCalls), "peak memory", "MiB", 200, 0, peakMiB},
		{archived(largeCalls), "CSV, archived, peak memory, 1000 MB ÷ 100 MB", "Windrow ÷ Windrow", 1.25, 1.10, growth},
		{job{want: want{"calls", 1, false}, Windows: 1}, "wall", "", 1, 0.5, wallOf},
		{job{want: want{"stats", 1, false}, Windows: 1}, "wall", "", 1, 0.5, wallOf},
		{job{want: want{"stats", 1, false}, Windows: 1}, "output bytes", "", 1, 0.95, sizeOf},
		{job{want: want{"calls", 1000, true}, Windows: 30}, "wall", "", 0.80, 0.50, wallOf},
		{job{want: want{"calls", 1000, true}, Windows: 30}, "peak memory", "MiB", 200, 0, peakMiB},
	} {
		met := func(x float64) string {
			all := gates([]result{oneRun(smallCalls, peakMiB(peaks)), oneRun(archived(smallCalls), peakMiB(peaks)), oneRun(tt.job, tt.took(x))})
			for _, g := range all {
				if strings.HasSuffix(": "+g.What, ": "+tt.what) && g.Unit == tt.unit {
					if g.Gate != tt.gate || g.Stretch != tt.stretch || math.Abs(g.Value/x-1) > 1e-6 {
						t.Errorf("%s, %s: %g of %g and %g, want %g of %g and %g", tt.job, tt.what, g.Value, g.Gate, g.Stretch, x, tt.gate, tt.stretch)
					}
					return g.met()
				}
			}
			t.Fatalf("%s: no gate %s in %s", tt.job, tt.what, tt.unit)
			return ""
		}
		for x, want := range map[float64]string{tt.gate * 1.001: "NO", tt.gate * 0.999: "yes", tt.stretch * 1.001: "yes", tt.stretch * 0.999: "stretch"} {
			if got := met(x); x > 0 && got != want {
				t.Errorf("%s, %s %g %s: %s, want %s", tt.job, tt.what, x, tt.unit, got, want)
			}
		}
	}
}

func TestSmallerInputsHaveNoGates(t *testing.T) {
	all := gates([]result{oneRun(smallCalls, measure{}), oneRun(job{want: want{"stats", 50, false}, Windows: 1}, measure{})})
	if len(all) != 0 {
		t.Errorf("%+v", all)
	}
	if shuffled := gates([]result{oneRun(job{want: want{"calls", 300, true}, Windows: 30}, measure{})}); len(shuffled) != 1 {
		t.Errorf("fewer shuffled rows have %d gates", len(shuffled))
	}
}

func TestTheMedianOfAnEvenNumberIsTheMeanOfTheMiddleTwo(t *testing.T) {
	runs := func(seconds ...int) (all []measure) {
		for _, s := range seconds {
			all = append(all, measure{Wall: time.Duration(s) * time.Second, Peak: int64(s)})
		}
		return all
	}
	for _, tt := range []struct {
		runs []measure
		wall time.Duration
		peak int64
	}{
		{runs(7), 7 * time.Second, 7},
		{runs(4, 1), 2500 * time.Millisecond, 2},
		{runs(9, 1, 2), 2 * time.Second, 2},
		{runs(8, 1, 100, 4), 6 * time.Second, 6},
	} {
		if w, p := medianOf(tt.runs, wall), medianOf(tt.runs, peak); w != tt.wall || p != tt.peak {
			t.Errorf("%d runs: %s and %d, want %s and %d", len(tt.runs), w, p, tt.wall, tt.peak)
		}
	}
}
