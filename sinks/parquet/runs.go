package parquet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/layout"
	"github.com/windrow-data/windrow/sinks/internal/object"
	"github.com/windrow-data/windrow/sinks/internal/volume"
)

// The records of runs: an object for each run, until they are mostRuns. Then a pack is made of them, in a folder of its
// own, which no sync looks into, and they are removed. A pack is created once and never changes. Its name tells when its
// first and its last run started, so that a reader of the newest runs opens no other.
const mostRuns = 64

// AppendRun implements [pipeline.Store].
func (s *Store) AppendRun(ctx context.Context, run pipeline.Summary) error {
	const op = "record the run"
	if err := layout.Safe("sync id", string(run.SyncID)); err != nil {
		return classify(op, err)
	}
	name := path.Join(runsDir, string(run.SyncID)+runSuffix)
	body, _, err := object.Of(runForm, name, slices.Values([]pipeline.RunRecord{pipeline.RecordOf(run)}))
	if err == nil {
		err = volume.Put(ctx, s.volume, name, body)
	}
	if err != nil {
		return classify(op, err)
	}
	pipeline.Point(ctx, "parquet.run-recorded")
	s.packRuns(ctx)
	return nil
}

// packRuns packs the records of runs when they are many. A failure costs nothing but the room, and the next run tries
// again. What a crash or another process leaves twice, in a pack and beside it, is one run to readers. A record that
// changed meanwhile stays, and so does a damaged one, which whoever reads the runs names.
func (s *Store) packRuns(ctx context.Context) {
	names, err := s.runNames(ctx)
	if err != nil || len(names) <= mostRuns {
		return
	}
	versions, err := s.volume.Versions(ctx, names...)
	if err != nil {
		return
	}
	var packed []pipeline.RunRecord
	var gone []volume.Object
	for i, name := range names {
		run, err := s.readRun(ctx, name)
		if err == nil && versions[i] != volume.Absent {
			packed = append(packed, pipeline.RecordOf(run))
			gone = append(gone, volume.Object{Name: name, Version: versions[i]})
		}
	}
	if len(packed) == 0 {
		return
	}
	slices.SortFunc(packed, func(a, b pipeline.RunRecord) int { return pipeline.ByStart(a.Summary, b.Summary) })
	bound := func(r pipeline.RunRecord) string { return r.StartedAt.Time().UTC().Format(boundLayout) }
	name := path.Join(packsDir, fmt.Sprintf("%s_%s_%016x%s", bound(packed[0]), bound(packed[len(packed)-1]), rand.Uint64(), packSuffix))
	body, _, err := object.Of(packForm, name, slices.Values(packed))
	if err != nil {
		return
	}
	if err := volume.Create(ctx, s.volume, name, body); err != nil {
		return
	}
	pipeline.Point(ctx, "parquet.runs-packed")
	for _, o := range gone {
		_ = s.volume.Remove(ctx, o)
	}
	pipeline.Point(ctx, "parquet.runs-pruned")
}

// runNames lists the records that are in no pack yet.
func (s *Store) runNames(ctx context.Context) ([]string, error) {
	names, err := s.volume.List(ctx, runsDir)
	return slices.DeleteFunc(names, func(name string) bool {
		return path.Ext(name) != runSuffix && path.Ext(name) != earlierRun
	}), err
}

// Runs implements [pipeline.RunReader].
func (s *Store) Runs(ctx context.Context, from pipeline.Instant) iter.Seq2[pipeline.Summary, error] {
	return func(yield func(pipeline.Summary, error) bool) {
		runs, err := s.runs(ctx, from)
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

// runs reads the single records before the packs: what is packed meanwhile is found there.
func (s *Store) runs(ctx context.Context, from pipeline.Instant) ([]pipeline.Summary, error) {
	names, err := s.runNames(ctx)
	if err != nil {
		return nil, err
	}
	found := map[pipeline.SyncID]pipeline.Summary{}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		run, err := s.readRun(ctx, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		found[run.SyncID] = run
	}
	single := maps.Clone(found)
	names, err = s.volume.List(ctx, packsDir)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if !mayHold(name, from) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		packed, err := s.readPack(ctx, name)
		if err != nil {
			return nil, err
		}
		for _, run := range packed {
			if _, ok := single[run.SyncID]; ok {
				continue
			}
			if other, ok := found[run.SyncID]; !ok || other.FinishedAt <= run.FinishedAt {
				found[run.SyncID] = run
			}
		}
	}
	maps.DeleteFunc(found, func(_ pipeline.SyncID, run pipeline.Summary) bool { return run.StartedAt < from })
	return slices.SortedFunc(maps.Values(found), pipeline.ByStart), nil
}

// mayHold reports whether a pack may have a run that started at from or later. One of a name that does not tell is read.
func mayHold(name string, from pipeline.Instant) bool {
	base, ok := strings.CutSuffix(path.Base(name), packSuffix)
	if !ok {
		return false
	}
	parts := strings.Split(base, "_")
	if len(parts) != 3 {
		return true
	}
	last, err := time.Parse(boundLayout, parts[1])
	return err != nil || pipeline.InstantOf(last.Add(time.Second)) > from
}

// readRun reads one record; one of an earlier version is a JSON document.
func (s *Store) readRun(ctx context.Context, name string) (pipeline.Summary, error) {
	body, err := s.volume.Read(ctx, name)
	if err != nil {
		return pipeline.Summary{}, err
	}
	var r pipeline.RunRecord
	if path.Ext(name) == earlierRun {
		err = json.Unmarshal(body, &r)
	} else {
		err = object.Read(runForm, name, body, func(_ int, line []byte) error { return json.Unmarshal(line, &r) })
	}
	if err != nil {
		return pipeline.Summary{}, object.Damaged("read the runs", name, err, "restore it from a copy, or remove it: nothing but the record of that run goes with it")
	}
	return r.Run(), nil
}

// readPack reads a pack. Packs are never removed, so that one that is listed is there.
func (s *Store) readPack(ctx context.Context, name string) (runs []pipeline.Summary, err error) {
	body, err := s.volume.Read(ctx, name)
	if err != nil {
		return nil, err
	}
	err = object.Read(packForm, name, body, func(_ int, line []byte) error {
		var r pipeline.RunRecord
		err := json.Unmarshal(line, &r)
		runs = append(runs, r.Run())
		return err
	})
	if err != nil {
		return nil, object.Damaged("read the runs", name, err, "restore it from a copy, or remove it: nothing but the records of the runs between the times in its name go with it")
	}
	return runs, nil
}
