package parquet

import (
	"bytes"
	"context"
	"encoding/json"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/parquet/internal/volume"
)

// tenantDir is the folder of one account of one source.
func tenantDir(k pipeline.TenantKey) (string, error) {
	if err := safe("source", string(k.Source)); err != nil {
		return "", err
	}
	return path.Join(journalDir, "source="+string(k.Source), "account="+string(k.Account)), safe("account", string(k.Account))
}

// Add implements [pipeline.Journal]: one line in the text of the note's day (UTC).
func (s *Store) Add(ctx context.Context, n pipeline.Note) error {
	const op = "write the journal"
	dir, err := tenantDir(n.Tenant)
	if err != nil {
		return classify(op, err)
	}
	line, err := json.Marshal(n)
	if err != nil {
		return classify(op, err)
	}
	if err := ctx.Err(); err != nil {
		return classify(op, err)
	}
	day := n.At.UTC().Format(dateLayout)
	if err := s.volume.AddLine(ctx, path.Join(dir, day+lineSuffix), line); err != nil {
		return classify(op, err)
	}
	pipeline.Point(ctx, "parquet.noted")
	return nil
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
	first := t.UTC().Format(dateLayout)
	var notes []pipeline.Note
	for _, name := range names {
		text, _, _ := strings.Cut(strings.TrimPrefix(name, dir+"/"), "/") // a volume may keep each line in an object beneath it
		if day, ok := strings.CutSuffix(text, lineSuffix); !ok || day < first {
			continue
		}
		body, err := s.volume.Read(ctx, name)
		if err != nil {
			return nil, classify(op, err)
		}
		for line := range bytes.Lines(body) {
			n := pipeline.Note{Tenant: k}
			// A line that breaks off belongs to an Add that never returned. What the line describes was not done.
			if json.Unmarshal(line, &n) == nil && !n.At.Before(t) {
				notes = append(notes, n)
			}
		}
	}
	slices.SortStableFunc(notes, func(a, b pipeline.Note) int { return a.At.Compare(b.At) })
	return notes, nil
}

// AppendRun implements [pipeline.Store].
func (s *Store) AppendRun(ctx context.Context, run pipeline.Summary) error {
	const op = "record the run"
	if err := safe("sync id", string(run.SyncID)); err != nil {
		return classify(op, err)
	}
	body, err := json.MarshalIndent(runRecord{run, run.StartedAt, run.FinishedAt}, "", "  ")
	if err != nil {
		return classify(op, err)
	}
	name := path.Join(runsDir, string(run.SyncID)+runSuffix)
	if err := volume.Put(ctx, s.volume, name, append(body, '\n')); err != nil {
		return classify(op, err)
	}
	pipeline.Point(ctx, "parquet.run-recorded")
	return nil
}
