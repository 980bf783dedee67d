package bigquery

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cloud.google.com/go/bigquery"
	"google.golang.org/api/option"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
)

func TestCheckFindsWhatASyncWouldFailOf(t *testing.T) {
	ctx := context.Background()
	p := newPlace(t)
	s := p.open(t, p.options())
	mustCommit(t, s, pipeline.Committed, seal(t, s, dayWindow(0), 1, 0, "ana"))
	before := p.server.CountJobs("contact_centre." + statement.FenceTable)[bigquerytest.DML]
	if err := s.Check(ctx); err != nil {
		t.Fatal(err)
	}
	if n := p.server.CountJobs("contact_centre." + statement.FenceTable)[bigquerytest.DML]; n != before {
		t.Errorf("%d jobs wrote", n-before)
	}

	p.server.Inject(bigquerytest.Rule{Match: bigquerytest.OnJobs(bigquerytest.DML), Times: -1, Fault: bigquerytest.Forbidden})
	if err := s.Check(ctx); pipeline.KindOf(err) != pipeline.Unauthorized || !strings.Contains(err.Error(), "BigQuery Data Editor") {
		t.Errorf("credentials that may only read: %v", err)
	}
	p.server.Heal()

	if err := p.client(t).Table("events").Delete(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.Check(ctx); pipeline.KindOf(err) != pipeline.Invalid || !strings.Contains(err.Error(), "restore table contact_centre.events") {
		t.Errorf("a table that vanished: %v", err)
	}
	if err := p.client(t).Table("events").Create(ctx, &bigquery.TableMetadata{Schema: bigquery.Schema{{Name: "kind", Type: bigquery.StringFieldType}}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Check(ctx); pipeline.KindOf(err) != pipeline.Invalid || !strings.Contains(err.Error(), "not partitioned by local_date") {
		t.Errorf("a table of another shape: %v", err)
	}
	p = newPlace(t)

	o := p.options()
	o.TempDir = filepath.Join(p.temp, "nowhere")
	lost := p.open(t, o)
	err := lost.Check(ctx)
	if pipeline.KindOf(err) != pipeline.SinkFailed || !strings.Contains(err.Error(), "TMPDIR") || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("a temporary folder that is not there: %v", err)
	}
	stage, err := lost.Stage(ctx, agents, pipeline.Activity, dayWindow(0))
	if err != nil {
		t.Fatal(err)
	}
	if err := stage.Reject(ctx, []pipeline.Reject{{Reason: "x"}}); pipeline.KindOf(err) != pipeline.SinkFailed || !strings.Contains(err.Error(), "TMPDIR") {
		t.Errorf("staging there: %v", err)
	}
}

// A login that has expired, or a key that was deleted: Google's token endpoint
// answers 400 invalid_grant, and BigQuery is never asked.
func TestCredentialsThatGetNoTokenAreRefusedCredentials(t *testing.T) {
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"error":"invalid_grant"}`)
	}))
	defer tokens.Close()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	account, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": "windrow@test-project.iam.gserviceaccount.com", "private_key_id": "1",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), "token_uri": tokens.URL,
	})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "account.json")
	if err := os.WriteFile(file, account, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", file)
	p := newPlace(t)
	o := p.options()
	o.ClientOptions = []option.ClientOption{option.WithEndpoint(p.server.URL() + "/bigquery/v2/")}
	err = p.open(t, o).Check(context.Background())
	if pipeline.KindOf(err) != pipeline.Unauthorized || !strings.Contains(err.Error(), "the login has expired") {
		t.Errorf("%v", err)
	}
	if n := p.server.CountCalls(); n != 0 {
		t.Errorf("BigQuery was asked %d times", n)
	}
}
