package personal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"strings"
	"sync"

	"github.com/windrow-data/windrow/pipeline"
)

// Mode is what becomes of personal values.
type Mode string

const (
	Keep Mode = "keep" // they stay
	Hash Mode = "hash" // a keyed hash stands for each
	Drop Mode = "drop" // nothing does
)

// KeyBytes is the least length of a key.
const KeyBytes = 32

// namesToo says in a digest that people's names are personal too.
const namesToo = "names"

// hashDigits is how many hexadecimal digits stand for a value: 128 bits.
const hashDigits = 32

// Options say what becomes of personal data.
type Options struct {
	Mode Mode
	// Key is the secret of the hashes, of [KeyBytes] or more. Mode Hash needs it, and so does Names.
	Key []byte
	// Country is that of telephone numbers that name none, of ISO 3166: two capital letters. Empty: such numbers are told
	// apart by their digits.
	Country string
	// Names: people's names are personal too, also where they are the key of a row, which is hashed in each mode.
	Names bool
}

// Keeps reports whether all values stay.
func (o Options) Keeps() bool { return o.Mode == Keep || o.Mode == "" }

// NeedsKey reports whether something is hashed.
func (o Options) NeedsKey() bool { return o.Mode == Hash || o.Mode == Drop && o.Names }

// Policy is what a format does with personal values. The zero Policy where all stay.
func (o Options) Policy() pipeline.Policy {
	if o.Keeps() {
		return pipeline.Policy{}
	}
	p := &policy{Options: o}
	p.hashes.New = func() any { return hmac.New(sha256.New, o.Key) }
	of := pipeline.Policy{Replace: p.replace, Again: p.again, Takes: p.takes, Digest: p.digest()}
	if len(o.Key) > 0 {
		of.Whole = func() hash.Hash { return hmac.New(sha256.New, o.Key) }
	}
	return of
}

// policy replaces values. Its methods may be called concurrently.
type policy struct {
	Options
	hashes sync.Pool // of hash.Hash
}

// takes is the Takes of [pipeline.Policy]. Hashed names stay where they are keys: they have to be those of today's key.
func (p *policy) takes(digest string) bool {
	if p.Mode != Drop {
		return false
	}
	if p.Names {
		return digest == p.digestOf(Hash)
	}
	rest, ok := strings.CutPrefix(digest, string(Hash)+",")
	return ok && !strings.HasPrefix(rest, namesToo)
}

// digest tells policies apart, as a part of the settings digest. It says of the key and the country that they are the
// same, and no more.
func (p *policy) digest() string { return p.digestOf(p.Mode) }

// digestOf is the digest of the same policy in another mode.
func (p *policy) digestOf(mode Mode) string {
	digest := string(mode)
	if p.Names {
		digest += "," + namesToo
	}
	if p.NeedsKey() {
		digest += "," + string(p.appendHash(nil, []byte("windrow: which key, "+p.Country))[:16])
	}
	return digest
}

// replace is the Replace of [pipeline.Policy].
func (p *policy) replace(dst, text []byte, kind pipeline.Personal, required bool) ([]byte, bool) {
	switch {
	case kind == pipeline.PersonalName && !p.Names:
		return append(dst, text...), true
	case p.Mode == Drop && !required:
		return dst, false
	case kind == pipeline.PersonalPhone || kind == pipeline.PersonalAddress:
		return p.appendEach(dst, text), true
	}
	return p.appendHash(dst, p.normal(text, kind)), true
}

// again is the Again of [pipeline.Policy].
func (p *policy) again(dst, text []byte, kind pipeline.Personal, required bool) ([]byte, bool) {
	if p.Mode == Drop && !required && (kind != pipeline.PersonalName || p.Names) {
		return dst, false
	}
	return append(dst, text...), true
}

// appendHash appends the hash of a text in its normal form.
func (p *policy) appendHash(dst, normal []byte) []byte {
	h := p.hashes.Get().(hash.Hash)
	defer p.hashes.Put(h)
	h.Reset()
	h.Write(normal)
	var sum [sha256.Size]byte
	return hex.AppendEncode(dst, h.Sum(sum[:0])[:hashDigits/2])
}
