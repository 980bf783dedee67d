package googlesql

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-googlesql"
)

// columnName: "a column name can contain letters, numbers, or underscores, and
// it must start with a letter or underscore", 300 characters at most (BigQuery,
// "Specifying a schema", "Column names").
var columnName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,299}$`)

// reserved prefixes of column names, in any case (the same page).
var reserved = []string{"_TABLE_", "_FILE_", "_PARTITION", "_ROW_TIMESTAMP", "__ROOT__", "_COLIDENTIFIER", "_CHANGE_SEQUENCE_NUMBER", "_CHANGE_TYPE", "_CHANGE_TIMESTAMP"}

// clusterable are the types of clustering columns, "up to four" of them, at the
// top level and not repeated (BigQuery, "Introduction to clustered tables").
var clusterable = []string{"STRING", "INTEGER", "BOOLEAN", "DATE", "TIMESTAMP"}

// maxView: "Maximum length of a standard SQL view: 256 K characters" ("Quotas and limits").
const maxView = 256_000

func checkName(name string) error {
	if !columnName.MatchString(name) {
		return fmt.Errorf("%q is no name of a column", name)
	}
	for _, r := range reserved {
		if strings.HasPrefix(strings.ToUpper(name), r) {
			return fmt.Errorf("the prefix of column %s is BigQuery's own", name)
		}
	}
	return nil
}

// CheckTable judges a table's columns, partitioning and clustering. "PARTITION
// BY" takes a DATE, TIMESTAMP or DATETIME column at the top level ("Introduction
// to partitioned tables").
func CheckTable(t Table) []error {
	columns, err := t.Parsed()
	if err != nil {
		return []error{err}
	}
	var faults []error
	fault := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("table %s: "+format, append([]any{t.Name}, args...)...))
	}
	byName := map[string]Column{}
	for _, c := range columns {
		if err := checkName(c.Name); err != nil {
			fault("%w", err)
		}
		if _, ok := byName[strings.ToLower(c.Name)]; ok { // "Duplicate column names are not allowed even if the case differs" (the same page)
			fault("column %s stands twice", c.Name)
		}
		byName[strings.ToLower(c.Name)] = c
	}
	if p := byName[t.Partition]; t.Partition != "" && (p.Type != "DATE" && p.Type != "TIMESTAMP" || p.Mode == "REPEATED") {
		fault("it cannot be partitioned by %s, a %s %s", t.Partition, p.Mode, p.Type)
	}
	if len(t.Cluster) > 4 {
		fault("it is clustered by %d columns", len(t.Cluster))
	}
	for _, name := range t.Cluster {
		if c := byName[name]; !slices.Contains(clusterable, c.Type) || c.Mode == "REPEATED" {
			fault("it cannot be clustered by %s, a %s %s", name, c.Mode, c.Type)
		}
	}
	return faults
}

// CheckView judges the query of a view: one SELECT whose columns have names
// that a table's may have. An ORDER BY on top promises nothing to who reads the
// view, and is paid for ("Introduction to views"; "Optimize query computation").
func CheckView(query string, list []Statement) []error {
	if len(list) != 1 {
		return []error{fmt.Errorf("a view of %d statements", len(list))}
	}
	q, ok := list[0].Root.(*googlesql.ResolvedQueryStmt)
	if !ok {
		return []error{fmt.Errorf("a view that is not a query")}
	}
	var faults []error
	if len(query) > maxView {
		faults = append(faults, fmt.Errorf("a view of %d bytes", len(query)))
	}
	if must(must(q.Query()).(interface{ IsOrdered() (bool, error) }).IsOrdered()) {
		faults = append(faults, fmt.Errorf("a view with ORDER BY"))
	}
	seen := map[string]bool{}
	for _, c := range must(q.OutputColumnList()) {
		name := must(c.Name())
		if err := checkName(name); err != nil { // a column without a name has one that begins with $
			faults = append(faults, err)
		}
		if seen[strings.ToLower(name)] {
			faults = append(faults, fmt.Errorf("a view with two columns %s", name))
		}
		seen[strings.ToLower(name)] = true
	}
	return faults
}

// isNil reports that an optional part is missing: the accessors return typed nils.
func isNil(n googlesql.ResolvedNode) bool {
	return n == nil || reflect.ValueOf(n).IsNil()
}
