package dbt

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/nikolalohinski/gonja/v2"
	"github.com/nikolalohinski/gonja/v2/exec"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write what dbt's models become anew")

const (
	folder = "../../../deploy/dbt"
	// onFile is where the tests of the views, which have a database, find what the models become.
	onFile = "../../../sinks/views/testdata/dbt.json"
	// root is a warehouse whose name means something to YAML, Jinja, Python's formats, SQL and DuckDB's patterns.
	root = "ROOT/it's a [ware]*house, 100%"
)

// The keys that dbt knows, of those that the package has a use for.
type (
	project struct {
		Name      string   `json:"name"`
		Version   string   `json:"version"`
		Form      int      `json:"config-version"`
		Requires  []string `json:"require-dbt-version"`
		Profile   string   `json:"profile"`
		Models    []string `json:"model-paths"`
		Macros    []string `json:"macro-paths"`
		Tests     []string `json:"test-paths"`
		Clean     []string `json:"clean-targets"`
		Configure struct {
			Windrow struct {
				Materialized string `json:"+materialized"`
				Schema       string `json:"+schema"`
				Persist      struct {
					Relation bool `json:"relation"`
				} `json:"+persist_docs"`
			} `json:"windrow"`
		} `json:"models"`
		Vars struct {
			Windrow map[string]any `json:"windrow"`
		} `json:"vars"`
	}
	properties struct {
		Models  []model  `json:"models"`
		Sources []source `json:"sources"`
	}
	model struct {
		Name        string   `json:"name"`
		Description string   `json:"description"`
		Tests       []any    `json:"data_tests"`
		Columns     []column `json:"columns"`
	}
	column struct {
		Name        string `json:"name"`
		Description string `json:"description"`
		Tests       []any  `json:"data_tests"`
	}
	source struct {
		Name        string `json:"name"`
		Description string `json:"description"`
		Database    string `json:"database"`
		Schema      string `json:"schema"`
		Config      struct {
			Freshness map[string]struct {
				Count  int    `json:"count"`
				Period string `json:"period"`
			} `json:"freshness"`
			Meta external `json:"meta"`
		} `json:"config"`
		Tables []struct {
			Name        string `json:"name"`
			Description string `json:"description"`
			Config      struct {
				Freshness     *struct{} `json:"freshness"` // null: none is checked
				LoadedAtQuery string    `json:"loaded_at_query"`
				Meta          external  `json:"meta"`
			} `json:"config"`
		} `json:"tables"`
	}
	external struct {
		Formatter string `json:"formatter"`
		Location  string `json:"external_location"`
	}
)

// pack is the package as its files say it, and a stand-in for what dbt gives to Jinja.
type pack struct {
	t          *testing.T
	project    project
	properties properties
	macros     string
	target     string
	held       int // how many files a folder of the warehouse has
}

func readPack(t *testing.T, target string) *pack {
	t.Helper()
	p := &pack{t: t, target: target, held: 1}
	p.strict("dbt_project.yml", &p.project)
	for name, value := range p.project.Vars.Windrow {
		p.project.Vars.Windrow[name] = whole(value)
	}
	for _, name := range []string{"models/sources.yml", "models/staging/staging.yml", "models/marts/marts.yml"} {
		var of properties
		p.strict(name, &of)
		p.properties.Models = append(p.properties.Models, of.Models...)
		p.properties.Sources = append(p.properties.Sources, of.Sources...)
	}
	for _, pattern := range []string{"macros/*.sql", "tests/generic/*.sql"} {
		for _, name := range p.files(pattern) {
			p.macros += p.read(name)
		}
	}
	p.macros = regexp.MustCompile(`{% test (\w+)\(`).ReplaceAllString(p.macros, "{% macro test_$1(")
	p.macros = strings.ReplaceAll(p.macros, "{% endtest %}", "{% endmacro %}")
	return p
}

// whole makes integers of JSON's numbers, as YAML has them.
func whole(value any) any {
	switch v := value.(type) {
	case float64:
		return int(v)
	case []any:
		for i := range v {
			v[i] = whole(v[i])
		}
	}
	return value
}

func (p *pack) read(name string) string {
	text, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		p.t.Fatal(err)
	}
	return string(text)
}

func (p *pack) strict(name string, into any) {
	if err := yaml.UnmarshalStrict([]byte(p.read(name)), into); err != nil {
		p.t.Fatalf("%s: %v", name, err)
	}
}

// files are those of a pattern, in the package's words.
func (p *pack) files(pattern string) []string {
	names, err := filepath.Glob(filepath.Join(folder, pattern))
	if err != nil || len(names) == 0 {
		p.t.Fatalf("no file is %s, %v", pattern, err)
	}
	for i := range names {
		names[i], _ = filepath.Rel(folder, names[i])
	}
	return names
}

// jinja renders a text. The macros of the package stand before it, where dbt has them under the package's name.
func (p *pack) jinja(text string, more map[string]any) (string, error) {
	t, err := gonja.FromString(strings.ReplaceAll(p.macros+"{# #}"+text, "windrow.", ""))
	if err != nil {
		_, fault, _ := strings.Cut(err.Error(), text+"'")
		return "", fmt.Errorf("no Jinja: %s", fault)
	}
	context := map[string]any{
		"target":  map[string]any{"type": p.target, "database": "test-project", "schema": "contact_centre"},
		"execute": true,
		"var":     p.variable,
		"ref":     func(pack, name string) string { return p.relation(name) },
		"source":  p.source,
		"adapter": map[string]any{"quote": p.quote},
		"run_query": func(query string) any {
			return map[string]any{"rows": [][]int{{p.held}}}
		},
		"exceptions": map[string]any{"raise_compiler_error": func(message string) (string, error) {
			return "", fmt.Errorf("%s", message)
		}},
	}
	for name, value := range more {
		context[name] = value
	}
	made, err := t.ExecuteToString(exec.NewContext(context))
	return strings.TrimSpace(made), err
}

// variable is a value of dbt_project.yml, as the root's project would have it, or the default.
func (p *pack) variable(args *exec.VarArgs) any {
	name := args.Args[0].String()
	if name == "windrow_root" {
		return root
	}
	if value, found := p.project.Vars.Windrow[name]; found {
		return value
	}
	if len(args.Args) < 2 {
		p.t.Fatalf("the variable %s has no value", name)
	}
	return args.Args[1].Interface()
}

func (p *pack) quote(name string) string {
	if p.target == "bigquery" {
		return "`" + name + "`"
	}
	return `"` + name + `"`
}

// relation is a model. In BigQuery the names are those of the tables and views that Windrow itself makes.
func (p *pack) relation(name string) string {
	if !slices.ContainsFunc(p.properties.Models, func(m model) bool { return m.Name == name }) {
		p.t.Fatalf("there is no model %s", name)
	}
	if p.target != "bigquery" {
		return `"` + name + `"`
	}
	if table, found := strings.CutPrefix(name, "stg_windrow__"); found {
		if table != "activity" && table != "events" {
			table = "_windrow_" + table
		}
		return "`test-project`.`contact_centre`.`" + table + "`"
	}
	return "`test-project`.`contact_centre`.`windrow__" + name + "`"
}

// source is a table of a source: in DuckDB the function that reads its files.
func (p *pack) source(of, name string) string {
	for _, s := range p.properties.Sources {
		for _, table := range s.Tables {
			if s.Name != of || table.Name != name {
				continue
			}
			if p.target == "bigquery" {
				return "`test-project`.`contact_centre`.`" + name + "`"
			}
			location := table.Config.Meta.Location
			if location == "" {
				location = s.Config.Meta.Location
			}
			made, err := p.jinja(location, nil)
			if err != nil || s.Config.Meta.Formatter != "oldstyle" {
				p.t.Fatal(location, err)
			}
			return strings.NewReplacer("%(name)s", name, "%%", "%").Replace(made)
		}
	}
	p.t.Fatalf("there is no source %s.%s", of, name)
	return ""
}
