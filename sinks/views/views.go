package views

import (
	"bytes"
	"embed"
	"fmt"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

//go:embed sql/*.sql
var files embed.FS

// order is that of the statements: a view follows those that it reads.
var order = []string{
	"call_legs", "calls", "agent_day", "service_level", "queue_interval", "campaign_channel_day", "dashboard_interval", "satisfaction", "duty_day",
	"restatements", "runs", "rejects", "changed_dates", "streams",
}

// Place is where the tables are that the views read.
type Place struct {
	Dialect Dialect
	// Root is the folder or bucket of a Parquet sink, as DuckDB reads it; empty where the tables are tables of the catalogue.
	Root string
	// Held says which of the relations ([Relations]) have files. DuckDB refuses to read files of which there is none.
	Held map[string]bool
	// Watermarks are those of a Parquet sink's streams, which no file tells in a form that DuckDB reads.
	Watermarks []Watermark
	// Dataset is BigQuery's, as project.dataset; empty for the query's default.
	Dataset string
}

// Watermark is how far a stream is settled; At is [pipeline.NoInstant] where nothing is.
type Watermark struct {
	Key pipeline.StreamKey
	At  pipeline.Instant
}

// Build returns the views of a place, in the order in which they can be made. Name is without a dataset.
func Build(p Place) ([]pipeline.View, error) {
	var list []pipeline.View
	if p.Dialect == DuckDB {
		for _, r := range relations() {
			if r.shown {
				list = append(list, pipeline.View{Name: r.name, Description: r.meaning, SQL: "CREATE OR REPLACE VIEW " + r.name + " AS\n" + p.read(r) + ";\n"})
			}
		}
	} else {
		for _, t := range pipeline.Tables() {
			list = append(list, pipeline.View{Name: prefix + t.Name, Description: "the table " + t.Name, SQL: "SELECT * FROM " + p.table(t.Name) + "\n"})
		}
	}
	for _, name := range order {
		v, err := p.view(name)
		if err != nil {
			return nil, fmt.Errorf("view %s: %w", name, err)
		}
		list = append(list, v)
	}
	return list, nil
}

// view is one view of the place.
func (p Place) view(name string) (pipeline.View, error) {
	body, err := files.ReadFile("sql/" + name + ".sql")
	if err != nil {
		return pipeline.View{}, err
	}
	query, meaning, err := fill(string(body), p.functions())
	if err != nil {
		return pipeline.View{}, err
	}
	return p.Dialect.define(name, parametersOf(string(body)), meaning, query), nil
}

// fill takes a view's description off and fills its template.
func fill(text string, functions template.FuncMap) (query, meaning string, err error) {
	var described []string
	for strings.HasPrefix(text, "--") {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		described = append(described, strings.TrimSpace(strings.TrimPrefix(line, "--")))
	}
	t, err := template.New("").Funcs(functions).Parse(text)
	if err != nil {
		return "", "", err
	}
	var out bytes.Buffer
	err = t.Execute(&out, nil)
	return strings.TrimSpace(out.String()), strings.Join(described, ". "), err
}

// parametersOf reads what a template says of its parameters.
func parametersOf(text string) []string {
	_, after, found := strings.Cut(text, "{{parameters ")
	if !found {
		return nil
	}
	words, _, _ := strings.Cut(after, "}}")
	return strings.Fields(strings.ReplaceAll(words, `"`, ""))
}

// Script is the statements as one text for the dialect's own shell, with the descriptions.
func Script(p Place, list []pipeline.View) string {
	var b strings.Builder
	b.WriteString("-- Windrow's views.\n")
	if kind, _, inBucket := strings.Cut(p.Root, "://"); inBucket {
		b.WriteString("-- DuckDB reads the bucket itself, and needs a secret that is there before this file is read. Once, in its shell:\n-- " + secrets[kind] + "\n")
	}
	for _, v := range list {
		b.WriteString("\n")
		for _, line := range wrapped(v.Name+": "+v.Description, 110) {
			b.WriteString("-- " + line + "\n")
		}
		b.WriteString(p.Dialect.statement(p, v))
	}
	return b.String()
}

// secrets are DuckDB's statements by which it may read buckets.
var secrets = map[string]string{
	"gs": "CREATE PERSISTENT SECRET (TYPE gcs, KEY_ID '…', SECRET '…'); with an HMAC key of an account that may read the bucket",
	"s3": "CREATE PERSISTENT SECRET (TYPE s3, PROVIDER credential_chain); with AWS's own variables or profile",
}

// wrapped breaks a text at spaces.
func wrapped(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	return append(lines, line)
}

// relation is something that the views read: a table, or files of the sink's own.
type relation struct {
	name    string
	folder  string // below the root
	meaning string
	keyed   bool // source, account and stream are folders
	shown   bool // is a view by its own name
	columns []column
}

type column struct{ name, kind string } // kind is DuckDB's

// relations lists what the views of DuckDB read, with the columns as the newest files have them.
func relations() []relation {
	var list []relation
	for _, t := range pipeline.Tables() {
		r := relation{name: t.Name, folder: t.Name, meaning: "grain: one row for each row that the vendors gave; the data dictionary says what each column is", keyed: true, shown: true}
		for _, f := range t.Schema().Fields() {
			r.columns = append(r.columns, column{f.Name, duckType(f.Type)})
		}
		list = append(list, r)
	}
	key := []column{{"source", "VARCHAR"}, {"account", "VARCHAR"}, {"stream", "VARCHAR"}}
	return append(list,
		relation{name: "history", folder: "_windrow/history", meaning: "grain: one row for each commit that replaced other rows or has values that could not be read, for each failure, and for each warning", shown: true, columns: slices.Concat(
			[]column{{"kind", "VARCHAR"}, {"sync_id", "VARCHAR"}}, key, []column{
				{"window_start", instant}, {"window_end", instant}, {"read_at", instant}, {"previous_read_at", instant}, {"after_settle", "BOOLEAN"},
				{"rows_before", "BIGINT"}, {"rows_after", "BIGINT"}, {"measures", "VARCHAR"}, {"error_kind", "VARCHAR"}, {"hint", "VARCHAR"},
				{"unreadable", "VARCHAR"}, {"warning", "VARCHAR"},
			})},
		relation{name: "runs", folder: "_windrow/runs", columns: []column{
			{"sync_id", "VARCHAR"}, {"command", "VARCHAR"}, {"started_at", instant}, {"finished_at", instant}, {"exit", "BIGINT"},
			{"committed", "BIGINT"}, {"unchanged", "BIGINT"}, {"failed", "BIGINT"}, {"rows", "BIGINT"}, {"rejected", "BIGINT"},
		}},
		relation{name: "rejects", folder: "_windrow/rejects", keyed: true, columns: slices.Concat(key, []column{
			{"scope", "VARCHAR"}, {"row", "BIGINT"}, {"reason", "VARCHAR"}, {"raw", "VARCHAR"}, {"row_time", instant},
			{"window_start", instant}, {"window_end", instant}, {"extracted_at", instant}, {"sync_id", "VARCHAR"}, {"field", "VARCHAR"}, {"shape", "VARCHAR"},
		})},
	)
}

// Relations are the names that [Place.Held] knows, each with its folder below the root.
func Relations() map[string]string {
	held := map[string]string{}
	for _, r := range relations() {
		held[r.name] = r.folder
	}
	return held
}

func relationOf(name string) relation {
	list := relations()
	return list[slices.IndexFunc(list, func(r relation) bool { return r.name == name })]
}

// at is an instant as a literal of the dialect.
func at(i pipeline.Instant, kind string) string {
	if i == pipeline.NoInstant {
		return "CAST(NULL AS " + kind + ")"
	}
	return kind + " '" + i.Time().UTC().Format(time.RFC3339Nano) + "'"
}
