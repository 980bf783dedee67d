package volume_test

import (
	"path/filepath"
	"testing"

	"github.com/windrow-data/windrow/sinks/internal/volume"
	"github.com/windrow-data/windrow/sinks/internal/volumetest"
)

func TestADirectoryIsAVolume(t *testing.T) {
	volumetest.Run(t, func(t *testing.T) func() volume.Volume {
		root := filepath.Join(t.TempDir(), "warehouse")
		return func() volume.Volume {
			v := volume.NewLocal(root, "_windrow")
			t.Cleanup(func() {
				if err := v.Close(); err != nil {
					t.Error(err)
				}
			})
			return v
		}
	})
}

func TestABucketIsAVolume(t *testing.T) {
	volumetest.Run(t, func(*testing.T) func() volume.Volume { return volumetest.NewBucket().Open })
	volumetest.Run(t, func(*testing.T) func() volume.Volume { return volumetest.NewTagged().Open })
}
