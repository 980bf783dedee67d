package views

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"text/template"
)

// staged is the prefix of dbt's models over the tables as they are; the views are models of their own names over these.
const staged = "stg_windrow__"

// DBT is the views as models of a dbt package, by their path below its folder models: of each view a model in Jinja, of
// each relation a model that gives it all its columns, and the views' descriptions. What the dialects spell differently
// is a macro of the package, which asks for the target's type.
func DBT() (map[string]string, error) {
	made := map[string]string{}
	for _, r := range relations() {
		made["staging/"+staged+r.name+".sql"] = madeOf("views.go") + stagingModel(r)
	}
	var docs strings.Builder
	docs.WriteString("<!-- Made of sinks/views/sql by its test: change it there. -->\n")
	for _, name := range order {
		body, err := files.ReadFile("sql/" + name + ".sql")
		if err != nil {
			return nil, err
		}
		query, meaning, err := fill(string(body), jinja())
		if err != nil {
			return nil, fmt.Errorf("model %s: %w", name, err)
		}
		made["marts/"+name+".sql"] = madeOf("sql/"+name+".sql") + quotedName.ReplaceAllString(query, "{{ adapter.quote('$1') }}") + "\n"
		fmt.Fprintf(&docs, "\n{%% docs windrow_%s %%}\n%s\n{%% enddocs %%}\n", name, strings.Join(wrapped(strings.ReplaceAll(meaning, "{minutes}", "interval_minutes"), 110), "\n"))
	}
	made["marts/marts.md"] = docs.String()
	return made, nil
}

// quotedName is a name in backticks: one that is also a word of SQL.
var quotedName = regexp.MustCompile("`([a-z_]+)`")

func madeOf(file string) string {
	return "{#- Made of sinks/views/" + file + " by its test: change it there. -#}\n"
}

// stagingModel lists the columns with DuckDB's types, so that files which lack one, or are missing, are read as those
// that have it.
func stagingModel(r relation) string {
	table := r.name
	if r.folder != r.name {
		table = "_windrow_" + r.name
	}
	var columns []string
	for _, c := range r.columns {
		pair := "'" + c.name + "', '" + c.kind + "'"
		if c.name == "row" { // BigQuery's name is another, for row is a word of its language
			pair += ", 'position'"
		}
		columns = append(columns, "  ["+pair+"]")
	}
	return "{{ windrow.staged('" + table + "', '" + r.folder + "', [\n" + strings.Join(columns, ",\n") + "\n]) }}\n"
}

// jinja are the templates' functions as calls of dbt's own functions and of the package's macros.
func jinja() template.FuncMap {
	ref := func(model string) string { return "{{ ref('windrow', '" + model + "') }}" }
	of := func(relation string) func() string { return func() string { return ref(staged + relation) } }
	macro := func(name string) func(...string) string {
		return func(words ...string) string {
			for i, w := range words {
				words[i] = strconv.Quote(w)
			}
			return "{{ windrow." + name + "(" + strings.Join(words, ", ") + ") }}"
		}
	}
	kind := func(name string) func() string { return func() string { return "{{ windrow.type_" + name + "() }}" } }
	return template.FuncMap{
		"table":  func(name string) string { return ref(staged + name) },
		"view":   ref,
		"string": kind("string"), "integer": kind("integer"), "double": kind("double"),
		"short":    func() string { return "{{ var('windrow_short_abandon_seconds') }}" },
		"count":    count,
		"sum":      macro("sum_integer"),
		"earliest": earliest,
		"seconds":  macro("seconds"),
		"transferred": func(tags string) string {
			return macro("transferred")(tags, quotedList(transfers))
		},
		"interval": macro("interval_start"),
		"days":     macro("days"),
		"parameters": func(names ...string) string {
			return "{{ windrow.parameters(['" + strings.Join(names, "', '") + "']) }}"
		},
		"history": of("history"), "runs": of("runs"), "rejects": of("rejects"),
		"watermarks": func() string {
			return "(SELECT source, account, stream, watermark FROM " + ref(staged+"watermarks") + ")"
		},
	}
}
