package staging

import (
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

func TestPrintableKeepsTextAndShowsOtherBytes(t *testing.T) {
	for raw, want := range map[string]string{
		"":            "",
		"línea\r\n日本": "línea\r\n日本",
		"a\xffb":      `a\xffb`,
		"\xe6\x97":    `\xe6\x97`,
		"�":           "�", // the replacement character itself is text
		"😀\x80":       `😀\x80`,
	} {
		if got := printable(raw); got != want {
			t.Errorf("%q is %q, want %q", raw, got, want)
		}
	}
}

func TestRejectsHaveTheirHashWhateverTheirBytes(t *testing.T) {
	for _, raw := range []string{"", "plain", "Jos\xe9;1\xff", `a path C:\xff\x`, "José \xe9"} {
		r := pipeline.Reject{Reason: "odd", Raw: raw}
		stored := pipeline.Reject{Reason: "odd", Raw: printable(raw)}
		if sum := (StoredRejects{}).Add(stored).Add(stored); !sum.Is(r.Hash().Add(r.Hash())) || sum.Is(r.Hash()) {
			t.Errorf("%q is not known again", raw)
		}
	}
}
