package parquet

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// errLeft ends a walk whose consumer has left.
var errLeft = errors.New("nobody reads on")

// Strangers implements [pipeline.StrangerLister]. A symbolic link beneath a table's folder is harmful: Windrow would follow
// it, and readers that expand **/*.parquet do not.
func (s *Store) Strangers(ctx context.Context) iter.Seq2[pipeline.Stranger, error] {
	return func(yield func(pipeline.Stranger, error) bool) {
		for _, t := range pipeline.Tables() {
			err := s.walk(ctx, t.Name, func(name string, link bool) error {
				if !link && isWindowFile(t.Name, name) {
					return nil
				}
				if !yield(pipeline.Stranger{Name: name, Harmful: link || path.Ext(name) == suffix}, nil) {
					return errLeft
				}
				return nil
			})
			switch {
			case errors.Is(err, errLeft):
				return
			case err != nil:
				yield(pipeline.Stranger{}, classify("look for files of others", err))
				return
			}
		}
	}
}

// walk visits the objects beneath dir. A volume that has no links needs no more than List, which follows the links among the
// rejects; those within a table are strangers.
func (s *Store) walk(ctx context.Context, dir string, visit func(name string, link bool) error) error {
	if v, ok := s.volume.(interface {
		Walk(ctx context.Context, dir string, visit func(name string, link bool) error) error
	}); ok && !strings.HasPrefix(dir, private+"/") {
		return v.Walk(ctx, dir, visit)
	}
	names, err := s.volume.List(ctx, dir)
	for _, name := range names {
		if err == nil {
			err = visit(name, false)
		}
	}
	return err
}

// isWindowFile reports whether windowFile may have made the name beneath the table's folder.
func isWindowFile(table, name string) bool {
	k, ok := streamOf(name)
	date := path.Base(path.Dir(name))
	_, err := time.Parse(dateLayout, strings.TrimPrefix(date, "date="))
	_, span := spanOf(name)
	return ok && err == nil && span && strings.HasPrefix(date, "date=") && name == path.Join(streamDir(table, k), date, path.Base(name))
}

// within finds the warehouse in whose folders dir lies, as it is named or where links lead.
func within(dir string) (warehouse string, inside bool, err error) {
	real, err := resolved(dir)
	if err != nil {
		return "", false, err
	}
	owned := []string{private, "raw"}
	for _, t := range pipeline.Tables() {
		owned = append(owned, t.Name)
	}
	for _, at := range []string{dir, real} {
		for parent := filepath.Dir(at); parent != at; at, parent = parent, filepath.Dir(parent) {
			if !slices.Contains(owned, filepath.Base(at)) {
				continue
			}
			info, err := os.Stat(filepath.Join(parent, private))
			if err == nil && info.IsDir() {
				return parent, true, nil
			}
		}
	}
	return "", false, nil
}

// resolved is dir without links, as far as it exists.
func resolved(dir string) (string, error) {
	real, err := filepath.EvalSymlinks(dir)
	if !errors.Is(err, fs.ErrNotExist) || filepath.Dir(dir) == dir {
		return real, err
	}
	above, err := resolved(filepath.Dir(dir))
	return filepath.Join(above, filepath.Base(dir)), err
}
