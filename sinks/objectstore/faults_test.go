package objectstore

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/windrow-data/windrow/sinks/internal/volume"
	"github.com/windrow-data/windrow/sinks/internal/volumetest"
	"github.com/windrow-data/windrow/sinks/sinktest/storetest"
)

func TestAStoreThatFailsHalfTheTimeIsAVolume(t *testing.T) {
	t.Parallel()
	for _, kind := range []storetest.Kind{storetest.GCS, storetest.S3} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			volumetest.Run(t, func(t *testing.T) func() volume.Volume {
				server, bucket := storetest.Bucket(t, kind)
				front := storetest.HalfFailing(t, server)
				return func() volume.Volume { return opened(t, kind, front, bucket) }
			})
		})
	}
}

func TestAStoreThatNeverAnswersIsAskedForAsLongAsRetriesLast(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer front.Close()
	for _, kind := range []storetest.Kind{storetest.GCS, storetest.S3} {
		asked.Store(0)
		v := openedFor(t, kind, front.URL, "b", 500*time.Millisecond)
		begun := time.Now()
		_, err := v.Read(t.Context(), "x")
		if pipelineKind(err) != "unavailable" || asked.Load() < 2 {
			t.Errorf("%s: after %d requests: %v", kind, asked.Load(), err)
		}
		if took := time.Since(begun); took > 20*time.Second {
			t.Errorf("%s: it was asked for %s", kind, took)
		}
	}
}

func TestRefusedCredentialsNameWhatIsNeeded(t *testing.T) {
	t.Parallel()
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
	defer front.Close()
	for kind, needed := range map[storetest.Kind]string{storetest.GCS: "roles/storage.objectUser", storetest.S3: "s3:ListBucket"} {
		err := openedFor(t, kind, front.URL, "b", time.Second).Probe(t.Context())
		if pipelineKind(err) != "unauthorized" || !contains(err, needed) {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// A clock that is wrong is told with a 403, as rights that are missing are.
func TestAClockThatTheStoreDoesNotBelieveIsNoLackOfRights(t *testing.T) {
	t.Parallel()
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `<Error><Code>RequestTimeTooSkewed</Code><Message>The difference between the request time and the current time is too large.</Message></Error>`)
	}))
	defer front.Close()
	err := openedFor(t, storetest.S3, front.URL, "b", time.Second).Probe(t.Context())
	if pipelineKind(err) == "unauthorized" || !contains(err, "set the clock") {
		t.Error(err)
	}
}
