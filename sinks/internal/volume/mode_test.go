package volume

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestFilesAndFoldersAreTheOwnersAndItsGroupsLessTheUmask(t *testing.T) {
	ctx := context.Background()
	before := syscall.Umask(0)
	defer syscall.Umask(before)
	for umask, want := range map[int][2]fs.FileMode{0: {0o640, 0o750}, 0o022: {0o640, 0o750}, 0o077: {0o600, 0o700}} {
		syscall.Umask(umask)
		root := filepath.Join(t.TempDir(), "new")
		l := NewLocal(root, "_private")
		err := errors.Join(Create(ctx, l, "a/b/one", []byte("text")), Put(ctx, l, "a/b/one", []byte("other")), Create(ctx, l, "c/d", []byte("line")), l.Close())
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			info, err := d.Info()
			if err != nil {
				return err
			}
			mode := want[0]
			if d.IsDir() {
				mode = want[1]
			}
			if seen++; info.Mode().Perm() != mode {
				t.Errorf("umask %03o: %s has mode %03o, want %03o", umask, strings.TrimPrefix(path, root), info.Mode().Perm(), mode)
			}
			return nil
		})
		if err != nil || seen != 9 {
			t.Errorf("%d files and folders, %v", seen, err)
		}
	}
}
