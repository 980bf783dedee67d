package s3

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"
	"time"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/internal/volume"
)

const (
	noBucket = "NoSuchBucket"
	access   = "allow the actions s3:GetObject, s3:PutObject and s3:DeleteObject on the bucket's objects, and s3:ListBucket on the bucket"
)

// statusOf is the HTTP status of an answer; 0 where there was none.
func statusOf(err error) int {
	var e *smithyhttp.ResponseError
	if errors.As(err, &e) && e.Response != nil {
		return e.HTTPStatusCode()
	}
	return 0
}

// codeOf is the store's word for what is wrong; empty where it gave none.
func codeOf(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return ""
}

// classify gives what the store said a kind. ofBucket says that a 404 is the bucket's.
func (d *Driver) classify(op string, err error, ofBucket bool) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	e := &pipeline.Error{Op: op + " in s3://" + d.bucket, Kind: pipeline.SinkFailed, Err: err}
	var known *pipeline.Error // of the body that was being sent
	if errors.As(err, &known) {
		return known
	}
	code := codeOf(err)
	switch status := statusOf(err); {
	case status == 0 && unsigned(err):
		e.Kind, e.Hint = pipeline.Unauthorized, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or AWS_PROFILE, run `aws sso login`, or give the machine a role; it needs: "+access
	case status == 0: // no answer, or one that broke off
		e.Kind, e.Cause = pipeline.Unavailable, pipeline.Unreachable
	case status == http.StatusPreconditionFailed:
		return fmt.Errorf("%w: %w", volume.ErrChanged, err)
	case code == noBucket, status == http.StatusNotFound && ofBucket:
		e.Kind, e.Err = pipeline.Invalid, fmt.Errorf("the bucket %s does not exist", d.bucket)
		e.Hint = "make it: aws s3 mb s3://" + d.bucket + " --region " + d.region + "; or correct the name"
	case status == http.StatusNotFound:
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	case status == http.StatusMovedPermanently, status == http.StatusTemporaryRedirect, code == "AuthorizationHeaderMalformed", code == "IllegalLocationConstraintException":
		e.Kind, e.Hint = pipeline.Invalid, "the bucket is in another region than "+d.region+"; name it in the address: s3://"+d.bucket+"?region=…"
	case code == "SlowDown", status == http.StatusTooManyRequests, code == "RequestLimitExceeded", code == "Throttling":
		e.Kind, e.RetryAfter = pipeline.Throttled, retryAfter(err)
	case status == http.StatusConflict, status == http.StatusRequestTimeout, code == "RequestTimeout": // a conflict: another write was on its way
		e.Kind = pipeline.Unavailable
	case code == "RequestTimeTooSkewed": // told with a 403
		e.Hint = "this machine's clock and the store's are more than a quarter of an hour apart; set the clock"
	case status == http.StatusUnauthorized, status == http.StatusForbidden, code == "ExpiredToken", code == "InvalidToken":
		e.Kind, e.Hint = pipeline.Unauthorized, access
	case status >= http.StatusInternalServerError && status != http.StatusNotImplemented:
		e.Kind, e.RetryAfter = pipeline.Unavailable, retryAfter(err)
	}
	return e
}

// unsigned reports whether a request was not sent since there are no credentials to sign it with.
func unsigned(err error) bool {
	var sent *smithyhttp.RequestSendError
	var broken *smithyhttp.ResponseError
	return !errors.As(err, &sent) && !errors.As(err, &broken)
}

func retryAfter(err error) time.Duration {
	var e *smithyhttp.ResponseError
	if !errors.As(err, &e) || e.Response == nil {
		return 0
	}
	n, err := strconv.Atoi(e.Response.Header.Get("Retry-After"))
	if err != nil || n < 0 {
		return 0
	}
	return time.Duration(n) * time.Second
}
