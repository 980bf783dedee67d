package googlesql

import (
	"fmt"
	"slices"

	"github.com/goccy/go-googlesql"
)

// "To limit the partitions that are scanned in a query, use a constant
// expression in your filter"; a filter that needs the values of a join or of a
// subquery prunes nothing (BigQuery, "Query partitioned tables", "Use a constant
// filter expression"). What is not pruned is billed whole.

// ends says at which ends a condition bounds a column by literals.
type ends uint8

const (
	below ends = 1 << iota
	above
)

// bounds returns the ends at which a condition bounds a column.
func bounds(n googlesql.ResolvedNode, column int32) ends {
	name, args := call(n)
	switch name {
	case "$and":
		var e ends
		for _, a := range args {
			e |= bounds(a, column)
		}
		return e
	case "$or":
		e := below | above
		for _, a := range args {
			e &= bounds(a, column)
		}
		return e
	case "":
		return 0
	}
	at := slices.IndexFunc(args, func(a googlesql.ResolvedExprNode) bool {
		id, _, ok := columnID(a)
		return ok && id == column
	})
	if at < 0 {
		return 0
	}
	for i, a := range args {
		if i != at && !isLiteral(a) {
			return 0
		}
	}
	switch {
	case name == "$equal" || at == 0 && (name == "$between" || name == "$in"):
		return below | above
	case at == 0 && (name == "$greater" || name == "$greater_or_equal"), at == 1 && (name == "$less" || name == "$less_or_equal"):
		return below
	case at == 0 && (name == "$less" || name == "$less_or_equal"), at == 1 && (name == "$greater" || name == "$greater_or_equal"):
		return above
	}
	return 0
}

// checkPartitions: a DELETE on a partitioned table, and a MERGE by its condition, is bounded at both ends, and
// a read of one at one end at least.
func (a *Analyser) checkPartitions(s Statement) []error {
	p := partitions{tables: a.tables}
	p.visit(s.Root, nil)
	return p.faults
}

type partitions struct {
	tables map[string]Table
	faults []error
}

// visit looks for scans; where is the condition directly above the node.
func (p *partitions) visit(n, where googlesql.ResolvedNode) {
	switch n := n.(type) {
	case *googlesql.ResolvedDeleteStmt:
		where := must(n.WhereExpr())
		p.scan(must(n.TableScan()), where, below|above)
		p.visit(where, nil)
		return
	case *googlesql.ResolvedMergeStmt:
		p.scan(must(n.TableScan()), must(n.MergeExpr()), below|above)
		p.visit(must(n.FromScan()), nil)
		return
	case *googlesql.ResolvedInsertStmt:
		if q, err := n.Query(); err == nil && !isNil(q) {
			p.visit(q, nil)
		}
		return
	case *googlesql.ResolvedFilterScan:
		where := must(n.FilterExpr())
		p.visit(where, nil)
		p.visit(must(n.InputScan()), where)
		return
	case *googlesql.ResolvedTableScan:
		p.scan(n, where, 0)
		return
	}
	for _, c := range must(n.GetChildNodes()) {
		p.visit(c, nil)
	}
}

// scan judges one scan; no ends mean that any will do.
func (p *partitions) scan(n *googlesql.ResolvedTableScan, where googlesql.ResolvedNode, want ends) {
	t := p.tables[must(must(n.Table()).FullName())]
	if t.Partition == "" {
		return
	}
	var got ends
	for _, c := range must(n.ColumnList()) {
		if where != nil && must(c.Name()) == t.Partition {
			got = bounds(where, must(c.ColumnId()))
		}
	}
	if got == 0 || got&want != want {
		p.faults = append(p.faults, fmt.Errorf("table %s is read without literal bounds on %s", t.Name, t.Partition))
	}
}
