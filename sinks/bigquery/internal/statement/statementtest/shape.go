package statementtest

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"unicode/utf8"
)

// stagePrefix begins the names of staging tables, which end with a digest.
const stagePrefix = "_windrow_stage_"

// Shapes returns the shape of each statement of a script.
func Shapes(script string) ([]string, error) {
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
// brackets are one word. end is the bracket or the semicolon that ended the group; empty at the end of the text.
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
		_, rest, ok := Unquote(r.rest)
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

// ShapesOfFile are the shapes of the statements in a file.
func ShapesOfFile(name string) (map[string]bool, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	list, err := Shapes(string(text))
	known := make(map[string]bool, len(list))
	for _, s := range list {
		known[s] = true
	}
	return known, err
}

// Unquote reads the literal that text begins with, as GoogleSQL does.
func Unquote(text string) (value, rest string, ok bool) {
	text, ok = strings.CutPrefix(text, "'")
	if !ok {
		return "", "", false
	}
	var b strings.Builder
	for len(text) > 0 {
		switch {
		case text[0] == '\'':
			return b.String(), text[1:], true
		case text[0] == '\n' || text[0] == '\r':
			return "", text, false
		case text[0] != '\\':
			r, n := utf8.DecodeRuneInString(text)
			b.WriteRune(r)
			text = text[n:]
			continue
		case len(text) < 2:
			return "", text, false
		}
		switch c := text[1]; c {
		case 'n':
			b.WriteByte('\n')
		case '\'', '\\':
			b.WriteByte(c)
		case 'u':
			if len(text) < 6 {
				return "", text, false
			}
			var r rune
			for _, c := range text[2:6] {
				d := strings.IndexRune("0123456789abcdef", c)
				if d < 0 {
					return "", text, false
				}
				r = r<<4 | rune(d)
			}
			b.WriteRune(r)
			text = text[4:]
		default:
			return "", text, false
		}
		text = text[2:]
	}
	return "", "", false
}
