package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// result is one job, done.
type result struct {
	Job     string    `json:"job"`
	Input   int64     `json:"input_bytes"`
	Rows    int       `json:"rows"`
	Windrow []measure `json:"windrow"`
	DuckDB  []measure `json:"duckdb"`
	Equal   *verdict  `json:"equal,omitempty"`

	job job
}

// gate is one line of the table of what must be reached.
type gate struct {
	What    string  `json:"what"`
	Value   float64 `json:"value"`
	Gate    float64 `json:"gate"`
	Stretch float64 `json:"stretch,omitempty"` // 0: none
	Unit    string  `json:"unit,omitempty"`    // empty: Windrow ÷ DuckDB
}

func (g gate) met() string {
	switch {
	case g.Value <= g.Stretch:
		return "stretch"
	case g.Value <= g.Gate:
		return "yes"
	}
	return "NO"
}

// medianOf is the median of one figure over the runs: of an even number of
// them the mean of the two in the middle.
func medianOf[T ~int64](runs []measure, figure func(measure) T) T {
	var all []T
	for _, m := range runs {
		all = append(all, figure(m))
	}
	slices.Sort(all)
	lower, upper := all[(len(all)-1)/2], all[len(all)/2]
	return lower + (upper-lower)/2
}

func wall(m measure) time.Duration { return m.Wall }
func cpu(m measure) time.Duration  { return m.CPU }
func peak(m measure) int64         { return m.Peak }
func size(m measure) int64         { return m.Bytes }

// ratio is Windrow ÷ DuckDB, by medians.
func ratio[T ~int64](r result, figure func(measure) T) float64 {
	return quotient(r.Windrow, r.DuckDB, figure)
}

const mib = 1 << 20

// gates computes what can be computed from the results.
func gates(results []result) (all []gate) {
	for _, r := range results {
		add := func(what string, value, gateAt, stretch float64, unit string) {
			all = append(all, gate{r.Job + ": " + what, value, gateAt, stretch, unit})
		}
		peakMiB := float64(medianOf(r.Windrow, peak)) / mib
		switch {
		case r.job.Shuffled:
			if r.job.MB >= 1000 {
				add("wall", ratio(r, wall), 0.80, 0.50, "")
			}
			add("peak memory", peakMiB, 200, 0, "MiB")
		case r.job.Archived:
			if r.job.Format == "calls" && r.job.MB >= 1000 {
				add("wall", ratio(r, wall), 1, 0, "")
				add("peak memory", peakMiB, 200, 0, "MiB")
			}
		case r.job.daily():
			add("wall", ratio(r, wall), 1, 0.5, "")
			if r.job.Format == "stats" {
				add("output bytes", ratio(r, size), 1, 0.95, "")
			}
		case r.job.Format == "calls" && r.job.MB >= 1000:
			if r.job.Windows == 1 {
				add("CPU time", ratio(r, cpu), 0.36, 0.25, "")
				add("wall", ratio(r, wall), 0.42, 0.30, "")
			} else {
				add("wall", ratio(r, wall), 0.80, 0.55, "")
			}
			add("peak memory", ratio(r, peak), 1.0/5, 1.0/8, "")
			add("peak memory", peakMiB, 160, 0, "MiB")
			add("output bytes", ratio(r, size), 1, 0.93, "")
		case r.job.Format == "stats" && r.job.MB >= 500:
			add("CPU time", ratio(r, cpu), 0.45, 0.25, "")
			add("wall", ratio(r, wall), 0.55, 0.35, "")
			add("peak memory", ratio(r, peak), 1.0/8, 1.0/12, "")
			add("output bytes", ratio(r, size), 1, 0.93, "")
		}
	}
	for _, archived := range []bool{false, true} {
		what := "CSV"
		if archived {
			what = "CSV, archived,"
		}
		small, large := find(results, 100, archived), find(results, 1000, archived)
		if small != nil && large != nil {
			growth := float64(medianOf(large.Windrow, peak)) / float64(medianOf(small.Windrow, peak))
			all = append(all, gate{what + " peak memory, 1000 MB ÷ 100 MB", growth, 1.25, 1.10, "Windrow ÷ Windrow"})
		}
	}
	return all
}

// find returns the job that reads so many MB of CSV in order into one window.
func find(results []result, mb int, archived bool) *result {
	for i, r := range results {
		if r.job.Format == "calls" && r.job.MB == mb && r.job.Windows == 1 && !r.job.Shuffled && r.job.Archived == archived {
			return &results[i]
		}
	}
	return nil
}

// show prints the tables.
func show(w io.Writer, results []result) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "job\twall s\tDuckDB\tratio\tCPU s\tDuckDB\tratio\tpeak MiB\tDuckDB\tratio\toutput MB\tDuckDB\tratio\tpairs\tequal\t")
	for _, r := range results {
		fmt.Fprintf(t, "%s\t", r.Job)
		for _, f := range []func(measure) time.Duration{wall, cpu} {
			fmt.Fprintf(t, "%.3f\t%.3f\t%.2f\t", medianOf(r.Windrow, f).Seconds(), medianOf(r.DuckDB, f).Seconds(), ratio(r, f))
		}
		fmt.Fprintf(t, "%.0f\t%.0f\t%.3f\t", float64(medianOf(r.Windrow, peak))/mib, float64(medianOf(r.DuckDB, peak))/mib, ratio(r, peak))
		fmt.Fprintf(t, "%.2f\t%.2f\t%.3f\t", float64(medianOf(r.Windrow, size))/1e6, float64(medianOf(r.DuckDB, size))/1e6, ratio(r, size))
		fmt.Fprintf(t, "%d\t%s\t\n", len(r.Windrow), r.Equal.word())
	}
	fmt.Fprintln(t)
	if err := t.Flush(); err != nil {
		return err
	}
	t = tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "gate\tvalue\tat most\tstretch\tmet\tof")
	for _, g := range gates(results) {
		stretch := "-"
		if g.Stretch > 0 {
			stretch = fmt.Sprintf("%.3g", g.Stretch)
		}
		fmt.Fprintf(t, "%s\t%.3g\t%.3g\t%s\t%s\t%s\n", g.What, g.Value, g.Gate, stretch, g.met(), cmp.Or(g.Unit, "Windrow ÷ DuckDB"))
	}
	return t.Flush()
}

// word says whether the outputs were equal.
func (v *verdict) word() string {
	switch {
	case v == nil:
		return "not checked"
	case len(v.Faults) > 0:
		return "NO"
	case v.Ambiguous > 0:
		return fmt.Sprintf("yes (%d rows in a repeated hour apart, %d differ)", v.Ambiguous, v.Moved)
	}
	return "yes"
}
