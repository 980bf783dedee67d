package endtoend

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/windrow-data/windrow/connectors"
	"github.com/windrow-data/windrow/connectors/connectortest"
	"github.com/windrow-data/windrow/pipeline"
)

// goldenAccounts are the variables that a case of testdata does not name.
var goldenAccounts = map[string]map[string]string{
	"ucontact":  {"URL": "https://acme.ucontactcloud.example", "TOKEN": "a-token-of-tests"},
	"chattonic": {"URL": "https://api.chat-tonic.example", "TOKEN": "a-token-of-tests", "CODENAME": "acme"},
	"dialpad":   {"URL": "https://dialpad.example/api/v2", "TOKEN": "a-token-of-tests", "POLL_FIRST": "0s", "RATE": "1000"},
}

// Both sinks give back the rows of every golden of testdata, value by value, and
// the rejected rows. Each case is an account of its own, so that one warehouse
// holds them all.
func TestPromise05_BothSinksGiveTheRowsOfTheGoldensBack(t *testing.T) {
	for name, root := range map[string]string{"parquet": folder(t), "bigquery": newDataset(t)} {
		t.Run(name, func(t *testing.T) {
			var want []string
			store := openRoot(t, root)
			for source := range goldenAccounts {
				for _, c := range connectortest.Cases(t, pipeline.SourceID(source)) {
					c.Stream.Account = pipeline.AccountID(strings.NewReplacer("/", "-", "_", "-").Replace(c.Name)) // cases of several streams are of several companies
					if _, err := c.Sync(t.Context(), goldenSource(t, root, c), store); err != nil {
						t.Fatal(err)
					}
					want = append(want, goldenRows(t, c)...)
				}
			}
			got := append(storedRows(t, root), storedRejects(t, root)...)
			slices.Sort(got)
			slices.Sort(want)
			if len(want) < 200 {
				t.Errorf("the goldens have %d rows only", len(want))
			}
			sameRows(t, got, want)
		})
	}
}

func goldenSource(t *testing.T, root string, c *connectortest.Case) pipeline.Source {
	t.Helper()
	source := string(c.Stream.Stream.Source())
	s := &site{T: t, root: root, env: map[string]string{}}
	for _, settings := range []map[string]string{goldenAccounts[source], c.Settings} {
		for name, value := range settings {
			s.env["WINDROW_"+strings.ToUpper(source)+"_"+name] = value
		}
	}
	if c.Stream.Stream == "chattonic.nps" {
		s.env["WINDROW_CHATTONIC_NPS_FROM"] = c.Inbox(t, os.WriteFile)
	}
	options := c.Options()
	sources := s.sources(options.Clock, func(o *connectors.Options) { options.Disk = o.Disk; *o = options })
	if len(sources) != 1 {
		t.Fatalf("%s: %d sources", c.Name, len(sources))
	}
	return sources[0]
}

// goldenRows are the rows and rejects of a golden, each as a text that tells its
// stream, account and values.
func goldenRows(t *testing.T, c *connectortest.Case) (rows []string) {
	t.Helper()
	for line := range strings.Lines(string(c.Golden())) {
		values := object(t, line)
		switch {
		case values["window_start"] != nil:
			rows = append(rows, rowText(t, c.Stream, values, func(_ pipeline.Column, v any) string { return fmt.Sprint(v) }))
		case values["reject"] != nil:
			scope, _ := values["scope"].(string)
			rows = append(rows, fmt.Sprint(c.Stream, values["row"], values["reject"], scope, values["raw"]))
		}
	}
	return rows
}

// storedRows are the rows of both tables, as goldenRows has them.
func storedRows(t *testing.T, root string) (rows []string) {
	t.Helper()
	for _, table := range pipeline.Tables() {
		columns := []string{"account", "stream"}
		for _, c := range table.Columns[pipeline.PathColumns:] {
			column := `"` + c.Name + `"`
			switch c.Type.ID() {
			case arrow.TIMESTAMP:
				column = fmt.Sprintf("epoch_us(%s) AS %s", column, column)
			case arrow.DATE32:
				column += "::VARCHAR AS " + column
			}
			columns = append(columns, column)
		}
		for _, line := range query(t, root, "SELECT to_json(t)::VARCHAR FROM (SELECT "+strings.Join(columns, ", ")+" FROM {"+table.Name+"}) t") {
			values := object(t, line)
			rows = append(rows, rowText(t, keyOf(values["account"], values["stream"]), values, func(c pipeline.Column, v any) string {
				if n, ok := v.(json.Number); ok && c.Type.ID() == arrow.TIMESTAMP {
					us, err := n.Int64()
					if err != nil {
						t.Fatal(err)
					}
					return pipeline.Instant(us).String()
				}
				return fmt.Sprint(v)
			}))
		}
	}
	return rows
}

func storedRejects(t *testing.T, root string) (rejects []string) {
	t.Helper()
	const columns = `SELECT account, stream, "row" AS position, reason, coalesce(scope, '') AS scope, raw FROM {rejects}`
	for _, line := range query(t, root, "SELECT to_json(t)::VARCHAR FROM ("+columns+") t") {
		v := object(t, line)
		rejects = append(rejects, fmt.Sprint(keyOf(v["account"], v["stream"]), v["position"], v["reason"], v["scope"], v["raw"]))
	}
	return rejects
}

func keyOf(account, stream any) pipeline.StreamKey {
	return pipeline.StreamKey{Account: pipeline.AccountID(fmt.Sprint(account)), Stream: pipeline.StreamID(fmt.Sprint(stream))}
}

func object(t *testing.T, line string) (values map[string]any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader([]byte(line)))
	d.UseNumber()
	if err := d.Decode(&values); err != nil {
		t.Fatalf("%v: %.200s", err, line)
	}
	return values
}

// rowText is a row as text: its stream and the columns that are not null, but
// for the id of the run. Floats are compared as such, and have one spelling here.
func rowText(t *testing.T, k pipeline.StreamKey, values map[string]any, text func(pipeline.Column, any) string) string {
	t.Helper()
	table := pipeline.Activity
	if values["kind"] != nil {
		table = pipeline.Events
	}
	var b strings.Builder
	fmt.Fprint(&b, k)
	for _, c := range table.Columns[pipeline.PathColumns:] {
		v := values[c.Name]
		if v == nil || c.Name == "sync_id" {
			continue
		}
		said := text(c, v)
		if c.Type.ID() == arrow.FLOAT64 {
			f, err := strconv.ParseFloat(said, 64)
			if err != nil {
				t.Fatal(err)
			}
			said = strconv.FormatFloat(f, 'g', -1, 64)
		}
		fmt.Fprintf(&b, " %s=%s", c.Name, said)
	}
	return b.String()
}
