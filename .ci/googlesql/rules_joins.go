package googlesql

import (
	"fmt"

	"github.com/goccy/go-googlesql"
)

// BigQuery runs a correlated subquery only as a join: "Correlated subqueries
// that reference other tables are not supported unless they can be
// de-correlated, such as by transforming them into an efficient JOIN". EXISTS
// becomes a LEFT SEMI JOIN and NOT EXISTS a LEFT ANTISEMI JOIN, and those "cannot
// be used without a condition that is an equality of fields from both sides of
// the join" (its messages; github.com/jOOQ/jOOQ issue 11842 has the first, with
// EXISTS (… WHERE u.i <= t.i)). The equality must stand at the top: under OR it
// is refused, and so is IS NOT DISTINCT FROM. Further conditions of any kind may
// stand beside it, and DELETE takes EXISTS like SELECT: real BigQuery's answers
// to both are on record in github.com/jjviscomi/bqemulator, under
// tests/conformance/sql_corpus (tpch_q21 with <> in both forms, subquery_exists
// with <, dml_delete_exists). A subquery with LIMIT, ORDER BY or an aggregate is
// not de-correlated for certain, nor is one in OR or in a select list.

// checkJoins judges correlated subqueries and outer joins.
func checkJoins(s Statement) []error {
	j := joins{}
	j.visit(s.Root)
	return j.faults
}

type joins struct{ faults []error }

func (j *joins) fault(format string, args ...any) {
	j.faults = append(j.faults, fmt.Errorf(format, args...))
}

func (j *joins) visit(n googlesql.ResolvedNode) {
	switch n := n.(type) {
	case *googlesql.ResolvedDeleteStmt:
		j.condition(must(n.WhereExpr()))
		return
	case *googlesql.ResolvedFilterScan:
		j.visit(must(n.InputScan()))
		j.condition(must(n.FilterExpr()))
		return
	case *googlesql.ResolvedSubqueryExpr:
		if must(n.ParameterListSize()) > 0 {
			j.fault("a correlated subquery that is not [NOT] EXISTS at the top of WHERE")
		}
	case *googlesql.ResolvedJoinScan:
		j.outer(n)
	}
	for _, c := range must(n.GetChildNodes()) {
		j.visit(c)
	}
}

// condition judges a WHERE.
func (j *joins) condition(where googlesql.ResolvedNode) {
	for _, c := range conjuncts(where) {
		if name, args := call(c); name == "$not" {
			c = args[0]
		}
		sub, ok := c.(*googlesql.ResolvedSubqueryExpr)
		if !ok || must(sub.ParameterListSize()) == 0 || must(sub.SubqueryType()) != googlesql.ResolvedSubqueryExprEnums_SubqueryTypeExists {
			j.visit(c)
			continue
		}
		j.exists(sub)
	}
}

// exists judges a correlated EXISTS: a filter on a scan, with an equality.
func (j *joins) exists(sub *googlesql.ResolvedSubqueryExpr) {
	var scan googlesql.ResolvedNode = must(sub.Subquery())
	if p, ok := scan.(*googlesql.ResolvedProjectScan); ok {
		for _, e := range must(p.ExprList()) {
			if isCorrelated(e) {
				j.fault("a correlated subquery that selects outer columns")
			}
		}
		scan = must(p.InputScan())
	}
	filter, ok := scan.(*googlesql.ResolvedFilterScan)
	if !ok {
		j.fault("a correlated subquery that is not a plain SELECT … FROM … WHERE")
		return
	}
	input := must(filter.InputScan())
	if isCorrelated(input) {
		j.fault("a correlated subquery with outer columns below its WHERE")
	}
	j.visit(input)
	equal := false
	for _, c := range conjuncts(must(filter.FilterExpr())) {
		equal = equal || equates(c, func(_ int32, correlated bool) bool { return correlated }, func(_ int32, correlated bool) bool { return !correlated })
		walk(c, func(n googlesql.ResolvedNode) bool {
			if _, ok := n.(*googlesql.ResolvedSubqueryExpr); ok {
				j.fault("a subquery in a correlated subquery")
			}
			return true
		})
	}
	if !equal {
		j.fault("a correlated subquery without an equality of an outer and an inner column")
	}
}

// equates reports whether a condition is an equality of a column of each side.
func equates(n googlesql.ResolvedNode, one, other func(id int32, correlated bool) bool) bool {
	name, args := call(n)
	if name != "$equal" {
		return false
	}
	a, aOut, aOK := columnID(args[0])
	b, bOut, bOK := columnID(args[1])
	return aOK && bOK && (one(a, aOut) && other(b, bOut) || one(b, bOut) && other(a, aOut))
}

// outer: the same holds for LEFT, RIGHT and FULL joins ("LEFT OUTER JOIN cannot
// be used without a condition that is an equality of fields from both sides of
// the join").
func (j *joins) outer(n *googlesql.ResolvedJoinScan) {
	if must(n.JoinType()) == googlesql.ResolvedJoinScanEnums_JoinTypeInner {
		return
	}
	left, right := columnsOf(must(n.LeftScan())), columnsOf(must(n.RightScan()))
	if on, err := n.JoinExpr(); err == nil && !isNil(on) {
		for _, c := range conjuncts(on) {
			if equates(c, func(id int32, _ bool) bool { return left[id] }, func(id int32, _ bool) bool { return right[id] }) {
				return
			}
		}
	}
	j.fault("an outer join without an equality of a column of each side")
}
