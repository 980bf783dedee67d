package staging

import "testing"

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
