package pipeline

import (
	"encoding/hex"
	"fmt"
	"math/bits"

	"github.com/zeebo/xxh3"
)

// Hash is a 128-bit value that adds up: the sum of row hashes does not depend
// on the order of the rows, and unlike XOR it does not cancel pairs.
type Hash struct{ Hi, Lo uint64 }

// Add returns h + o modulo 2^128.
func (h Hash) Add(o Hash) Hash {
	lo, carry := bits.Add64(h.Lo, o.Lo, 0)
	hi, _ := bits.Add64(h.Hi, o.Hi, carry)
	return Hash{Hi: hi, Lo: lo}
}

// String is the hash as 32 hexadecimal digits.
func (h Hash) String() string { return fmt.Sprintf("%016x%016x", h.Hi, h.Lo) }

// MarshalText writes 32 hexadecimal digits.
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText reads 32 hexadecimal digits.
func (h *Hash) UnmarshalText(b []byte) error {
	var raw [16]byte
	if len(b) != 32 {
		return fmt.Errorf("fingerprint has %d digits, not 32", len(b))
	}
	if _, err := hex.Decode(raw[:], b); err != nil {
		return fmt.Errorf("fingerprint: %w", err)
	}
	for i := range 8 {
		h.Hi = h.Hi<<8 | uint64(raw[i])
		h.Lo = h.Lo<<8 | uint64(raw[8+i])
	}
	return nil
}

// NameSeed is the seed that a column or field name lends to its values.
func NameSeed(name string) uint64 { return xxh3.HashString(name) }

// FieldHash hashes one value under its name's seed. A row's hash is the mixed
// sum of its fields' hashes; a null field adds nothing, so a new column
// changes no fingerprint.
func FieldHash(seed uint64, value []byte) Hash {
	u := xxh3.Hash128Seed(value, seed)
	return Hash{Hi: u.Hi, Lo: u.Lo}
}

// mix makes a row of the sum of its fields, so that values cannot trade
// places between rows unnoticed.
func (h Hash) mix() Hash {
	var b [16]byte
	for i := range 8 {
		b[i] = byte(h.Hi >> (8 * i))
		b[8+i] = byte(h.Lo >> (8 * i))
	}
	u := xxh3.Hash128(b[:])
	return Hash{Hi: u.Hi, Lo: u.Lo}
}
