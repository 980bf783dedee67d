package transforms

import (
	"encoding/json"
	"strings"
	"testing"
)

// FuzzExtras checks that quoted text is JSON and reads back as it was.
func FuzzExtras(f *testing.F) {
	f.Add([]byte("a \"b\" \\ \x01\n\xff\u2028"))
	f.Fuzz(func(t *testing.T, s []byte) {
		quoted := appendQuoted(nil, s, false)
		var back string
		if err := json.Unmarshal(quoted, &back); err != nil {
			t.Fatalf("%q: %v", quoted, err)
		}
		if want := strings.ToValidUTF8(string(s), "\uFFFD"); back != want {
			t.Fatalf("%q came back as %q", want, back)
		}
	})
}
