package pipeline

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/bits"

	"github.com/apache/arrow/go/v17/arrow"
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

// rowHasher computes the part of the fingerprint that the columns of one table give.
type rowHasher struct {
	seeds []uint64
	used  []bool
}

func newRowHasher(t *Table) *rowHasher {
	h := &rowHasher{seeds: make([]uint64, len(t.Columns)), used: make([]bool, len(t.Columns))}
	for i, c := range t.Columns {
		h.seeds[i] = NameSeed(c.Name)
		// Lineage says who read, snapshots say when: neither is what was read.
		// extras come hashed field by field, in the batch.
		h.used[i] = !c.Engine && c.Aggregation != Snapshot && c.Name != "extras"
	}
	return h
}

// HashRows turns the hashes of a finished batch's extras into those of its rows, once. The hashes stand in the same
// memory, good until Release.
func (b *Batch) HashRows() []Hash { return b.Table.hasher.rows(b) }

func (h *rowHasher) rows(b *Batch) []Hash {
	sums := b.ExtrasHash
	h.add(sums, b)
	for i := range sums {
		sums[i] = sums[i].mix()
	}
	return sums
}

// add adds the hashes of the columns' values to those of the rows.
func (h *rowHasher) add(sums []Hash, b *Batch) {
	for i, c := range b.columns {
		if c != nil && h.used[i] && c.nulls < c.rows {
			addColumn(sums, c, h.seeds[i])
		}
	}
}

// StoredFingerprint is the fingerprint of rows as a table has them. What it can not know is how the source wrote the
// members of extras that are strings: as texts, in CSV, or as JSON. So it is both, and [StoredFingerprint.Is] either.
// The zero StoredFingerprint is of no rows.
type StoredFingerprint struct{ csv, json Hash }

// Add returns the fingerprint of the rows of both.
func (f StoredFingerprint) Add(o StoredFingerprint) StoredFingerprint {
	return StoredFingerprint{f.csv.Add(o.csv), f.json.Add(o.json)}
}

// Is reports whether the rows have the fingerprint that a window's entry has.
func (f StoredFingerprint) Is(of Hash) bool { return f.csv == of || f.json == of }

// String tells one of the fingerprints, for messages.
func (f StoredFingerprint) String() string { return f.json.String() }

// HashStored returns the fingerprint of rows that were read back from a table into b, column by column; the batch is only
// good for Release afterwards. Members of extras that are snapshots do not count; snapshot nil: all do. An error says that
// extras are not as this program writes them.
func (b *Batch) HashStored(rows int, snapshot func(name []byte) bool) (f StoredFingerprint, err error) {
	b.rows = rows
	for i, c := range b.columns {
		if c != nil {
			b.column(i).endLists()
			if c.rows != rows {
				return f, fmt.Errorf("column %s has %d rows, not %d", b.Table.Columns[i].Name, c.rows, rows)
			}
		}
	}
	for range rows {
		b.ExtrasHash = append(b.ExtrasHash, Hash{})
	}
	sums := b.ExtrasHash
	b.Table.hasher.add(sums, b)
	extras := b.columns[b.Table.Index("extras")]
	for i, sum := range sums {
		of := StoredFingerprint{}
		if extras.isValid(i) {
			if of, err = hashExtras(extras.textAt(i), snapshot); err != nil {
				return f, err
			}
		}
		f = f.Add(StoredFingerprint{sum.Add(of.csv).mix(), sum.Add(of.json).mix()})
	}
	return f, nil
}

func addColumn(sums []Hash, c *column, seed uint64) {
	switch c.typ.ID() {
	case arrow.STRING:
		for i := range sums {
			if c.isValid(i) {
				sums[i] = sums[i].Add(FieldHash(seed, c.textAt(i)))
			}
		}
	case arrow.DICTIONARY:
		distinct := make([]Hash, c.dictionary.values.rows)
		for n := range distinct {
			distinct[n] = FieldHash(seed, c.dictionary.values.textAt(n))
		}
		for i := range sums {
			if c.isValid(i) {
				sums[i] = sums[i].Add(distinct[c.index[i]])
			}
		}
	case arrow.LIST:
		addLists(sums, c, seed)
	case arrow.BOOL:
		for i := range sums {
			if c.isValid(i) {
				sums[i] = sums[i].Add(wordHash(seed, uint64(c.bits[i>>3]>>(i&7)&1)))
			}
		}
	case arrow.FLOAT64:
		for i := range sums {
			if c.isValid(i) { // −0 and 0 are one value
				sums[i] = sums[i].Add(wordHash(seed, math.Float64bits(math.Float64frombits(c.words[i])+0)))
			}
		}
	default:
		for i := range sums {
			if c.isValid(i) {
				sums[i] = sums[i].Add(wordHash(seed, c.words[i]))
			}
		}
	}
}

func wordHash(seed, v uint64) Hash {
	var word [8]byte
	binary.LittleEndian.PutUint64(word[:], v)
	return FieldHash(seed, word[:])
}

// addLists hashes a list of strings with each item's length before it, so that
// ["ab"] and ["a","b"] differ.
func addLists(sums []Hash, c *column, seed uint64) {
	var buf []byte
	for i := range sums {
		if !c.isValid(i) {
			continue
		}
		buf = buf[:0]
		for j := c.offsets[i]; j < c.offsets[i+1]; j++ {
			v := c.items.textAt(int(j))
			buf = binary.AppendUvarint(buf, uint64(len(v)))
			buf = append(buf, v...)
		}
		sums[i] = sums[i].Add(FieldHash(seed, buf))
	}
}

var errExtras = errors.New("extras are no JSON object of Windrow's")

// hashExtras hashes the members of a row's extras, each as a decoder does.
func hashExtras(object []byte, snapshot func(name []byte) bool) (f StoredFingerprint, err error) {
	if len(object) < 2 || object[0] != '{' || object[len(object)-1] != '}' {
		return f, errExtras
	}
	for rest := object[1 : len(object)-1]; ; rest = rest[1:] {
		end := jsonEnd(rest)
		if end >= len(rest) || rest[end] != ':' || rest[0] != '"' {
			return f, errExtras
		}
		name, err := jsonText(rest[:end])
		if err != nil {
			return f, err
		}
		rest = rest[end+1:]
		if end = jsonEnd(rest); end == 0 || end < len(rest) && rest[end] != ',' {
			return f, errExtras
		}
		if snapshot == nil || !snapshot(name) {
			seed, token := NameSeed(string(name)), rest[:end]
			text := token
			if token[0] == '"' {
				if text, err = jsonText(token); err != nil {
					return f, err
				}
			}
			f = f.Add(StoredFingerprint{FieldHash(seed, text), FieldHash(seed, token)})
		}
		if rest = rest[end:]; len(rest) == 0 {
			return f, nil
		}
	}
}

// jsonEnd is where the JSON value at the beginning of b ends: at a comma or a colon that is not in it, or with b.
func jsonEnd(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			for i++; i < len(b) && b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case ',', ':':
			if depth == 0 {
				return i
			}
		}
	}
	return len(b)
}

// jsonText is what a JSON string says.
func jsonText(token []byte) ([]byte, error) {
	if len(token) < 2 || token[0] != '"' || token[len(token)-1] != '"' {
		return nil, errExtras
	}
	if text := token[1 : len(token)-1]; bytes.IndexByte(text, '\\') < 0 {
		return text, nil
	}
	var text string
	if err := json.Unmarshal(token, &text); err != nil {
		return nil, errExtras
	}
	return []byte(text), nil
}
