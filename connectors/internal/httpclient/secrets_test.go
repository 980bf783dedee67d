package httpclient

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

func TestTheMaskKnowsWhatIsConfiguredAndWhatTheVendorGave(t *testing.T) {
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "ok") })
	c := newClient(t, Options{Base: parse(t, s.URL), HideValues: []string{"configured-0123456789"}})
	r := get("/x")
	r.Credential, r.URL.RawQuery = "Bearer login-0123456789", "a=1&X-Goog-Signature=signed%2B0123456789"
	if _, err := read(t, c, r); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"configured-0123456789", "login-0123456789", "signed%2B0123456789", "signed+0123456789"} {
		for _, text := range []string{
			"%s", "a column named %s is missing", `the members a, "%s", b`, "row,%s,1", "https://files.test/x?sig=%s&a=1", `{"a":"https:\/\/files.test\/x?a=1\u0026sig=%s"}`,
		} {
			whole := fmt.Sprintf(text, secret)
			for n, got := range []string{c.Mask().Message(whole), c.Mask().Raw(whole)} {
				if strings.Contains(got, secret) {
					t.Errorf("%d: %q stays in %q", n, secret, got)
				}
			}
		}
		half := secret[:len(secret)-3]
		for _, text := range []string{"cut at the end " + half, "the members a, " + half + "…, b"} {
			if got := c.Mask().Message(text); strings.Contains(got, half) {
				t.Errorf("half of it stays in %q", got)
			}
		}
		if got := c.Mask().Raw("1,2," + half); strings.Contains(got, half) {
			t.Errorf("half of it stays in %q", got)
		}
	}
	if got := c.Mask().Raw("https://files.test/x?signature=another-0123&a=1"); got != "https://files.test/x?signature="+mask+"&a=1" {
		t.Errorf("an unknown signature: %q", got)
	}
	for _, row := range []string{`1,"https://files.test/r?id=5",token: none,password`, "a=b", ""} {
		if got := c.Mask().Raw(row); got != row {
			t.Errorf("%q becomes %q", row, got)
		}
	}
}

func TestOnlySoManyLearnedSecretsAreKept(t *testing.T) {
	s := newSecrets([]string{"configured"})
	for n := range 10 * learnedSecrets {
		s.learn(fmt.Sprintf("Bearer token-%06d", n), nil)
	}
	if n := len(s.learned); n != learnedSecrets || strings.Contains(s.Raw("token-000639 configured"), "token-000639") {
		t.Errorf("%d are kept", n)
	}
}
