package chattonic_test

import (
	"context"
	"flag"
	"io/fs"
	"os"
	"testing"

	"github.com/windrow-data/windrow/connectors"
	"github.com/windrow-data/windrow/connectors/chattonic"
	"github.com/windrow-data/windrow/connectors/connectortest"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/memory"
)

var update = flag.Bool("update", false, "write the goldens of testdata")

func TestGolden(t *testing.T) {
	g := connectortest.Golden{
		Source: chattonic.SourceID,
		Open: func(t *testing.T, c *connectortest.Case) pipeline.Source {
			config := chattonic.Config{URL: "https://api.chat-tonic.example", Token: "a-token-of-tests", Codename: "acme"}
			if c.Stream.Stream == chattonic.NPS {
				config.NPSFrom = c.Inbox(t, os.WriteFile)
			}
			c.Configure(t, &config)
			set, faults := config.Settings(chattonic.Prefix)
			if len(faults) > 0 {
				t.Fatal(faults)
			}
			options := c.Options()
			options.Disk = disk
			source, err := chattonic.New(set, options)
			if err != nil {
				t.Fatal(err)
			}
			return source
		},
		Store: func() connectortest.GoldenStore { return memory.New(memory.Options{}) },
	}
	if *update {
		g.Write = os.WriteFile
	}
	g.Run(t)
}

// disk is the machine's.
var disk = connectors.Disk{
	Folder: func(_ context.Context, path string) (fs.FS, error) { return os.DirFS(path), nil }, Remove: os.Remove,
	Temp: func() (connectors.TempFile, error) { return os.CreateTemp("", "windrow-test-*") },
}
