package parquet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
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

const (
	// notesKept is longer than any quota that notes are counted for: what is older may go.
	notesKept = 7 * day
	// mostOldNotes is how many are older when they are removed.
	mostOldNotes = 64

	noteLayout = "20060102T150405.000000Z"
)

// tenantDir is the folder of one account of one source.
func tenantDir(k pipeline.TenantKey) (string, error) {
	if err := layout.Safe("source", string(k.Source)); err != nil {
		return "", err
	}
	return path.Join(journalDir, "source="+string(k.Source), "account="+string(k.Account)), layout.Safe("account", string(k.Account))
}

// Add implements [pipeline.Journal]: one object, which proves itself, with the note's time in its name. So it is found
// without being read, and a damaged one hides nothing but itself.
func (s *Store) Add(ctx context.Context, n pipeline.Note) error {
	const op = "write the journal"
	dir, err := tenantDir(n.Tenant)
	if err != nil {
		return classify(op, err)
	}
	name := path.Join(dir, fmt.Sprintf("%s_%016x%s", n.At.UTC().Format(noteLayout), rand.Uint64(), noteSuffix))
	body, _, err := object.Of(journalForm, name, slices.Values([]pipeline.Note{n}))
	if err == nil {
		err = volume.Create(ctx, s.volume, name, body)
	}
	if err != nil {
		return classify(op, err)
	}
	pipeline.Point(ctx, "parquet.noted")
	s.forgetNotes(ctx, dir, n.At.Add(-notesKept))
	return nil
}

// forgetNotes removes the notes from before a time once they are many, as the last listing of the folder had them.
// Nobody counts them any more, so that it does not matter who removes which, nor whether it fails: a later run tries again.
func (s *Store) forgetNotes(ctx context.Context, dir string, before time.Time) {
	s.mu.Lock()
	names := s.noted[dir]
	delete(s.noted, dir)
	s.mu.Unlock()
	var old []volume.Object
	for _, name := range names {
		if last, ok := lastOf(name); ok && last.Before(before) {
			old = append(old, volume.Object{Name: name, Version: volume.Any})
		}
	}
	if len(old) < mostOldNotes {
		return
	}
	_ = s.volume.Remove(ctx, old...)
	pipeline.Point(ctx, "parquet.notes-pruned")
}

// lastOf is the time of an object of the journal, as its name tells: of the last note that it may have.
func lastOf(name string) (time.Time, bool) {
	base := path.Base(name)
	if of, ok := strings.CutSuffix(base, lineSuffix); ok { // a day of an earlier version
		at, err := time.Parse(layout.Date, of)
		return at.Add(day), err == nil
	}
	of, ok := strings.CutSuffix(base, noteSuffix)
	stamp, _, _ := strings.Cut(of, "_")
	at, err := time.Parse(noteLayout, stamp)
	return at.Add(time.Microsecond), ok && err == nil
}

// Since implements [pipeline.Journal].
func (s *Store) Since(ctx context.Context, k pipeline.TenantKey, t time.Time) ([]pipeline.Note, error) {
	const op = "read the journal"
	dir, err := tenantDir(k)
	if err != nil {
		return nil, classify(op, err)
	}
	names, err := s.volume.List(ctx, dir)
	if err != nil {
		return nil, classify(op, err)
	}
	var notes []pipeline.Note
	for _, name := range names {
		if ext := path.Ext(name); ext != noteSuffix && ext != lineSuffix {
			continue
		}
		if last, ok := lastOf(name); ok && last.Before(t) {
			continue
		}
		body, err := s.volume.Read(ctx, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // another process found it too old
		}
		if err != nil {
			return nil, classify(op, err)
		}
		read, err := readNotes(name, body)
		if last, ok := lastOf(name); err != nil && ok && path.Ext(name) == noteSuffix && last.After(s.now().Add(pipeline.ClockTolerance)) {
			read, err = []pipeline.Note{{At: last}}, nil // of a wrong clock: whatever stood in it, it is named and counts for nothing
		}
		if err != nil {
			return nil, object.Damaged(op, name, err, remedyOfNote(name))
		}
		for _, n := range read {
			if n.Tenant = k; !n.At.Before(t) {
				notes = append(notes, n)
			}
		}
	}
	s.mu.Lock()
	s.noted[dir] = names
	s.mu.Unlock()
	slices.SortStableFunc(notes, func(a, b pipeline.Note) int { return a.At.Compare(b.At) })
	return notes, nil
}

// remedyOfNote says how requests go on without a note that might have counted. A name that tells its time is no longer
// read once the quota's span has passed.
func remedyOfNote(name string) string {
	last, ok := lastOf(name)
	if !ok {
		return "move it away once the span of the report quota, by default an hour, has passed since the last sync"
	}
	return fmt.Sprintf("until the span of the report quota, by default an hour, has passed since %s nothing that it counts is asked for; then syncs go on by themselves, and it may be removed",
		last.UTC().Format(time.RFC3339))
}

// readNotes reads an object of the journal, or a day of an earlier version: a line a note.
func readNotes(name string, body []byte) (notes []pipeline.Note, err error) {
	add := func(line []byte) error {
		var n pipeline.Note
		err := json.Unmarshal(line, &n)
		notes = append(notes, n)
		return err
	}
	if path.Ext(name) == noteSuffix {
		err = object.Read(journalForm, name, body, func(_ int, line []byte) error { return add(line) })
		return notes, err
	}
	for line := range bytes.Lines(body) {
		if !bytes.HasSuffix(line, []byte("\n")) {
			break // of an Add that never returned; what it describes was not done
		}
		if err := add(line); err != nil {
			return nil, fmt.Errorf("one of its lines cannot be read: %w", err)
		}
	}
	return notes, nil
}

// checkJournals reads the journals of all tenants.
func (s *Store) checkJournals(ctx context.Context) error {
	names, err := s.volume.List(ctx, journalDir)
	if err != nil {
		return classify("list the journals", err)
	}
	seen := map[pipeline.TenantKey]bool{}
	for _, name := range names {
		dir := path.Dir(name)
		k := pipeline.TenantKey{
			Source:  pipeline.SourceID(strings.TrimPrefix(path.Base(path.Dir(dir)), "source=")),
			Account: pipeline.AccountID(strings.TrimPrefix(path.Base(dir), "account=")),
		}
		if of, err := tenantDir(k); err != nil || of != dir || seen[k] {
			continue
		}
		seen[k] = true
		if _, err := s.Since(ctx, k, time.Time{}); err != nil {
			return err
		}
	}
	return nil
}
