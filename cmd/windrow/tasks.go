package main

import (
	"fmt"
	"log/slog"

	"github.com/windrow-data/windrow/cmd/windrow/internal/show"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/plan"
)

// The tasks of a Cloud Run job share the windows: sync and plan keep to the
// share of this task. A waiver is one word about a span of any length, so the
// first task alone records it, for all windows.

// shard is this task's share.
func (s *setup) shard() plan.Shard {
	if s.task.Alone() {
		return plan.Shard{}
	}
	return plan.Shard{Index: s.task.Index, Count: s.task.Count}
}

// leavesWaiver reports whether another task records the waiver.
func (s *setup) leavesWaiver(f *selection) bool { return f.waive != "" && s.task.Index > 0 }

// tellTask says which of the tasks this is.
func (s *setup) tellTask(log *slog.Logger) {
	if s.task.Alone() {
		return
	}
	log.Info(fmt.Sprintf("task %d of %d, counted from 0; attempt %d", s.task.Index, s.task.Count, s.task.Attempt))
}

// showNothingWaived is the result of a task that leaves the waiver to the first.
func (a *app) showNothingWaived(s *setup, f *selection) error {
	if f.asJSON {
		return show.Document(a.stdout, pipeline.Summary{Streams: []pipeline.StreamSummary{}})
	}
	_, err := fmt.Fprintf(a.stdout, "Task 0 records the waiver; task %d has nothing to do.\n", s.task.Index)
	return err
}
