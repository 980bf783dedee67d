package pipeline

import (
	"encoding/binary"
	"errors"
	"iter"
	"slices"
)

// EntryCommits is the kind of a [CommitPack].
const EntryCommits EntryKind = "commits"

// CommitPack is many plain commits of a ledger: what they have alike, and the rest in columns. Every command reads the
// whole ledger, and of a long one nearly all are plain; as lines of JSON they would cost it ten times as much.
type CommitPack struct {
	Kind      EntryKind `json:"kind"`
	Zone      string    `json:"zone,omitempty"`
	Settings  string    `json:"settings,omitempty"`
	Fields    Fields    `json:"fields,omitempty"`
	Settled   bool      `json:"settled,omitempty"`
	Unchanged bool      `json:"unchanged,omitempty"`
	HasData   bool      `json:"has_data,omitempty"`
	Count     int       `json:"count"`
	// Columns has each of packColumns, one behind the other: Count differences to the number before, as varints. The
	// fingerprints follow, 16 bytes each.
	Columns []byte `json:"columns"`
}

// packColumns are the numbers of a plain commit.
var packColumns = [...]struct {
	get func(it *committedItem) int64
	set func(it *committedItem, v int64) (ok bool) // after the columns before it
}{
	{func(it *committedItem) int64 { return int64(it.Start) }, func(it *committedItem, v int64) bool { it.Start = Instant(v); return true }},
	{func(it *committedItem) int64 { return int64(it.End - it.Start) }, func(it *committedItem, v int64) bool { it.End = it.Start + Instant(v); return v > 0 }},
	{func(it *committedItem) int64 { return int64(it.packed.extractedAt - it.End) }, func(it *committedItem, v int64) bool { it.packed.extractedAt = it.End + Instant(v); return true }},
	{func(it *committedItem) int64 { return int64(it.packed.readAfter) }, func(it *committedItem, v int64) bool { return fit(&it.packed.readAfter, v) }},
	{func(it *committedItem) int64 { return int64(it.packed.committedAfter) }, func(it *committedItem, v int64) bool { return fit(&it.packed.committedAfter, v) }},
	{func(it *committedItem) int64 { return int64(it.packed.order) }, func(it *committedItem, v int64) bool { return fit(&it.packed.order, v) }},
	{func(it *committedItem) int64 { return int64(it.packed.runBefore) }, func(it *committedItem, v int64) bool { return fit(&it.packed.runBefore, v) }},
	{func(it *committedItem) int64 { return int64(it.packed.runDigits) }, func(it *committedItem, v int64) bool { return fit(&it.packed.runDigits, v) }},
	{func(it *committedItem) int64 { return int64(it.packed.read) }, func(it *committedItem, v int64) bool { return fit(&it.packed.read, v) }},
	{func(it *committedItem) int64 { return int64(it.packed.rows) }, func(it *committedItem, v int64) bool { return fit(&it.packed.rows, v) }},
	{func(it *committedItem) int64 { return int64(it.packed.beside) }, func(it *committedItem, v int64) bool { return fit(&it.packed.beside, v) }},
	{func(it *committedItem) int64 { return int64(it.packed.staged) }, func(it *committedItem, v int64) bool { return fit(&it.packed.staged, v) }},
	{func(it *committedItem) int64 { return int64(it.packed.bytes) }, func(it *committedItem, v int64) bool { return fit(&it.packed.bytes, v) }},
}

func fit[T int32 | uint32 | uint16](into *T, v int64) bool {
	*into = T(v)
	return int64(*into) == v
}

const (
	mostPacked = 1024 // commits of a pack: its line fits into a reader's buffer
	hashBytes  = 16
)

var errPack = errors.New("it has a pack of commits that cannot be read")

// Packed is [Ledger.All] with the plain commits in packs. Folding head, packs and tail in this order gives the ledger again.
func (l *Ledger) Packed() (head iter.Seq[Entry], packs iter.Seq[CommitPack], tail iter.Seq[Entry]) {
	return l.head, l.live.packs, l.tail
}

// ApplyPack folds the commits of a pack. After an error a part of them is folded.
func (l *Ledger) ApplyPack(p CommitPack) error {
	if p.Count < 1 || len(p.Columns)/(len(packColumns)+hashBytes) < p.Count {
		return errPack
	}
	l.unpacking = slices.Grow(l.unpacking[:0], p.Count)[:p.Count]
	items := l.unpacking
	rest, fits := p.Columns, true
	for _, column := range packColumns {
		at := int64(0)
		for i := range items {
			step, n := binary.Varint(rest)
			if n <= 0 {
				return errPack
			}
			rest, at = rest[n:], at+step
			fits = column.set(&items[i], at) && fits
		}
	}
	if !fits || len(rest) != p.Count*hashBytes {
		return errPack
	}
	alike := shared{p.Zone, p.Settings, p.Fields, p.Settled, p.Unchanged, p.HasData}
	number, ok := l.live.share(alike)
	for i := range items {
		it, hash := &items[i], rest[i*hashBytes:]
		it.packed.fingerprint = Hash{binary.BigEndian.Uint64(hash), binary.BigEndian.Uint64(hash[8:])}
		it.packed.shared = number
		if !ok || l.touches(it.Span) {
			e := it.packed.entry(it.Span, &alike)
			l.commit(&e)
			continue
		}
		l.newest = max(l.newest, uint64(it.packed.order))
		l.live.insert(*it)
	}
	return nil
}

// touches reports whether anything is known of a part of s.
func (l *Ledger) touches(s Span) bool {
	return l.live.touches(s) || l.remnants.touches(s) || l.waived.touches(s) || l.failed.touches(s) || l.begun.touches(s)
}

// packs packs the plain commits, those that share the same by themselves.
func (m *committedMap) packs(yield func(CommitPack) bool) {
	open := make([][]committedItem, len(m.shared))
	for it := range m.from(NoInstant) {
		s := it.packed.shared
		if s == unpacked {
			continue
		}
		if open[s] = append(open[s], it); len(open[s]) < mostPacked {
			continue
		}
		if !yield(m.packOf(open[s])) {
			return
		}
		open[s] = open[s][:0]
	}
	for _, items := range open {
		if len(items) > 0 && !yield(m.packOf(items)) {
			return
		}
	}
}

// packOf is the pack of plain commits that share the same.
func (m *committedMap) packOf(items []committedItem) CommitPack {
	s := &m.shared[items[0].packed.shared]
	columns := make([]byte, 0, len(items)*(2*len(packColumns)+hashBytes))
	for _, column := range packColumns {
		last := int64(0)
		for i := range items {
			v := column.get(&items[i])
			columns = binary.AppendVarint(columns, v-last)
			last = v
		}
	}
	for i := range items {
		columns = binary.BigEndian.AppendUint64(columns, items[i].packed.fingerprint.Hi)
		columns = binary.BigEndian.AppendUint64(columns, items[i].packed.fingerprint.Lo)
	}
	return CommitPack{EntryCommits, s.zone, s.settings, s.fields, s.settled, s.unchanged, s.hasData, len(items), columns}
}
