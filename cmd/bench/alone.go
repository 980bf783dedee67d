package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
)

// alone are the jobs without a DuckDB side: each prints its figures and
// returns its gates.
var alone = map[string]func(options, context.Context, io.Writer) ([]gate, error){
	"ledger":  options.ledger,
	"quiet":   options.quiet,
	"report":  options.report,
	"verify":  options.verify,
	"waiting": options.waiting,
	"years":   options.years,
}

// doAlone does the jobs that stand alone, if they are all that was chosen.
func doAlone(ctx context.Context, o options, w io.Writer) error {
	for _, kind := range o.alone {
		all, err := alone[kind](o, ctx, w)
		if err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "gate\tvalue\tat most\tmet\tof")
		for _, g := range all {
			fmt.Fprintf(t, "%s\t%.3g\t%.3g\t%s\t%s\n", g.What, g.Value, g.Gate, g.met(), g.Unit)
		}
		fmt.Fprintln(t)
		if err := t.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// splitAlone parts the kinds of jobs into those with a DuckDB side and those without.
func splitAlone(kinds []string) (paired, own []string, err error) {
	for _, kind := range kinds {
		if _, ok := alone[kind]; ok {
			own = append(own, kind)
		} else {
			paired = append(paired, kind)
		}
	}
	if len(own) > 0 && len(paired) > 0 {
		err = errors.New("-jobs: " + strings.Join(slices.Sorted(slices.Values(own)), ", ") + " must be run apart from jobs that DuckDB does too")
	}
	return paired, own, err
}

// best is the run that the machine's other work disturbed least.
func best(runs []measure) measure {
	return slices.MinFunc(runs, func(a, b measure) int { return int(min(max(a.Wall-b.Wall, -1), 1)) })
}
