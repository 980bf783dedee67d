package objectstore

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/volume"
	"github.com/windrow-data/windrow/sinks/internal/volumetest"
	"github.com/windrow-data/windrow/sinks/sinktest/storetest"
)

func TestMain(m *testing.M) {
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"} {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// opened opens a bucket as another process has it.
func opened(t testing.TB, kind storetest.Kind, server, bucket string) volume.Volume {
	t.Helper()
	return openedFor(t, kind, server, bucket, time.Minute)
}

func openedFor(t testing.TB, kind storetest.Kind, server, bucket string, retryFor time.Duration) volume.Volume {
	t.Helper()
	address, o := "gs://"+bucket+"/some/place", Options{Private: "_windrow", Emulator: server, RetryFor: retryFor}
	if kind != storetest.GCS {
		address = "s3://" + bucket + "/some/place?use_path_style=true&region=eu-central-1&endpoint=" + url.QueryEscape(server)
	}
	v, err := Open(context.Background(), address, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
	return v
}

func pipelineKind(err error) string { return pipeline.KindOf(err).String() }

func contains(err error, text string) bool { return err != nil && strings.Contains(err.Error(), text) }

func TestABucketIsAVolume(t *testing.T) {
	for _, kind := range []storetest.Kind{storetest.GCS, storetest.S3} {
		t.Run(string(kind), func(t *testing.T) {
			volumetest.Run(t, func(t *testing.T) func() volume.Volume {
				server, bucket := storetest.Bucket(t, kind)
				return func() volume.Volume { return opened(t, kind, server, bucket) }
			})
		})
	}
}

func TestAStoreThatIgnoresConditionsIsRefused(t *testing.T) {
	server, bucket := storetest.Bucket(t, storetest.S3Deaf)
	err := opened(t, storetest.S3Deaf, server, bucket).Probe(context.Background())
	if pipeline.KindOf(err) != pipeline.Invalid || !contains(err, "ignores conditions") {
		t.Errorf("%v", err)
	}
	left, err := opened(t, storetest.S3Deaf, server, bucket).List(context.Background(), ".")
	if err != nil || len(left) > 0 {
		t.Errorf("the probe left %q, %v", left, err)
	}
}

// A store without conditions of a removal serves: it is found before anything is removed.
func TestAStoreThatRemovesOnNoConditionRemovesNothingOfAVersion(t *testing.T) {
	ctx := context.Background()
	server, bucket := storetest.Bucket(t, storetest.S3Unfenced)
	v := opened(t, storetest.S3Unfenced, server, bucket)
	if err := v.Probe(ctx); err != nil {
		t.Fatal(err)
	}
	if err := volume.Put(ctx, v, "x", []byte("1")); err != nil {
		t.Fatal(err)
	}
	is, err := v.Versions(ctx, "x")
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Remove(ctx, volume.Object{Name: "x", Version: is[0]}); !errors.Is(err, volume.ErrUnfenced) {
		t.Errorf("%v", err)
	}
	if b, err := v.Read(ctx, "x"); err != nil || string(b) != "1" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestABucketThatIsMissingIsNamedWithTheCommandThatMakesIt(t *testing.T) {
	for kind, command := range map[storetest.Kind]string{
		storetest.GCS: "gcloud storage buckets create gs://no-such-bucket",
		storetest.S3:  "aws s3 mb s3://no-such-bucket --region eu-central-1",
	} {
		v := opened(t, kind, storetest.Server(t, kind), "no-such-bucket")
		err := v.Probe(context.Background())
		if pipeline.KindOf(err) != pipeline.Invalid || !contains(err, command) || !contains(err, "the bucket no-such-bucket does not exist") {
			t.Errorf("%s: %v", kind, err)
		}
		if _, err := v.List(context.Background(), "x"); pipeline.KindOf(err) != pipeline.Invalid {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// A walk that passes over a folder does not ask for what lies in it.
func TestAFolderThatIsPassedOverIsNotListed(t *testing.T) {
	const objects = 3500 // listed in four pages
	server, bucket := storetest.Bucket(t, storetest.S3)
	front, asked := storetest.Counting(t, server)
	var writers sync.WaitGroup
	for w := range 16 {
		writers.Go(func() {
			for n := w; n < objects; n += 16 {
				storetest.Put(t, storetest.S3, bucket, fmt.Sprintf("some/place/x/k=1/%04d", n), nil)
			}
		})
	}
	writers.Wait()
	storetest.Put(t, storetest.S3, bucket, "some/place/x/k=2/1", nil)
	v := opened(t, storetest.S3, front, bucket).(interface {
		Walk(ctx context.Context, dir string, visit func(name string, link bool) error) error
	})
	var seen []string
	err := v.Walk(t.Context(), "x", func(name string, _ bool) error {
		seen = append(seen, name)
		return volume.Past(path.Dir(name))
	})
	if want := []string{"x/k=1/0000", "x/k=2/1"}; err != nil || !slices.Equal(seen, want) {
		t.Errorf("it saw %v, %v", seen, err)
	}
	if asked.Load() != 2 {
		t.Errorf("it asked %d times", asked.Load())
	}
}
