package parquet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"iter"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/layout"
	"github.com/windrow-data/windrow/sinks/internal/object"
	"github.com/windrow-data/windrow/sinks/internal/rowgroup"
	"github.com/windrow-data/windrow/sinks/internal/volume"
)

// The records of runs are Parquet files, of which whoever reads _windrow/runs/**/*.parquet finds each run once: a file for
// each recent run, which its end replaces, and when these are many, packs of the oldest. A pack is created once and never
// changes. Its name is made of its runs: when the first and the last started, and a hash of all. So of two processes that
// pack at once the second finds the pack of the first, and a reader of the newest runs opens no other.
const (
	mostRuns = 32
	// packedAfter is how long ago a run has started that is packed: by then all processes see the same runs.
	packedAfter = day
	// longestRun is how long a run may last: one that has not finished by then was killed.
	longestRun = 8 * day
)

// AppendRun implements [pipeline.Store]. Nobody else writes the record of a run, so no condition is needed.
func (s *Store) AppendRun(ctx context.Context, run pipeline.Summary) error {
	const op = "record the run"
	if err := layout.Safe("sync id", string(run.SyncID)); err != nil {
		return classify(op, err)
	}
	body, err := runsFile(run)
	if err == nil {
		err = volume.Put(ctx, s.volume, recentRun(run.SyncID), body)
	}
	if err != nil {
		return classify(op, err)
	}
	pipeline.Point(ctx, "parquet.run-recorded")
	if run.Finished() {
		s.packRuns(ctx)
	}
	return nil
}

// recentRun is the name of a run that is in no pack.
func recentRun(id pipeline.SyncID) string { return path.Join(recentDir, string(id)+suffix) }

// packRuns packs the oldest records of runs when they are many. A failure costs nothing but the room, and the next run
// tries again. What a crash leaves twice, in a pack and beside it, is one run to [Store.Runs], and the next packing
// removes it. A record that changed meanwhile stays, and so does a damaged one, which whoever reads the runs names.
func (s *Store) packRuns(ctx context.Context) {
	names, err := s.volume.List(ctx, recentDir)
	if err != nil {
		return
	}
	now := s.now()
	names = slices.DeleteFunc(names, func(name string) bool {
		id, ok := strings.CutSuffix(path.Base(name), suffix)
		began, tells := pipeline.SyncID(id).Time()
		return !ok || tells && began.After(now.Add(-packedAfter))
	})
	if len(names) <= mostRuns {
		return
	}
	names = names[:mostRuns]
	versions, err := s.volume.Versions(ctx, names...)
	if err != nil {
		return
	}
	var runs []pipeline.Summary
	var gone []volume.Object
	var scanner rowgroup.Scanner
	for i, name := range names {
		read, err := s.readRuns(ctx, &scanner, name)
		if err != nil || len(read) != 1 || versions[i] == volume.Absent || !read[0].Finished() && read[0].StartedAt.Time().After(now.Add(-longestRun)) {
			continue
		}
		runs = append(runs, read[0])
		gone = append(gone, volume.Object{Name: name, Version: versions[i]})
	}
	if s.pack(ctx, runs) != nil {
		return
	}
	for _, o := range gone {
		if err := s.volume.Remove(ctx, o); errors.Is(err, volume.ErrUnfenced) { // nobody but its run writes a record
			_ = s.volume.Remove(ctx, volume.Object{Name: o.Name, Version: volume.Any})
		}
	}
	pipeline.Point(ctx, "parquet.runs-pruned")
}

// pack makes a pack of those runs that are in none.
func (s *Store) pack(ctx context.Context, runs []pipeline.Summary) error {
	if len(runs) == 0 {
		return nil
	}
	slices.SortFunc(runs, pipeline.ByStart)
	names, err := s.volume.List(ctx, packedDir)
	if err != nil {
		return err
	}
	first, last := runs[0].StartedAt, runs[len(runs)-1].StartedAt
	var scanner rowgroup.Scanner
	for _, name := range names {
		if from, to := boundsOf(name); to < first || from > last {
			continue
		}
		packed, err := s.readRuns(ctx, &scanner, name)
		if err != nil {
			return err
		}
		runs = slices.DeleteFunc(runs, func(r pipeline.Summary) bool {
			return slices.ContainsFunc(packed, func(p pipeline.Summary) bool { return p.SyncID == r.SyncID && p.FinishedAt >= r.FinishedAt })
		})
	}
	if len(runs) == 0 {
		return nil
	}
	body, err := runsFile(runs...)
	if err != nil {
		return err
	}
	if err := volume.Create(ctx, s.volume, packName(runs), body); err != nil && !errors.Is(err, volume.ErrChanged) {
		return err
	}
	pipeline.Point(ctx, "parquet.runs-packed")
	return nil
}

// packName is the name of the pack of runs, which are in order.
func packName(runs []pipeline.Summary) string {
	var ids bytes.Buffer
	for _, r := range runs {
		fmt.Fprintln(&ids, r.SyncID, r.FinishedAt)
	}
	bound := func(r pipeline.Summary) string { return r.StartedAt.Time().UTC().Format(boundLayout) }
	return path.Join(packedDir, fmt.Sprintf("%s_%s_%08x%s", bound(runs[0]), bound(runs[len(runs)-1]), crc32.ChecksumIEEE(ids.Bytes()), suffix))
}

// boundsOf are the earliest and the latest start that a pack's runs may have. One of a name that does not tell may have any.
func boundsOf(name string) (first, last pipeline.Instant) {
	stem, _, _ := strings.Cut(path.Base(name), ".")
	if parts := strings.Split(stem, "_"); len(parts) == 3 {
		from, err := time.Parse(boundLayout, parts[0])
		to, err2 := time.Parse(boundLayout, parts[1])
		if err == nil && err2 == nil {
			return pipeline.InstantOf(from), pipeline.InstantOf(to.Add(time.Second)) - 1
		}
	}
	return pipeline.NoInstant, 1<<63 - 1
}

// Runs implements [pipeline.RunReader].
func (s *Store) Runs(ctx context.Context, from pipeline.Instant, last int) iter.Seq2[pipeline.Summary, error] {
	return func(yield func(pipeline.Summary, error) bool) {
		runs, err := s.runs(ctx, from, last)
		if err != nil {
			yield(pipeline.Summary{}, classify("read the runs", err))
			return
		}
		for _, run := range runs {
			if !yield(run, nil) {
				return
			}
		}
	}
}

// runs reads the single records before the packs are listed: what is packed meanwhile is found there. Of the packs it
// reads the newest first, and no more than are needed.
func (s *Store) runs(ctx context.Context, from pipeline.Instant, last int) ([]pipeline.Summary, error) {
	names, err := s.volume.List(ctx, runsDir)
	if err != nil {
		return nil, err
	}
	found := foundRuns{runs: make(map[pipeline.SyncID]pipeline.Summary)}
	for _, name := range names {
		if path.Dir(name) == recentDir && path.Ext(name) == suffix || isEarlier(name) {
			if err := found.read(ctx, s, name, from); err != nil {
				return nil, err
			}
		}
	}
	packs, err := s.volume.List(ctx, packedDir)
	if err != nil {
		return nil, err
	}
	earlier, err := s.volume.List(ctx, earlierPacks)
	if err != nil {
		return nil, err
	}
	packs = slices.DeleteFunc(append(packs, earlier...), func(name string) bool { return path.Ext(name) != suffix && !isEarlier(name) })
	slices.SortFunc(packs, func(a, b string) int {
		_, x := boundsOf(a)
		_, y := boundsOf(b)
		return int(min(max(y-x, -1), 1))
	})
	for _, name := range packs {
		if _, latest := boundsOf(name); latest < from || last > 0 && found.laterThan(latest) >= last {
			break
		}
		if err := found.read(ctx, s, name, from); err != nil {
			return nil, err
		}
	}
	return pipeline.LastRuns(slices.Collect(maps.Values(found.runs)), last), nil
}

// foundRuns are runs that were read.
type foundRuns struct {
	runs    map[pipeline.SyncID]pipeline.Summary
	scanner rowgroup.Scanner // keeps its memory from file to file
}

// read adds the runs of an object that started at from or later. One that was recorded twice counts as it ended last.
func (f *foundRuns) read(ctx context.Context, s *Store, name string, from pipeline.Instant) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	runs, err := s.readRuns(ctx, &f.scanner, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it is in a pack by now
	}
	for _, r := range runs {
		if other, ok := f.runs[r.SyncID]; r.StartedAt >= from && (!ok || other.FinishedAt < r.FinishedAt) {
			f.runs[r.SyncID] = r
		}
	}
	return err
}

// laterThan is how many of them started later.
func (f *foundRuns) laterThan(at pipeline.Instant) (n int) {
	for _, r := range f.runs {
		if r.StartedAt > at {
			n++
		}
	}
	return n
}

// readRuns reads an object of records of runs, which proves itself and is none under another name.
func (s *Store) readRuns(ctx context.Context, scanner *rowgroup.Scanner, name string) ([]pipeline.Summary, error) {
	body, err := s.volume.Read(ctx, name)
	if err != nil {
		return nil, err
	}
	var runs []pipeline.Summary
	if isEarlier(name) {
		runs, err = earlierRuns(name, body)
	} else if runs, err = runsOfFile(ctx, scanner, body); err == nil && len(runs) > 0 {
		if own := recentRun(runs[0].SyncID); name != own && name != packName(runs) {
			err = fmt.Errorf("it has the run %s under another name", runs[0].SyncID)
		}
	}
	if err != nil && ctx.Err() == nil {
		return nil, object.Damaged("read the runs", name, err, "restore it from a copy, or remove it: nothing but the records of its runs goes with it")
	}
	return runs, err
}
