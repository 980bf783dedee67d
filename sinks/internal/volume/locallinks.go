package volume

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// mostLinks is how many links to directories may lie behind each other on one path. More are a circle.
const mostLinks = 8

// walk calls visit for every file beneath path, and for path itself where path is a file. A link to a directory is followed,
// since its files are read and written through it as all others are: a listing that left them out would lie. A link that
// leads nowhere, as to a disk that is not mounted, is an error.
func walk(path string, links int, visit func(path string) error) error {
	return filepath.WalkDir(path, func(at string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return absent(at)
		case err != nil:
			return err
		case d.Type()&fs.ModeSymlink != 0:
			folder, err := leadsToFolder(at)
			switch {
			case err != nil:
				return err
			case !folder:
				return visit(at)
			case links == mostLinks:
				return fmt.Errorf("%s: the symbolic link leads in a circle", at)
			}
			return walk(at+string(filepath.Separator), links+1, visit)
		case d.IsDir():
			return nil
		}
		return visit(at)
	})
}

// absent is nil where there is nothing at path, and an error where a link on the way to it leads nowhere.
func absent(path string) error {
	for {
		info, err := os.Lstat(path)
		switch parent := filepath.Dir(path); {
		case err == nil && info.Mode()&fs.ModeSymlink != 0:
			_, err := leadsToFolder(path)
			return err
		case !errors.Is(err, fs.ErrNotExist) || parent == path:
			return err
		default:
			path = parent
		}
	}
}

// leadsToFolder reports whether the link at path leads to a directory.
func leadsToFolder(path string) (bool, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("%s: the symbolic link leads nowhere", path)
	}
	return err == nil && info.IsDir(), err
}

// isFolder reports whether the entry of dir is a directory, or a link to one.
func isFolder(dir string, e fs.DirEntry) (bool, error) {
	if e.Type()&fs.ModeSymlink == 0 {
		return e.IsDir(), nil
	}
	return leadsToFolder(filepath.Join(dir, e.Name()))
}

// Walk calls visit for every entry beneath dir that is no directory, folder by folder, and follows no link but dir itself: a
// link is an entry. A dir that does not exist has none, and a file in its place is one. It keeps one folder's names in memory.
// It ends with the first error of visit, unless that is a [Past].
func (l *Local) Walk(ctx context.Context, dir string, visit func(name string, link bool) error) error {
	err := l.visitAll(ctx, dir, visit)
	if past := Past(""); errors.As(err, &past) {
		return nil
	}
	return err
}

func (l *Local) visitAll(ctx context.Context, dir string, visit func(name string, link bool) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	entries, err := os.ReadDir(l.path(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return absent(l.path(dir))
	}
	if errors.Is(err, syscall.ENOTDIR) {
		return visit(dir, false)
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := dir + "/" + e.Name()
		if e.IsDir() {
			err = l.visitAll(ctx, name, visit)
		} else {
			err = visit(name, e.Type()&fs.ModeSymlink != 0)
		}
		if err == nil {
			continue
		}
		var past Past
		if !errors.As(err, &past) || past.Holds(name) {
			return err
		}
	}
	return nil
}
