package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"github.com/windrow-data/windrow/cmd/windrow/internal/config"
	"github.com/windrow-data/windrow/pipeline"
)

// sink is a kind of store as the command line sees it.
type sink struct {
	scheme  string // of WINDROW_SINK, before ://
	example string // of WINDROW_SINK
	prefix  string // of the variables that no other sink obeys; empty where there are none
	open    func(context.Context, sinkOptions) (pipeline.Store, error)
	// group says when windows are committed; nil commits them as they come.
	group func() pipeline.Grouping
	// access names the commands that give somebody access; nil where there are none.
	access func(dsn string) string
}

// sinkOptions are what sinks are opened with.
type sinkOptions struct {
	dsn       string
	now       func() time.Time
	maxBilled int64  // bytes
	emulator  string // root of a BigQuery emulator
	// dry opens the store only to see whether the sink understands its address:
	// it looks for no credentials.
	dry bool
}

// sinkOf is the sink of an address; whatever names none is a directory's.
func sinkOf(dsn string) sink {
	scheme, _, _ := strings.Cut(dsn, "://")
	for _, k := range sinks {
		if k.scheme == scheme {
			return k
		}
	}
	return sinks[0]
}

func (a *app) openStore(ctx context.Context, s *setup) (pipeline.Store, error) {
	k := sinkOf(s.Sink)
	if s.emulator != "" {
		s.log.Info("BIGQUERY_EMULATOR_HOST is set: BigQuery is an emulator, asked without credentials", "endpoint", s.emulator)
	}
	store, err := k.open(ctx, sinkOptions{dsn: s.Sink, now: a.now, maxBilled: s.MaxBilled, emulator: s.emulator})
	return store, k.explain(s.Sink, err)
}

// explain adds to a refusal by the sink how access is given.
func (k sink) explain(dsn string, err error) error {
	if k.access == nil || pipeline.KindOf(err) != pipeline.Unauthorized {
		return err
	}
	return &refusedError{err, k.access(dsn)}
}

// refusedError is a refusal, and what to do about it in whole commands.
type refusedError struct {
	error
	commands string
}

func (e *refusedError) Error() string { return e.error.Error() + "\n" + e.commands }
func (e *refusedError) Unwrap() error { return e.error }

// grouping says when the sink's windows are committed. Staged windows lie in
// the temporary folder, which on Cloud Run is memory: a group may take a
// quarter of what the container has.
func (k sink) grouping(containerMemory func() (uint64, error)) pipeline.Grouping {
	if k.group == nil {
		return pipeline.Grouping{}
	}
	g := k.group()
	g.Bytes = atMostOf(g.Bytes, 1, 4, containerMemory)
	return g
}

// atMostOf lowers n, in bytes, to the given share of the container's memory.
// Without a limit, or without containers, nothing is lowered.
func atMostOf(n int64, numerator, denominator uint64, containerMemory func() (uint64, error)) int64 {
	limit, err := containerMemory()
	if err != nil {
		return n
	}
	return min(n, max(int64(min(limit/denominator*numerator, 1<<62)), 1))
}

// containerMemory is the memory that the container may use, in bytes.
func containerMemory() (uint64, error) { return memlimit.FromCgroup() }

// sinkFaults asks the sink whether it understands its variable, unless that is
// at fault already. Opening touches nothing.
func sinkFaults(dsn string, known []pipeline.ConfigError) []pipeline.ConfigError {
	const variable = config.Prefix + "SINK"
	if slices.ContainsFunc(known, func(f pipeline.ConfigError) bool { return f.Variable == variable }) {
		return nil
	}
	k := sinkOf(dsn)
	store, err := k.open(context.Background(), sinkOptions{dsn: dsn, dry: true})
	if err == nil {
		err = store.Close()
	}
	if err == nil {
		return nil
	}
	fault := pipeline.ConfigError{Variable: variable, Problem: "cannot be used: " + err.Error(), Example: k.example}
	var e *pipeline.Error
	if errors.As(err, &e) && e.Err != nil {
		fault.Problem = "cannot be used: " + e.Err.Error()
	}
	return []pipeline.ConfigError{fault}
}

// idleSinkVariables names the variables that are set and belong to another sink.
func idleSinkVariables(dsn string, known []config.Variable) []string {
	var idle []config.Variable
	mine := sinkOf(dsn).prefix
	for _, v := range known {
		if slices.ContainsFunc(sinks, func(k sink) bool { return k.prefix != "" && k.prefix != mine && strings.HasPrefix(v.Name, k.prefix) }) {
			idle = append(idle, v)
		}
	}
	return present(idle)
}
