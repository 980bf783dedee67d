package bigquery

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/windrow-data/windrow/pipeline"
)

var testNames = names{project: "test-project", dataset: "contact_centre"}

func TestLiterals(t *testing.T) {
	tests := []struct{ name, got, want string }{
		{"plain text", quote("abc"), `'abc'`},
		{"quotes and backslashes", quote(`it's \n "x"`), `'it\'s \\n "x"'`},
		{"line ends and controls", quote("a\nb\r\x00\x7f"), `'a\nb\u000d\u0000\u007f'`},
		{"other scripts", quote("Ñ日🎉"), `'Ñ日🎉'`},
		{"bytes that are not UTF-8", quote("a\xffb"), `'a\ufffdb'`},
		{"nothing", quoteOrNull(""), "CAST(NULL AS STRING)"},
		{"an instant", instant(pipeline.InstantOf(time.Date(2025, 9, 8, 6, 0, 0, 5000, time.UTC))), "TIMESTAMP '2025-09-08 06:00:00.000005+00:00'"},
		{"no instant", instantOrNull(pipeline.NoInstant), "CAST(NULL AS TIMESTAMP)"},
		{"before BigQuery's years", instant(pipeline.NoInstant + 1), "TIMESTAMP '0001-01-01 00:00:00.000000+00:00'"},
		{"after BigQuery's years", instant(1 << 62), "TIMESTAMP '9999-12-31 23:59:59.999999+00:00'"},
		{"a date", date(arrow.Date32FromTime(time.Date(2025, 9, 8, 0, 0, 0, 0, time.UTC))), "DATE '2025-09-08'"},
		{"a set", in("stream", []string{"b", "a", "b"}), "`stream` IN ('a', 'b')"},
		{"a table", testNames.table(ledgerTable), "`test-project`.`contact_centre`.`_windrow_ledger`"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.got != tt.want {
				t.Errorf("got %s, want %s", tt.got, tt.want)
			}
		})
	}
}

// FuzzQuote: a literal ends where it should, and stands for what it was made of.
func FuzzQuote(f *testing.F) {
	for _, s := range []string{"", "'", `\`, `\'`, "\n", "'; DROP TABLE x; --", "\xff", "\u2028", "`"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, rest, ok := unquote(quote(s))
		if !ok || rest != "" {
			t.Fatalf("%q became %s, which leaves %q", s, quote(s), rest)
		}
		if want := strings.ToValidUTF8(s, "\x00bad"); utf8.ValidString(s) && got != want {
			t.Fatalf("%q came back as %q", s, got)
		}
	})
}

// unquote reads the literal that text begins with, as GoogleSQL does.
func unquote(text string) (value, rest string, ok bool) {
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
