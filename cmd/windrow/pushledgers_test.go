package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
	"github.com/windrow-data/windrow/sinks/sinktest/soak"
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
