package parquet

import (
	"context"
	"errors"
	"iter"
	"path"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/layout"
)

// StrangersBeside implements [pipeline.StrangerLister]. Folders of the private one may be links, which are followed.
func (s *Store) StrangersBeside(ctx context.Context) iter.Seq2[pipeline.Stranger, error] {
	return func(yield func(pipeline.Stranger, error) bool) {
		visit := func(name string) error {
			if !isOwn(name) && !yield(pipeline.Stranger{Name: name}, nil) {
				return errLeft
			}
			return ctx.Err()
		}
		err := s.walk(ctx, private, func(name string, link bool) error {
			if !link {
				return visit(name)
			}
			behind, err := s.volume.List(ctx, name)
			for _, name := range behind {
				if err == nil {
					err = visit(name)
				}
			}
			return err
		})
		if err != nil && !errors.Is(err, errLeft) {
			yield(pipeline.Stranger{}, classify("look for files of others", err))
		}
	}
}

// isOwn reports whether an object beneath the private folder has a name that this version or an earlier one gives.
func isOwn(name string) bool {
	folder, below, _ := strings.Cut(strings.TrimPrefix(name, private+"/"), "/")
	dir, base := path.Dir(name), path.Base(name)
	switch private + "/" + folder {
	case viewsFile, private + "/lock", private + "/tmp":
		return true
	case ledgerDir:
		k, ok := layout.StreamOf(name)
		_, isLine := numberOf(base, lineSuffix)
		_, isSnapshot := numberOf(base, snapshotSuffix)
		return ok && dir == layout.StreamDir(ledgerDir, k) && (isLine || isSnapshot)
	case rejectsDir:
		return isWindowFile(rejectsDir, name)
	case historyDir:
		_, ok := historyOf(name, pipeline.Span{Start: pipeline.NoInstant, End: 1<<63 - 1})
		return ok
	case runsDir:
		return (dir == recentDir || dir == packedDir) && path.Ext(name) == suffix || isEarlier(name)
	case earlierPacks:
		return isEarlier(name)
	case journalDir:
		_, ok := lastOf(name)
		return ok && strings.Count(below, "/") == 2
	case pushDir:
		return path.Ext(name) == layout.PushSuffix || strings.HasPrefix(below, layout.PushPrivate+"/")
	}
	return false
}
