package httpclient

import (
	"regexp"
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
func excerpt(body []byte, secrets *spelledSecrets) string {
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
func redact(s string, secrets *spelledSecrets) string {
	s = secrets.hide(s)
	s = scheme.ReplaceAllString(s, "$1 "+mask)
	s = queryOfURL.ReplaceAllString(s, "$1?"+mask)
	s = queryOfPath.ReplaceAllString(s, "$1?"+mask)
	s = secretPair.ReplaceAllString(s, "${1}"+mask)
	return jwt.ReplaceAllString(s, mask)
}
