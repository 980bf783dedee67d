package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"github.com/windrow-data/windrow/cmd/windrow/internal/config"
	"github.com/windrow-data/windrow/cmd/windrow/internal/show"
	"github.com/windrow-data/windrow/connectors"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
	"github.com/windrow-data/windrow/sinks/objectstore"
)

// withEngine builds the sources, of which there must be one, opens the sink and lends an engine to do.
func (a *app) withEngine(ctx context.Context, s *setup, do func(*engine.Engine) error) error {
	if err := s.nothingConfigured(); err != nil {
		return err
	}
	return a.withLedgers(ctx, s, do)
}

// withLedgers is withEngine for who looks at ledgers, which are there without a source.
func (a *app) withLedgers(ctx context.Context, s *setup, do func(*engine.Engine) error) error {
	clock, err := a.clock()
	if err != nil {
		return err
	}
	sources, err := a.sources(s, s.RetryFor, clock)
	if err != nil {
		return err
	}
	return a.withStore(ctx, s, sources, do)
}

// withStore opens the sink and lends an engine of these sources to do.
func (a *app) withStore(ctx context.Context, s *setup, sources []pipeline.Source, do func(*engine.Engine) error) error {
	if a.softMemory {
		defer softMemory(s.Concurrency, containerMemory).Follow()()
	}
	clock, err := a.clock()
	if err != nil {
		return err
	}
	store, err := a.openStore(ctx, s)
	if err != nil {
		return err
	}
	err = s.target.explain(s.Sink, do(&engine.Engine{
		Store: store, Sources: sources, Streams: s.Streams,
		Clock: clock, Now: a.now, ID: a.final.id(),
		MaxRejects: engine.RejectLimit{Share: s.MaxRejects, Setting: config.Prefix + "MAX_REJECTS"}, Concurrency: s.Concurrency,
		Health: engine.Health{
			MaxUnreadable: engine.RejectLimit{Share: s.MaxUnread, Setting: config.Prefix + "MAX_UNREADABLE"},
			DriftWarns:    s.DriftWarns, DriftSetting: config.WarnOfDrift,
		},
		MaxBody: engine.BodyLimit{Bytes: s.MaxBody, Setting: config.Prefix + "MAX_BODY"},
		Group:   s.target.grouping(containerMemory), TenantRemedy: show.TenantRemedy,
	}))
	if closed := store.Close(); closed != nil {
		return errors.Join(closed, err)
	}
	return err
}

// sourcesInHaste reads the configuration and builds the sources, of which there must be one, for a verb whose answer
// somebody waits for.
func (a *app) sourcesInHaste() (*setup, []pipeline.Source, error) {
	s, err := a.configure()
	if err != nil {
		return nil, nil, err
	}
	if err := s.nothingConfigured(); err != nil {
		return nil, nil, err
	}
	clock, err := a.clock()
	if err != nil {
		return nil, nil, err
	}
	sources, err := a.sources(s, min(s.RetryFor, checkFor), clock)
	if err != nil {
		return nil, nil, err
	}
	s.warnIdle(s.log)
	return s, sources, nil
}

// sources builds every configured source.
func (a *app) sources(s *setup, retryFor time.Duration, clock pipeline.Clock) ([]pipeline.Source, error) {
	var sources []pipeline.Source
	for _, t := range s.tenants {
		if !t.configured || !s.chosen(t.Account) {
			continue
		}
		o := connectors.Options{Clock: clock, Now: a.now, RetryFor: retryFor, Warn: s.warnOf(t), Disk: a.disk(s)}
		if !s.task.Alone() {
			o.Task, o.Tasks = strconv.Itoa(s.task.Index), s.task.Count
		}
		source, err := t.open(o)
		if err != nil {
			return nil, err
		}
		sources = append(sources, scoped{source, s.From, s.Intraday})
	}
	return sources, nil
}

// warnOf logs what a source warns of, to where the log then goes.
func (s *setup) warnOf(t *tenant) func(string) {
	return func(text string) { s.log.Warn(text, "source", string(t.Source), "account", string(t.Account)) }
}

// nothingConfigured says what to set for each vendor, where no source is configured.
func (s *setup) nothingConfigured() error {
	if slices.ContainsFunc(s.tenants, func(t *tenant) bool { return t.configured }) {
		return nil
	}
	var b strings.Builder
	for _, t := range s.tenants {
		fmt.Fprintf(&b, "  %-10s set %s\n", t.Label(), strings.Join(t.streams[0].Missing, ", "))
	}
	b.WriteString("To see it work without any, run `windrow demo`.")
	return usagef(b.String(), "no source is configured")
}

// softMemory is the soft limit of what a run uses: never more than four fifths of the container.
func softMemory(concurrency int, containerMemory func() (uint64, error)) engine.SoftMemory {
	m := engine.NewSoftMemory(concurrency)
	return m.AtMost(atMostOf(m.Most, 4, 5, containerMemory))
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

// disk is where sources may read and keep files.
func (a *app) disk(s *setup) connectors.Disk {
	return connectors.Disk{
		Folder: func(ctx context.Context, path string) (fs.FS, error) {
			if objectstore.Is(path) {
				return a.folderInBucket(ctx, s, path)
			}
			return os.DirFS(path), nil
		},
		Temp:   func() (connectors.TempFile, error) { return os.CreateTemp("", "windrow-export-*") },
		Remove: os.Remove,
	}
}
