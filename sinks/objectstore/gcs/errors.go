package gcs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"
	"time"

	"cloud.google.com/go/auth"
	"google.golang.org/api/googleapi"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/googlelogin"
	"github.com/windrow-data/windrow/sinks/internal/volume"
)

const access = "give the service account the role roles/storage.objectUser on the bucket"

func noCredentials(err error) error {
	return &pipeline.Error{Op: "open the bucket", Kind: pipeline.Unauthorized, Err: err,
		Hint: googlelogin.Remedy(err, "run `gcloud auth application-default login`, or give the machine a service account that has the role roles/storage.objectUser on the bucket")}
}

func named(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}

func isStatus(err error, status int) bool {
	var e *googleapi.Error
	return errors.As(err, &e) && e.Code == status
}

// classify gives what the store said a kind. ofBucket says that a 404 is the bucket's.
func (d *Driver) classify(op string, err error, ofBucket bool) error {
	var known *pipeline.Error
	if err == nil || errors.As(err, &known) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	e := &pipeline.Error{Op: op + " of gs://" + d.bucket, Kind: pipeline.SinkFailed, Err: err}
	var refused *auth.Error
	var told *googleapi.Error
	switch {
	case errors.As(err, &told):
	case errors.As(err, &refused) && refused.Response != nil && refused.Response.StatusCode < http.StatusInternalServerError && !refused.Temporary():
		e.Kind, e.Hint = pipeline.Unauthorized, "no access token is given for these credentials: the login has expired, or the account or its key is gone"
		return e
	default: // no answer, or one that broke off
		e.Kind, e.Cause = pipeline.Unavailable, pipeline.Unreachable
		return e
	}
	switch code := told.Code; {
	case code == http.StatusPreconditionFailed:
		return fmt.Errorf("%w: %w", volume.ErrChanged, err)
	case code == http.StatusNotFound && !ofBucket:
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	case code == http.StatusNotFound:
		e.Kind, e.Err = pipeline.Invalid, fmt.Errorf("the bucket %s does not exist", d.bucket)
		e.Hint = "make it: gcloud storage buckets create gs://" + d.bucket + " --location=EU --uniform-bucket-level-access; or correct the name"
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		e.Kind, e.Hint = pipeline.Unauthorized, access
	case code == http.StatusTooManyRequests:
		e.Kind, e.RetryAfter = pipeline.Throttled, retryAfter(told.Header)
	case code == http.StatusRequestTimeout, code >= http.StatusInternalServerError:
		e.Kind, e.RetryAfter = pipeline.Unavailable, retryAfter(told.Header)
	}
	return e
}

func retryAfter(h http.Header) time.Duration {
	n, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(n) * time.Second
}
