package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/windrow-data/windrow/cmd/windrow/internal/config"
	"github.com/windrow-data/windrow/cmd/windrow/internal/show"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/archive"
	"github.com/windrow-data/windrow/pipeline/engine"
	bodies "github.com/windrow-data/windrow/sinks/archive"
	"github.com/windrow-data/windrow/sinks/objectstore"
	"github.com/windrow-data/windrow/sinks/parquet"
)

// archivePlace is the directory of the archive, as an absolute path, or its address; empty where there is none.
func (s *setup) archivePlace() string {
	switch {
	case s.Archive == config.ArchiveOff:
		return ""
	case objectstore.Is(s.Archive):
		return s.Archive
	case s.Archive != "":
		return parquet.Place(s.Archive)
	case s.target != nil && s.target.archive != nil:
		return s.target.archive(s.Sink)
	}
	return ""
}

// archiveFaults says why nothing can be kept in the archive's directory: whoever reads the tables there would meet it.
func (s *setup) archiveFaults() []pipeline.ConfigError {
	place := s.archivePlace()
	if place == "" || s.Archive == "" {
		return nil
	}
	var err error
	if objectstore.Is(place) {
		return bucketArchiveFaults(place, s.Sink)
	}
	err = parquet.CheckArchive(place)
	if s.target.scheme == parquet.Scheme && err == nil {
		err = parquet.CheckArchiveOf(s.where(), place)
	}
	if err == nil {
		return nil
	}
	return []pipeline.ConfigError{{Variable: config.Prefix + "ARCHIVE", Problem: "cannot be used: " + err.Error(), Example: "/var/lib/windrow/raw"}}
}

// bucketArchiveFaults says why nothing can be kept in the archive's place in a bucket.
func bucketArchiveFaults(place, sink string) []pipeline.ConfigError {
	fault := func(problem string) []pipeline.ConfigError {
		return []pipeline.ConfigError{{Variable: config.Prefix + "ARCHIVE", Problem: "cannot be used: " + problem, Example: "gs://my-bucket/raw"}}
	}
	at, err := objectstore.ParseAddress(place)
	if err != nil {
		return fault(err.Error())
	}
	tables, err := objectstore.ParseAddress(sink)
	if err != nil {
		return nil
	}
	if below, err := filepath.Rel(tables.String(), at.String()); err == nil && parquet.CheckArchiveOf("/", "/"+below) != nil {
		return fault(at.String() + " is where the sink keeps its own")
	}
	return nil
}

// openArchive returns the archive of a run; nil where there is none. Beside the tables of a directory it shares their lock.
func (a *app) openArchive(ctx context.Context, s *setup, store pipeline.Store) (*bodies.Store, error) {
	place := s.archivePlace()
	if place == "" {
		return nil, nil
	}
	tables, isParquet := store.(*parquet.Store)
	if objectstore.Is(place) {
		if isParquet && place == objectstore.Beneath(s.Sink, parquet.ArchiveDir) {
			return bodies.Beneath(tables.Volume(), parquet.ArchiveDir), nil
		}
		o, err := a.besides(s, place, nil)
		if err != nil {
			return nil, err
		}
		return archiveInBucket(ctx, place, o)
	}
	if isParquet && !objectstore.Is(s.Sink) {
		if below, err := filepath.Rel(tables.Root(), place); err == nil && below == parquet.ArchiveDir {
			return bodies.Beneath(tables.Volume(), parquet.ArchiveDir), nil
		}
	}
	return bodies.Open(place, bodies.Options{Now: a.now, RetryFor: s.RetryFor, Waiting: func(holder string) {
		s.log.Warn("another process is writing to the archive; waiting for it to end", "holder", holder)
	}})
}

// showPlaces tells where the tables and the answers are.
func (a *app) showPlaces(s *setup) error {
	return errors.Join(show.Sink(a.stdout, s.where()), show.Archive(a.stdout, s.archivePlace()))
}

// withArchive lends do the archive of a run; nil where there is none.
func (a *app) withArchive(ctx context.Context, s *setup, store pipeline.Store, do func(*bodies.Store) error) error {
	kept, err := a.openArchive(ctx, s, store)
	switch {
	case err != nil:
		return err
	case kept == nil:
		return do(nil)
	}
	return errors.Join(do(kept), kept.Close())
}

// keepAnswers has the engine's sources keep their answers.
func keepAnswers(e *engine.Engine, kept *bodies.Store, most int64) {
	if kept == nil {
		return
	}
	e.Sources = slices.Clone(e.Sources)
	for i, source := range e.Sources {
		e.Sources[i] = archive.Tee(source, kept, most)
	}
}

// shelf finds what is kept of streams, and makes them again of the settings that their answers were read under.
type shelf struct {
	*setup
	kept *bodies.Store
}

// Find implements [engine.Shelf].
func (f shelf) Find(ctx context.Context, k pipeline.StreamKey, committed []pipeline.Entry, failed func(pipeline.Window) bool) ([]pipeline.Rereading, []pipeline.Unkept, error) {
	if len(committed) == 0 {
		return nil, nil, nil
	}
	of, err := archive.Load(ctx, f.kept, k)
	if err != nil {
		return nil, nil, err
	}
	made := make(map[string]pipeline.Stream)
	again, unkept := of.Find(committed, failed, func(shape map[string]string) pipeline.Stream {
		key := fmt.Sprint(shape)
		if _, known := made[key]; !known {
			made[key] = f.streamOf(k, shape, f.meant(k))
		}
		return made[key]
	})
	return again, unkept, nil
}

// markReplayable finds the changed windows of a plan that the archive has, read under settings that mean today's.
func (f shelf) markReplayable(ctx context.Context, store pipeline.Store, plan []pipeline.PlannedStream) error {
	for i := range plan {
		p := &plan[i]
		if len(p.Changed) == 0 {
			continue
		}
		l, err := store.Ledger(ctx, p.Stream.Key)
		if err != nil {
			return err
		}
		var committed []pipeline.Entry
		for _, w := range p.Changed {
			if e, ok := l.Live(w.Span); ok {
				committed = append(committed, e)
			}
		}
		again, _, err := f.Find(ctx, p.Stream.Key, committed, func(w pipeline.Window) bool { _, is := l.Failed(w.Span); return is })
		if err != nil {
			return err
		}
		for _, r := range again {
			if r.Stream.Settings != p.Stream.Settings { // something else was asked
				continue
			}
			for _, e := range r.Commits {
				p.Replayable = append(p.Replayable, e.Window)
			}
		}
		slices.SortFunc(p.Replayable, func(a, b pipeline.Window) int { return cmp.Compare(a.Start, b.Start) })
	}
	return nil
}

// abandoned is how old a reading is that no running sync can still be about to keep.
const abandoned = 24 * time.Hour

// tidyArchive removes what killed runs have left in the archive, and what it need not keep any longer.
func (s *setup) tidyArchive(ctx context.Context, e *engine.Engine, kept *bodies.Store, run pipeline.Summary) error {
	if s.task.Index > 0 || ctx.Err() != nil {
		return nil //nolint:nilerr // a run that was stopped tidies nothing
	}
	of := archive.Tidying{Since: pipeline.InstantOf(e.Now().Add(-abandoned)), Now: pipeline.InstantOf(e.Now()), Before: pipeline.NoInstant}
	if s.ArchiveDays > 0 {
		of.Before = pipeline.InstantOf(e.Clock().Add(-time.Duration(s.ArchiveDays) * 24 * time.Hour))
	}
	of.Removed = func(k pipeline.StreamKey, n int) {
		s.log.Info(fmt.Sprintf("%s older than %s removed from the archive: no committed window is made of what goes", pipeline.Counted(n, "answer"), pipeline.Counted(s.ArchiveDays, "day")),
			"stream", string(k.Stream), "account", string(k.Account))
	}
	return archive.Tidy(ctx, kept, e.Store, run, of)
}

// redactKept puts redacted copies in the place of the answers that a replay under a policy has found in the clear, read or not.
func (s *setup) redactKept(ctx context.Context, e *engine.Engine, kept *bodies.Store, run pipeline.Summary) error {
	wants, err := e.Select.Wants()
	if err != nil || s.privacy.Keeps() || ctx.Err() != nil {
		return err
	}
	policy := s.privacy.Policy()
	var failed []error
	for _, of := range run.Streams {
		k := pipeline.StreamKey{Account: of.Account, Stream: of.Stream}
		var clear []archive.Document
		for d, err := range kept.Documents(ctx, k) {
			if err != nil {
				return err
			}
			if d.Meta.Redacted != policy.Digest && policy.Fits(d.Meta.Redacted) && (d.Err != nil || slices.ContainsFunc(d.Meta.Request.Windows, wants)) {
				clear = append(clear, d)
			}
		}
		n, err := kept.Redact(ctx, clear, func(shape map[string]string) pipeline.Stream {
			made := s.streamOf(k, shape, nil)
			made.Policy = policy // also of a vendor that is not known
			return made
		})
		failed = append(failed, err)
		if n > 0 {
			s.log.Info(pipeline.Counted(n, "answer")+" in the archive replaced by redacted copies", "stream", string(k.Stream), "account", string(k.Account))
		}
	}
	return errors.Join(failed...)
}

// streamOf makes a stream again of the settings that an answer was read under. What the answer means is as in meant, where
// that is not nil.
func (s *setup) streamOf(k pipeline.StreamKey, shape, meant map[string]string) pipeline.Stream {
	i := slices.IndexFunc(vendors, func(v vendor) bool { return v.id == k.Stream.Source() })
	if i < 0 {
		return pipeline.Stream{Key: k}
	}
	for _, of := range vendors[i].remake(k.Account, s.privacy.Policy(), shape, meant) {
		if of.Key == k {
			return of
		}
	}
	return pipeline.Stream{Key: k}
}

// meant are the settings of a configured account; nil where it is not configured.
func (s *setup) meant(k pipeline.StreamKey) map[string]string {
	for _, t := range s.tenants {
		if t.configured && t.Source == k.Stream.Source() && t.Account == k.Account {
			for _, of := range t.streams {
				if of.Shape != nil {
					return of.Shape
				}
			}
		}
	}
	return nil
}

// accountsOf names the accounts of streams.
func accountsOf(keys []pipeline.StreamKey) (names []string) {
	for _, k := range keys {
		if !slices.Contains(names, string(k.Account)) {
			names = append(names, string(k.Account))
		}
	}
	slices.Sort(names)
	return names
}

// accountList splits --accounts.
func accountList(list string) (accounts []pipeline.AccountID) {
	for name := range strings.SplitSeq(list, ",") {
		if name = strings.TrimSpace(name); name != "" {
			accounts = append(accounts, pipeline.AccountID(name))
		}
	}
	return accounts
}
