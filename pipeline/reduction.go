package pipeline

// Reduction declares that the rows of a stream are made of several source rows each, as the time in a state is made of
// the changes of state. The engine runs the reduction between decoding and the partition by window.
type Reduction struct {
	// Decoded is the table whose columns the stream's Format fills. The reducer makes rows of the stream's Table of them.
	Decoded *Table
	// New returns the reducer of one extraction. The windows are disjoint and in order.
	New func(windows []Window) Reducer
}

// Reducer reduces the source rows of one extraction. It is pure: the same source rows give the same rows, in whatever
// order bodies and requests arrive. The engine calls one method at a time, from any goroutine.
type Reducer interface {
	// Add takes the source rows of a finished batch, in the order of their body. It may be given rows outside of every
	// window: a state before a window's start, for example. The batch is the engine's and its memory is used again as
	// soon as Add returns, so that Add copies what it keeps. An error condemns the extraction. Add does not block.
	Add(m *Meta, b *Batch) error
	// Bytes is about the memory of what the reducer keeps. The engine asks after each Add and fails the extraction when
	// the bound on what one extraction may keep is passed.
	Bytes() int
	// Reduce appends the rows of one window to a batch of the stream's Table. The engine calls it once a window, in
	// order, when every source row was added. read is how many distinct source rows belong to the window; that number
	// stands in the ledger, where the equation of [Counts] does not hold for a reduced stream. A row of another window,
	// and an error, condemn the extraction. Reduce does not block and keeps nothing of the batch.
	Reduce(w Window, into *Batch) (read int64, err error)
}

// Decoded is the table whose columns the stream's Format fills.
func (s Stream) Decoded() *Table {
	if s.Reduction != nil {
		return s.Reduction.Decoded
	}
	return s.Table
}

// TextAt is the string of a finished batch in a string column, good until Release; nil where the row has none.
func (b *Batch) TextAt(col, row int) []byte {
	c := b.columns[col]
	if !c.isValid(row) {
		return nil
	}
	return c.textAt(row)
}
