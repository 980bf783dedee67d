package httpclient

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/windrow-data/windrow/pipeline"
)

// learnedSecrets bounds the secrets that are kept beside the configured ones: the newest tokens of logins, and signatures.
const learnedSecrets = 64

// signature is a parameter of a signed URL that whoever holds it may use.
var signature = regexp.MustCompile(`(?i)((?:[?&]|\\u0026|&amp;)(?:x-(?:amz|goog)-(?:signature|credential|security-token)|signature|sig|token|access_token|api_?key)=)[^\s"'<>&,;\\]+`)

// secrets are what an account must not let be told: what is configured, and what its vendor has given since. It is the
// [pipeline.Mask] of the account.
type secrets struct {
	mu         sync.Mutex
	configured []string
	learned    []string
	spelled    *spelledSecrets // all of them
}

// NewMask takes secrets out of texts for a connector that asks without a [Client].
func NewMask(values ...string) pipeline.Mask { return newSecrets(values) }

func newSecrets(configured []string) *secrets {
	return &secrets{configured: configured, spelled: spelled(configured...)}
}

// learn keeps a credential and the signatures of a URL.
func (s *secrets) learn(credential string, u *url.URL) {
	values := []string{credential}
	if u != nil {
		for _, match := range signature.FindAllString("?"+u.RawQuery, -1) {
			_, value, _ := strings.Cut(match, "=")
			values = append(values, value)
			if plain, err := url.QueryUnescape(value); err == nil {
				values = append(values, plain)
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	known := len(s.learned)
	for _, v := range values {
		if v != "" && !slices.Contains(s.configured, v) && !slices.Contains(s.learned, v) {
			s.learned = append(s.learned, v)
		}
	}
	if len(s.learned) == known {
		return
	}
	if over := len(s.learned) - learnedSecrets; over > 0 {
		s.learned = slices.Delete(s.learned, 0, over)
	}
	s.spelled = spelled(slices.Concat(s.configured, s.learned)...)
}

func (s *secrets) all() *spelledSecrets {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.spelled
}

// Message implements [pipeline.Mask].
func (s *secrets) Message(text string) string { return redact(text, s.all()) }

// Raw implements [pipeline.Mask].
func (s *secrets) Raw(text string) string {
	text = s.all().hide(text)
	if strings.Contains(text, "=") {
		text = signature.ReplaceAllString(text, "${1}"+mask)
	}
	return text
}
