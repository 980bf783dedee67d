package bigquery

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/bigquery"
	"google.golang.org/api/googleapi"

	"github.com/windrow-data/windrow/pipeline"
)

// httpStatus is the code of the API's answer, 0 for anything else.
func httpStatus(err error) int {
	var e *googleapi.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}

// reasonOf is the API's word for what is wrong, of a request or of a job. The
// words: https://cloud.google.com/bigquery/docs/error-messages
func reasonOf(err error) string {
	var e *googleapi.Error
	if errors.As(err, &e) && len(e.Errors) > 0 {
		return e.Errors[0].Reason
	}
	var j *bigquery.Error
	if errors.As(err, &j) {
		return j.Reason
	}
	return ""
}

// absent reports whether the dataset or a table is missing.
func absent(err error) bool {
	return httpStatus(err) == http.StatusNotFound || reasonOf(err) == "notFound"
}

// fault classifies what BigQuery or the file system said, by code and reason.
// A nil error stays nil.
func fault(op string, err error) error {
	if err == nil {
		return nil
	}
	var known *pipeline.Error
	if errors.As(err, &known) {
		return err
	}
	e := &pipeline.Error{Op: op, Kind: pipeline.SinkFailed, Err: err}
	if errors.Is(err, context.Canceled) {
		e.Kind = pipeline.Stopped
		return e
	}
	if errors.Is(err, context.DeadlineExceeded) {
		e.Kind = pipeline.Unavailable
		e.Hint = "BigQuery gave no answer for a long time; the next run goes on where this one ended"
		return e
	}
	if e.Kind, e.Hint = byReason(reasonOf(err)); e.Kind != pipeline.SinkFailed || e.Hint != "" {
		return e
	}
	if tokenRefused(err) {
		e.Kind, e.Hint = pipeline.Unauthorized, "no access token is given for these credentials: the login has expired, or the account or its key is gone"
		return e
	}
	e.Kind, e.Hint = byStatus(httpStatus(err))
	var lost *url.Error
	if errors.As(err, &lost) || errors.Is(err, io.ErrUnexpectedEOF) { // no answer, or one that broke off
		e.Kind = pipeline.Unavailable
	}
	return e
}

// tokenRefused reports whether the credentials were refused before anything
// was asked of BigQuery, by who gives out access tokens for them.
func tokenRefused(err error) bool {
	var refused *auth.Error
	return errors.As(err, &refused) && refused.Response != nil &&
		refused.Response.StatusCode < http.StatusInternalServerError && !refused.Temporary()
}

const accessHint = "give the service account the roles BigQuery Data Editor on the dataset and BigQuery Job User on the project"

func byReason(reason string) (pipeline.Kind, string) {
	switch reason {
	case "accessDenied", "authError":
		return pipeline.Unauthorized, accessHint
	case "billingNotEnabled", "billingTierLimitExceeded":
		return pipeline.SinkFailed, "enable billing for the project: the sandbox runs no DML"
	case "quotaExceeded":
		return pipeline.Throttled, "a quota of the project is used up; the windows are read again by the next run"
	case "rateLimitExceeded", "jobRateLimitExceeded", "userRateLimitExceeded":
		return pipeline.Throttled, ""
	case "backendError", "internalError", "jobBackendError", "jobInternalError", "tableUnavailable":
		return pipeline.Unavailable, ""
	case "bytesBilledLimitExceeded":
		return pipeline.SinkFailed, "the commit would read more than WINDROW_BIGQUERY_MAX_BYTES_BILLED; raise it, or see why the tables are not pruned"
	case "notFound":
		return pipeline.SinkFailed, "the dataset or one of its tables vanished; run sync again"
	}
	return pipeline.SinkFailed, ""
}

func byStatus(code int) (pipeline.Kind, string) {
	switch {
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return pipeline.Unauthorized, accessHint
	case code == http.StatusTooManyRequests:
		return pipeline.Throttled, ""
	case code >= http.StatusInternalServerError:
		return pipeline.Unavailable, ""
	}
	return pipeline.SinkFailed, ""
}

// halvable reports whether a smaller batch may succeed where this one failed
// for good, at once: repeating the same would not help.
func halvable(err error) bool {
	switch reasonOf(err) {
	case "resourcesExceeded", "bytesBilledLimitExceeded", "responseTooLarge", "invalid":
		return true
	}
	return errors.Is(err, errTooLong)
}

// windowFault is fault for one window; a zero span means the stream.
func windowFault(op string, k pipeline.StreamKey, w pipeline.Span, err error) error {
	return pipeline.Locate(fault(op, err), k.Stream, w)
}
