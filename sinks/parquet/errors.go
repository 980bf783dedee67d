package parquet

import (
	"context"
	"errors"
	"io/fs"
	"syscall"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/volume"
)

// classify gives what the storage said a kind and a hint, by code. A nil error stays nil, and so does an error that has
// a kind already.
func classify(op string, err error) error {
	if err == nil {
		return nil
	}
	var known *pipeline.Error
	if errors.As(err, &known) {
		return err
	}
	e := &pipeline.Error{Op: op, Kind: pipeline.SinkFailed, Err: err}
	var locked *volume.LockedError
	switch {
	case errors.As(err, &locked):
		e.Kind, e.Hint = pipeline.Locked, "run sync again once that process has ended, or end it"
	case errors.Is(err, context.Canceled):
		e.Kind = pipeline.Stopped
	case errors.Is(err, context.DeadlineExceeded):
		e.Hint = "another process held the lock of the directory all the while"
	case errors.Is(err, syscall.EROFS):
		e.Kind = pipeline.Unwritable
		e.Hint = "the file system is mounted read-only; choose another WINDROW_SINK"
	case errors.Is(err, fs.ErrPermission):
		e.Hint = "the user that runs windrow may not write there; change the directory's owner or mode, or choose another WINDROW_SINK"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		e.Kind = pipeline.Unwritable
		e.Hint = "the disk is full; free some space and run sync again"
	case errors.Is(err, syscall.ENOTDIR):
		e.Hint = "a file stands where a directory is needed; move it, or choose another WINDROW_SINK"
	case errors.Is(err, syscall.ENOLCK):
		e.Hint = "the file system keeps no locks; choose another WINDROW_SINK"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		e.Hint = "too many files are open; raise the limit, or lower WINDROW_CONCURRENCY"
	}
	return e
}

// inStream classifies an error and names the stream in it.
func inStream(op string, k pipeline.StreamKey, err error) error {
	return inWindow(op, k, pipeline.Span{}, err)
}

// inWindow classifies an error and names the stream and the window in it.
func inWindow(op string, k pipeline.StreamKey, w pipeline.Span, err error) error {
	return pipeline.Locate(classify(op, err), k.Stream, w)
}
