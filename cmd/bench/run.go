package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// bench does every job and prints what came out.
func bench(ctx context.Context, o options) (err error) {
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return err
	}
	if o.work, err = os.MkdirTemp(o.dir, "run-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(o.work)) }()
	if o.profile != "" {
		return profile(ctx, o)
	}
	if o.binary == "" {
		if o.binary, err = build(ctx, o.work, "windrow", "cmd/windrow"); err != nil {
			return err
		}
	}
	if o.stopwatch, err = build(ctx, o.work, "stopwatch", "cmd/bench/stopwatch"); err != nil {
		return err
	}
	where := machine(ctx)
	tables := io.Writer(os.Stdout)
	if o.asJSON {
		tables = os.Stderr
	}
	fmt.Fprintln(tables, where)
	if len(o.alone) > 0 {
		return doAlone(ctx, o, tables)
	}
	var results []result
	for _, j := range o.jobs {
		r, err := o.do(ctx, j)
		if err != nil {
			return fmt.Errorf("%s: %w", j, err)
		}
		results = append(results, r)
	}
	fmt.Fprintf(tables, "load after: %s\n\n", load(ctx))
	if err := show(tables, results); err != nil {
		return err
	}
	if o.asJSON {
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "  ")
		doc := struct {
			Machine string   `json:"machine"`
			Jobs    []result `json:"jobs"`
			Gates   []gate   `json:"gates"`
		}{where, results, gates(results)}
		if err := e.Encode(doc); err != nil {
			return err
		}
	}
	return differences(results)
}

// differences is an error if any job's outputs were not equal.
func differences(results []result) error {
	var errs []error
	for _, r := range results {
		if r.Equal == nil {
			continue
		}
		for _, f := range r.Equal.Faults {
			errs = append(errs, fmt.Errorf("%s: %s", r.Job, f))
		}
	}
	return errors.Join(errs...)
}

// do runs one job: a warm-up, the pairs, the comparison of the last outputs.
func (o options) do(ctx context.Context, j job) (r result, err error) {
	in, err := generate(o.dir, j.want)
	if err != nil {
		return r, fmt.Errorf("generate: %w", err)
	}
	r = result{Job: j.String(), Input: in.Bytes, Rows: in.Rows, job: j}
	v, err := serve(ctx, in)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, v.close()) }()
	sink, duck := filepath.Join(o.work, "sink"), filepath.Join(o.work, "duck")
	for n := range o.pairs + 1 {
		if err := errors.Join(os.RemoveAll(sink), os.RemoveAll(duck)); err != nil {
			return r, err
		}
		ours, err := o.syncWindrow(ctx, j, v, sink)
		if err != nil {
			return r, err
		}
		theirs, err := o.runDuck(ctx, j, in, duck)
		if err != nil {
			return r, err
		}
		what := fmt.Sprintf("pair %d", n)
		if n == 0 {
			what = "warm-up"
		} else {
			r.Windrow, r.DuckDB = append(r.Windrow, ours), append(r.DuckDB, theirs)
		}
		fmt.Fprintf(os.Stderr, "%s, %s: Windrow %s, DuckDB %s\n", j, what, ours, theirs)
	}
	if !o.check {
		return r, nil
	}
	equal, err := compare(ctx, j, windrowFiles(j, sink), duckFiles(j, duck))
	r.Equal = &equal
	return r, err
}
