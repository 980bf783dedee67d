package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/windrow-data/windrow/cmd/windrow/internal/config"
	"github.com/windrow-data/windrow/cmd/windrow/internal/show"
	"github.com/windrow-data/windrow/connectors"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
)

// setup is the configuration, understood and without a fault.
type setup struct {
	config.Settings
	tenants  []*tenant
	emulator string   // root of a BigQuery emulator that the sink is to ask; empty: Google
	idle     []string // variables that are set and belong to another sink
	task     config.Task
	log      *slog.Logger
}

// configure reads the environment and reports everything wrong with it at once.
func (a *app) configure() (*setup, error) {
	var core config.Core
	if err := config.Fill(config.Prefix, &core); err != nil {
		return nil, err
	}
	var google config.Google
	var cloudRun config.CloudRun
	if err := errors.Join(config.Fill("", &google), config.Fill("", &cloudRun)); err != nil {
		return nil, err
	}
	known := config.Variables(config.Prefix, &core)
	var ids []pipeline.SourceID
	for _, v := range vendors {
		known = append(known, v.variables...)
		ids = append(ids, v.id)
	}
	faults := config.Strangers(os.Environ(), known, ids)
	settings, wrong := core.Settings()
	faults = append(faults, wrong...)
	faults = append(faults, sinkFaults(settings.Sink, faults)...)

	s := &setup{Settings: settings, idle: idleSinkVariables(settings.Sink, known)}
	s.task, wrong = cloudRun.Task()
	faults = append(faults, wrong...)
	if sinkOf(s.Sink).scheme == bigQuery {
		s.emulator, wrong = google.EmulatorURL()
		faults = append(faults, wrong...)
	}
	for _, v := range vendors {
		t, wrong, err := v.load()
		if err != nil {
			return nil, err
		}
		faults = append(faults, wrong...)
		s.tenants = append(s.tenants, t)
	}
	faults = append(faults, s.streamFaults("WINDROW_STREAMS", s.Streams)...)
	if len(faults) > 0 {
		return nil, &faultsError{faults}
	}
	s.log = a.newLog(a.stderr, s.LogLevel)
	return s, nil
}

// catalogue lists every stream of every vendor.
func (s *setup) catalogue() []pipeline.Stream {
	var all []pipeline.Stream
	for _, t := range s.tenants {
		all = append(all, t.streams...)
	}
	return all
}

// streamFaults says what is wrong with a choice of streams.
func (s *setup) streamFaults(variable string, wanted []pipeline.StreamID) []pipeline.ConfigError {
	catalogue := s.catalogue()
	var available []string
	for _, st := range catalogue {
		if len(st.Missing) == 0 {
			available = append(available, string(st.Key.Stream))
		}
	}
	list := "available: " + strings.Join(available, ", ")
	if len(available) == 0 {
		list = "no source is configured"
	}
	var faults []pipeline.ConfigError
	for _, id := range wanted {
		i := slices.IndexFunc(catalogue, func(st pipeline.Stream) bool { return st.Key.Stream == id })
		var problem string
		switch {
		case i >= 0 && (len(catalogue[i].Missing) == 0 || s.faulty(id.Source())):
			continue
		case i >= 0:
			problem = fmt.Sprintf("names %s, which cannot be read: %s; %s", id, show.Missing(catalogue[i]), list)
		default:
			problem = fmt.Sprintf("names %q, which is no stream; %s", id, list)
		}
		faults = append(faults, pipeline.ConfigError{Variable: variable, Problem: problem})
	}
	return faults
}

// faulty reports whether the source's own variables have faults; what they
// would have configured is then not known.
func (s *setup) faulty(id pipeline.SourceID) bool {
	return slices.ContainsFunc(s.tenants, func(t *tenant) bool { return t.id == id && t.faulty })
}

// warnIdle tells of variables that do nothing, because their source is not
// configured or their sink is not the one in use.
func (s *setup) warnIdle(log *slog.Logger) {
	if len(s.idle) > 0 {
		log.Warn("WINDROW_SINK names another sink, so these variables do nothing", "variables", strings.Join(s.idle, ","), "sink", s.Sink)
	}
	for _, t := range s.tenants {
		if len(t.idle) > 0 {
			log.Warn(fmt.Sprintf("%s is not configured, so these variables do nothing", t.id),
				"variables", strings.Join(t.idle, ","), "missing", strings.Join(t.streams[0].Missing, ","))
		}
	}
}

// withEngine builds the sources, opens the sink and lends an engine to do.
func (a *app) withEngine(ctx context.Context, s *setup, do func(*engine.Engine) error) error {
	if a.softMemory {
		debug.SetMemoryLimit(softMemory(s.Concurrency, containerMemory))
	}
	clock, err := a.clock()
	if err != nil {
		return err
	}
	sources, err := a.sources(s, s.RetryFor, clock)
	if err != nil {
		return err
	}
	store, err := a.openStore(ctx, s)
	if err != nil {
		return err
	}
	sink := sinkOf(s.Sink)
	err = sink.explain(s.Sink, do(&engine.Engine{
		Store: store, Sources: sources, Streams: s.Streams,
		Clock: clock, Now: a.now,
		MaxRejects: engine.RejectLimit{Share: s.MaxRejects, Setting: config.Prefix + "MAX_REJECTS"}, Concurrency: s.Concurrency,
		Group: sink.grouping(containerMemory),
	}))
	if closed := store.Close(); closed != nil {
		return errors.Join(closed, err)
	}
	return err
}

// softMemory is what a run should use, in bytes: at most four fifths of the container.
func softMemory(concurrency int, containerMemory func() (uint64, error)) int64 {
	return atMostOf(engine.SoftMemory(concurrency), 4, 5, containerMemory)
}

// sources builds every configured source; at least one must be.
func (a *app) sources(s *setup, retryFor time.Duration, clock pipeline.Clock) ([]pipeline.Source, error) {
	var sources []pipeline.Source
	for _, t := range s.tenants {
		if !t.configured {
			continue
		}
		o := connectors.Options{Account: pipeline.DefaultAccount, Clock: clock, Now: a.now, RetryFor: retryFor}
		if !s.task.Alone() {
			o.Task, o.Tasks = strconv.Itoa(s.task.Index), s.task.Count
		}
		source, err := t.open(o)
		if err != nil {
			return nil, err
		}
		sources = append(sources, fromDay{source, s.From})
	}
	if len(sources) == 0 {
		return nil, s.nothingConfigured()
	}
	return sources, nil
}

// nothingConfigured says what to set for each vendor.
func (s *setup) nothingConfigured() error {
	var b strings.Builder
	for _, t := range s.tenants {
		fmt.Fprintf(&b, "  %-10s set %s\n", t.id, strings.Join(t.streams[0].Missing, ", "))
	}
	b.WriteString("To see it work without any, run `windrow demo`.")
	return usagef(b.String(), "no source is configured")
}
