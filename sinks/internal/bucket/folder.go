package bucket

import (
	"context"
	"io"
	"io/fs"
	"strings"
	"time"
)

// Folder is what lies directly beneath the volume's prefix, as a folder of files that others have put there. What is read
// of a file is of one version.
func (v *Volume) Folder(ctx context.Context) fs.FS { return folder{v, ctx} }

type folder struct {
	v   *Volume
	ctx context.Context
}

var _ fs.ReadDirFS = folder{}

// ReadDir implements [fs.ReadDirFS] for the folder itself. A prefix that no object has is empty.
func (f folder) ReadDir(name string) (list []fs.DirEntry, err error) {
	if name != "." {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: fs.ErrNotExist}
	}
	err = f.v.pages(f.ctx, f.v.key(""), "", pageSize, func(page []Object) bool {
		for _, o := range page {
			if o.Name != "" && !strings.Contains(o.Name, "/") {
				list = append(list, fs.FileInfoToDirEntry(info{o}))
			}
		}
		return true
	})
	return list, err
}

// Open implements [fs.FS].
func (f folder) Open(name string) (fs.File, error) {
	if !fs.ValidPath(name) || name == "." {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrInvalid}
	}
	o, err := f.v.object(f.ctx, name)
	if err != nil {
		return nil, err
	}
	c := &content{v: f.v, ctx: f.ctx, object: o}
	return file{io.NewSectionReader(c, 0, o.Size), info{o}}, nil
}

type file struct {
	*io.SectionReader
	info info
}

func (f file) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f file) Close() error               { return nil }

// info is what a listing tells of an object, as of a file.
type info struct{ Object }

func (i info) Name() string       { return i.Object.Name }
func (i info) Size() int64        { return i.Object.Size }
func (i info) Mode() fs.FileMode  { return 0o444 }
func (i info) ModTime() time.Time { return i.Updated }
func (i info) IsDir() bool        { return false }
func (i info) Sys() any           { return nil }
