package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/windrow-data/windrow/cmd/windrow/internal/config"
	"github.com/windrow-data/windrow/cmd/windrow/internal/show"
	"github.com/windrow-data/windrow/cmd/windrow/internal/telemetry"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/plan"
	"github.com/windrow-data/windrow/transforms/personal"
)

// setup is the configuration, understood and without a fault.
type setup struct {
	config.Settings
	privacy personal.Options
	push    config.PushSettings
	watch   config.WatchSettings
	tenants []*tenant
	// accounts are those that --accounts names; empty: all.
	accounts []pipeline.AccountID
	target   *target
	task     config.Task
	log      *slog.Logger
	// telemetry is told what a sync does; nil: nobody wants to know.
	telemetry *telemetry.Run
	ending    telemetry.Ending
}

// configure reads the environment and reports everything wrong with it at once.
func (a *app) configure() (*setup, error) { return a.configureFor(vendors) }

// configureFor is configure with the vendors that there are.
func (a *app) configureFor(vendors []vendor) (*setup, error) { return a.readSettings(vendors, false) }

// configureSink is configure for who looks at the sink alone. What vendors' variables lack, or say wrong, is no fault, and
// of the streams that are chosen those are left that could be read.
func (a *app) configureSink() (*setup, error) { return a.readSettings(vendors, true) }

func (a *app) readSettings(vendors []vendor, sinkAlone bool) (*setup, error) {
	var scope config.Scope
	var operation config.Operation
	var privacy config.Privacy
	var pushes config.Push
	var watch config.Watch
	var cloudRun config.CloudRun
	if err := errors.Join(config.Fill(config.Prefix, &scope), config.Fill(config.Prefix, &operation), config.Fill(config.Prefix, &privacy),
		config.Fill(config.Prefix, &pushes), config.Fill(config.Prefix, &watch), config.Fill("", &cloudRun)); err != nil {
		return nil, err
	}
	s := &setup{}
	faults := unknownVariables(vendors)
	faults = append(faults, scope.Parse(&s.Settings)...)
	target, wrong, err := loadSinks(s.Sink)
	if err != nil {
		return nil, err
	}
	s.target, faults = target, append(faults, wrong...)
	faults = append(faults, operation.Parse(&s.Settings)...)
	s.privacy, wrong = privacy.Parse()
	faults = append(faults, wrong...)
	faults = append(faults, pushes.Parse(&s.push)...)
	faults = append(faults, watch.Parse(&s.watch)...)
	faults = append(faults, target.addressFaults(s.Sink, faults)...)
	s.task, wrong = cloudRun.Task()
	faults = append(faults, wrong...)
	if wrong, err = target.readEmulator(); err != nil {
		return nil, err
	}
	faults = append(faults, wrong...)
	for _, v := range vendors {
		tenants, wrong, err := v.load(s.privacy.Policy())
		if err != nil {
			return nil, err
		}
		if sinkAlone {
			wrong = nil
		}
		s.tenants, faults = append(s.tenants, tenants...), append(faults, wrong...)
	}
	if sinkAlone {
		s.leaveUnserved()
	}
	if clock, err := a.clock(); err == nil && !sinkAlone { // a wrong --as-of is told by who acts by it
		faults = append(faults, s.fromFaults(clock())...)
	}
	faults = append(faults, s.streamFaults("WINDROW_STREAMS", s.Streams)...)
	if len(faults) == 0 {
		faults = s.archiveFaults()
	}
	if len(faults) > 0 {
		return nil, &faultsError{a.files.Locate(faults)}
	}
	s.log = a.newLog(a.stderr, s.LogLevel)
	return s, nil
}

// unknownVariables says what is wrong with variables that nothing declares.
func unknownVariables(vendors []vendor) []pipeline.ConfigError {
	var ids []pipeline.SourceID
	for _, v := range vendors {
		ids = append(ids, v.id)
	}
	return config.UnknownVariables(os.Environ(), declaredVariables(vendors), ids)
}

// declaredVariables are those that begin with WINDROW_.
func declaredVariables(vendors []vendor) []config.Variable {
	known := slices.Concat(config.Variables(config.Prefix, new(config.Scope)), config.Variables(config.Prefix, new(config.Operation)),
		config.Variables(config.Prefix, new(config.Privacy)), config.Variables(config.Prefix, new(config.Push)),
		config.Variables(config.Prefix, new(config.Watch)))
	for _, k := range sinks {
		known = append(known, k.variables...)
	}
	for _, v := range vendors {
		known = append(known, v.variables...)
		accounts, _ := v.accounts() // faults of the list are told where it is read
		for _, of := range accounts {
			if of.Named {
				known = append(known, config.Variables(of.Prefix, v.spec)...)
			}
		}
	}
	return known
}

// fromFaults says where the first day has not begun yet, by the calendar of an account: nothing would be read.
func (s *setup) fromFaults(now time.Time) []pipeline.ConfigError {
	if _, err := time.Parse(time.DateOnly, s.From); err != nil {
		return nil // it is not set, or not a date
	}
	for _, t := range s.tenants {
		if !t.configured {
			continue
		}
		if today := now.In(t.streams[0].Calendar.Location()).Format(time.DateOnly); s.From > today {
			return []pipeline.ConfigError{{
				Variable: "WINDROW_FROM", Problem: fmt.Sprintf("is %s, which lies in the future: for %s it is %s", s.From, t.Label(), today), Example: "2025-09-01",
			}}
		}
	}
	return nil
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
	catalogue, available := s.catalogue(), s.served(nil)
	all := []string{string(pipeline.DefaultStreams)}
	for _, of := range catalogue {
		all = append(all, string(of.Key.Stream))
	}
	list := "available: " + strings.Join(available, ", ")
	switch {
	case len(available) > 0:
	case slices.ContainsFunc(s.tenants, func(t *tenant) bool { return t.faulty }):
		list = "`windrow streams` lists them"
	default:
		list = "no source is configured"
	}
	var faults []pipeline.ConfigError
	for _, id := range wanted {
		i := slices.IndexFunc(catalogue, func(st pipeline.Stream) bool { return st.Key.Stream == id })
		var problem string
		switch {
		case id == pipeline.DefaultStreams, slices.Contains(available, string(id)), i >= 0 && s.faulty(id.Source()):
			continue
		case i >= 0:
			problem = fmt.Sprintf("names %s, which cannot be read: %s; %s", id, show.Missing(catalogue[i]), list)
		default:
			problem = fmt.Sprintf("names %q, which is no stream; %s", id, list)
			if near := pipeline.Nearest(string(id), all); near != "" {
				problem = fmt.Sprintf("names %q, which is no stream (did you mean %s?); %s", id, near, list)
			}
		}
		faults = append(faults, pipeline.ConfigError{Variable: variable, Problem: problem})
	}
	return faults
}

// leaveUnserved takes the streams that are there and cannot be read out of the choice.
func (s *setup) leaveUnserved() {
	served := s.served(nil)
	s.Streams = slices.DeleteFunc(s.Streams, func(id pipeline.StreamID) bool {
		return !slices.Contains(served, string(id)) && slices.ContainsFunc(s.catalogue(), func(of pipeline.Stream) bool { return of.Key.Stream == id })
	})
}

// faulty reports whether the source's own variables have faults; what they
// would have configured is then not known.
func (s *setup) faulty(id pipeline.SourceID) bool {
	return slices.ContainsFunc(s.tenants, func(t *tenant) bool { return t.Source == id && t.faulty })
}

// warnIdle tells of variables that do nothing, because their source is not
// configured or their sink is not the one in use.
func (s *setup) warnIdle(log *slog.Logger) {
	if len(s.target.idle) > 0 {
		log.Warn("WINDROW_SINK names another sink, so these variables do nothing", "variables", strings.Join(s.target.idle, ","), "sink", s.Sink)
	}
	for _, t := range s.tenants {
		if len(t.idle) > 0 {
			log.Warn(fmt.Sprintf("%s is not configured, so these variables do nothing", t.Label()),
				"variables", strings.Join(t.idle, ","), "missing", strings.Join(t.streams[0].Missing, ","))
		}
	}
}

// shard is this task's share of the windows. The tasks of a Cloud Run job share
// them: sync and plan keep to it. A waiver is one word about a span of any length,
// so the first task alone records it, for all windows.
func (s *setup) shard() plan.Shard {
	if s.task.Alone() {
		return plan.Shard{}
	}
	return plan.Shard{Index: s.task.Index, Count: s.task.Count}
}

// leavesWaiver reports whether another task records the waiver.
func (s *setup) leavesWaiver(f *selection) bool { return f.waive != "" && s.task.Index > 0 }

// tellTask says which of the tasks this is.
func (s *setup) tellTask(log *slog.Logger) {
	if s.task.Alone() {
		return
	}
	log.Info(fmt.Sprintf("task %d of %d, counted from 0; attempt %d", s.task.Index, s.task.Count, s.task.Attempt))
}

// showNothingWaived is the result of a task that leaves the waiver to the first.
func (a *app) showNothingWaived(s *setup, f *selection) error {
	if f.asJSON {
		return show.Document(a.stdout, pipeline.Summary{Streams: []pipeline.StreamSummary{}})
	}
	_, err := fmt.Fprintf(a.stdout, "Task 0 records the waiver; task %d has nothing to do.\n", s.task.Index)
	return err
}
