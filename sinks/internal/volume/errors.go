package volume

import (
	"context"
	"errors"
	"io/fs"
	"syscall"

	"github.com/windrow-data/windrow/pipeline"
)

// Words are what a hint needs to name.
type Words struct {
	Variable string // the setting that names the place
	Again    string // what to do once the fault has passed: "run sync again"
}

// Classify gives what the storage said a kind and a hint, by code. A nil error stays nil, and so does an error that has
// a kind already.
func Classify(op string, err error, w Words) error {
	if err == nil {
		return nil
	}
	var known *pipeline.Error
	if errors.As(err, &known) {
		return err
	}
	e := &pipeline.Error{Op: op, Kind: pipeline.SinkFailed, Err: err}
	var locked *LockedError
	switch {
	case errors.As(err, &locked):
		e.Kind, e.Hint = pipeline.Locked, w.Again+" once that process has ended, or end it"
	case errors.Is(err, ErrUnfenced):
		e.Hint = "remove it with the store's own tools while nothing else writes there"
	case errors.Is(err, context.Canceled):
		e.Kind = pipeline.Stopped
	case errors.Is(err, context.DeadlineExceeded):
		e.Hint = "another process held the lock of the directory all the while"
	case errors.Is(err, syscall.EROFS):
		e.Kind = pipeline.Unwritable
		e.Hint = "the file system is mounted read-only; choose another " + w.Variable
	case errors.Is(err, fs.ErrPermission):
		e.Hint = "the user that runs windrow may not write there; change the directory's owner or mode, or choose another " + w.Variable
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		e.Kind = pipeline.Unwritable
		e.Hint = "the disk is full; free some space and " + w.Again
	case errors.Is(err, syscall.EFBIG): // the next window's file may be smaller, but a hole in every night is none the better for it
		e.Kind = pipeline.Unwritable
		e.Hint = "a file may not grow that large; raise the limit (`ulimit -f` shows it) and " + w.Again
	case errors.Is(err, syscall.ENOTDIR):
		e.Hint = "a file stands where a directory is needed; move it, or choose another " + w.Variable
	case errors.Is(err, syscall.ENOLCK):
		e.Hint = "the file system keeps no locks; choose another " + w.Variable
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		e.Hint = "too many files are open; raise the limit, or lower WINDROW_CONCURRENCY"
	}
	return e
}
