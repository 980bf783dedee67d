package rowgroup

import (
	"os"
	"testing"

	"github.com/windrow-data/windrow/sinks/bufferpool"
)

// TestMain encodes as the program does: with Arrow's default allocator replaced.
func TestMain(m *testing.M) {
	bufferpool.ReplaceDefault()
	os.Exit(m.Run())
}
