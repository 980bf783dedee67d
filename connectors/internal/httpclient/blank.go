package httpclient

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"io"
	"slices"
	"strings"
	"unsafe"
)

// Blank implements [pipeline.Blanker]. Secrets that are learned later stay in what was read before.
func (s *secrets) Blank(r io.Reader) io.Reader {
	n := newNeedles(s.wholeSpellings())
	if n == nil {
		return r
	}
	escaped := s.all().whole()
	return newBlanker(r, func(text []byte) {
		found := escaped.find(text)
		n.blank(text) // may take away the beginning of what was found
		for _, at := range found {
			star(text[at.start:at.end])
		}
	}, max(n.longest, min(escaped.longest*mostEscaped, longestLink)))
}

// BlankLinks implements [pipeline.Blanker].
func (s *secrets) BlankLinks(r io.Reader) io.Reader {
	return newBlanker(r, blankSignatures, longestLink)
}

// longestLink is more than any server takes.
const longestLink = 64 << 10

// blankSignatures makes asterisks of the signatures of signed URLs.
func blankSignatures(text []byte) {
	for _, at := range signature.FindAllSubmatchIndex(text, -1) {
		star(text[at[3]:at[1]])
	}
}

func star(secret []byte) {
	for i := range secret {
		secret[i] = '*'
	}
}

// mostEscaped is how many bytes a byte becomes that is escaped twice throughout: those of &#x34; each as such again.
const mostEscaped = 36

// wholeSecrets finds whole secrets in a body, spelled with at least one escape. Most bytes of a body are near none: it is a
// hundred thousand times as long as a message.
type wholeSecrets struct {
	*spelledSecrets
	grams   beginnings // every byte of a spelling, and every leastSecret bytes
	longest int        // of the spellings, before anything of them is escaped
}

// whole is the search without what was cut: a body is searched whole, and what only begins like a secret stays.
func (s *spelledSecrets) whole() *wholeSecrets {
	w := &wholeSecrets{spelledSecrets: &spelledSecrets{begins: s.begins}}
	for a := range s.first {
		for b, list := range s.first[a] {
			for _, one := range list {
				one.least, one.before, one.after = len(one.text), false, false
				w.first[a][b] = append(w.first[a][b], one)
				w.longest = max(w.longest, len(one.text))
				for i := range one.text {
					w.grams.set(one.text[i : i+1])
					if i+leastSecret <= len(one.text) {
						w.grams.set(one.text[i : i+leastSecret])
					}
				}
			}
		}
	}
	return w
}

// find returns where the secrets are.
func (w *wholeSecrets) find(body []byte) (found []span) {
	text := unsafe.String(unsafe.SliceData(body), len(body)) // nobody keeps it
	var next [len(escapeSigns)]int                           // of each sign
	for i := range next {
		next[i] = signAfter(text, 0, escapeSigns[i])
	}
	for from := 0; ; {
		sign := 0
		for i := range next {
			if next[i] < next[sign] {
				sign = i
			}
		}
		escape := next[sign]
		if escape == len(text) {
			return found
		}
		next[sign] = signAfter(text, escape+1, escapeSigns[sign])
		inside, behind := w.covered(text, escape)
		if behind { // the spelling's first escape
			for i := max(from, escape-w.longest+1); i <= escape-leastSecret+1; i++ {
				found = w.at(found, text, i, escape)
			}
		}
		if inside {
			for i := max(from, escape-leastSecret+2); i <= escape; i++ {
				found = w.at(found, text, i, escape)
			}
		}
		from = escape + 1
	}
}

func signAfter(text string, from int, sign byte) int {
	if i := strings.IndexByte(text[from:], sign); i >= 0 {
		return from + i
	}
	return len(text)
}

// covered tells whether an escape may stand for a byte of a secret, and whether it may end leastSecret bytes of one.
func (w *wholeSecrets) covered(text string, escape int) (inside, behind bool) {
	last := 0
	for depth := range mostEscapes + 1 {
		c, n := decoded(text, escape, depth)
		if n > last && w.grams.has(string(c.bytes[:1])) {
			inside = true
			if ahead := escape - leastSecret + 1; ahead >= 0 && !behind {
				behind = w.grams.has(text[ahead:escape] + string(c.bytes[:1]))
			}
		}
		last = max(last, n)
	}
	return inside, behind
}

// wholeSpellings are the secrets as an echo may carry them without an escape, the longest first.
func (s *secrets) wholeSpellings() (all []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	add := func(text string) {
		if len(text) >= leastSecret && !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	for _, secret := range slices.Concat(s.configured, s.learned) {
		plain := []string{secret}
		if _, token, ok := strings.Cut(secret, " "); ok {
			plain = append(plain, token)
		}
		for _, p := range plain {
			if len(p) < leastSecret {
				continue
			}
			add(p)
			add(strings.ReplaceAll(p, " ", "+")) // as in a form
			add(hex.EncodeToString([]byte(p)))
			add(strings.ToUpper(hex.EncodeToString([]byte(p))))
			for ahead := range 3 { // bytes of other text in the group of three
				for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
					add(e.EncodeToString([]byte("xx"[:ahead] + p))[(8*ahead+5)/6 : 8*(ahead+len(p))/6])
				}
			}
		}
	}
	slices.SortStableFunc(all, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	return all
}

// blankBytes is how much of a body is looked through at once.
const blankBytes = 64 << 10

// blanker reads a body without what blank finds, of which nothing is longer than longest.
type blanker struct {
	r       io.Reader
	blank   func([]byte)
	longest int
	buf     []byte // read and not handed on
	clear   int    // bytes of buf that nothing can reach into any more
	err     error  // of r, told behind its bytes
}

func newBlanker(r io.Reader, blank func([]byte), longest int) *blanker {
	return &blanker{r: r, blank: blank, longest: longest, buf: make([]byte, 0, blankBytes+longest)}
}

// Read implements [io.Reader].
func (b *blanker) Read(p []byte) (int, error) {
	for b.clear == 0 {
		if b.err != nil {
			return 0, b.err
		}
		from := max(0, len(b.buf)-b.longest+1)
		for full := len(b.buf) + blankBytes; len(b.buf) < full && b.err == nil; {
			n, err := b.r.Read(b.buf[len(b.buf):full])
			b.buf, b.err = b.buf[:len(b.buf)+n], err
		}
		b.blank(b.buf[from:])
		b.clear = max(0, len(b.buf)-b.longest+1)
		if b.err != nil {
			b.clear = len(b.buf)
		}
	}
	n := copy(p, b.buf[:b.clear])
	b.buf, b.clear = b.buf[:copy(b.buf, b.buf[n:])], b.clear-n
	return n, nil
}

// needles are texts that are looked for together: where the last bytes of a stretch as long as the shortest of them stand
// in none, none begins there, and the search goes on behind.
type needles struct {
	list     [][]byte
	shortest int
	longest  int
	skip     []uint8 // by the hash of blockBytes: how many bytes none begins before
}

// blockBytes are looked up at once. It is not above leastSecret.
const blockBytes = 4

// newNeedles is nil where there are none. Each has leastSecret bytes or more.
func newNeedles(texts []string) *needles {
	if len(texts) == 0 {
		return nil
	}
	n := &needles{shortest: len(texts[0]), skip: make([]uint8, 1<<16)}
	for _, text := range texts {
		n.list = append(n.list, []byte(text))
		n.shortest, n.longest = min(n.shortest, len(text)), max(n.longest, len(text))
	}
	n.shortest = min(n.shortest, blockBytes+254)
	for i := range n.skip {
		n.skip[i] = uint8(n.shortest - blockBytes + 1)
	}
	for _, text := range n.list {
		for at := 0; at+blockBytes <= n.shortest; at++ {
			h := hashOf(text[at:])
			n.skip[h] = min(n.skip[h], uint8(n.shortest-blockBytes-at))
		}
	}
	return n
}

// hashOf is that of the first block.
func hashOf(b []byte) uint16 {
	v := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
	return uint16(v * 2654435761 >> 16)
}

// blank makes asterisks of every needle in text, also where two of them overlap.
func (n *needles) blank(text []byte) {
	var found [][]byte
	for at := 0; at+n.shortest <= len(text); {
		if skip := n.skip[hashOf(text[at+n.shortest-blockBytes:])]; skip > 0 {
			at += int(skip)
			continue
		}
		for _, needle := range n.list { // the longest first
			if bytes.HasPrefix(text[at:], needle) {
				found = append(found, text[at:at+len(needle)])
				break
			}
		}
		at++
	}
	for _, secret := range found {
		star(secret)
	}
}
