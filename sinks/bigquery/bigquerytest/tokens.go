package bigquerytest

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

type tokenKind uint8

const (
	wordToken   tokenKind = iota // keywords, names; text as written
	quotedToken                  // a name in backticks; text without them
	stringToken                  // text is the value
	bytesToken
	numberToken
	paramToken // text without the @
	opToken
)

type token struct {
	kind tokenKind
	text string
}

// is reports whether the token is this keyword or operator.
func (t token) is(text string) bool {
	return t.kind == opToken && t.text == text || t.kind == wordToken && strings.EqualFold(t.text, text)
}

// tokenize reads GoogleSQL: "Lexical structure and syntax" in Google's
// GoogleSQL reference. Comments are dropped.
func tokenize(sql string) ([]token, *apiError) {
	var all []token
	for i := 0; i < len(sql); {
		c := sql[i]
		switch {
		case strings.IndexByte(" \t\r\n", c) >= 0:
			i++
		case c == '#' || strings.HasPrefix(sql[i:], "--"):
			if n := strings.IndexByte(sql[i:], '\n'); n >= 0 {
				i += n
			} else {
				i = len(sql)
			}
		case strings.HasPrefix(sql[i:], "/*"):
			n := strings.Index(sql[i:], "*/")
			if n < 0 {
				return nil, invalidQuery("Syntax error: Unclosed comment")
			}
			i += n + 2
		default:
			t, n, err := oneToken(sql[i:])
			if err != nil {
				return nil, err
			}
			all = append(all, t)
			i += n
		}
	}
	return all, nil
}

func oneToken(s string) (token, int, *apiError) {
	if n := literalPrefix(s); n >= 0 {
		return literal(s, n)
	}
	c := s[0]
	switch {
	case c == '`':
		n := strings.IndexByte(s[1:], '`')
		if n < 1 {
			return token{}, 0, invalidQuery("Syntax error: Unclosed or empty identifier")
		}
		return token{quotedToken, s[1 : n+1]}, n + 2, nil
	case c >= '0' && c <= '9' || c == '.' && len(s) > 1 && s[1] >= '0' && s[1] <= '9':
		n := 1
		for n < len(s) && (isWord(s[n]) || s[n] == '.' || (s[n] == '-' || s[n] == '+') && (s[n-1] == 'e' || s[n-1] == 'E') && !strings.HasPrefix(s, "0x")) {
			n++
		}
		return token{numberToken, s[:n]}, n, nil
	case isWord(c):
		n := wordLen(s)
		return token{wordToken, s[:n]}, n, nil
	case c == '@':
		if n := wordLen(s[1:]); n > 0 {
			return token{paramToken, s[1 : n+1]}, n + 1, nil
		}
		return token{}, 0, unmodelled("system variables")
	case c == '?':
		return token{}, 0, unmodelled("positional parameters")
	case c >= utf8.RuneSelf:
		return token{}, 0, invalidQuery("Syntax error: Illegal input character")
	}
	for _, op := range []string{"<=", ">=", "<>", "!=", "||", "=>", "<<"} {
		if strings.HasPrefix(s, op) {
			return token{opToken, op}, 2, nil
		}
	}
	return token{opToken, s[:1]}, 1, nil
}

func isWord(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func wordLen(s string) int {
	n := 0
	for n < len(s) && isWord(s[n]) {
		n++
	}
	return n
}

// literalPrefix is the length of r, b, rb or nothing before a quote; -1 where no literal begins.
func literalPrefix(s string) int {
	for n := 0; n < len(s) && n <= 2; n++ {
		switch s[n] {
		case '\'', '"':
			return n
		case 'r', 'R', 'b', 'B':
		default:
			return -1
		}
	}
	return -1
}

func literal(s string, prefix int) (token, int, *apiError) {
	flags := strings.ToLower(s[:prefix])
	raw := strings.Contains(flags, "r")
	quote := s[prefix : prefix+1]
	if strings.HasPrefix(s[prefix:], strings.Repeat(quote, 3)) {
		quote = strings.Repeat(quote, 3)
	}
	var b strings.Builder
	for i := prefix + len(quote); i < len(s); {
		switch {
		case strings.HasPrefix(s[i:], quote):
			kind := stringToken
			if strings.Contains(flags, "b") {
				kind = bytesToken
			}
			return token{kind, b.String()}, i + len(quote), nil
		case s[i] == '\n' && len(quote) == 1:
			return token{}, 0, invalidQuery("Syntax error: Unclosed string literal")
		case s[i] == '\\' && raw && i+1 < len(s):
			b.WriteString(s[i : i+2])
			i += 2
		case s[i] == '\\':
			text, n, err := escape(s[i:])
			if err != nil {
				return token{}, 0, invalidQuery("Syntax error: " + err.Error())
			}
			b.WriteString(text)
			i += n
		default:
			b.WriteByte(s[i])
			i++
		}
	}
	return token{}, 0, invalidQuery("Syntax error: Unclosed string literal")
}

// escape reads one escape sequence: the table "Escape sequences for string and
// bytes literals" of the same page.
func escape(s string) (string, int, error) {
	if len(s) < 2 {
		return "", 0, fmt.Errorf("illegal escape sequence at the end")
	}
	if i := strings.IndexByte("abfnrtv\\?\"'`", s[1]); i >= 0 {
		return string("\a\b\f\n\r\t\v\\?\"'`"[i]), 2, nil
	}
	width := map[byte]int{'x': 2, 'X': 2, 'u': 4, 'U': 8}[s[1]]
	base, from := 16, 2
	if s[1] >= '0' && s[1] <= '3' {
		width, base, from = 3, 8, 1
	}
	if width == 0 || len(s) < from+width {
		return "", 0, fmt.Errorf("illegal escape sequence: \\%c", s[1])
	}
	n, err := strconv.ParseUint(s[from:from+width], base, 32)
	if err != nil || n > utf8.MaxRune {
		return "", 0, fmt.Errorf("illegal escape sequence: \\%c", s[1])
	}
	return string(rune(n)), from + width, nil
}

// statements splits a script at its semicolons.
func statements(tokens []token) [][]token {
	var all [][]token
	from := 0
	for i, t := range tokens {
		if t.is(";") {
			if i > from {
				all = append(all, tokens[from:i])
			}
			from = i + 1
		}
	}
	if from < len(tokens) {
		all = append(all, tokens[from:])
	}
	return all
}

// duckString quotes a value for DuckDB.
func duckString(v string) string { return "'" + strings.ReplaceAll(v, "'", "''") + "'" }

// duckName quotes a name for DuckDB.
func duckName(v string) string { return `"` + strings.ReplaceAll(v, `"`, `""`) + `"` }
