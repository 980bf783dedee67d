package dialpad

import (
	"context"
	"errors"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// notifyAndSleep tells what is waited for and then waits, or returns when ctx ends.
func notifyAndSleep(ctx context.Context, notify func(string, time.Time), why string, reason pipeline.WaitReason, now func() time.Time, d time.Duration) error {
	if d > 0 {
		notify(why, now().Add(d))
	}
	began := now()
	slept := pipeline.Sleep(ctx, d)
	pipeline.TellWait(ctx, reason, began, now())
	if slept != nil {
		return stopped(ctx)
	}
	return nil
}

// stopped is the end of ctx as an error, nil while ctx lasts.
func stopped(ctx context.Context) error {
	err := ctx.Err()
	if err == nil {
		return nil
	}
	kind := pipeline.Stopped
	if errors.Is(err, context.DeadlineExceeded) {
		kind = pipeline.Unavailable
	}
	return &pipeline.Error{Op: "dialpad report", Kind: kind, Err: err}
}
