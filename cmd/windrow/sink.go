package main

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/windrow-data/windrow/cmd/windrow/internal/config"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/push"
	"github.com/windrow-data/windrow/sinks/views"
)

// sink is a kind of store as the command line sees it.
type sink struct {
	scheme       string // of WINDROW_SINK, before ://
	example      string // of WINDROW_SINK
	checkAddress func(address string) error
	// place is where an address leads, for people; nil where the address says it.
	place     func(address string) string
	variables []config.Variable // those that no other sink obeys
	// load reads the sink's variables and understands them, whichever sink is in use.
	load func() (openSink, []pipeline.ConfigError, error)
	// emulator may stand in for the sink's servers; nil where nothing can.
	emulator *emulator
	// group says when windows are committed; nil commits them as they come.
	group func() pipeline.Grouping
	// access names the commands that give somebody access; nil where there are none.
	access func(address string) string
	// archive is where the answers are kept, beside the tables; nil: nowhere, unless somebody says where.
	archive func(address string) string
	// ledger opens the send ledger that lies beside the sink's own; nil where none can.
	ledger  func(ctx context.Context, o sinkOptions) (push.Ledger, error)
	dialect views.Dialect // of who reads the tables with SQL
	// project is the Google Cloud project of an address; nil where there is none.
	project func(address string) string
}

// emulator is a server that stands in for the sink's own where variables that
// are not Windrow's say so.
type emulator struct {
	variables []config.Variable
	read      func() (url string, faults []pipeline.ConfigError, err error) // an empty url: none
	notice    string                                                        // told when it is asked
}

// openSink opens a sink under the settings that were loaded.
type openSink func(context.Context, sinkOptions) (pipeline.Store, error)

// sinkOptions are what sinks are opened with besides their settings.
type sinkOptions struct {
	address  string
	now      func() time.Time
	emulator string // its root; empty: none
	retryFor time.Duration
	waiting  func(holder string) // told of a lock that is not free
}

// configured adds to a sink what its package knows of its variables: C is its
// struct of them, S what they mean.
func configured[C interface {
	Settings(prefix string) (*S, []pipeline.ConfigError)
}, S any](open func(context.Context, *S, sinkOptions) (pipeline.Store, error), k sink) sink {
	prefix := config.SinkPrefix(k.scheme)
	k.variables = config.Variables(prefix, new(C))
	k.load = func() (openSink, []pipeline.ConfigError, error) {
		var c C
		if err := config.Fill(prefix, &c); err != nil {
			return nil, nil, err
		}
		settings, faults := c.Settings(prefix)
		return func(ctx context.Context, o sinkOptions) (pipeline.Store, error) { return open(ctx, settings, o) }, faults, nil
	}
	return k
}

// sinkOf is the sink of an address; whatever names none is a directory's.
func sinkOf(address string) sink {
	scheme, _, _ := strings.Cut(address, "://")
	for _, k := range sinks {
		if k.scheme == scheme {
			return k
		}
	}
	return sinks[0]
}

// projectOf is the Google Cloud project that an address names; empty for most.
func projectOf(address string) string {
	if k := sinkOf(address); k.project != nil {
		return k.project(address)
	}
	return ""
}

// where is the sink's address for people, who may not know from where a relative path counts.
func (s *setup) where() string {
	if place := s.target.place; place != nil {
		return place(s.Sink)
	}
	return s.Sink
}

// tellOfNew warns of a warehouse that begins in the folder where the program happens to run: a schedule from another
// folder would begin one more, and all would seem well.
func (s *setup) tellOfNew(ctx context.Context, store pipeline.Store) error {
	if strings.Contains(s.Sink, "://") || filepath.IsAbs(s.Sink) {
		return nil
	}
	keys, err := store.Streams(ctx)
	if err == nil && len(keys) == 0 {
		s.log.Warn("a new warehouse begins in "+s.where()+", because WINDROW_SINK is relative to the folder in which windrow runs; where a schedule runs it, name it in full", "sink", s.Sink)
	}
	return err
}

// target is the sink of a run under the present configuration.
type target struct {
	sink
	open     openSink
	emulator string   // root of the emulator that is asked; empty: none
	idle     []string // variables that are set and belong to another sink
}

// loadSinks reads the variables of every sink, for a variable that is wrong is
// told also where it does nothing, and keeps what the sink of the address needs.
func loadSinks(address string) (*target, []pipeline.ConfigError, error) {
	t := &target{sink: sinkOf(address)}
	var faults []pipeline.ConfigError
	for _, k := range sinks {
		open, wrong, err := k.load()
		if err != nil {
			return nil, nil, err
		}
		faults = append(faults, wrong...)
		if k.scheme == t.scheme {
			t.open = open
		} else {
			t.idle = append(t.idle, present(k.variables)...)
		}
	}
	return t, faults, nil
}

// readEmulator finds out who is asked.
func (t *target) readEmulator() (faults []pipeline.ConfigError, err error) {
	if t.sink.emulator != nil {
		t.emulator, faults, err = t.sink.emulator.read()
	}
	return faults, err
}

// addressFaults says why the sink does not take the address of its variable,
// unless that is at fault already.
func (t *target) addressFaults(address string, known []pipeline.ConfigError) []pipeline.ConfigError {
	const variable = config.Prefix + "SINK"
	if slices.ContainsFunc(known, func(f pipeline.ConfigError) bool { return f.Variable == variable }) {
		return nil
	}
	err := t.checkAddress(address)
	if err == nil {
		return nil
	}
	return []pipeline.ConfigError{{Variable: variable, Problem: "cannot be used: " + err.Error(), Example: t.example}}
}

func (a *app) openStore(ctx context.Context, s *setup) (pipeline.Store, error) {
	if s.target.emulator != "" {
		s.log.Info(s.target.sink.emulator.notice, "endpoint", s.target.emulator)
	}
	store, err := s.target.open(ctx, sinkOptions{address: s.Sink, now: a.now, emulator: s.target.emulator, retryFor: s.RetryFor,
		waiting: func(holder string) {
			s.log.Warn("another process is writing to the sink; waiting for it to end", "holder", holder)
		}})
	return store, s.target.explain(s.Sink, err)
}

// explain adds to a refusal by the sink how access is given.
func (k sink) explain(address string, err error) error {
	if k.access == nil || pipeline.KindOf(err) != pipeline.Unauthorized {
		return err
	}
	return &refusedError{err, k.access(address)}
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
