package show

import (
	"fmt"

	"github.com/windrow-data/windrow/pipeline"
)

// refetchCommand is the command that reads the windows again. They are at
// least one, in the order of time.
func refetchCommand(stream pipeline.StreamID, windows []pipeline.Window) string {
	return fmt.Sprintf("windrow sync --streams %s --from %s --to %s --refetch", stream, windows[0].Start, windows[len(windows)-1].End)
}

// replayCommand is the command that makes the windows again of what was kept. They are at least one, in the order of time.
func replayCommand(stream pipeline.StreamID, windows []pipeline.Window) string {
	return fmt.Sprintf("windrow replay --streams %s --from %s --to %s", stream, windows[0].Start, windows[len(windows)-1].End)
}

// waiveCommand is the command that lets the watermark pass a hole.
func waiveCommand(stream pipeline.StreamID, hole pipeline.Span) string {
	return fmt.Sprintf("windrow sync --streams %s --from %s --to %s --waive REASON", stream, hole.Start, hole.End)
}

// TenantRemedy says what helps where an account has the data of another tenant.
func TenantRemedy(k pipeline.TenantKey) string {
	return fmt.Sprintf("give these another account name, or another WINDROW_SINK; or, where only a name has changed and the data are of one and the same, run `windrow adopt --source %s --account %s`", k.Source, k.Account)
}
