// Package apierror tells what an error of BigQuery's API means: of which kind the error is, and what to do about it.
// The package judges by codes and reasons alone. The words of a message only choose which right is named as missing.
//
// It repeats no request (package job does). Start at [Classify].
package apierror

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/bigquery"
	"google.golang.org/api/googleapi"

	"github.com/windrow-data/windrow/pipeline"
)

// Status is the HTTP status of the API's answer; 0 where there was no answer.
func Status(err error) int {
	var e *googleapi.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return 0
}

// Reason is the API's word for what is wrong with a request or a job; empty
// where it gave none. The words: https://cloud.google.com/bigquery/docs/error-messages
func Reason(err error) string {
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

// Absent reports whether a dataset, a table or a job is missing.
func Absent(err error) bool {
	return Status(err) == http.StatusNotFound || Reason(err) == "notFound"
}

// Classify makes a [pipeline.Error] of what BigQuery or the file system said. A [pipeline.Error] stays as it is, and
// nil stays nil.
func Classify(op string, err error) error {
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
	if e.Kind, e.Hint = byReason(Reason(err)); e.Kind != pipeline.SinkFailed || e.Hint != "" {
		return named(e)
	}
	if tokenRefused(err) {
		e.Kind, e.Hint = pipeline.Unauthorized, "no access token is given for these credentials: the login has expired, or the account or its key is gone"
		return e
	}
	e.Kind, e.Hint = byStatus(Status(err))
	var lost *url.Error
	if errors.As(err, &lost) || errors.Is(err, io.ErrUnexpectedEOF) { // no answer, or one that broke off
		e.Kind = pipeline.Unavailable
	}
	return named(e)
}

// ReaderHint says how to read what policy tags protect, unmasked.
const ReaderHint = "give the service account the role Fine-Grained Reader (roles/datacatalog.categoryFineGrainedReader) on the policy tag, or take the tag off the column"

// rights are those that a role on a dataset does not give, by what BigQuery says where they are missing:
// https://cloud.google.com/bigquery/docs/column-level-security-intro,
// https://cloud.google.com/bigquery/docs/customer-managed-encryption and
// https://cloud.google.com/bigquery/docs/using-row-level-security-with-features#the_true_filter
var rights = []struct{ says, hint string }{
	{"policy tag", ReaderHint},
	{"cryptokey encrypter/decrypter", "give BigQuery's own service account, which the message names, the role Cloud KMS CryptoKey Encrypter/Decrypter on the key"},
	{"true filter", "row access policies are on the table: give the service account one that hides nothing (FILTER USING (TRUE)), or drop them"},
}

// named names the right that is missing where access is denied.
func named(e *pipeline.Error) *pipeline.Error {
	if e.Kind != pipeline.Unauthorized {
		return e
	}
	says := strings.ToLower(e.Err.Error())
	for _, r := range rights {
		if strings.Contains(says, r.says) {
			e.Hint = r.hint
			break
		}
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
