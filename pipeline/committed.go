package pipeline

import (
	"cmp"
	"encoding/binary"
	"encoding/hex"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// committedMap is an ordered map of disjoint spans to their commits. A ledger of years has hundreds of thousands, nearly
// all of them plain, so that each takes 80 bytes and none has anything for the collector to follow.
type committedMap struct {
	spanTree[committedItem]
	shared []shared       // by packed.shared
	last   int            // index of the one that was found last
	whole  []*wholeCommit // those that cannot be packed, by packed.order; nil: free
	free   []uint32
	wholes uint64 // that were put
}

// committedItem is one span and its commit.
type committedItem struct {
	Span
	packed packed
}

// wholeCommit is a commit that is kept as it is.
type wholeCommit struct {
	Entry
	order uint64 // of them among each other
}

// packed is a commit in 64 bytes.
type packed struct {
	fingerprint        Hash
	extractedAt        Instant
	readAfter          int32  // microseconds behind extractedAt
	committedAfter     uint32 // microseconds behind the reading
	order              uint32
	shared             uint16
	runBefore          uint16 // seconds before the reading, of the time in the run's id
	runDigits          uint32 // behind that time
	read, rows, beside uint32 // beside: outside of the window
	staged, bytes      uint32
}

// shared is what many commits have alike.
type shared struct {
	zone, settings              string
	fields                      Fields
	settled, unchanged, hasData bool
}

const (
	unpacked   = math.MaxUint16 // packed.shared of a commit that is kept whole
	mostShared = 1024
)

func (it committedItem) span() Span { return it.Span }

// clone copies the map. Both may be written to.
func (m *committedMap) clone() committedMap {
	return committedMap{spanTree: m.spanTree.clone(), shared: slices.Clone(m.shared), last: m.last, whole: slices.Clone(m.whole), free: slices.Clone(m.free), wholes: m.wholes}
}

// put adds a commit over a span that no other overlaps.
func (m *committedMap) put(e *Entry) {
	p, ok := m.pack(e)
	if !ok {
		own := wholeCommit{*e, m.wholes}
		m.wholes++
		p = packed{shared: unpacked}
		if n := len(m.free); n > 0 {
			p.order, m.free = m.free[n-1], m.free[:n-1]
			m.whole[p.order] = &own
		} else {
			p.order, m.whole = uint32(len(m.whole)), append(m.whole, &own)
		}
	}
	m.insert(committedItem{Span: e.Window.Span, packed: p})
}

// remove drops the commit of exactly this span.
func (m *committedMap) remove(s Span) {
	it, ok := m.get(s)
	if !ok {
		return
	}
	if it.packed.shared == unpacked {
		m.whole[it.packed.order] = nil
		m.free = append(m.free, it.packed.order)
	}
	m.spanTree.remove(s)
}

// entry is the commit of an item.
func (m *committedMap) entry(it committedItem) Entry {
	p := &it.packed
	if p.shared == unpacked {
		return m.whole[p.order].Entry
	}
	return p.entry(it.Span, &m.shared[p.shared])
}

// withoutRun is the commit of an item without its SyncID.
func (m *committedMap) withoutRun(it committedItem) Entry {
	if p := &it.packed; p.shared != unpacked {
		return p.withoutRun(it.Span, &m.shared[p.shared])
	}
	e := m.whole[it.packed.order].Entry
	e.SyncID = ""
	return e
}

func (p *packed) entry(span Span, s *shared) Entry {
	e := p.withoutRun(span, s)
	e.SyncID = runID(e.ReadAt.Time().Unix()-int64(p.runBefore), p.runDigits)
	return e
}

func (p *packed) withoutRun(span Span, s *shared) Entry {
	readAt := p.extractedAt + Instant(p.readAfter)
	return Entry{
		Kind: EntryCommit, Window: Window{Span: span, Zone: s.zone},
		ExtractedAt: p.extractedAt, Order: uint64(p.order), ReadAt: readAt, CommittedAt: readAt + Instant(p.committedAfter), Settled: s.settled,
		Counts: Counts{Read: int64(p.read), Rows: int64(p.rows), Outside: int64(p.beside)}, Fields: s.fields, Fingerprint: p.fingerprint, Settings: s.settings,
		Staged: int64(p.staged), Bytes: int64(p.bytes), Unchanged: s.unchanged, HasData: s.hasData,
	}
}

// readingOf tells of an item which reading it is of.
func (m *committedMap) readingOf(it committedItem) reading {
	p := &it.packed
	if p.shared == unpacked {
		e := m.whole[p.order]
		return reading{e.Order, e.ReadAt, e.lastTime(), e.Settled}
	}
	readAt := p.extractedAt + Instant(p.readAfter)
	return reading{uint64(p.order), readAt, max(p.extractedAt, readAt+Instant(p.committedAfter)), m.shared[p.shared].settled}
}

// reading is what walks over all commits ask of each.
type reading struct {
	order        uint64
	at, lastTime Instant
	settled      bool
}

// newerThan is [Entry.NewerThan].
func (r reading) newerThan(e *Entry) bool {
	return r.order > e.Order || r.order == e.Order && r.at > e.ReadAt
}

// rowsOf is how many rows the window has; its settings and fields.
func (m *committedMap) rowsOf(it committedItem) (rows int64, settings string, fields Fields) {
	if p := &it.packed; p.shared != unpacked {
		s := &m.shared[p.shared]
		return int64(p.rows), s.settings, s.fields
	}
	e := m.whole[it.packed.order]
	return e.Counts.Rows, e.Settings, e.Fields
}

// wholeOnes iterates over the commits that are whole, in the order in which they came: one may supersede a window that
// was committed again since.
func (m *committedMap) wholeOnes() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		list := slices.DeleteFunc(slices.Clone(m.whole), func(e *wholeCommit) bool { return e == nil })
		slices.SortFunc(list, func(a, b *wholeCommit) int { return cmp.Compare(a.order, b.order) })
		for _, e := range list {
			if !yield(e.Entry) {
				return
			}
		}
	}
}

// plainOnes iterates over the commits that are packed, by start.
func (m *committedMap) plainOnes() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for it := range m.from(NoInstant) {
			if it.packed.shared != unpacked && !yield(m.entry(it)) {
				return
			}
		}
	}
}

// entries are the commits of some items.
func (m *committedMap) entries(items iter.Seq[committedItem]) iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for it := range items {
			if !yield(m.entry(it)) {
				return
			}
		}
	}
}

// pack is the commit in its short form, if entry makes exactly e of that.
func (m *committedMap) pack(e *Entry) (p packed, ok bool) {
	if e.Kind != EntryCommit || e.RejectsHash != (Hash{}) || e.Unreadable != nil || e.Supersedes != nil || e.ErrorKind != "" || e.Note != "" || e.Before != nil ||
		e.Counts.Rejected != 0 || e.Counts.Duplicate != 0 || e.Order > math.MaxUint32 {
		return p, false
	}
	for _, n := range []int64{e.Counts.Read, e.Counts.Rows, e.Counts.Outside, e.Staged, e.Bytes, int64(e.CommittedAt - e.ReadAt)} {
		if n < 0 || n > math.MaxUint32 {
			return p, false
		}
	}
	readAfter := e.ReadAt - e.ExtractedAt
	run, digits, ok := splitRunID(e.SyncID)
	runBefore := e.ReadAt.Time().Unix() - run
	if !ok || readAfter != Instant(int32(readAfter)) || runBefore < 0 || runBefore > math.MaxUint16 {
		return p, false
	}
	s, ok := m.share(shared{e.Window.Zone, e.Settings, e.Fields, e.Settled, e.Unchanged, e.HasData})
	return packed{
		fingerprint: e.Fingerprint, extractedAt: e.ExtractedAt, readAfter: int32(readAfter), committedAfter: uint32(e.CommittedAt - e.ReadAt), order: uint32(e.Order),
		shared: s, runBefore: uint16(runBefore), runDigits: digits,
		read: uint32(e.Counts.Read), rows: uint32(e.Counts.Rows), beside: uint32(e.Counts.Outside), staged: uint32(e.Staged), bytes: uint32(e.Bytes),
	}, ok
}

// share is the index of s.
func (m *committedMap) share(s shared) (uint16, bool) {
	if m.last < len(m.shared) && m.shared[m.last] == s {
		return uint16(m.last), true
	}
	i := slices.Index(m.shared, s)
	if i < 0 {
		if len(m.shared) == mostShared {
			return 0, false
		}
		i, m.shared = len(m.shared), append(m.shared, s)
	}
	m.last = i
	return uint16(i), true
}

// runIDLength is that of an id as [NewSyncID] makes it: a time, - and eight hexadecimal digits.
const runIDLength = len(syncLayout) + 9

func runID(second int64, digits uint32) SyncID {
	b := make([]byte, 0, runIDLength)
	b = append(time.Unix(second, 0).UTC().AppendFormat(b, syncLayout), '-')
	return SyncID(hex.AppendEncode(b, binary.BigEndian.AppendUint32(nil, digits)))
}

// splitRunID is the opposite of runID; not ok where that would make another id.
func splitRunID(id SyncID) (second int64, digits uint32, ok bool) {
	if len(id) != runIDLength || id[len(syncLayout)] != '-' {
		return 0, 0, false
	}
	tail := string(id[len(syncLayout)+1:])
	n, err := strconv.ParseUint(tail, 16, 32)
	at, ok := id.Time()
	return at.Unix(), uint32(n), ok && err == nil && !strings.ContainsAny(tail, "ABCDEF")
}
