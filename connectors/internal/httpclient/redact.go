package httpclient

import (
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	excerptBytes = 200
	excerptRead  = 8 << 10 // of the body, so that a secret is seen whole before the cut
	mask         = "…"
)

var (
	// queryOfURL is everything behind a URL's question mark: signatures live there.
	queryOfURL = regexp.MustCompile(`(?i)(https?(?:://|:\\/\\/)[^\s"'<>?]*)[?][^\s"'<>]*`)
	// queryOfPath is the same behind a path alone.
	queryOfPath = regexp.MustCompile(`(/[^\s"'<>?]*)[?][^\s"'<>=]*=[^\s"'<>]*`)
	// secretPair is a name that promises a secret, and its value.
	secretPair = regexp.MustCompile(`(?i)((?:api[-_]?key|[a-z_-]*token|signature|sig|x-(?:amz|goog)-[a-z-]+|[a-z_-]*password|passwd|[a-z_-]*secret|credential|authorization)["']?\s*[=:]\s*["']?)[^\s"'&,;<>}]+`)
	// scheme is an Authorization value quoted back.
	scheme = regexp.MustCompile(`(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=:-]+`)
	// jwt is a JSON web token wherever it stands.
	jwt       = regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)*`)
	pageTitle = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title>`)
)

// excerpt makes one short line of a body's beginning, without anything secret.
func excerpt(body []byte, secrets []string) string {
	s := strings.ToValidUTF8(string(body), "")
	if page := strings.TrimSpace(s); strings.HasPrefix(page, "<") {
		title := pageTitle.FindStringSubmatch(page)
		s = "an HTML page"
		if title != nil {
			s += " titled " + strings.TrimSpace(title[1])
		}
	}
	s = redact(s, secrets)
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if len(s) > excerptBytes {
		s = s[:excerptBytes-len(mask)]
		for !utf8.ValidString(s) {
			s = s[:len(s)-1]
		}
		s += mask
	}
	return s
}

// redact takes the given secrets, and whatever looks like one, out of s.
func redact(s string, secrets []string) string {
	s = withoutSecrets(s, secrets)
	if strings.Contains(s, mask) { // a name or a value may have been cut inside a secret
		for _, secret := range secrets {
			for n := len(secret) - 1; n >= leastSecret; n-- {
				s = strings.ReplaceAll(s, secret[:n]+mask, mask)
			}
		}
	}
	s = scheme.ReplaceAllString(s, "$1 "+mask)
	s = queryOfURL.ReplaceAllString(s, "$1?"+mask)
	s = queryOfPath.ReplaceAllString(s, "$1?"+mask)
	s = secretPair.ReplaceAllString(s, "${1}"+mask)
	return jwt.ReplaceAllString(s, mask)
}

// withoutSecrets takes the given secrets out of s, also one that was cut in half where the text ends.
func withoutSecrets(s string, secrets []string) string {
	for _, secret := range secrets {
		s = strings.ReplaceAll(s, secret, mask)
		for n := len(secret) - 1; n >= leastSecret; n-- {
			if strings.HasSuffix(s, secret[:n]) {
				s = s[:len(s)-n] + mask
				break
			}
		}
	}
	return s
}

// leastSecret is the number of bytes from which a secret is taken out of texts. What is shorter stands in every text, which
// would become unreadable and so tell the secret.
const leastSecret = 4

// spellings lists the secrets in the forms in which an echo may carry them,
// longest first so that no form is left half behind.
func spellings(secrets ...string) []string {
	var all []string
	add := func(s string) {
		if len(s) >= leastSecret && !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	for _, s := range secrets {
		if s == "" {
			continue
		}
		plain := []string{s}
		if _, token, ok := strings.Cut(s, " "); ok { // "Bearer abc": the token alone is as secret
			plain = append(plain, token)
		}
		for _, p := range plain {
			add(p)
			add(url.QueryEscape(p))
			add(url.PathEscape(p))
			if quoted, err := json.Marshal(p); err == nil {
				add(string(quoted[1 : len(quoted)-1]))
			}
		}
	}
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return all
}
