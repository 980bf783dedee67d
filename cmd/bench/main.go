// Command bench measures Windrow against DuckDB on the same work:
//
//	go run ./cmd/bench
//
// Each job takes a vendor's document of a month or a day: a calls export of
// Dialpad (CSV) or an answer of uContact's Stats API (JSON). The documents are
// generated once, the same for everyone, with the awkward rows of real files:
// quotes and line breaks in cells, blank cells, a zone in each row, a day on
// which the clock is put back; in JSON members that are missing, unknown or in
// another order, numbers in strings, escapes, and brackets within strings.
//
// Windrow's side is `windrow sync`, the static binary, in an empty sink. The
// document comes to it over loopback HTTP from this program, by the vendor's
// protocol, and ends as committed windows in Parquet, rejects, ledger and
// fingerprints included. DuckDB's side is one COPY statement in a process of
// its own, with default settings and all cores, which reads the document from
// disk (it lies in the page cache for both) and writes the same columns: times
// in UTC by the row's zone, seconds of minutes, a hash of each row, extras as
// JSON of what no column holds, zstd. Windrow's input takes the longer way; the
// CPU time of serving it is not Windrow's, but shares the cores with it.
//
// After a warm-up the two take turns. Wall time, user and system time and the
// largest resident set are of the whole processes; ratios are of medians. Then
// DuckDB compares both outputs column by column: a difference ends the program
// with 1. Rows with a time in the hour that the clock repeats are compared
// apart, since of two possible instants DuckDB takes the later, and Windrow the
// one that keeps the order of the row's times, else the earlier.
//
// What the small jobs spend their time on, from strace, inittrace and the runs'
// own figures:
//
//   - daily: CPU, 55 ms of 53 (JSON) and 90 of 87 (CSV) on two cores. Of that the
//     program's start is about 10 ms, half of it package initialisation, Arrow's
//     compute functions first. 22 to 27 fsyncs, 8 of them before the request.
//   - quiet: with nothing due the start: 25 ms, 2 fsyncs, no request. With the
//     lookback 45 requests and 59 fsyncs, 70 ms beyond the vendors' time.
//   - ledger: CPU that reads the ledger: 0.2 to 0.25 s for 100,000 windows.
//   - waiting: 2.5 s of CPU in 31 s. Dialpad's rate sets the end: 200 POSTs, and 300
//     looks of which a third find nothing, are 25 s at 20 a second.
//
// Start at run.go. gen*.go make the inputs, serve.go is the vendor, windrow.go
// and duck*.go are the two sides, measure.go what a process took, compare.go
// the comparison, report.go tables and gates, profile.go where the time goes.
// alone.go lists the jobs that have no DuckDB side: long ledgers, quiet runs, and waiting.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := start(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// start runs what this process is for: the benchmark, or one of its children.
func start(ctx context.Context, args []string) error {
	if len(args) == 1 {
		switch args[0] {
		case duckChild:
			return duckMain(ctx)
		case compareChild:
			return compareMain(ctx)
		case profileChild:
			return profileMain(ctx)
		}
	}
	o, err := parseFlags(args)
	if err != nil {
		return err
	}
	return bench(ctx, o)
}

// options are the flags, understood.
type options struct {
	jobs    []job
	alone   []string // jobs without a DuckDB side
	pairs   int
	dir     string // of the inputs
	work    string // of outputs; removed at the end
	profile string // where CPU profiles go; empty: none
	asJSON  bool
	check   bool

	binary    string // windrow; empty: built
	stopwatch string // built
}

func parseFlags(args []string) (o options, err error) {
	f := flag.NewFlagSet("bench", flag.ExitOnError)
	kinds := f.String("jobs", strings.Join(allKinds, ","), "comma list of jobs: csv and json (one window), csv30, json30 and shuffled (thirty windows), daily; and without DuckDB: ledger (1,000,000 windows), verify (the tables of as many), quiet (nothing new), report (a page of five years), waiting (vendors from afar, in real time), years (3,650 windows)")
	calls := f.String("csv", "100,1000", "sizes of the calls exports in MB; csv30 and shuffled take the largest")
	stats := f.String("stats", "50,500", "sizes of the Stats answers in MB; json30 takes the largest")
	f.IntVar(&o.pairs, "pairs", 3, "measured pairs of runs, after a warm-up")
	f.StringVar(&o.dir, "dir", "", "where the inputs are kept; default: windrow-bench in the user's cache folder")
	f.StringVar(&o.binary, "windrow", "", "the windrow binary to measure; default: built from this repository")
	f.StringVar(&o.profile, "profile", "", "instead of measuring, write profiles of each job (CPU time, allocations) to this folder")
	f.BoolVar(&o.asJSON, "json", false, "print everything as one JSON document on stdout, tables on stderr")
	archived := f.Bool("archive", false, "do each job of one window with an archive as well")
	f.BoolVar(&o.check, "check", true, "compare the two outputs")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("there are no arguments besides flags, but %q was given", f.Args())
	}
	if o.pairs < 1 {
		return o, fmt.Errorf("-pairs is %d; it must be at least 1, and 3 for figures to be shown", o.pairs)
	}
	callsMB, err := sizes("-csv", *calls)
	if err != nil {
		return o, err
	}
	statsMB, err := sizes("-stats", *stats)
	if err != nil {
		return o, err
	}
	paired, own, err := splitAlone(strings.Split(*kinds, ","))
	if err != nil {
		return o, err
	}
	o.alone = own
	if o.jobs, err = jobs(paired, callsMB, statsMB); err != nil {
		return o, err
	}
	if *archived {
		o.jobs = withArchive(o.jobs)
	}
	if o.dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return o, fmt.Errorf("no folder for the inputs, name one by -dir: %w", err)
		}
		o.dir = filepath.Join(cache, "windrow-bench")
	}
	o.dir, err = filepath.Abs(o.dir)
	return o, err
}

// sizes reads a comma list of megabytes, and sorts it.
func sizes(name, list string) (all []int, err error) {
	for item := range strings.SplitSeq(list, ",") {
		mb, err := strconv.Atoi(strings.TrimSpace(item))
		if err != nil || mb < 2 || mb > 10_000 {
			return nil, fmt.Errorf("%s has %q, which is not a number from 2 to 10000", name, item)
		}
		all = append(all, mb)
	}
	slices.Sort(all)
	return all, nil
}
