package bigquerytest

import (
	"slices"
	"strings"
)

// writer translates the tokens of one statement for DuckDB.
type writer struct {
	sc     *scope
	st     *statement
	tokens []token
	ctes   map[string]bool
	pos    int
	out    []string
	open   []frame
}

// frame is one open parenthesis or bracket.
type frame struct {
	function string // upper case; empty for plain parentheses
	start    int    // of the function's name in out
	close    string // what closes it
}

func (w *writer) emit(s ...string) { w.out = append(w.out, s...) }

func (w *writer) at(i int) token {
	if i < 0 || i >= len(w.tokens) {
		return token{kind: opToken}
	}
	return w.tokens[i]
}

func (w *writer) enclosing() string {
	if len(w.open) == 0 {
		return ""
	}
	return w.open[len(w.open)-1].function
}

// target reads the table that a DML statement writes to.
func (w *writer) target() *apiError {
	parts, n := path(w.tokens)
	if n == 0 {
		return invalidQuery("Syntax error: Expected a table name")
	}
	ref, ok, err := w.sc.resolve(parts, nil)
	if err != nil {
		return err
	}
	w.pos = n
	if !ok {
		w.emit(duckName(parts[0]))
		return nil
	}
	w.st.target = &ref
	w.emit(ref.duck())
	return nil
}

func (w *writer) run() *apiError {
	for w.pos < len(w.tokens) {
		if err := w.step(); err != nil {
			return err
		}
	}
	if len(w.open) > 0 {
		return invalidQuery("Syntax error: Expected \")\" but got end of statement")
	}
	return nil
}

func (w *writer) step() *apiError {
	t := w.tokens[w.pos]
	switch t.kind {
	case stringToken:
		w.emit(duckString(t.text))
	case bytesToken:
		return unmodelled("BYTES literals")
	case numberToken:
		w.emit(t.text)
	case paramToken:
		v, ok := w.sc.params[strings.ToLower(t.text)]
		if !ok {
			return invalidQuery("Query parameter '" + t.text + "' not found")
		}
		w.emit(v)
	case quotedToken:
		if strings.Contains(t.text, ".") {
			return w.table()
		}
		w.emit(duckName(t.text))
	case opToken:
		return w.operator(t)
	case wordToken:
		return w.word(t)
	}
	w.pos++
	return nil
}

// table translates a table's path.
func (w *writer) table() *apiError {
	parts, n := path(w.tokens[w.pos:])
	if len(parts) > 1 && strings.Count(parts[0], ".") == 2 { // `p.d.t`.column
		parts, n = parts[:1], 1
	}
	ref, ok, err := w.sc.resolve(parts, w.ctes)
	if err != nil {
		return err
	}
	if !ok {
		w.emit(duckName(parts[0]))
	} else {
		w.emit(ref.duck())
		if !slices.Contains(w.st.refs, ref) {
			w.st.refs = append(w.st.refs, ref)
		}
	}
	w.pos += n
	return nil
}

func (w *writer) operator(t token) *apiError {
	w.pos++
	switch t.text {
	case "(":
		w.open = append(w.open, frame{close: ")"})
	case "[":
		if next := w.at(w.pos); next.is("OFFSET") || next.is("SAFE_OFFSET") {
			// Arrays count from 0: "Array functions", section "OFFSET and ORDINAL". DuckDB's count from 1.
			w.open = append(w.open, frame{close: "]"}, frame{function: "OFFSET", close: ") + 1"})
			w.pos += 2
			w.emit("[", "(")
			return nil
		}
		w.open = append(w.open, frame{close: "]"})
	case ")", "]":
		if len(w.open) == 0 {
			return invalidQuery("Syntax error: Unexpected \"" + t.text + "\"")
		}
		f := w.open[len(w.open)-1]
		w.open = w.open[:len(w.open)-1]
		w.emit(f.close)
		// The alias of an array's elements is their name: "Query syntax", UNNEST. In DuckDB it is the table's alone.
		if name := w.at(w.pos + 1); f.function == "UNNEST" && w.at(w.pos).is("AS") && name.kind == wordToken {
			w.emit("AS", duckName(name.text), "(", duckName(name.text), ")")
			w.pos += 2
		}
		return nil
	case ",":
		if w.enclosing() == "CONCAT" { // null when any argument is null: "String functions", CONCAT
			w.emit("||")
			return nil
		}
	case ".":
		w.emit(".")
		if next := w.at(w.pos); next.kind == wordToken { // a field's name is no keyword
			w.emit(duckName(next.text))
			w.pos++
		}
		return nil
	}
	w.emit(t.text)
	return nil
}

// introduces reports whether a table's path follows this keyword.
func (w *writer) introduces(t token) bool {
	next := w.at(w.pos + 1)
	if next.kind != wordToken && next.kind != quotedToken || next.is("UNNEST") {
		return false
	}
	switch {
	case t.is("JOIN"), t.is("USING"):
		return true
	case t.is("FROM"):
		f := w.enclosing()
		return !w.at(w.pos-1).is("DISTINCT") && f != "EXTRACT" && f != "TRIM"
	}
	return false
}

func (w *writer) word(t token) *apiError {
	up, next := strings.ToUpper(t.text), w.at(w.pos+1)
	if w.introduces(t) {
		w.emit(up)
		w.pos++
		return w.table()
	}
	if done, err := w.special(up, next); done || err != nil {
		return err
	}
	if typ, ok := scalarTypes[up]; ok && (next.kind == stringToken || w.at(w.pos-1).is("AS") && (w.enclosing() == "CAST" || w.enclosing() == "SAFE_CAST")) {
		if typ == "" {
			return unmodelled("the type " + up)
		}
		w.emit(typ)
		w.pos++
		return nil
	}
	if next.is("(") && !keywords[up] {
		name, ok := functions[up]
		if !ok {
			return unmodelled("the function " + up)
		}
		w.open = append(w.open, frame{function: up, start: len(w.out), close: ")"})
		w.emit(name, "(")
		w.pos += 2
		return nil
	}
	switch {
	case units[up] && w.at(w.pos-1).is(",") && unitFunctions[w.enclosing()]:
		w.emit(duckString(strings.ToLower(up)))
	case plainNames[up] && !(up == "AT" && next.is("TIME")):
		w.emit(duckName(t.text))
	default:
		w.emit(t.text)
	}
	w.pos++
	return nil
}

// special translates what is spelled otherwise in DuckDB; done when it did.
func (w *writer) special(up string, next token) (done bool, err *apiError) {
	switch {
	case up == "CURRENT_TIMESTAMP", up == "CURRENT_DATE":
		now := w.sc.now.UTC()
		if up == "CURRENT_DATE" {
			w.emit("DATE " + duckString(now.Format("2006-01-02")))
		} else {
			w.emit("TIMESTAMPTZ " + duckString(now.Format("2006-01-02 15:04:05.999999+00")))
		}
		w.pos++
		if next.is("(") && w.at(w.pos+1).is(")") {
			w.pos += 2
		}
	case up == "EXCEPT" && w.at(w.pos-1).is("*"):
		w.emit("EXCLUDE")
		w.pos++
	case (up == "EXCEPT" || up == "UNION" || up == "INTERSECT") && next.is("DISTINCT"):
		w.emit(up)
		w.pos += 2
	case up == "NOT" && next.is("IN") && w.at(w.pos+2).is("UNNEST"):
		w.emit("<> ALL")
		w.pos += 3
	case up == "IN" && next.is("UNNEST"):
		w.emit("= ANY")
		w.pos += 2
	case up == "HAVING" && w.enclosing() == "ANY_VALUE":
		// Rows with the extreme alone count, nulls too: "Aggregate functions", ANY_VALUE.
		name := map[bool]string{true: "arg_max_null", false: "arg_min_null"}[next.is("MAX")]
		w.out[w.open[len(w.open)-1].start] = name
		w.emit(",")
		w.pos += 2
	case up == "UNNEST" && next.is("(") && w.at(w.pos+2).is("ARRAY") && w.at(w.pos+4).is("STRUCT"):
		return true, w.structs()
	case up == "LIMIT" && w.enclosing() == "ARRAY_AGG":
		w.open[len(w.open)-1].close = ") [ 1 : " + next.text + " ]"
		w.pos += 2
	case up == "SELECT" && next.is("AS"):
		return false, unmodelled("SELECT AS STRUCT and SELECT AS VALUE")
	case up == "ARRAY" && next.is("<"):
		elem, ok := scalarTypes[strings.ToUpper(w.at(w.pos+2).text)]
		if !ok || elem == "" || !w.at(w.pos+3).is(">") {
			return false, unmodelled("arrays of anything but scalars")
		}
		w.pos += 4
		if w.at(w.pos).is("[") {
			w.open = append(w.open, frame{close: "] :: " + elem + "[]"})
			w.emit("[")
			w.pos++
		} else {
			w.emit(elem + "[]")
		}
	case up == "STRUCT":
		return false, unmodelled("STRUCT in queries")
	default:
		return false, nil
	}
	return true, nil
}

// scalarTypes are DuckDB's names of GoogleSQL's types ("Data types"); empty where there is none.
var scalarTypes = map[string]string{
	"INT64": "BIGINT", "FLOAT64": "DOUBLE", "STRING": "VARCHAR", "BYTES": "BLOB", "BOOL": "BOOLEAN", "DATE": "DATE",
	"TIMESTAMP": "TIMESTAMPTZ", "DATETIME": "TIMESTAMP", "TIME": "TIME", "NUMERIC": "DECIMAL(38,9)", "JSON": "JSON",
	"BIGNUMERIC": "", "GEOGRAPHY": "", "INTERVAL": "", "RANGE": "",
}

var units = set("MICROSECOND MILLISECOND SECOND MINUTE HOUR DAY MONTH QUARTER YEAR")

var unitFunctions = set("TIMESTAMP_TRUNC TIMESTAMP_DIFF DATE_TRUNC DATE_DIFF")

// keywords may stand before a parenthesis without being functions.
var keywords = set(`SELECT FROM WHERE AND OR NOT IN ON AS USING OVER VALUES WHEN THEN ELSE CASE INSERT EXISTS UNION ALL DISTINCT
	EXCEPT INTERSECT BY HAVING QUALIFY JOIN WITH IS LIKE BETWEEN REPLACE SET LIMIT CROSS END PARTITION INTERVAL`)

// plainNames mean something in DuckDB and nothing in GoogleSQL ("Lexical
// structure and syntax", section "Reserved keywords").
var plainNames = set(`ANALYSE ANALYZE ANTI ASOF ASYMMETRIC AT AUTHORIZATION BINARY BOTH CHECK COLLATION COLUMN COLUMNS CONCURRENTLY CONSTRAINT
	DEFERRABLE DESCRIBE DO FOREIGN FREEZE GENERATED GLOB ILIKE INITIALLY ISNULL LAMBDA LEADING MAP NOTNULL ONLY OVERLAPS PIVOT_LONGER
	PIVOT_WIDER PLACING POSITIONAL PRIMARY REFERENCES RETURNING SEMI SHOW SIMILAR SUMMARIZE SYMMETRIC TABLE TRAILING TRY_CAST UNIQUE
	UNPACK UNPIVOT VARIADIC VERBOSE`)

// functions is a closed list: a function whose null, type or error rules were
// not compared with GoogleSQL's is refused.
var functions = map[string]string{
	"COUNT": "count", "SUM": "sum", "MIN": "min", "MAX": "max", "AVG": "avg", "COUNTIF": "count_if", "ANY_VALUE": "any_value",
	"ARRAY_AGG": "array_agg", "STRING_AGG": "string_agg", "LOGICAL_OR": "bool_or", "LOGICAL_AND": "bool_and", "MAX_BY": "arg_max_null",
	"MIN_BY": "arg_min_null", "ROW_NUMBER": "row_number", "RANK": "rank", "LAG": "lag", "LEAD": "lead", "FIRST_VALUE": "first_value",
	"LAST_VALUE": "last_value", "COALESCE": "coalesce", "IF": "if", "IFNULL": "ifnull", "NULLIF": "nullif", "CAST": "CAST", "SAFE_CAST": "TRY_CAST",
	"ABS": "abs", "MOD": "mod", "ROUND": "round", "TRUNC": "trunc", "FLOOR": "floor", "CEIL": "ceil", "LENGTH": "length", "LOWER": "lower", "UPPER": "upper",
	"SUBSTR": "substr", "TRIM": "trim", "STARTS_WITH": "starts_with", "ENDS_WITH": "ends_with", "CONCAT": "", "ARRAY_LENGTH": "len", "UNNEST": "unnest",
	"EXTRACT": "extract", "TIMESTAMP": "bq_timestamp", "DATE": "bq_date", "TIMESTAMP_ADD": "bq_timestamp_add", "TIMESTAMP_SUB": "bq_timestamp_sub",
	"DATE_ADD": "bq_date_add", "DATE_SUB": "bq_date_sub", "TIMESTAMP_TRUNC": "bq_timestamp_trunc", "DATE_TRUNC": "bq_date_trunc",
	"TIMESTAMP_DIFF": "bq_timestamp_diff", "DATE_DIFF": "bq_date_diff", "UNIX_MICROS": "epoch_us", "UNIX_MILLIS": "epoch_ms",
	"UNIX_SECONDS": "bq_unix_seconds", "TIMESTAMP_MICROS": "bq_timestamp_micros", "PARSE_JSON": "bq_parse_json", "TO_JSON_STRING": "bq_to_json_string",
	"GENERATE_UUID": "bq_generate_uuid", "ARRAY_CONCAT": "list_concat", "JSON_VALUE": "bq_json_value", "GENERATE_DATE_ARRAY": "bq_generate_date_array",
}

// macros are what those functions need in DuckDB. TIMESTAMP_DIFF counts whole
// units, DATE_DIFF counts boundaries ("Timestamp functions", "Date functions").
const macros = `
CREATE MACRO bq_timestamp(v) AS CAST(v AS TIMESTAMPTZ), (v, zone) AS timezone(zone, CAST(v AS TIMESTAMP));
CREATE MACRO bq_generate_date_array(a, b) AS CAST(generate_series(CAST(a AS DATE), CAST(b AS DATE), INTERVAL 1 DAY) AS DATE[]);
CREATE MACRO bq_date(v) AS CAST(v AS DATE), (y, m, d) AS make_date(y, m, d), (v, zone) AS CAST(timezone(zone, v) AS DATE);
CREATE MACRO bq_timestamp_add(v, i) AS v + i;
CREATE MACRO bq_timestamp_sub(v, i) AS v - i;
CREATE MACRO bq_date_add(v, i) AS CAST(v + i AS DATE);
CREATE MACRO bq_date_sub(v, i) AS CAST(v - i AS DATE);
CREATE MACRO bq_timestamp_trunc(v, u) AS date_trunc(u, v);
CREATE MACRO bq_date_trunc(v, u) AS CAST(date_trunc(u, v) AS DATE);
CREATE MACRO bq_timestamp_diff(a, b, u) AS date_sub(u, b, a);
CREATE MACRO bq_date_diff(a, b, u) AS date_diff(u, b, a);
CREATE MACRO bq_unix_seconds(v) AS CAST(floor(epoch(v)) AS BIGINT);
CREATE MACRO bq_timestamp_micros(v) AS CAST(make_timestamp(v) AS TIMESTAMPTZ);
CREATE MACRO bq_parse_json(v) AS CAST(v AS JSON);
CREATE MACRO bq_to_json_string(v) AS CAST(to_json(v) AS VARCHAR);
CREATE MACRO bq_generate_uuid() AS CAST(uuid() AS VARCHAR);
CREATE MACRO bq_json_value(v, p) AS json_extract_string(v, p);
`

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}
