package httpclient

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
)

// notations write a text as an echo may carry it.
var notations = map[string]func(string) string{
	"plain":                  func(s string) string { return s },
	"query":                  url.QueryEscape,
	"path":                   url.PathEscape,
	"every byte":             func(s string) string { return each(s, "%%%02x") },
	"every byte, upper case": func(s string) string { return each(s, "%%%02X") },
	"the first byte":         func(s string) string { return fmt.Sprintf("%%%02x", s[0]) + s[1:] },
	"the last byte":          func(s string) string { return s[:len(s)-1] + fmt.Sprintf("%%%02X", s[len(s)-1]) },
	"twice":                  func(s string) string { return url.QueryEscape(each(s, "%%%02x")) },
	"JSON": func(s string) string {
		b, _ := json.Marshal(s)
		return string(b[1 : len(b)-1])
	},
	"JSON, every byte":        func(s string) string { return each(s, `\u%04X`) },
	"a path in JSON":          func(s string) string { return strings.ReplaceAll(url.PathEscape(s), "%", `\u0025`) },
	"HTML":                    func(s string) string { return each(s, "&#%d;") },
	"HTML, hexadecimal":       func(s string) string { return each(s, "&#x%X;") },
	"bytes of a program":      func(s string) string { return each(s, `\x%02x`) },
	"hexadecimal":             func(s string) string { return hex.EncodeToString([]byte(s)) },
	"hexadecimal, upper case": func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) },
	"base64":                  func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
	"base64 at 1":             func(s string) string { return base64.StdEncoding.EncodeToString([]byte("u:?v" + s + "~~")) },
	"base64 at 2":             func(s string) string { return base64.URLEncoding.EncodeToString([]byte("us:??" + s + "?")) },
	"base64 of URLs":          func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte("user:" + s)) },
	"base64 in a query": func(s string) string {
		return url.QueryEscape(base64.StdEncoding.EncodeToString([]byte("a" + s + "b")))
	},
	"base64 in a query's JSON": func(s string) string {
		return strings.ReplaceAll(url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(s))), "%", `\u0025`)
	},
}

func each(s, format string) string {
	var b strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&b, format, s[i])
	}
	return b.String()
}

// What a secret is made of leaves the text, and the rest of the text stays.
func TestPromise13_ASecretIsMaskedHoweverItIsSpelled(t *testing.T) {
	for _, secret := range []string{"abc1", "s3cr3t-key-0123456789", `p"w/ 1%41&+`, "correct horse", "~~>>??/+_-=", "eyJh.b-c_d"} {
		m := newSecrets([]string{secret})
		for name, write := range notations {
			for _, around := range [][2]string{{"", ""}, {"a value, ", " of 5"}, {`{"a":"https:\/\/x.test\/`, `","b":"50% & more"}`}} {
				text := around[0] + write(secret) + around[1]
				got := m.Raw(text)
				if !strings.HasPrefix(got, around[0]) || !strings.HasSuffix(got, around[1]) || !strings.Contains(got, mask) {
					t.Errorf("%s of %s: %q becomes %q", name, secret, text, got)
				}
				// At most the bytes beside it are left of base64.
				if left := len(got) - len(around[0]) - len(around[1]) - len(mask); left > 18 {
					t.Errorf("%s of %s: %d bytes are left in %q", name, secret, left, got)
				}
			}
			for text, n := write(secret), 3; n > 0; n-- { // cut in the middle
				if len(text) < 24 || len(secret) < 2*leastSecret {
					break
				}
				for _, end := range []string{"", mask + " and more"} {
					half := "see " + text[:len(text)-n] + end
					if got := m.Raw(half); !strings.HasPrefix(got, "see ") || len(got) > len("see ")+22+len(mask)+len(strings.TrimPrefix(end, mask)) {
						t.Errorf("%s of %s: half of it stays: %q becomes %q", name, secret, half, got)
					}
				}
			}
		}
	}
}

func TestTextThatIsNoSecretStays(t *testing.T) {
	m := newSecrets([]string{"s3cr3t-key-0123456789", "correct-horse", "hunter22"})
	random := rand.New(rand.NewPCG(1, 2))
	const letters = `abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/-_=%&;#\u ",.:{}`
	for range 2000 {
		text := make([]byte, random.IntN(200))
		for i := range text {
			text[i] = letters[random.IntN(len(letters))]
		}
		if got := m.Raw(string(text)); got != string(text) {
			t.Errorf("%q becomes %q", text, got)
		}
	}
	for _, text := range []string{
		"", "%", `\`, "&", "%2", `\u00`, "&#9", "100%", "a&b", `C:\users\new`, "x%zzy", "&amp;&lt;", "Zażółć gęślą jaźń", "%C5%BC\xff\xfe", "&#0;&#1114112;", `\ud83d\ude00`,
		"a correct one is a horse", "hunter2 or so", "Basic dXNlcjpwYXM=",
	} {
		if got := m.Raw(text); got != text {
			t.Errorf("%q becomes %q", text, got)
		}
	}
	if got := m.Raw("Basic " + base64.StdEncoding.EncodeToString([]byte("user:hunter22"))); got != "Basic dXNlcj"+mask+"==" {
		t.Errorf("the name before a password: %q", got)
	}
}

// Texts in which everything looks like the beginning of something take as long as others: with work for each byte that
// grows with the text this test would not end.
func TestMaskingIsLinear(t *testing.T) {
	m := newSecrets([]string{strings.Repeat("a", 40), "%25%25%25%25x", `&&&&\\\\u`})
	for _, piece := range []string{"a", "%25", "%", "&", `\`, `\u0025`, "&#37;", "YWFh", "61"} {
		text := strings.Repeat(piece, 64<<10/len(piece))
		if got := m.Raw(text); len(got) > len(text) {
			t.Errorf("%s: %d bytes of %d", piece, len(got), len(text))
		}
	}
}
