package sinktest_test

import (
	"testing"

	"github.com/windrow-data/windrow/sinks/sinktest"
)

func TestTheSinkOfTheExamplePasses(t *testing.T) { sinktest.Run(t, driver) }
