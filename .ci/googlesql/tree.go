package googlesql

import (
	"github.com/goccy/go-googlesql"
)

// must unwraps an accessor of the resolved tree: those fail only where the
// analyser itself is broken.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// walk calls visit for the node and, where that returns true, for its children.
func walk(n googlesql.ResolvedNode, visit func(googlesql.ResolvedNode) bool) {
	if !visit(n) {
		return
	}
	for _, c := range must(n.GetChildNodes()) {
		walk(c, visit)
	}
}

// call returns the name and the arguments of a function call; "" for anything else.
func call(n googlesql.ResolvedNode) (string, []googlesql.ResolvedExprNode) {
	f, ok := n.(*googlesql.ResolvedFunctionCall)
	if !ok {
		return "", nil
	}
	return must(must(f.Function()).Name()), must(f.ArgumentList())
}

// conjuncts are the conditions that AND joins at the top.
func conjuncts(n googlesql.ResolvedNode) []googlesql.ResolvedNode {
	name, args := call(n)
	if name != "$and" {
		return []googlesql.ResolvedNode{n}
	}
	var list []googlesql.ResolvedNode
	for _, a := range args {
		list = append(list, conjuncts(a)...)
	}
	return list
}

// columnsOf are the ids of the columns that a scan gives.
func columnsOf(scan googlesql.ResolvedScanNode) map[int32]bool {
	ids := map[int32]bool{}
	for _, c := range must(scan.(interface {
		ColumnList() ([]*googlesql.ResolvedColumn, error)
	}).ColumnList()) {
		ids[must(c.ColumnId())] = true
	}
	return ids
}

// columnID is the id of a plain reference to a column, or to a field of one.
func columnID(n googlesql.ResolvedNode) (id int32, correlated, ok bool) {
	if f, ok := n.(*googlesql.ResolvedGetStructField); ok {
		return columnID(must(f.Expr()))
	}
	ref, ok := n.(*googlesql.ResolvedColumnRef)
	if !ok {
		return 0, false, false
	}
	return must(must(ref.Column()).ColumnId()), must(ref.IsCorrelated()), true
}

// isCorrelated reports whether a column of an outer query stands anywhere in the tree.
func isCorrelated(n googlesql.ResolvedNode) bool {
	found := false
	walk(n, func(n googlesql.ResolvedNode) bool {
		if ref, ok := n.(*googlesql.ResolvedColumnRef); ok {
			found = found || must(ref.IsCorrelated())
		}
		return !found
	})
	return found
}

func isLiteral(n googlesql.ResolvedNode) bool {
	_, ok := n.(*googlesql.ResolvedLiteral)
	return ok
}
