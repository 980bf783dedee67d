package googlesql

import (
	"fmt"
	"slices"
	"strings"

	"github.com/goccy/go-googlesql"
)

// maxQuery: "Maximum unresolved GoogleSQL query length: 1 MB" (BigQuery,
// "Quotas and limits", query jobs).
const maxQuery = 1_000_000

// statementKinds are those that the sink needs. Tables, views and columns are
// made through the REST API, so that no DDL is among them.
var statementKinds = []string{"BeginStmt", "CommitStmt", "DeleteStmt", "InsertStmt", "MergeStmt", "QueryStmt"}

// nodeKinds are the parts of statements that BigQuery documents and the sink
// needs: GoogleSQL has many that BigQuery refuses (ON CONFLICT, THEN RETURN,
// ASSERT_ROWS_MODIFIED, hints, locks, parameters).
var nodeKinds = []string{
	"AggregateFunctionCall", "AggregateScan", "AnalyticFunctionCall", "AnalyticFunctionGroup", "AnalyticScan", "ArrayScan", "Cast",
	"ColumnHolder", "ColumnRef", "ComputedColumn", "DMLValue", "FilterScan", "FunctionCall", "GetStructField", "InsertRow", "JoinScan",
	"Literal", "MakeStruct", "MergeWhen", "OrderByItem", "OrderByScan", "OutputColumn", "ProjectScan", "SetOperationItem", "SetOperationScan", "SingleRowScan", "SubqueryExpr", "TableScan", "UpdateItem", "WindowFrame",
	"WindowFrameExpr", "WindowOrdering", "WindowPartitioning", "WithEntry", "WithRefScan", "WithScan",
}

// functions are the functions and operators that BigQuery's function reference
// has and the sink needs: GoogleSQL has many that BigQuery has not.
var functions = []string{
	"$add", "$and", "$between", "$case_no_value", "$count_star", "$equal", "$greater", "$greater_or_equal", "$in", "$is_null", "$less", "$less_or_equal", "$make_array",
	"$multiply", "$not", "$not_equal", "$or", "$subtract", "coalesce", "current_timestamp", "json_value", "lead", "max", "min", "round", "row_number", "sum", "timestamp_add", "timestamp_micros", "trunc",
}

// Check judges a script by the rules that the analyser does not know.
func (a *Analyser) Check(script string, list []Statement) []error {
	var faults []error
	if len(script) > maxQuery {
		faults = append(faults, fmt.Errorf("%d bytes are more than BigQuery takes as a query", len(script)))
	}
	faults = append(faults, checkTransaction(list)...)
	for _, s := range list {
		for _, err := range slices.Concat(checkKinds(s), checkJoins(s), a.checkPartitions(s), a.checkInsert(s)) {
			faults = append(faults, fmt.Errorf("%w, in: %s", err, abridged(s.SQL)))
		}
	}
	return faults
}

// abridged is the beginning of a statement, for messages.
func abridged(sql string) string {
	if len(sql) > 160 {
		return sql[:160] + "…"
	}
	return sql
}

func kind(n googlesql.ResolvedNode) string {
	return strings.TrimPrefix(must(n.NodeKindString()), "Resolved")
}

// checkTransaction: a script is one transaction from its first statement to its
// last. "A transaction must be contained in a single SQL query"; "transactions
// can't be nested" (BigQuery, "Multi-statement transactions"). Statements beside
// it would be a second commit.
func checkTransaction(list []Statement) []error {
	if len(list) == 0 {
		return []error{fmt.Errorf("no statement")}
	}
	var faults []error
	if len(list) > 1 && (kind(list[0].Root) != "BeginStmt" || kind(list[len(list)-1].Root) != "CommitStmt") {
		faults = append(faults, fmt.Errorf("several statements that are not one transaction"))
	}
	for i, s := range list {
		switch kind(s.Root) {
		case "BeginStmt":
			if i > 0 {
				faults = append(faults, fmt.Errorf("a transaction in a transaction"))
			} else if len(list) == 1 {
				faults = append(faults, fmt.Errorf("a transaction that nothing ends"))
			}
		case "CommitStmt":
			if i < len(list)-1 || len(list) == 1 {
				faults = append(faults, fmt.Errorf("a commit that is not the end of a transaction"))
			}
		}
	}
	return faults
}

// checkKinds holds a statement to the parts listed above. "DDL statements that
// create or drop permanent entities are not supported in transactions"
// (BigQuery, "Multi-statement transactions").
func checkKinds(s Statement) []error {
	if k := kind(s.Root); !slices.Contains(statementKinds, k) {
		return []error{fmt.Errorf("a statement of kind %s", k)}
	}
	var faults []error
	walk(s.Root, func(n googlesql.ResolvedNode) bool {
		var f *googlesql.Function
		switch n := n.(type) {
		case *googlesql.ResolvedFunctionCall:
			f = must(n.Function())
		case *googlesql.ResolvedAggregateFunctionCall:
			f = must(n.Function())
		case *googlesql.ResolvedAnalyticFunctionCall:
			f = must(n.Function())
		}
		if f != nil {
			if name := must(f.Name()); !slices.Contains(functions, name) {
				faults = append(faults, fmt.Errorf("function %s", name))
			}
		}
		if k := kind(n); !slices.Contains(nodeKinds, k) && !slices.Contains(statementKinds, k) {
			faults = append(faults, fmt.Errorf("a part of kind %s", k))
		}
		return true
	})
	return faults
}

// checkInsert: "Required field … cannot be null" is what BigQuery answers to an
// INSERT that leaves out a REQUIRED column, or fills it with NULL; and INSERT OR
// IGNORE, REPLACE and UPDATE are no BigQuery ("DML statements in GoogleSQL").
func (a *Analyser) checkInsert(s Statement) []error {
	ins, ok := s.Root.(*googlesql.ResolvedInsertStmt)
	if !ok {
		return nil
	}
	var faults []error
	if m := must(ins.InsertMode()); m != googlesql.ResolvedInsertStmtEnums_InsertModeOrError {
		faults = append(faults, fmt.Errorf("an INSERT with a mode"))
	}
	filled := map[string]bool{}
	for _, c := range must(ins.InsertColumnList()) {
		filled[must(c.Name())] = true
	}
	t := a.tables[must(must(must(ins.TableScan()).Table()).FullName())]
	for _, c := range must(t.Parsed()) {
		if c.Mode == "REQUIRED" && !filled[c.Name] {
			faults = append(faults, fmt.Errorf("an INSERT without the required column %s", c.Name))
		}
	}
	return faults
}
