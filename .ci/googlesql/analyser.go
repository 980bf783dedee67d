// Package googlesql judges the statements of sinks/bigquery with GoogleSQL's
// own analyser, which is BigQuery's front end, against the tables as the sink
// makes them. What the analyser accepts and BigQuery does not is refused by the
// rules in rules_*.go, each with its source.
//
// It reads sinks/bigquery/internal/statement/testdata, which the tests of that package write and
// keep true. It executes nothing: sinks/bigquery/bigquerytest does.
//
// It is a module of its own because the analyser takes minutes and 6.5 GiB to
// compile; `.ci/run googlesql` runs it. Start at statements_test.go.
package googlesql

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/goccy/go-googlesql"
)

// Dataset is testdata/tables.json.
type Dataset struct {
	Project string  `json:"project"`
	Dataset string  `json:"dataset"`
	Tables  []Table `json:"tables"`
}

// Table is one table as BigQuery has it.
type Table struct {
	Name      string   `json:"name"`
	Partition string   `json:"partition,omitempty"` // the column by whose day it is partitioned
	Cluster   []string `json:"cluster,omitempty"`
	Columns   []string `json:"columns"` // "name TYPE MODE"
}

// Column is one of Table.Columns.
type Column struct{ Name, Type, Mode string }

// Parsed returns the columns.
func (t Table) Parsed() ([]Column, error) {
	list := make([]Column, len(t.Columns))
	for i, text := range t.Columns {
		parts := strings.Fields(text)
		if len(parts) != 3 {
			return nil, fmt.Errorf("table %s: %q is not a name, a type and a mode", t.Name, text)
		}
		list[i] = Column{parts[0], parts[1], parts[2]}
	}
	return list, nil
}

// ReadDataset reads tables.json.
func ReadDataset(name string) (Dataset, error) {
	var d Dataset
	data, err := os.ReadFile(name)
	if err != nil {
		return d, err
	}
	return d, json.Unmarshal(data, &d)
}

// Analyser analyses statements against one dataset. It is not for concurrent use.
type Analyser struct {
	tables  map[string]Table // by project.dataset.table
	catalog *googlesql.SimpleCatalog
	types   *googlesql.TypeFactory
	options *googlesql.AnalyzerOptions
	keep    []any // what C++ points at
}

// New makes an analyser that knows the dataset and nothing else.
func New(d Dataset) (*Analyser, error) {
	if err := googlesql.Init(); err != nil {
		return nil, err
	}
	lang, err := language()
	if err != nil {
		return nil, err
	}
	a := &Analyser{tables: map[string]Table{}}
	if a.types, err = googlesql.NewTypeFactory(); err != nil {
		return nil, err
	}
	if a.catalog, err = googlesql.NewSimpleCatalog("windrow", a.types); err != nil {
		return nil, err
	}
	if err := a.catalog.AddBuiltinFunctionsAndTypes(&googlesql.BuiltinFunctionOptions{LanguageOptions: lang}); err != nil {
		return nil, err
	}
	if err := a.add(d); err != nil {
		return nil, err
	}
	if a.options, err = googlesql.NewAnalyzerOptions(lang); err != nil {
		return nil, err
	}
	if err := asWritten(a.options); err != nil {
		return nil, err
	}
	return a, a.options.SetErrorMessageStability(googlesql.ErrorMessageStabilityProduction)
}

// asWritten turns every rewriter off: the rules look at what was written.
func asWritten(o *googlesql.AnalyzerOptions) error {
	for r := googlesql.ResolvedASTRewriteRewriteFlatten; r < 100; r++ {
		if !strings.HasPrefix(r.String(), "ResolvedASTRewrite") {
			continue // the numbers have gaps
		}
		if err := o.EnableRewrite(r, false); err != nil {
			return err
		}
	}
	return nil
}

// language is GoogleSQL as BigQuery speaks it: every released feature, the
// types that BigQuery has, QUALIFY as a keyword.
func language() (*googlesql.LanguageOptions, error) {
	lang, err := googlesql.NewLanguageOptions()
	if err != nil {
		return nil, err
	}
	for _, set := range []func() error{
		lang.EnableMaximumLanguageFeatures,
		lang.SetSupportsAllStatementKinds,
		func() error { return lang.EnableReservableKeyword("QUALIFY", true) },
		func() error { return lang.SetProductMode(googlesql.ProductModeProductExternal) },
	} {
		if err := set(); err != nil {
			return nil, err
		}
	}
	return lang, nil
}

func (a *Analyser) add(d Dataset) error {
	dataset, err := googlesql.NewSimpleCatalog(d.Dataset, a.types)
	if err != nil {
		return err
	}
	project, err := googlesql.NewSimpleCatalog(d.Project, a.types)
	if err != nil {
		return err
	}
	for i, t := range d.Tables {
		table, err := googlesql.NewSimpleTable(t.Name, int64(i))
		if err != nil {
			return err
		}
		full := d.Project + "." + d.Dataset + "." + t.Name
		if err := table.SetFullName(full); err != nil {
			return err
		}
		columns, err := t.Parsed()
		if err != nil {
			return err
		}
		for _, c := range columns {
			typ, err := a.typeOf(c)
			if err != nil {
				return fmt.Errorf("table %s: column %s: %w", t.Name, c.Name, err)
			}
			col, err := googlesql.NewSimpleColumn(t.Name, c.Name, typ, false, true)
			if err != nil {
				return err
			}
			if err := table.AddColumn2(col, false); err != nil {
				return fmt.Errorf("table %s: column %s: %w", t.Name, c.Name, err)
			}
			a.keep = append(a.keep, col, typ)
		}
		if err := dataset.AddTable(table); err != nil {
			return err
		}
		a.keep = append(a.keep, table)
		a.tables[full] = t
	}
	a.keep = append(a.keep, dataset, project)
	if err := project.AddCatalog2(d.Dataset, dataset); err != nil {
		return err
	}
	return a.catalog.AddCatalog2(d.Project, project)
}

// typeOf is the type of a column: the API's names, which are the legacy ones.
func (a *Analyser) typeOf(c Column) (googlesql.Googlesql_TypeNode, error) {
	get, ok := map[string]func() (googlesql.Googlesql_TypeNode, error){
		"STRING": a.types.GetString, "INTEGER": a.types.GetInt64, "FLOAT": a.types.GetDouble, "BOOLEAN": a.types.GetBool,
		"DATE": a.types.GetDate, "TIMESTAMP": a.types.GetTimestamp,
	}[c.Type]
	if !ok {
		return nil, fmt.Errorf("no type %s", c.Type)
	}
	typ, err := get()
	if err != nil || c.Mode != "REPEATED" {
		return typ, err
	}
	a.keep = append(a.keep, typ)
	return a.types.MakeArrayType2(typ)
}

// Statement is one analysed statement of a script.
type Statement struct {
	SQL  string
	Root googlesql.ResolvedStatementNode
	out  *googlesql.AnalyzerOutput
}

// Analyse splits a script with GoogleSQL's parser and analyses each statement:
// the analyser takes no scripts.
func (a *Analyser) Analyse(script string) ([]Statement, error) {
	script = strings.TrimSpace(script)
	at, err := googlesql.NewParseResumeLocationFromString(script)
	if err != nil {
		return nil, err
	}
	var list []Statement
	for from := 0; from < len(script); {
		out, err := googlesql.AnalyzeNextStatement(at, a.options, a.catalog, a.types)
		if err != nil {
			return nil, err
		}
		root, err := out.ResolvedStatement()
		if err != nil {
			return nil, err
		}
		to, err := at.BytePosition()
		if err != nil {
			return nil, err
		}
		if int(to) <= from {
			return nil, fmt.Errorf("the parser stands still at byte %d", from)
		}
		list = append(list, Statement{SQL: strings.TrimSpace(script[from:to]), Root: root, out: out})
		from = int(to)
	}
	return list, nil
}
