package dbt

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// rendered is SQL as dbt would run it.
type rendered struct {
	Name string `json:"name"`
	SQL  string `json:"sql"`
}

// become is what the package's files become over a Parquet warehouse.
type become struct {
	Root      string     `json:"root"`
	Models    []rendered `json:"models"`    // in an order in which they can be made
	Empty     []rendered `json:"empty"`     // the models of a warehouse without files
	Tests     []rendered `json:"tests"`     // each finds the rows that are wrong
	Freshness []rendered `json:"freshness"` // of the sources
}

// models renders the package's models, a model after those that it reads.
func (p *pack) models() []rendered {
	var list []rendered
	texts := map[string]string{}
	for _, name := range slices.Concat(p.files("models/staging/*.sql"), p.files("models/marts/*.sql")) {
		model := strings.TrimSuffix(name[strings.LastIndex(name, "/")+1:], ".sql")
		texts[model] = p.read(name)
	}
	reads := regexp.MustCompile(`ref\('windrow', '(\w+)'\)`)
	var add func(model string)
	add = func(model string) {
		if slices.ContainsFunc(list, func(r rendered) bool { return r.Name == model }) {
			return
		}
		for _, m := range reads.FindAllStringSubmatch(texts[model], -1) {
			add(m[1])
		}
		sql, err := p.jinja(texts[model], nil)
		if err != nil {
			p.t.Fatalf("%s: %v", model, err)
		}
		list = append(list, rendered{model, sql})
	}
	for _, m := range p.properties.Models {
		if texts[m.Name] == "" {
			p.t.Errorf("%s is described, and has no file", m.Name)
		}
		add(m.Name)
	}
	if len(list) != len(texts) {
		p.t.Errorf("%d models have files, %d are described", len(texts), len(list))
	}
	return list
}

// BigQuery is given the text of the views, which GoogleSQL's analyser has judged.
func TestEveryModelIsTheViewOfItsNameInBigQuery(t *testing.T) {
	text, err := os.ReadFile("../../../sinks/views/testdata/bigquery.json")
	if err != nil {
		t.Fatal(err)
	}
	var views []rendered
	if err := json.Unmarshal(text, &views); err != nil {
		t.Fatal(err)
	}
	models := readPack(t, "bigquery").models()
	for _, v := range views {
		name := strings.TrimPrefix(v.Name, "windrow__")
		if name == "activity" || name == "events" {
			name = "stg_windrow__" + name
		}
		i := slices.IndexFunc(models, func(r rendered) bool { return r.Name == name })
		if i < 0 {
			t.Errorf("%s has no model", v.Name)
		} else if models[i].SQL+"\n" != v.SQL {
			t.Errorf("%s is\n%s\nand the view\n%s", name, models[i].SQL, v.SQL)
		}
	}
	if len(views) < 16 {
		t.Errorf("%d views on file", len(views))
	}
}

// What DuckDB is given is on file, for the tests of the views to run: they have a database.
func TestTheSQLOfDuckDBIsThatOnFile(t *testing.T) {
	p := readPack(t, "duckdb")
	made := become{Root: root, Models: p.models(), Tests: p.tests(), Freshness: p.freshness()}
	p.held = 0
	made.Empty = p.models()
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "\t")
	if err := e.Encode(made); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(onFile, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if was, err := os.ReadFile(onFile); err != nil || !bytes.Equal(was, text.Bytes()) {
		t.Errorf("%s is not what the models become, %v: `go test ./dbt -update`, in .ci/deploy, writes it, and `go test ./sinks/views` runs it", onFile, err)
	}
}

// tests renders the singular tests, and the generic ones where a model has them.
func (p *pack) tests() []rendered {
	var list []rendered
	add := func(name, text string, more map[string]any) {
		sql, err := p.jinja(text, more)
		if err != nil {
			p.t.Fatalf("test %s: %v", name, err)
		}
		list = append(list, rendered{name, sql})
	}
	for _, name := range p.files("tests/*.sql") {
		add(name, p.read(name), nil)
	}
	for _, m := range p.properties.Models {
		of := func(column string, tests []any) {
			for _, test := range tests {
				name, arguments := testOf(p.t, test)
				arguments["model"] = p.relation(m.Name)
				if column != "" {
					arguments["column_name"] = column
				}
				var named []string
				for a := range arguments {
					named = append(named, a+"="+a)
				}
				slices.Sort(named)
				call := builtIn[name]
				if own, found := strings.CutPrefix(name, "windrow."); found {
					call = "{{ test_" + own + "(" + strings.Join(named, ", ") + ") }}"
				}
				if call == "" {
					p.t.Fatalf("%s has the test %s, which nobody knows", m.Name, name)
				}
				add(m.Name+"."+column+" "+name, call, arguments)
			}
		}
		of("", m.Tests)
		for _, c := range m.Columns {
			of(c.Name, c.Tests)
		}
	}
	return list
}

// builtIn are the generic tests that dbt brings.
var builtIn = map[string]string{
	"not_null":        "SELECT {{ column_name }} FROM {{ model }} WHERE {{ column_name }} IS NULL",
	"unique":          "SELECT {{ column_name }} FROM {{ model }} WHERE {{ column_name }} IS NOT NULL GROUP BY {{ column_name }} HAVING COUNT(*) > 1",
	"accepted_values": "SELECT {{ column_name }} FROM {{ model }} WHERE {{ column_name }} NOT IN ('{{ values | join(\"', '\") }}')",
}

// testOf is a test as YAML has it: a name, or a name with arguments.
func testOf(t *testing.T, test any) (string, map[string]any) {
	arguments := map[string]any{}
	of, is := test.(map[string]any)
	if !is {
		return test.(string), arguments
	}
	for name, with := range of {
		for key, value := range with.(map[string]any) {
			if key != "arguments" {
				t.Fatalf("the test %s has the key %s", name, key)
			}
			for a, v := range value.(map[string]any) {
				arguments[a] = v
			}
		}
		return name, arguments
	}
	t.Fatal("a test without a name")
	return "", nil
}

func (p *pack) freshness() []rendered {
	var list []rendered
	for _, s := range p.properties.Sources {
		for _, table := range s.Tables {
			if table.Config.LoadedAtQuery == "" {
				continue
			}
			sql, err := p.jinja(table.Config.LoadedAtQuery, nil)
			if err != nil {
				p.t.Fatalf("%s: %v", table.Name, err)
			}
			list = append(list, rendered{table.Name, sql})
		}
	}
	return list
}

// Each description is there, and tells grain and formula.
func TestEveryModelIsDescribed(t *testing.T) {
	p := readPack(t, "duckdb")
	docs := p.read("models/marts/marts.md")
	for _, m := range p.properties.Models {
		text := m.Description
		if strings.HasPrefix(text, "{{") {
			if text != fmt.Sprintf(`{{ doc("windrow_%s") }}`, m.Name) {
				t.Errorf("%s is described by %s", m.Name, text)
			}
			_, after, _ := strings.Cut(docs, "{% docs windrow_"+m.Name+" %}")
			text, _, _ = strings.Cut(after, "{% enddocs %}")
			if !strings.Contains(text, "formula:") {
				t.Errorf("%s has no formula", m.Name)
			}
		}
		if !strings.Contains(strings.ToLower(text), "grain:") && !strings.Contains(m.Name, "watermarks") {
			t.Errorf("%s: %q tells no grain", m.Name, text)
		}
		for _, c := range m.Columns {
			if c.Description == "" {
				t.Errorf("%s.%s is not described", m.Name, c.Name)
			}
		}
	}
}

// What means nothing is refused when the package is compiled, not in the figures.
func TestAVariableThatMeansNothingIsRefused(t *testing.T) {
	for _, tt := range []struct {
		target, name string
		value        any
		want         string
	}{
		{"duckdb", "windrow_minutes", []any{15, 7}, "windrow_minutes has 7"},
		{"bigquery", "windrow_minutes", []any{240}, "windrow_minutes has 240"},
		{"bigquery", "windrow_minutes", []any{0}, "windrow_minutes has 0"},
		{"postgres", "windrow_minutes", []any{15}, "the package is for bigquery and duckdb"},
	} {
		p := readPack(t, tt.target)
		p.project.Vars.Windrow[tt.name] = tt.value
		if made, err := p.jinja(p.read("models/marts/queue_interval.sql"), nil); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s with %v: %v\n%s", tt.name, tt.value, err, made)
		}
	}
}
