package pipeline

import (
	"iter"
	"math"
	"slices"
	"sort"
	"sync/atomic"
)

// spanTree is an ordered map of disjoint spans to items. Inserting costs the
// same anywhere in a long history, which is read newest first or last.
type spanTree[T spanned] struct {
	blocks [][]T  // none is empty
	own    []bool // the blocks that no other tree has; the others are copied before they are written to
	lent   uint32 // 1: since own was written, a clone has come to share all blocks; atomic, for readers clone together
}

// spanned is an item of a tree.
type spanned interface{ span() Span }

// spanMap is an ordered map of disjoint spans to entries.
type spanMap struct{ spanTree[spanItem] }

// spanItem is one span and what is known of it. The entry is never written to,
// so that a copy of the pointer is a copy of the item.
type spanItem struct {
	Span
	entry *Entry
}

func (it spanItem) span() Span { return it.Span }

const (
	spanRoom  = 255          // with the allocator's header a little below a round number of bytes
	spanBlock = spanRoom - 1 // items of a block at most; it is split when it has one more
)

// clone copies the tree, and nothing that its items point to. The two share their blocks until one of them writes.
func (m *spanTree[T]) clone() spanTree[T] {
	atomic.StoreUint32(&m.lent, 1)
	return spanTree[T]{blocks: slices.Clone(m.blocks), own: make([]bool, len(m.blocks))}
}

// write is a block that is about to be written to.
func (m *spanTree[T]) write(block int) []T {
	if atomic.LoadUint32(&m.lent) == 1 {
		clear(m.own)
		atomic.StoreUint32(&m.lent, 0)
	}
	if !m.own[block] {
		m.blocks[block] = append(make([]T, 0, spanRoom), m.blocks[block]...)
		m.own[block] = true
	}
	return m.blocks[block]
}

// addBlock adds a block that no other tree has.
func (m *spanTree[T]) addBlock(at int, items []T) {
	m.blocks = slices.Insert(m.blocks, at, items)
	m.own = slices.Insert(m.own, at, true)
}

// find returns the index of the first item that ends after i.
func (m *spanTree[T]) find(i Instant) (block, at int) {
	if n := len(m.blocks); n == 0 || m.blocks[n-1][len(m.blocks[n-1])-1].span().End <= i { // behind everything, as most that are new
		return n, 0
	}
	block = sort.Search(len(m.blocks), func(k int) bool {
		b := m.blocks[k]
		return b[len(b)-1].span().End > i
	})
	if block == len(m.blocks) {
		return block, 0
	}
	b := m.blocks[block]
	return block, sort.Search(len(b), func(k int) bool { return b[k].span().End > i })
}

// from iterates over the items that end after i, in order. The map must not
// change meanwhile.
func (m *spanTree[T]) from(i Instant) iter.Seq[T] {
	return func(yield func(T) bool) {
		block, at := m.find(i)
		for ; block < len(m.blocks); block, at = block+1, 0 {
			for _, it := range m.blocks[block][at:] {
				if !yield(it) {
					return
				}
			}
		}
	}
}

// backward iterates over all items, the last first. The map must not change
// meanwhile.
func (m *spanTree[T]) backward() iter.Seq[T] {
	return func(yield func(T) bool) {
		for _, b := range slices.Backward(m.blocks) {
			for _, it := range slices.Backward(b) {
				if !yield(it) {
					return
				}
			}
		}
	}
}

// over iterates over the items that overlap s, in order. The map must not
// change meanwhile.
func (m *spanTree[T]) over(s Span) iter.Seq[T] {
	return func(yield func(T) bool) {
		block, at := m.find(s.Start)
		for ; block < len(m.blocks); block, at = block+1, 0 {
			for _, it := range m.blocks[block][at:] {
				if it.span().Start >= s.End || !yield(it) {
					return
				}
			}
		}
	}
}

// touches reports whether an item overlaps s.
func (m *spanTree[T]) touches(s Span) bool {
	for range m.over(s) {
		return true
	}
	return false
}

// get returns the item of exactly this span.
func (m *spanTree[T]) get(s Span) (it T, ok bool) {
	block, at := m.find(s.Start)
	if block == len(m.blocks) || m.blocks[block][at].span() != s {
		return it, false
	}
	return m.blocks[block][at], true
}

// insert adds an item that overlaps none.
func (m *spanTree[T]) insert(it T) {
	if it.span().Empty() {
		return
	}
	block, at := m.find(it.span().Start)
	if block == len(m.blocks) {
		if block == 0 || len(m.blocks[block-1]) == spanBlock {
			m.addBlock(block, append(make([]T, 0, spanRoom), it))
			return
		}
		block--
		at = len(m.blocks[block])
	}
	b := slices.Insert(m.write(block), at, it)
	m.blocks[block] = b
	if len(b) > spanBlock {
		half := len(b) / 2
		m.addBlock(block+1, append(make([]T, 0, spanRoom), b[half:]...))
		clear(b[half:])
		m.blocks[block] = b[:half]
	}
}

// remove drops the item of exactly this span.
func (m *spanTree[T]) remove(s Span) {
	block, at := m.find(s.Start)
	if block == len(m.blocks) || m.blocks[block][at].span() != s {
		return
	}
	m.blocks[block] = slices.Delete(m.write(block), at, at+1)
	if len(m.blocks[block]) == 0 {
		m.blocks, m.own = slices.Delete(m.blocks, block, block+1), slices.Delete(m.own, block, block+1)
	}
}

// subtract clips the items so that none overlaps s.
func (m *spanMap) subtract(s Span) {
	for _, it := range slices.Collect(m.over(s)) {
		m.remove(it.Span)
		m.insert(it.clip(Span{Start: it.Start, End: min(it.End, s.Start)}))
		m.insert(it.clip(Span{Start: max(it.Start, s.End), End: it.End}))
	}
}

// put clips what overlaps the item and adds it.
func (m *spanMap) put(it spanItem) {
	m.subtract(it.Span)
	m.insert(it)
}

// clip is the item over a part of its span.
func (it spanItem) clip(s Span) spanItem {
	if s == it.Span || s.Empty() {
		return spanItem{Span: s, entry: it.entry}
	}
	e := *it.entry
	e.Window.Span = s
	return spanItem{Span: s, entry: &e}
}

// spans lists the spans that end after i.
func (m *spanTree[T]) spans(i Instant) []Span {
	var list []Span
	for it := range m.from(i) {
		list = append(list, it.span())
	}
	return list
}

// spanLayers is an ordered map of spans that may overlap to entries: a layer has spans that do not. There are as many
// layers as spans lie over one instant at most, which is one or two, whatever the number of spans.
type spanLayers []spanMap

// always overlaps every span.
var always = Span{Start: NoInstant, End: math.MaxInt64}

func (l spanLayers) clone() spanLayers {
	c := make(spanLayers, len(l))
	for i := range l {
		c[i] = spanMap{l[i].clone()}
	}
	return c
}

// get returns the item of exactly this span.
func (l spanLayers) get(s Span) (spanItem, bool) {
	for i := range l {
		if it, ok := l[i].get(s); ok {
			return it, true
		}
	}
	return spanItem{}, false
}

// put adds an item, or replaces that of the same span.
func (l *spanLayers) put(it spanItem) {
	l.remove(it.Span)
	for i := range *l {
		if !(*l)[i].touches(it.Span) {
			(*l)[i].insert(it)
			return
		}
	}
	*l = append(*l, spanMap{})
	(*l)[len(*l)-1].insert(it)
}

// remove drops the item of exactly this span.
func (l spanLayers) remove(s Span) {
	for i := range l {
		l[i].remove(s)
	}
}

// touches reports whether an item overlaps s.
func (l spanLayers) touches(s Span) bool {
	return slices.ContainsFunc(l, func(m spanMap) bool { return m.touches(s) })
}

// over lists, by start, the items that overlap s.
func (l spanLayers) over(s Span) (list []spanItem) {
	for i := range l {
		list = slices.AppendSeq(list, l[i].over(s))
	}
	if len(l) > 1 {
		slices.SortFunc(list, func(a, b spanItem) int { return byWindow(*a.entry, *b.entry) })
	}
	return list
}
