package engine

import (
	"encoding/binary"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

func TestHashSetHoldsWhatWasAddedAndNothingElse(t *testing.T) {
	var s hashSet
	hash := func(n uint64) pipeline.Hash {
		return pipeline.FieldHash(1, binary.LittleEndian.AppendUint64(nil, n))
	}
	if s.has(pipeline.Hash{}) || s.has(hash(1)) {
		t.Fatal("an empty set holds something")
	}
	const n = 50_000
	for i := range uint64(n) {
		s.add(hash(i))
		s.add(hash(i)) // adding twice is adding once
	}
	for i := range uint64(n) {
		if !s.has(hash(i)) {
			t.Fatalf("hash %d is lost", i)
		}
		if s.has(hash(n + i)) {
			t.Fatalf("hash %d was never added", n+i)
		}
	}
	if s.n != n {
		t.Fatalf("n = %d, want %d", s.n, n)
	}
	s.add(pipeline.Hash{})
	if !s.has(pipeline.Hash{}) {
		t.Fatal("the zero hash is a value like another")
	}
}

func TestPromise12_OverlapCostsAtMost32BytesARowOnAverage(t *testing.T) {
	var s hashSet
	total, sizes := 0.0, 0
	for i := range uint64(400_000) {
		s.add(pipeline.FieldHash(7, binary.LittleEndian.AppendUint64(nil, i)))
		if s.n > 10_000 {
			total += float64(len(s.slots)*16) / float64(s.n)
			sizes++
		}
	}
	if mean := total / float64(sizes); mean > 32 {
		t.Fatalf("%.1f bytes a row on average", mean)
	}
}

func TestTheZeroHashIsAHashAsAnyOther(t *testing.T) {
	var s hashSet
	s.add(pipeline.Hash{Lo: 7})
	if s.has(pipeline.Hash{}) {
		t.Error("the set has the zero hash, which was not added")
	}
	if s.add(pipeline.Hash{}); !s.has(pipeline.Hash{}) || s.n != 2 {
		t.Errorf("the zero hash was added, and the set holds %d", s.n)
	}
}
