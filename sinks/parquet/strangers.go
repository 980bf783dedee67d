package parquet

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/layout"
	"github.com/windrow-data/windrow/sinks/internal/volume"
)

// errLeft ends a walk whose consumer has left.
var errLeft = errors.New("nobody reads on")

// Strangers implements [pipeline.StrangerLister]. A symbolic link beneath a table's folder is harmful: Windrow would follow
// it, and readers that expand **/*.parquet do not. What it sees on the way spares the next sweeps a walk of their own.
func (s *Store) Strangers(ctx context.Context) iter.Seq2[pipeline.Stranger, error] {
	return func(yield func(pipeline.Stranger, error) bool) {
		l := look{store: s, seen: map[pipeline.StreamKey]*sighting{}}
		for _, t := range pipeline.Tables() {
			err := s.walk(ctx, t.Name, func(name string, link bool) error {
				if !link && isWindowFile(t.Name, name) {
					l.see(ctx, t.Name, name)
					return ctx.Err()
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
		s.mu.Lock()
		s.seen, s.holders = l.seen, byName(l.seen)
		s.mu.Unlock()
	}
}

func byName[T any](of map[pipeline.StreamKey]T) []pipeline.StreamKey {
	return slices.SortedFunc(maps.Keys(of), func(a, b pipeline.StreamKey) int {
		return cmp.Or(cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Account, b.Account))
	})
}

// Seen implements [pipeline.StrangerLister].
func (s *Store) Seen(ctx context.Context) ([]pipeline.StreamKey, error) {
	s.mu.Lock()
	looked, holders := s.seen != nil, slices.Clone(s.holders)
	s.mu.Unlock()
	if looked {
		return holders, nil
	}
	var tables []string
	for _, t := range pipeline.Tables() {
		tables = append(tables, t.Name)
	}
	found, err := s.holdersIn(ctx, tables)
	return byName(found), classify("look for windows", err)
}

// holdersIn are the streams that have a window's file in one of the folders. What else they have is passed over.
func (s *Store) holdersIn(ctx context.Context, parents []string) (map[pipeline.StreamKey]bool, error) {
	found := make(map[pipeline.StreamKey]bool)
	for _, parent := range parents {
		err := s.walk(ctx, parent, func(name string, link bool) error {
			if k, ok := layout.StreamOf(name); ok && !link && isWindowFile(parent, name) {
				found[k] = true
				return volume.Past(layout.StreamDir(parent, k))
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// look is a walk through all tables, and what it has seen.
type look struct {
	store  *Store
	seen   map[pipeline.StreamKey]*sighting
	table  string // in which the walk is
	key    pipeline.StreamKey
	ledger *pipeline.Ledger // of that stream
}

// sighting is what a look has seen of one stream.
type sighting struct {
	usable  bool     // the ledger could be read, and nobody has used the sighting yet
	tables  []string // that have files of it
	suspect []string // files of no window
}

// see notes a window's file.
func (l *look) see(ctx context.Context, table, name string) {
	k, _ := layout.StreamOf(name)
	if k != l.key || table != l.table {
		var err error // where the ledger cannot be read, whoever sweeps meets the error
		l.table, l.key = table, k
		l.ledger, err = l.store.Ledger(ctx, k)
		if l.seen[k] == nil {
			l.seen[k] = &sighting{usable: true}
		}
		l.seen[k].usable = l.seen[k].usable && err == nil
		l.seen[k].tables = append(l.seen[k].tables, table)
	}
	of := l.seen[k]
	if span, _ := spanOf(name); of.usable && !owned(l.ledger, name, span) {
		of.suspect = append(of.suspect, name)
	}
}

// sighted is what was seen of a stream since it was last asked for; nil: nobody has looked.
func (s *Store) sighted(k pipeline.StreamKey) *sighting {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		return nil
	}
	of := s.seen[k]
	s.seen[k] = &sighting{}
	switch {
	case of == nil: // it has no file
		return &sighting{}
	case !of.usable:
		return nil
	}
	return of
}

// walk visits the objects beneath dir; visit may return a [volume.Past]. List, which is enough for a volume that cannot walk,
// follows the links among the rejects; those within a table are strangers.
func (s *Store) walk(ctx context.Context, dir string, visit func(name string, link bool) error) error {
	v, ok := s.volume.(volume.Walker)
	if _, local := s.volume.(*volume.Local); ok && !(local && strings.HasPrefix(dir, private+"/")) {
		return v.Walk(ctx, dir, visit)
	}
	names, err := s.volume.List(ctx, dir)
	var past volume.Past
	for _, name := range names {
		if err == nil && !past.Holds(name) {
			if err = visit(name, false); errors.As(err, &past) {
				err = nil
			}
		}
	}
	return err
}

// isWindowFile reports whether windowFile may have made the name beneath the table's folder.
func isWindowFile(table, name string) bool {
	below, ok := strings.CutPrefix(name, table+"/")
	if !ok || strings.Count(below, "/") != 4 {
		return false
	}
	source, below, _ := strings.Cut(below, "/")
	account, below, _ := strings.Cut(below, "/")
	stream, below, _ := strings.Cut(below, "/")
	date, file, _ := strings.Cut(below, "/")
	a, isAccount := strings.CutPrefix(account, "account=")
	id, isStream := strings.CutPrefix(stream, "stream=")
	day, isDate := strings.CutPrefix(date, "date=")
	if !isAccount || a == "" || !isStream || id == "" || !isDate || source != "source="+string(pipeline.StreamID(id).Source()) {
		return false
	}
	_, err := time.Parse(layout.Date, day)
	_, span := spanOf(file)
	return err == nil && span
}

// ownFolders are those of the root in which nobody else may keep anything.
func ownFolders() []string {
	own := []string{private}
	for _, t := range pipeline.Tables() {
		own = append(own, t.Name)
	}
	return own
}

// within finds the warehouse in whose folders of these names dir lies, as it is named or where links lead.
func within(dir string, folders ...string) (warehouse string, inside bool, err error) {
	real, err := resolved(dir)
	if err != nil {
		return "", false, err
	}
	for _, at := range []string{dir, real} {
		for parent := filepath.Dir(at); parent != at; at, parent = parent, filepath.Dir(parent) {
			if !slices.Contains(folders, filepath.Base(at)) {
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
