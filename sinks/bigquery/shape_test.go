package bigquery

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
)

// The shape of a statement is what GoogleSQL's analyser looks at: its tokens
// with each literal as its type, and what may be repeated, standing once. Two
// statements of one shape are both accepted or both refused.

// shapes returns the shape of each statement of a script.
func shapes(script string) ([]string, error) {
	var list []string
	r := &shapeReader{rest: script}
	for {
		words, end, err := r.group("")
		if err != nil {
			return nil, fmt.Errorf("%w, before %.60q", err, r.rest)
		}
		if len(words) > 0 {
			list = append(list, strings.Join(words, " "))
		}
		if end == "" {
			return list, nil
		}
	}
}

type shapeReader struct{ rest string }

// group reads words up to the end of a bracket, or of a statement; nested
// brackets are one word. It says what it was that ended it.
func (r *shapeReader) group(open string) (words []string, end string, err error) {
	for {
		w, err := r.word()
		if err != nil {
			return nil, "", err
		}
		switch w {
		case "", ";", ")", "]":
			if want := map[string]string{"": ";", "(": ")", "[": "]"}[open]; w != want && (open != "" || w != "") {
				return nil, "", fmt.Errorf("%q where %q was to come", w, want)
			}
			return once(words), w, nil
		case "(", "[":
			in := len(words) > 0 && words[len(words)-1] == "IN" || w == "["
			inner, end, err := r.group(w)
			if err != nil {
				return nil, "", err
			}
			if in {
				inner = collapse(rows(ofTypes(words, inner)), ",")
			}
			w += strings.Join(inner, " ") + end
		}
		words = literal(append(words, w))
	}
}

// word reads one token: names without their backticks, string literals as their type.
func (r *shapeReader) word() (string, error) {
	for {
		r.rest = strings.TrimLeft(r.rest, " \n")
		if !strings.HasPrefix(r.rest, "--") {
			break
		}
		_, r.rest, _ = strings.Cut(r.rest, "\n")
	}
	if r.rest == "" {
		return "", nil
	}
	cut := func(n int) string {
		w := r.rest[:n]
		r.rest = r.rest[n:]
		return w
	}
	inWord := func(c rune) bool {
		return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
	}
	switch c := r.rest[0]; {
	case c == '\'':
		_, rest, ok := unquote(r.rest)
		r.rest = rest
		if !ok {
			return "", fmt.Errorf("a literal without an end")
		}
		return "<STRING>", nil
	case c == '`':
		n := strings.IndexByte(r.rest[1:], '`')
		if n < 1 {
			return "", fmt.Errorf("a name without an end")
		}
		return tableShape(cut(n + 2)), nil
	case c >= '0' && c <= '9':
		cut(len(r.rest) - len(strings.TrimLeftFunc(r.rest, inWord)))
		return "<INT64>", nil
	case inWord(rune(c)):
		switch w := cut(len(r.rest) - len(strings.TrimLeftFunc(r.rest, inWord))); w {
		case "TRUE", "FALSE":
			return "<BOOL>", nil
		default:
			return w, nil
		}
	case strings.IndexByte("()[];,.=<>!*+-/", c) >= 0:
		return cut(1), nil
	default:
		return "", fmt.Errorf("%q, which no statement has", c)
	}
}

// tableShape leaves the digest out of the names of staging tables.
func tableShape(quoted string) string {
	name, ok := strings.CutPrefix(quoted, "`"+stagePrefix)
	if !ok || len(name) < 24 {
		return quoted
	}
	return "`" + stagePrefix + "…" + name[24:]
}

// literal joins what ends the words into one literal, if it is one.
func literal(words []string) []string {
	n := len(words)
	if n < 2 {
		return words
	}
	switch last := words[n-1]; {
	case last == "<INT64>" && words[n-2] == "-" && (n == 2 || words[n-3] == ","):
		return append(words[:n-2], last)
	case last == "<STRING>" && (words[n-2] == "DATE" || words[n-2] == "TIMESTAMP"):
		return append(words[:n-2], "<"+words[n-2]+">")
	case words[n-2] == "CAST" && strings.HasPrefix(last, "(NULL AS ") && !strings.Contains(last[len("(NULL AS "):], " "):
		return append(words[:n-2], "<"+strings.TrimSuffix(last[len("(NULL AS "):], ")")+">")
	}
	return words
}

// ofTypes gives the nulls in an array of structs their types, which the words
// before the array end with: ARRAY<STRUCT<name type, …>>.
func ofTypes(words, rows []string) []string {
	at := slices.Index(words, "STRUCT")
	if at < 0 || words[len(words)-1] != ">" {
		return rows
	}
	var types []string
	for _, w := range words[at:] {
		if w != "" && w[0] >= 'A' && w[0] <= 'Z' && w != "STRUCT" {
			types = append(types, w)
		}
	}
	out := slices.Clone(rows)
	for i, row := range out {
		values := strings.Split(strings.Trim(row, "()"), " , ")
		if len(values) != len(types) {
			continue
		}
		for k, v := range values {
			if v == "NULL" {
				values[k] = "<" + types[k] + ">"
			}
		}
		out[i] = "(" + strings.Join(values, " , ") + ")"
	}
	return out
}

// once keeps one of the rows, selects and conditions that follow each other in one shape.
func once(words []string) []string {
	return rows(collapse(collapse(words, "UNION ALL"), "OR"))
}

// collapse drops each part that equals the one before it.
func collapse(words []string, separator string) []string {
	sep := strings.Fields(separator)
	var out, last []string
	for first := true; first || len(words) > 0; first = false {
		n := 0
		for n < len(words) && (n+len(sep) > len(words) || !slices.Equal(words[n:n+len(sep)], sep)) {
			n++
		}
		part := words[:n]
		words = words[min(n+len(sep), len(words)):]
		switch {
		case first:
			out = append(out, part...)
		case !slices.Equal(part, last):
			out = append(append(out, sep...), part...)
		}
		last = part
	}
	return out
}

// rows drops each bracket that equals the one before its comma.
func rows(words []string) []string {
	var out []string
	for i := 0; i < len(words); i++ {
		ends := i+2 >= len(words) || words[i+2] == ","
		if words[i] == "," && i+1 < len(words) && words[i+1][0] == '(' && out != nil && out[len(out)-1] == words[i+1] && ends {
			i++
			continue
		}
		out = append(out, words[i])
	}
	return out
}

// shapesOnFile are those of testdata/statements.sql, which GoogleSQL's analyser
// has accepted.
var shapesOnFile = sync.OnceValues(func() (map[string]bool, error) {
	text, err := os.ReadFile(statementsFile)
	if err != nil {
		return nil, err
	}
	list, err := shapes(string(text))
	known := make(map[string]bool, len(list))
	for _, s := range list {
		known[s] = true
	}
	return known, err
})

// checkSent fails the test if a job of the server ran a statement of a shape
// that is not on file, for no statement may escape the analysis, or without a cap.
func checkSent(t testing.TB, server *bigquerytest.Server) {
	t.Helper()
	known, err := shapesOnFile()
	if err != nil {
		t.Error(err)
		return
	}
	told := map[string]bool{}
	for _, j := range server.Jobs() {
		if j.Kind != bigquerytest.Load && j.MaxBytesBilled <= 0 {
			t.Errorf("job %s was sent without a cap on what it bills", j.ID)
		}
		list, err := shapes(j.SQL)
		if err != nil {
			t.Errorf("%v, in %s", err, j.SQL)
		}
		for _, s := range list {
			if !known[s] && !told[s] {
				told[s] = true
				t.Errorf("a statement was sent whose shape is not in %s:\n%s", statementsFile, s)
			}
		}
	}
}

func TestShapesTellStatementsApart(t *testing.T) {
	const insert = "INSERT INTO `p`.`d`.`x` (`a`, `b`) "
	tests := []struct {
		name, a, b string
		same       bool
	}{
		{"other values", "SELECT 1, 'a', TRUE, DATE '2025-09-08'", "SELECT 23, 'b\\'', FALSE, DATE '2025-09-09'", true},
		{"a null of the same type", "SELECT TIMESTAMP '2025-09-08 06:00:00'", "SELECT CAST(NULL AS TIMESTAMP)", true},
		{"a null of another type", "SELECT 'a'", "SELECT CAST(NULL AS TIMESTAMP)", false},
		{"a value of another type", "SELECT 'a'", "SELECT 1", false},
		{"a longer set", "SELECT 1 WHERE `a` IN ('a')", "SELECT 1 WHERE `a` IN ('a', 'b', 'c')", true},
		{"more ranges", "SELECT 1 WHERE (`a` BETWEEN 1 AND 2)", "SELECT 1 WHERE (`a` BETWEEN 1 AND 2 OR `a` BETWEEN 4 AND 5)", true},
		{"more selected rows", "SELECT 1 AS `a`", "SELECT 1 AS `a` UNION ALL SELECT 2 AS `a`", true},
		{"more rows of values", insert + "VALUES (1, 'a')", insert + "VALUES (1, 'a'), (2, 'b')", true},
		{"more structs in an array", "FROM UNNEST(ARRAY<STRUCT<`n` INT64, `a` STRING>>[(1, 'a')])", "FROM UNNEST(ARRAY<STRUCT<`n` INT64, `a` STRING>>[(-1, NULL), (2, 'a')])", true},
		{"a struct with a value of another type", "FROM UNNEST(ARRAY<STRUCT<`n` INT64, `a` STRING>>[(1, 'a')])", "FROM UNNEST(ARRAY<STRUCT<`n` INT64, `a` STRING>>[(1, 1)])", false},
		{"an untyped null", "SELECT NULL", "SELECT 'a'", false},
		{"one condition more", "SELECT 1 WHERE `a` = 1 AND `b` = 1", "SELECT 1 WHERE `a` = 1 AND `b` = 1 OR `b` = 1", false},
		{"more values in a row", insert + "VALUES (1, 1)", insert + "VALUES (1, 1, 1)", false},
		{"more selected values", "SELECT 1", "SELECT 1, 1", false},
		{"another column", "SELECT `a`", "SELECT `b`", false},
		{"another table", "SELECT `a` FROM `x`", "SELECT `a` FROM `y`", false},
		{"another staging table", "SELECT 1 FROM `_windrow_stage_0123456789abcdef01234567`", "SELECT 1 FROM `_windrow_stage_76543210fedcba9876543210`", true},
		{"a staging table of rejects", "SELECT 1 FROM `_windrow_stage_0123456789abcdef01234567`", "SELECT 1 FROM `_windrow_stage_0123456789abcdef01234567_rejects`", false},
		{"another condition", "SELECT 1 WHERE `a` < 1", "SELECT 1 WHERE `a` <= 1", false},
		{"a comment", "-- a\nSELECT 1;", "SELECT 1", true},
		{"one more statement", "SELECT 1", "SELECT 1; SELECT 1", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, errA := shapes(tt.a)
			b, errB := shapes(tt.b)
			if errA != nil || errB != nil {
				t.Fatal(errA, errB)
			}
			if slices.Equal(a, b) != tt.same {
				t.Errorf("%q\n%q\nsame: %v", a, b, !tt.same)
			}
		})
	}
	for _, bad := range []string{"SELECT 'a", "SELECT (1", "SELECT 1)", "SELECT [1)", "SELECT `a", "SELECT @p", "SELECT \"a\""} {
		if got, err := shapes(bad); err == nil {
			t.Errorf("%s has the shape %q", bad, got)
		}
	}
}
