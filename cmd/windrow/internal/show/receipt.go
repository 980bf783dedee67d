package show

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/windrow-data/windrow/pipeline"
)

// receipt prints what a run used of a sink that bills; nothing for any other.
func receipt(w io.Writer, r *pipeline.Receipt) error {
	if r == nil {
		return nil
	}
	_, err := fmt.Fprintf(w, "\nUsed: %s, %s, %s staged, %s billed, %s of slot time.\n",
		plural(r.LoadJobs, "load job"), plural(r.QueryJobs, "query job"), size(r.BytesStaged), size(r.BytesBilled),
		time.Duration(r.SlotMillis)*time.Millisecond)
	return err
}

// Estimate prints what a plan will use of a sink that bills, and the quotas
// that it comes near.
func Estimate(w io.Writer, e pipeline.Estimate) error {
	if _, err := fmt.Fprintf(w, "If every window has changed, committing them takes about %s and %s, and bills about %s.\n",
		plural(e.LoadJobs, "load job"), plural(e.QueryJobs, "query job"), size(e.BytesBilled)); err != nil {
		return err
	}
	for _, warning := range e.Warnings {
		if _, err := fmt.Fprintf(w, "Warning: %s\n", warning); err != nil {
			return err
		}
	}
	return nil
}

// LogEstimate tells the same as log lines, where stdout holds a document alone.
func LogEstimate(log *slog.Logger, e pipeline.Estimate) {
	log.Info("estimate", slog.Int("load_jobs", e.LoadJobs), slog.Int("query_jobs", e.QueryJobs), slog.Int64("bytes_billed", e.BytesBilled))
	for _, warning := range e.Warnings {
		log.Warn(warning)
	}
}

func size(bytes int64) string { return humanize.IBytes(uint64(max(bytes, 0))) }
