package engine

import (
	"github.com/windrow-data/windrow/pipeline"
)

// hashSet holds row hashes where several targets may return the same row: 16
// bytes an entry in an open table that is at most 7/8 full, so at most 37
// bytes a row and 25 on average.
type hashSet struct {
	slots []pipeline.Hash // the zero Hash marks a free slot
	n     int
}

func (s *hashSet) has(h pipeline.Hash) bool {
	if s.n == 0 {
		return false
	}
	_, found := s.slot(h)
	return found
}

func (s *hashSet) add(h pipeline.Hash) {
	if (s.n+1)*8 > len(s.slots)*7 {
		s.grow()
	}
	if i, found := s.slot(h); !found {
		s.slots[i] = occupied(h)
		s.n++
	}
}

// slot finds h, or the free slot where it belongs.
func (s *hashSet) slot(h pipeline.Hash) (int, bool) {
	h = occupied(h)
	mask := uint64(len(s.slots) - 1)
	for i := h.Lo & mask; ; i = (i + 1) & mask {
		switch s.slots[i] {
		case h:
			return int(i), true
		case pipeline.Hash{}:
			return int(i), false
		}
	}
}

func (s *hashSet) grow() {
	old := s.slots
	s.slots = make([]pipeline.Hash, max(1024, 2*len(old)))
	for _, h := range old {
		if h != (pipeline.Hash{}) {
			i, _ := s.slot(h)
			s.slots[i] = h
		}
	}
}

// occupied keeps the zero hash apart from a free slot.
func occupied(h pipeline.Hash) pipeline.Hash {
	if h == (pipeline.Hash{}) {
		h.Hi = 1
	}
	return h
}
