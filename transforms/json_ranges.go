package transforms

import "iter"

// cutRows is an array of rows within a document, cut finely: how long a range may be depends on the members that
// stand around the rows, which may come later.
type cutRows struct {
	found  bool
	pieces []rowPiece
	rows   int
}

// rowPiece says where rows that stand together lie in the document.
type rowPiece struct{ from, to, rows int }

// pieceRows bounds the rows of a piece.
const pieceRows = 64

// read walks over the array at i and returns the position behind it, -1 after a problem.
func (a *cutRows) read(s *scanner, i, rangeBytes int) int {
	a.found = true
	if i = s.space(i + 1); i < len(s.b) && s.b[i] == ']' {
		return i + 1
	}
	piece := rowPiece{from: i}
	for {
		end, _ := s.value(i)
		if end < 0 {
			return -1
		}
		piece.to, piece.rows = end, piece.rows+1
		i = s.space(end)
		closed := i < len(s.b) && s.b[i] == ']'
		full := piece.rows == pieceRows || end-piece.from >= rangeBytes
		if closed || full {
			a.pieces, a.rows = append(a.pieces, piece), a.rows+piece.rows
		}
		if closed {
			return i + 1
		}
		if i = s.expect(i, ',', "the answer ends too early, or a comma is missing"); i < 0 {
			return -1
		}
		if i = s.space(i); full {
			piece = rowPiece{from: i}
		}
	}
}

// ranges joins the rows to ranges; a document without rows is one empty range.
func (e *envelope) ranges() iter.Seq[[]byte] {
	most := max(min(maxRangeRows, maxGrowth*e.rangeBytes/len(e.head)), 1)
	return func(yield func([]byte) bool) {
		if len(e.array.pieces) == 0 {
			yield(nil)
			return
		}
		all := e.array.pieces[0]
		for _, next := range e.array.pieces[1:] {
			if all.to-all.from >= e.rangeBytes || all.rows+next.rows > most {
				if !yield(e.scan.b[all.from:all.to]) {
					return
				}
				all = next
				continue
			}
			all.to, all.rows = next.to, all.rows+next.rows
		}
		yield(e.scan.b[all.from:all.to])
	}
}

// checkGrowth condemns a document whose members around the rows would be copied too often: work and memory are to
// stay in proportion to the document.
func (e *envelope) checkGrowth() error {
	size := len(e.head)
	if size > maxAround {
		return e.format.malformed("the members around its rows are longer than %d KiB", maxAround>>10)
	}
	if size > maxName && e.array.rows*size > maxGrowth*len(e.scan.b) {
		return e.format.malformed("the members around its rows have %d bytes, too many for each of %d rows to get them", size, e.array.rows)
	}
	return nil
}
