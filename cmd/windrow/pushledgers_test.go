package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
	"github.com/windrow-data/windrow/sinks/sinktest/soak"
	"github.com/windrow-data/windrow/sinks/sinktest/storetest"
)

// inBigQuery makes campaigns whose send ledgers lie in datasets of one BigQuery.
func inBigQuery(server *bigquerytest.Server) makeCampaign {
	var n atomic.Int64
	return func(t *testing.T, kind string, contacts int) *campaign {
		c := newCampaign(t, kind, contacts)
		c.env = append(c.env, "WINDROW_PUSH_LEDGER=", "BIGQUERY_EMULATOR_HOST="+server.URL(), fmt.Sprintf("WINDROW_SINK=bigquery://%s/ledger_%d?location=EU", testProject, n.Add(1)))
		return c
	}
}

// inABucket is a campaign whose send ledger lies in a bucket.
func inABucket(t *testing.T, kind string, contacts int) *campaign {
	c := newCampaign(t, kind, contacts)
	server, bucket := storetest.Bucket(t, storetest.GCS)
	c.env = append(c.env, "STORAGE_EMULATOR_HOST="+server, "WINDROW_PUSH_LEDGER=gs://"+bucket+"/pushes")
	return c
}

func TestPushKilledAtRandomBesideABucketSendsEachContactOnce(t *testing.T) {
	t.Parallel()
	killedAtRandom(t, inABucket, 2, 60)
}

// A push begins while another process has a request under way, and must not call that unknown.
func TestAPushWaitsForWhatAnotherProcessIsSending(t *testing.T) {
	for ledger, newCampaign := range map[string]makeCampaign{"a directory": newCampaign, "a bucket": inABucket, "BigQuery": inBigQuery(bigQueryServer(t))} {
		t.Run(ledger, func(t *testing.T) {
			t.Parallel()
			c := newCampaign(t, "lists", 6)
			calls, answers := c.holdFirstRequest()
			first, second := c.push("windrow"), c.push("windrow")
			var out bytes.Buffer
			first.Stdout, first.Stderr = &out, os.Stderr
			if err := first.Start(); err != nil {
				t.Fatal(err)
			}
			<-calls
			said, err := second.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			var secondOut bytes.Buffer
			second.Stdout = &secondOut
			if err := second.Start(); err != nil {
				t.Fatal(err)
			}
			waited := false
			for lines := bufio.NewScanner(said); lines.Scan(); {
				if strings.Contains(lines.Text(), "waiting for its outcome") && !waited {
					waited = true
					close(answers)
				}
			}
			if !waited {
				close(answers)
			}
			var reports [2]pushReport
			for i, of := range []struct {
				cmd *exec.Cmd
				out *bytes.Buffer
			}{{first, &out}, {second, &secondOut}} {
				exit := exitCodeOf(t, of.cmd.Wait())
				if err := json.Unmarshal(of.out.Bytes(), &reports[i]); err != nil || exit != 0 {
					t.Errorf("exit %d, %v: %s", exit, err, of.out.Bytes())
				}
			}
			if !waited || reports[0].Sent != 2 || reports[0].AlreadySent != 4 || reports[1].Sent != 4 || reports[1].AlreadySent != 2 {
				t.Errorf("waited %v, %+v", waited, reports)
			}
			c.finish()
		})
	}
}

// holdFirstRequest puts somebody between the campaign and its vendor, who says that the first request has come, and passes
// it on when the second channel is closed.
func (c *campaign) holdFirstRequest() (calls <-chan struct{}, answers chan struct{}) {
	c.Helper()
	called, answers := make(chan struct{}), make(chan struct{})
	at := slices.IndexFunc(c.env, func(v string) bool { return strings.HasPrefix(v, "WINDROW_UCONTACT_URL=") })
	vendor, err := url.Parse(strings.TrimPrefix(c.env[at], "WINDROW_UCONTACT_URL="))
	if err != nil {
		c.Fatal(err)
	}
	pass := httputil.NewSingleHostReverseProxy(vendor)
	var asked atomic.Int64
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 {
			close(called)
			<-answers
		}
		pass.ServeHTTP(w, r)
	}))
	c.Cleanup(front.Close)
	c.env[at] = "WINDROW_UCONTACT_URL=" + front.URL
	return called, answers
}

func TestPushKilledAtEveryNamedPointOfBigQuerySendsEachContactOnce(t *testing.T) {
	t.Parallel()
	killedAtEveryPoint(t, inBigQuery(bigQueryServer(t)))
}

func TestPushKilledAtRandomBesideBigQuerySendsEachContactOnce(t *testing.T) {
	t.Parallel()
	killedAtRandom(t, inBigQuery(bigQueryServer(t)), 3, 60)
}

// A push of 100,000 contacts has 128 MiB, of which 48 are the program's own. The test's program has more, with what it
// links.
const mostForPush, itsOwn = 128 << 20, 48 << 20

func TestAPushOfAHundredThousandContactsStaysWithin128MiB(t *testing.T) {
	t.Parallel()
	ways := []string{"CSV and a directory", "JSON Lines and a directory", "CSV and BigQuery", "JSON Lines and BigQuery"}
	if !soak.Whole() {
		ways = ways[:2] // the simulated BigQuery takes its time
	}
	soak.Sweep(t, 1, ways, func(t *testing.T, _, way int) {
		c := newCampaign(t, "lists", 0)
		if strings.HasSuffix(ways[way], "BigQuery") {
			c = inBigQuery(bigQueryServer(t))(t, "lists", 0)
		}
		from := manyContacts(t, c.dir, strings.HasPrefix(ways[way], "CSV"), 100_000)
		push := []string{"push", "lists", "--hub", "Ventas", "--hub-type", "telephony", "--name", campaignName, "--from", from, "--suppress", "no.csv", "--batch", "2500", "--yes", "--json"}
		runs := [][]string{push, {"push", "status", "--json"}}
		if soak.Whole() {
			runs = append(runs, push)
		}
		empty, _ := c.measured("version")
		for _, args := range runs {
			peak, out := c.measured(args...)
			var report pushReport
			if err := json.Unmarshal(out, &report); args[1] == "lists" && (err != nil || report.Sent+report.AlreadySent != 100_000) {
				t.Fatalf("%v, %+v", err, report)
			}
			t.Logf("%s, %s: %d MiB, of which the empty program takes %d", ways[way], args[1], peak>>20, empty>>20)
			if peak-empty > mostForPush-itsOwn {
				t.Errorf("%s of %s takes %d MiB beside the program", args[1], ways[way], (peak-empty)>>20)
			}
		}
	})
}

// measured runs windrow and says how much memory it has taken at most, in bytes.
func (c *campaign) measured(args ...string) (peak int64, out []byte) {
	c.Helper()
	took := filepath.Join(c.TempDir(), "took")
	cmd := process(c.T, "measured", c.dir, c.env, append([]string{took}, args...)...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		c.Fatalf("%v\n%s", err, said.Bytes())
	}
	text, err := os.ReadFile(took)
	if err != nil {
		c.Fatal(err)
	}
	if _, err := fmt.Sscan(string(text), &peak); err != nil {
		c.Fatal(err)
	}
	return peak, out
}

// manyContacts writes contacts of two numbers each into a folder, and a file of as many that are to be suppressed.
func manyContacts(t *testing.T, dir string, csv bool, n int) (name string) {
	t.Helper()
	name, form := "many.jsonl", `{"clientIds":["+525500%06d","+528100%06[1]d"],"data":{"name":"Person %[1]d","note":"some text of a message"}}`+"\n"
	if csv {
		name, form = "many.csv", "+525500%06d;+528100%06[1]d,Person %[1]d,some text of a message\n"
	}
	var rows, no bytes.Buffer
	if csv {
		rows.WriteString("clientIds,data.name,data.note\n")
	}
	no.WriteString("name,phone,email\n")
	for i := range n {
		fmt.Fprintf(&rows, form, i)
		fmt.Fprintf(&no, "x,+523300%06d,a%[1]d@mail.example\n", i)
	}
	for file, b := range map[string]*bytes.Buffer{name: &rows, "no.csv": &no} {
		if err := os.WriteFile(filepath.Join(dir, file), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return name
}
