package bigquerytest

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// tableRef names a table. As dataset.table it is printed without its project.
type tableRef struct{ project, dataset, table string }

func (t tableRef) String() string { return t.dataset + "." + t.table }
func (t tableRef) duck() string   { return duckName(t.project+"."+t.dataset) + "." + duckName(t.table) }

// full is how BigQuery's messages write a table.
func (t tableRef) full() string { return t.project + ":" + t.dataset + "." + t.table }

// scope is what the names of a query are resolved with.
type scope struct {
	project, dataset string            // defaults; dataset may be empty
	params           map[string]string // DuckDB literals by lower-case name
	now              time.Time
	temps            map[string]bool // temporary tables of the script, lower case
}

// statement is one statement, ready for DuckDB.
type statement struct {
	verb   string // SELECT, INSERT, UPDATE, DELETE, MERGE, TRUNCATE, CREATE TEMP, BEGIN, COMMIT, ROLLBACK
	source []token
	duck   string
	target *tableRef // what DML writes to
	refs   []tableRef
	merge  *merge
	temp   string
}

func (s *statement) isDML() bool {
	return slices.Contains([]string{"INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE"}, s.verb)
}

// mutates reports whether the statement updates or deletes rows: such
// statements conflict with each other, appends do not ("Multi-statement
// transactions", section "Transaction concurrency"; "Transform data with data
// manipulation language", section "Concurrent jobs").
func (s *statement) mutates() bool {
	switch s.verb {
	case "UPDATE", "DELETE", "TRUNCATE":
		return true
	case "MERGE":
		return s.merge.mutates
	}
	return false
}

// compile classifies and translates one statement.
func compile(tokens []token, sc *scope) (*statement, *apiError) {
	st := &statement{source: tokens}
	rest := tokens
	var head string
	switch first := strings.ToUpper(tokens[0].text); {
	case tokens[0].kind == opToken && first == "(", first == "SELECT", first == "WITH":
		st.verb = "SELECT"
	case first == "BEGIN" && (len(tokens) == 1 || len(tokens) == 2 && tokens[1].is("TRANSACTION")),
		(first == "COMMIT" || first == "ROLLBACK") && (len(tokens) == 1 || len(tokens) == 2 && tokens[1].is("TRANSACTION")):
		st.verb = first
		return st, nil
	case first == "INSERT", first == "DELETE", first == "MERGE", first == "UPDATE":
		st.verb, rest, head = first, tokens[1:], map[string]string{"INSERT": "INSERT INTO", "DELETE": "DELETE FROM", "MERGE": "MERGE INTO", "UPDATE": "UPDATE"}[first]
		if first == "DELETE" && len(rest) > 0 && rest[0].is("FROM") || first != "DELETE" && len(rest) > 0 && rest[0].is("INTO") {
			rest = rest[1:]
		}
	case first == "TRUNCATE" && len(tokens) > 2 && tokens[1].is("TABLE"):
		st.verb, rest, head = first, tokens[2:], "DELETE FROM"
	case first == "CREATE" && len(tokens) > 5 && (tokens[1].is("TEMP") || tokens[1].is("TEMPORARY")) && tokens[2].is("TABLE") && tokens[4].is("AS"):
		st.verb, st.temp, rest = "CREATE TEMP", tokens[3].text, tokens[5:]
		head = "CREATE TEMP TABLE " + duckName(st.temp) + " AS "
	default:
		return nil, unmodelled("the statement " + first)
	}
	w := &writer{sc: sc, tokens: rest, st: st, ctes: commonNames(rest)}
	if st.target = nil; st.isDML() {
		if err := w.target(); err != nil {
			return nil, err
		}
	}
	if err := w.run(); err != nil {
		return nil, err
	}
	st.duck = strings.TrimSpace(head + " " + strings.Join(w.out, " "))
	if st.temp != "" {
		sc.temps[strings.ToLower(st.temp)] = true
	}
	return st, checkDML(st, rest, sc)
}

// checkDML holds DML against what DuckDB would let pass.
func checkDML(st *statement, rest []token, sc *scope) *apiError {
	switch st.verb {
	case "DELETE", "UPDATE":
		// "UPDATE/DELETE must have a WHERE clause": "Data manipulation language (DML) statements in GoogleSQL".
		if indexAt(rest, "WHERE") < 0 {
			return invalidQuery(st.verb + " must have a WHERE clause")
		}
		if st.verb == "UPDATE" && indexAt(rest, "FROM") >= 0 {
			return unmodelled("UPDATE … FROM")
		}
	case "MERGE":
		m, err := parseMerge(rest, sc)
		st.merge = m
		return err
	}
	return nil
}

// indexAt finds a keyword outside of all parentheses; -1 where there is none.
func indexAt(tokens []token, keyword string) int {
	depth := 0
	for i, t := range tokens {
		switch {
		case t.is("(") || t.is("["):
			depth++
		case t.is(")") || t.is("]"):
			depth--
		case depth == 0 && t.is(keyword):
			return i
		}
	}
	return -1
}

// commonNames collects the names that WITH defines.
func commonNames(tokens []token) map[string]bool {
	names := map[string]bool{}
	for i := 1; i+2 < len(tokens); i++ {
		before := tokens[i-1]
		if (before.is("WITH") || before.is("RECURSIVE") || before.is(",")) && tokens[i+1].is("AS") && tokens[i+2].is("(") {
			names[strings.ToLower(tokens[i].text)] = true
		}
	}
	return names
}

// resolve turns a path into a table; ok is false for names that the query itself defines.
func (sc *scope) resolve(parts []string, ctes map[string]bool) (ref tableRef, ok bool, err *apiError) {
	name := strings.Join(parts, ".")
	if strings.Contains(strings.ToUpper(name), "INFORMATION_SCHEMA") {
		return ref, false, unmodelled("INFORMATION_SCHEMA")
	}
	if strings.ContainsAny(name, "*$") {
		return ref, false, unmodelled("wildcard tables and table decorators")
	}
	switch parts = strings.Split(name, "."); len(parts) {
	case 3:
		return tableRef{parts[0], parts[1], parts[2]}, true, nil
	case 2:
		return tableRef{sc.project, parts[0], parts[1]}, true, nil
	case 1:
		if key := strings.ToLower(name); ctes[key] || sc.temps[key] {
			return ref, false, nil
		}
		if sc.dataset == "" {
			return ref, false, invalidQuery(fmt.Sprintf("Table %q must be qualified with a dataset (e.g. dataset.table)", name))
		}
		return tableRef{sc.project, sc.dataset, name}, true, nil
	}
	return ref, false, invalidQuery("Invalid table name: " + name)
}

// path reads name(.name)* at the start of tokens and returns its length; 0 where no path begins.
func path(tokens []token) (parts []string, n int) {
	for n < len(tokens) && (tokens[n].kind == wordToken || tokens[n].kind == quotedToken) {
		parts = append(parts, tokens[n].text)
		n++
		if n >= len(tokens) || !tokens[n].is(".") {
			break
		}
		n++
	}
	return parts, n
}
