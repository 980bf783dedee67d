package parquet

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/volume"
	"github.com/windrow-data/windrow/sinks/views"
)

// viewsFile opens the warehouse in DuckDB's shell.
const viewsFile = private + "/views.sql"

// Views implements [pipeline.ViewKeeper].
func (s *Store) Views(ctx context.Context) ([]pipeline.View, string, error) {
	const op = "write the views"
	place := views.Place{Dialect: views.DuckDB, Root: s.root, Held: make(map[string]bool)}
	keys, err := s.Streams(ctx)
	if err != nil {
		return nil, "", err
	}
	for _, k := range keys {
		l, err := s.Ledger(ctx, k)
		if err != nil {
			return nil, "", err
		}
		mark := views.Watermark{Key: k, At: pipeline.NoInstant}
		first, known := l.First()
		if !known {
			first, known = l.Origin()
		}
		if known {
			if at := l.Watermark(first); at > first {
				mark.At = at
			}
		}
		place.Watermarks = append(place.Watermarks, mark)
		if err := s.noteHeld(ctx, k, l, place.Held); err != nil {
			return nil, "", classify(op, err)
		}
	}
	for name, folder := range views.Relations() {
		if slices.ContainsFunc(pipeline.Tables(), func(t *pipeline.Table) bool { return t.Name == name }) {
			continue
		}
		if place.Held[name], err = s.hasFiles(ctx, folder); err != nil {
			return nil, "", classify(op, err)
		}
	}
	list, err := views.Build(place)
	if err != nil {
		return nil, "", &pipeline.Error{Op: op, Kind: pipeline.Internal, Err: err}
	}
	return list, views.Script(place, list), nil
}

// noteHeld notes of which table a stream has a file. It asks for one window's: a walk through all of them would take as
// long as the windows are many.
func (s *Store) noteHeld(ctx context.Context, k pipeline.StreamKey, l *pipeline.Ledger, held map[string]bool) error {
	for e := range l.Windows(pipeline.NoInstant) {
		if !e.HasData {
			continue
		}
		var names []string
		for _, t := range pipeline.Tables() {
			name, err := windowFile(t.Name, k, e.Window)
			if err != nil {
				return err
			}
			names = append(names, name)
		}
		versions, err := s.volume.Versions(ctx, names...)
		if err != nil {
			return err
		}
		found := false
		for i, t := range pipeline.Tables() {
			if versions[i] != volume.Absent {
				held[t.Name], found = true, true
			}
		}
		if found {
			return nil
		}
	}
	return nil
}

// hasFiles reports whether there is a Parquet file below a folder.
func (s *Store) hasFiles(ctx context.Context, folder string) (bool, error) {
	names, err := s.volume.List(ctx, folder)
	for _, name := range names {
		if path.Ext(name) == suffix {
			return true, err
		}
	}
	return false, err
}

// KeepViews implements [pipeline.ViewKeeper]: the views are a file, which is replaced in one step.
func (s *Store) KeepViews(ctx context.Context, renew bool) ([]pipeline.View, string, error) {
	const op = "write the views"
	before, err := s.volume.Read(ctx, viewsFile)
	if errors.Is(err, fs.ErrNotExist) && renew {
		return nil, "", nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, "", classify(op, err)
	}
	list, script, err := s.Views(ctx)
	if err != nil {
		return nil, "", err
	}
	if bytes.Equal(before, []byte(script)) && before != nil {
		return list, "", nil
	}
	return list, s.root + "/" + viewsFile, classify(op, volume.Put(ctx, s.volume, viewsFile, []byte(script)))
}
