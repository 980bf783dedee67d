package push

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"
)

// Digest is HMAC-SHA-256 under the operator's key, of an address or of a content. It tells nothing about it.
type Digest [sha256.Size]byte

// MarshalText implements [encoding.TextMarshaler]: 64 hexadecimal digits.
func (d Digest) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, d[:]), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *Digest) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(d)) {
		return fmt.Errorf("a digest has %d digits, not %d", hex.EncodedLen(len(d)), len(text))
	}
	_, err := hex.Decode(d[:], text)
	return err
}

// LeastKey is how many bytes an operator's key has at least.
const LeastKey = 32

// Hasher makes digests. It belongs to one goroutine.
type Hasher struct{ mac hash.Hash }

// NewHasher returns the hasher of a key, whose text's bytes count.
func NewHasher(key string) *Hasher { return &Hasher{hmac.New(sha256.New, []byte(key))} }

// Key is the digest by which a ledger knows the key.
func (h *Hasher) Key() Digest { return h.sum([]byte("windrow send ledger")) }

// Entry is the contact as the ledger has it.
func (h *Hasher) Entry(c Contact) Entry {
	e := Entry{IDs: make([]Digest, 0, len(c.IDs)), Content: h.sum([]byte("windrow content\x00"), c.JSON, []byte{0}, c.Data)}
	for _, id := range c.IDs {
		e.IDs = append(e.IDs, h.sum([]byte(id)))
	}
	slices.SortFunc(e.IDs, compareDigests)
	e.IDs = slices.Compact(e.IDs)
	return e
}

func (h *Hasher) sum(parts ...[]byte) (d Digest) {
	h.mac.Reset()
	for _, p := range parts {
		h.mac.Write(p)
	}
	h.mac.Sum(d[:0])
	return d
}

func compareDigests(a, b Digest) int { return slices.Compare(a[:], b[:]) }
