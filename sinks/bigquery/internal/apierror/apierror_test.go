package apierror

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/bigquery"
	"google.golang.org/api/googleapi"

	"github.com/windrow-data/windrow/pipeline"
)

func TestFaultsAreClassifiedByCodeAndReason(t *testing.T) {
	api := func(code int, reason string) error {
		e := &googleapi.Error{Code: code}
		if reason != "" {
			e.Errors = []googleapi.ErrorItem{{Reason: reason}}
		}
		return e
	}
	failed := func(reason string) error { return fmt.Errorf("a job: %w", &bigquery.Error{Reason: reason}) }
	tests := []struct {
		name string
		err  error
		kind pipeline.Kind
		hint string
	}{
		{"401", api(401, "authError"), pipeline.Unauthorized, "Job User"},
		{"403 accessDenied", api(403, "accessDenied"), pipeline.Unauthorized, "Data Editor"},
		{"403 without a reason", api(403, ""), pipeline.Unauthorized, "Data Editor"},
		{"a tagged column", denied(`Access Denied: BigQuery BigQuery: User has neither fine-grained reader nor masked get permission to get data protected by policy tag "governance : pii" on column p.d.activity.resource_id.`),
			pipeline.Unauthorized, "roles/datacatalog.categoryFineGrainedReader) on the policy tag"},
		{"a locked key", denied("Access Denied: BigQuery BigQuery: Permission denied. Please grant Cloud KMS CryptoKey Encrypter/Decrypter role to BigQuery service account bq-1@bigquery-encryption.iam.gserviceaccount.com."),
			pipeline.Unauthorized, "the role Cloud KMS CryptoKey Encrypter/Decrypter on the key"},
		{"403 quotaExceeded", api(403, "quotaExceeded"), pipeline.Throttled, "quota"},
		{"403 rateLimitExceeded", api(403, "rateLimitExceeded"), pipeline.Throttled, ""},
		{"429", api(429, ""), pipeline.Throttled, ""},
		{"503", api(503, ""), pipeline.Unavailable, ""},
		{"a job's backendError", failed("backendError"), pipeline.Unavailable, ""},
		{"a job's quotaExceeded", failed("quotaExceeded"), pipeline.Throttled, ""},
		{"a job over its price", failed("bytesBilledLimitExceeded"), pipeline.SinkFailed, "WINDROW_BIGQUERY_MAX_BYTES_BILLED"},
		{"a job that is refused", failed("invalidQuery"), pipeline.SinkFailed, ""},
		{"400", api(400, "invalid"), pipeline.SinkFailed, ""},
		{"a lost connection", &url.Error{Op: "Post", URL: "https://x", Err: errors.New("reset")}, pipeline.Unavailable, ""},
		{"an answer that broke off", fmt.Errorf("decode: %w", io.ErrUnexpectedEOF), pipeline.Unavailable, ""},
		{"a signal", &url.Error{Op: "Post", URL: "https://x", Err: context.Canceled}, pipeline.Stopped, ""},
		{"no token for an expired login", noToken(400), pipeline.Unauthorized, "expired"},
		{"no token for the moment", noToken(503), pipeline.Unavailable, ""},
		{"no answer", context.DeadlineExceeded, pipeline.Unavailable, "next run"},
		{"a known error", &pipeline.Error{Kind: pipeline.Invalid}, pipeline.Invalid, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := Classify("commit", tt.err)
			if pipeline.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.hint) {
				t.Errorf("%v is of kind %s", err, pipeline.KindOf(err))
			}
		})
	}
	if Classify("commit", nil) != nil {
		t.Error("no error became one")
	}
}

// denied is the body of a 403.
func denied(says string) error {
	return &googleapi.Error{Code: http.StatusForbidden, Message: says, Errors: []googleapi.ErrorItem{{Reason: "accessDenied", Message: says}}}
}

// noToken is what the client says when no access token is given.
func noToken(code int) error {
	return &url.Error{Op: "Get", URL: "https://x", Err: &auth.Error{Response: &http.Response{StatusCode: code}}}
}
