package inbox

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/windrow-data/windrow/connectors"
	"github.com/windrow-data/windrow/pipeline"
)

// Folder is a folder, or a place in a bucket, into which files are put: .eml, .csv, .xlsx, and .zip with one of the last two. What lies in
// folders below it, and what begins with a dot, is not looked at.
type Folder struct {
	Path string
	Date string // the column of dates
	Hint string // what helps where the folder cannot be read
	Disk connectors.Disk
}

var _ Place = Folder{}

func (f Folder) String() string { return f.Path }

// Look implements [Place]. Every file is handed over, however old: when a file was last written says little of the days
// that it is about.
func (f Folder) Look(ctx context.Context, _ time.Time, _ []string, _ Tell, yield func(*File) error) error {
	folder, err := f.Disk.Folder(ctx, f.Path)
	if err != nil {
		return f.fault(err)
	}
	entries, err := fs.ReadDir(folder, ".")
	if err != nil {
		return f.fault(err)
	}
	for _, e := range entries {
		if err := ctx.Err(); err != nil {
			return &pipeline.Error{Op: "look into the inbox", Kind: pipeline.Stopped, Err: err}
		}
		name := e.Name()
		if strings.HasPrefix(name, ".") || !fs.ValidPath(name) || !isMail(name) && !isExport(name) && !isOther(name) {
			continue
		}
		if err := f.take(ctx, folder, name, yield); err != nil && !errors.Is(err, fs.ErrNotExist) { // somebody has tidied up
			return err
		}
	}
	return nil
}

func (f Folder) take(ctx context.Context, folder fs.FS, name string, yield func(*File) error) error {
	file, err := folder.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err != nil {
		return f.fault(err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	info, err := file.Stat()
	if err != nil {
		return f.fault(err)
	}
	if !info.Mode().IsRegular() {
		return nil
	}
	came := arrived{name: plainName(name), at: info.ModTime(), date: f.Date, disk: f.Disk, body: file}
	if isMail(name) {
		return readMail(ctx, came, yield)
	}
	if isOther(name) {
		return yield(otherFile(came.name, "", came.at))
	}
	taken, err := take(ctx, came)
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		return f.fault(err)
	}
	return yield(taken)
}

// fault is the error of a folder that cannot be read.
func (f Folder) fault(err error) error {
	var known *pipeline.Error
	if errors.As(err, &known) {
		return err
	}
	return &pipeline.Error{Op: "look into the inbox", Kind: pipeline.Refused, Err: fmt.Errorf("the folder %s cannot be read: %w", f.Path, err), Hint: f.Hint}
}
