package statement

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement/statementtest"
)

var testDataset = Dataset{Project: "test-project", Name: "contact_centre"}

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
		{"a table", testDataset.table(LedgerTable), "`test-project`.`contact_centre`.`_windrow_ledger`"},
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
		got, rest, ok := statementtest.Unquote(quote(s))
		if !ok || rest != "" {
			t.Fatalf("%q became %s, which leaves %q", s, quote(s), rest)
		}
		if want := strings.ToValidUTF8(s, "\x00bad"); utf8.ValidString(s) && got != want {
			t.Fatalf("%q came back as %q", s, got)
		}
	})
}
