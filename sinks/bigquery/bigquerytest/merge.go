package bigquerytest

import (
	"fmt"
	"strings"
)

// merge is what must be known of a MERGE beyond its translation.
type merge struct {
	mutates bool
	// doubled counts the target rows that several source rows would change; empty
	// where none can.
	doubled string
}

// parseMerge reads "INTO target [AS] T USING source [AS] S ON condition WHEN …",
// its first word already gone. See "MERGE statement" in "Data manipulation
// language (DML) statements in GoogleSQL".
func parseMerge(tokens []token, sc *scope) (*merge, *apiError) {
	using, on, first := indexAt(tokens, "USING"), indexAt(tokens, "ON"), indexAt(tokens, "WHEN")
	if using < 0 || on < using || first < on {
		return nil, invalidQuery("Syntax error: MERGE needs USING, ON and WHEN in this order")
	}
	m := &merge{}
	var acting []string
	for _, clause := range whens(tokens[first:]) {
		then := indexAt(clause, "THEN")
		if then < 0 || then+1 >= len(clause) {
			return nil, invalidQuery("Syntax error: WHEN without THEN")
		}
		action := clause[then+1]
		if action.is("INSERT") && then+2 < len(clause) && clause[then+2].is("ROW") {
			return nil, unmodelled("INSERT ROW")
		}
		if !action.is("INSERT") {
			m.mutates = true
		}
		if !clause[1].is("MATCHED") {
			continue
		}
		condition := "true"
		if and := indexAt(clause[:then], "AND"); and >= 0 {
			var err *apiError
			if condition, err = expression(clause[and+1:then], sc, false); err != nil {
				return nil, err
			}
		}
		acting = append(acting, "("+condition+")")
	}
	if len(acting) == 0 {
		return m, nil
	}
	// "UPDATE/MERGE must match at most one source row for each target row" is a
	// runtime error: same page, MERGE, "a runtime error". DuckDB takes any of them.
	target, err := expression(tokens[:using], sc, true)
	if err != nil {
		return nil, err
	}
	source, err := expression(tokens[using+1:on], sc, true)
	if err != nil {
		return nil, err
	}
	condition, err := expression(tokens[on+1:first], sc, false)
	if err != nil {
		return nil, err
	}
	alias := tokens[using-1].text
	if using == 1 || tokens[using-1].kind == quotedToken && strings.Contains(alias, ".") {
		return nil, unmodelled("a MERGE whose target has no alias")
	}
	m.doubled = fmt.Sprintf("SELECT count(*) FROM (SELECT 1 FROM %s JOIN %s ON (%s) WHERE %s GROUP BY %s.rowid HAVING count(*) > 1)",
		target, source, condition, strings.Join(acting, " OR "), duckName(alias))
	return m, nil
}

// whens splits the clauses of a MERGE; CASE has WHEN of its own.
func whens(tokens []token) [][]token {
	var all [][]token
	depth, from := 0, 0
	for i, t := range tokens {
		switch {
		case t.is("(") || t.is("CASE"):
			depth++
		case t.is(")") || t.is("END"):
			depth--
		case depth == 0 && t.is("WHEN") && i > from:
			all = append(all, tokens[from:i])
			from = i
		}
	}
	return append(all, tokens[from:])
}

// expression translates a part of a statement: an expression, or a source of rows.
func expression(tokens []token, sc *scope, rows bool) (string, *apiError) {
	w := &writer{sc: sc, st: &statement{}, tokens: tokens, ctes: map[string]bool{}}
	if _, n := path(tokens); rows && n > 0 {
		if err := w.table(); err != nil {
			return "", err
		}
	}
	if err := w.run(); err != nil {
		return "", err
	}
	return strings.Join(w.out, " "), nil
}
