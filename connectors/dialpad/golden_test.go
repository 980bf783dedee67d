package dialpad_test

import (
	"flag"
	"os"
	"testing"

	"github.com/windrow-data/windrow/connectors/connectortest"
	"github.com/windrow-data/windrow/connectors/dialpad"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/memory"
)

var update = flag.Bool("update", false, "write the goldens of testdata")

func TestGolden(t *testing.T) {
	g := connectortest.Golden{
		Source: dialpad.SourceID,
		Open: func(t *testing.T, c *connectortest.Case) pipeline.Source {
			config := dialpad.Config{URL: "https://dialpad.example/api/v2", Token: "a-token-of-tests", PollFirst: "0s", Rate: "1000"}
			c.Configure(t, &config)
			set, faults := config.Settings("WINDROW_DIALPAD_")
			if len(faults) > 0 {
				t.Fatal(faults)
			}
			source, err := dialpad.New(set, c.Options())
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
