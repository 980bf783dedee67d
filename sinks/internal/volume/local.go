package volume

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Local keeps objects as files beneath a directory. The private folder in it holds the lock file and the drafts.
// Nothing is created before the first object is written.
type Local struct {
	// Patience may be set before the first use, and so may Now, the real clock.
	Patience Patience
	Now      func() time.Time
	Secluded bool // files, and folders beneath root and root itself, are the owner's alone

	root    string
	private string // absolute

	busy chan struct{}        // full while a goroutine of this process holds the lock file, or waits for it
	wait wait                 // guarded by busy
	sync func(*os.File) error // puts a file on stable storage
	mu   sync.Mutex
	run  *run // nil until the first draft
}

// Files and folders are the owner's, and the group may read them where they are not secluded, less the umask: they hold
// personal data.
const (
	fileMode fs.FileMode = 0o640
	dirMode  fs.FileMode = 0o750
)

func (l *Local) fileMode() fs.FileMode {
	if l.Secluded {
		return 0o600
	}
	return fileMode
}

// dirMode is the mode of a new folder. One above root is as usual.
func (l *Local) dirMode(dir string) fs.FileMode {
	if l.Secluded && (dir == l.root || strings.HasPrefix(dir, l.root+string(filepath.Separator))) {
		return 0o700
	}
	return dirMode
}

// NewLocal returns the volume beneath root. private is a folder's name in it.
func NewLocal(root, private string) *Local {
	return &Local{root: root, private: filepath.Join(root, private), Now: time.Now, busy: make(chan struct{}, 1), sync: (*os.File).Sync}
}

func (l *Local) path(name string) string { return filepath.Join(l.root, filepath.FromSlash(name)) }

// List implements [Reader].
func (l *Local) List(_ context.Context, dir string) ([]string, error) {
	var names []string
	err := walk(l.path(dir), 0, func(path string) error {
		name, err := filepath.Rel(l.root, path)
		names = append(names, filepath.ToSlash(name))
		return err
	})
	slices.Sort(names)
	return names, err
}

// Between implements [Reader].
func (l *Local) Between(ctx context.Context, dir, first, last string) ([]string, error) {
	entries, err := os.ReadDir(l.path(dir))
	if errors.Is(err, fs.ErrNotExist) {
		err = absent(l.path(dir))
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.Name() < first || e.Name() > last {
			continue
		}
		if folder, err := isFolder(l.path(dir), e); err != nil {
			return nil, err
		} else if !folder {
			continue
		}
		more, err := l.List(ctx, dir+"/"+e.Name())
		if err != nil {
			return nil, err
		}
		names = append(names, more...)
	}
	return names, nil
}

// Read implements [Reader].
func (l *Local) Read(_ context.Context, name string) ([]byte, error) {
	return os.ReadFile(l.path(name))
}

// Open implements [Reader]. A file that loses its name stays readable.
func (l *Local) Open(_ context.Context, name string) (Content, error) {
	f, err := os.Open(l.path(name))
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return localContent{f, info.Size()}, nil
}

type localContent struct {
	*os.File
	size int64
}

func (c localContent) Size() int64 { return c.size }

// Versions implements [Reader].
func (l *Local) Versions(_ context.Context, names ...string) ([]Version, error) {
	versions := make([]Version, len(names))
	for i, name := range names {
		var err error
		if versions[i], err = version(l.path(name)); err != nil {
			return nil, err
		}
	}
	return versions, nil
}

// version is the version of the file at path. A file that takes the place of another one has an inode of its own as
// long as the other one exists, and a modification time afterwards.
func version(path string) (Version, error) {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Absent, nil
	case err != nil:
		return Absent, err
	}
	inode := uint64(0)
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		inode = stat.Ino
	}
	return Version(fmt.Sprintf("%d-%d-%d", inode, info.ModTime().UnixNano(), info.Size())), nil
}

// unchanged reports ErrChanged unless the file at path is of the version.
func unchanged(path string, want Version) error {
	if want == Any {
		return nil
	}
	if got, err := version(path); err != nil || got == want {
		return err
	}
	return fmt.Errorf("%s: %w", path, ErrChanged)
}

// moveNew gives the file at from the name to unless there is one already.
func moveNew(link func(from, to string) error, from, to string) error {
	err := link(from, to)
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EPERM) {
		// A file system without hard links. It is enough to look first: whoever publishes an object holds the lock.
		if _, err := os.Lstat(to); err == nil {
			return &fs.PathError{Op: "create", Path: to, Err: fs.ErrExist}
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return os.Rename(from, to)
	}
	return err
}

// Remove implements [Writer].
func (l *Local) Remove(_ context.Context, objects ...Object) error {
	var dirs []string
	for _, o := range objects {
		path := l.path(o.Name)
		if err := removeFile(path, o.Version); err != nil {
			return err
		}
		// Also when the file was gone: whoever removed it may have died before the sync.
		if dir := filepath.Dir(path); !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	for _, dir := range dirs {
		if err := l.syncDir(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func removeFile(path string, of Version) error {
	if of != Any {
		got, err := version(path)
		if err != nil || got == Absent {
			return err
		}
		if got != of {
			return fmt.Errorf("%s: %w", path, ErrChanged)
		}
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// makeDir makes dir and what is missing above it, each on stable storage.
func (l *Local) makeDir(dir string) error {
	if info, err := os.Stat(dir); err == nil {
		if !info.IsDir() {
			return &fs.PathError{Op: "mkdir", Path: dir, Err: syscall.ENOTDIR}
		}
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := l.makeDir(parent); err != nil {
			return err
		}
	}
	err := os.Mkdir(dir, l.dirMode(dir))
	if errors.Is(err, fs.ErrExist) {
		err = absent(dir) // a link is there, or somebody else was faster
	}
	if err != nil {
		return err
	}
	return l.syncDir(parent)
}

// syncDir puts a directory's entries on stable storage.
func (l *Local) syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = l.sync(d)
	if errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL) {
		err = nil // a file system whose directories need no sync, or know none
	}
	return errors.Join(err, d.Close())
}

// Probe implements [Volume]. A root that does not exist is not created: what is
// tried is the nearest directory above it.
func (l *Local) Probe(context.Context) error {
	if err := absent(l.root); err != nil {
		return err
	}
	dir := l.root
	for {
		info, err := os.Stat(dir)
		if err == nil && !info.IsDir() {
			return &fs.PathError{Op: "probe", Path: dir, Err: syscall.ENOTDIR}
		}
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) || filepath.Dir(dir) == dir {
			return err
		}
		dir = filepath.Dir(dir)
	}
	f, err := os.CreateTemp(dir, ".windrow-probe-*")
	if err != nil {
		return err
	}
	const text = "windrow can write here"
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		var b []byte
		if b, err = os.ReadFile(f.Name()); err == nil && string(b) != text {
			err = fmt.Errorf("%s does not hold what was written", f.Name())
		}
	}
	return errors.Join(err, os.Remove(f.Name()))
}

// localDraft is a file in the run's folder.
type localDraft struct {
	local *Local
	path  string
	f     *os.File
}

func (t *localDraft) Write(b []byte) (int, error) { return t.f.Write(b) }

func (t *localDraft) Sync() error { return errors.Join(t.local.sync(t.f), t.f.Close()) }

func (t *localDraft) Open() (io.ReadCloser, error) { return os.Open(t.path) }

func (t *localDraft) Publish(_ context.Context, name string, over Version) error {
	path := t.local.path(name)
	if err := t.local.makeDir(filepath.Dir(path)); err != nil {
		return err
	}
	if over == Absent {
		if err := moveNew(os.Link, t.path, path); errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s: %w", path, ErrChanged)
		} else if err != nil {
			return err
		}
		return t.local.syncDir(filepath.Dir(path))
	}
	if err := unchanged(path, over); err != nil {
		return err
	}
	if err := os.Rename(t.path, path); err != nil {
		return err
	}
	return t.local.syncDir(filepath.Dir(path))
}

func (t *localDraft) Discard() error {
	if err := t.f.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	if err := os.Remove(t.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Root is the directory that SINK values such as "./warehouse" and "file:///var/lib/warehouse" name.
func Root(sink string) (string, error) {
	dir := sink
	if rest, ok := strings.CutPrefix(sink, "file://"); ok {
		rest = strings.TrimPrefix(rest, "localhost")
		if !strings.HasPrefix(rest, "/") {
			return "", fmt.Errorf("%q names a host; a local directory is file:///path", sink)
		}
		dir = rest
	} else if scheme, _, ok := strings.Cut(sink, "://"); ok {
		return "", fmt.Errorf("%s:// is not a local directory", scheme)
	}
	if dir == "" {
		return "", errors.New("no directory is named")
	}
	return filepath.Abs(dir)
}
