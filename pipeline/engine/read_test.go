package engine

import (
	"context"
	"errors"
	"io"
	"iter"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/sourcegraph/conc"
	"golang.org/x/sync/semaphore"

	"github.com/windrow-data/windrow/pipeline"
)

// letters is a format whose ranges are single bytes. It counts those in memory:
// a range is there from its read until its Free.
type letters struct {
	held atomic.Int64
	most atomic.Int64
	fail byte // Decode fails at it
	die  byte // Decode panics at it
}

func (f *letters) Split(r io.Reader, _ int) iter.Seq2[pipeline.Chunk, error] {
	return func(yield func(pipeline.Chunk, error) bool) {
		for {
			held := f.held.Add(1)
			for most := f.most.Load(); held > most && !f.most.CompareAndSwap(most, held); most = f.most.Load() {
			}
			free := sync.OnceFunc(func() { f.held.Add(-1) })
			b := make([]byte, 1)
			_, err := io.ReadFull(r, b)
			switch {
			case errors.Is(err, io.EOF):
				free()
				return
			case err != nil:
				free()
				yield(pipeline.Chunk{}, err)
				return
			case !yield(pipeline.Chunk{Data: b, Free: free}, nil):
				return
			}
		}
	}
}

var errLetter = errors.New("a letter that cannot be read")

func (f *letters) Decode(_ *pipeline.Meta, c pipeline.Chunk, _ *pipeline.Batch) error {
	runtime.Gosched() // so that bodies get ahead of workers
	if c.Data[0] == f.die {
		panic("a letter that kills")
	}
	if c.Data[0] == f.fail {
		return errLetter
	}
	return nil
}

func (f *letters) Lenient() pipeline.Format { return f }

// counter is a [bodySink] that counts batches.
type counter int

func (*counter) nextNumber() int { return 0 }

func (*counter) partition(b *pipeline.Batch, _ int) (*partitioned, error) {
	return &partitioned{batch: b}, nil
}

func (n *counter) add(*partitioned, int64) error { *n++; return nil }

// rowsFormat has a row in each letter: of a capital one Decode cannot read the row, and with a digit Split ends.
type rowsFormat struct{ letters }

func (f *rowsFormat) Split(r io.Reader, n int) iter.Seq2[pipeline.Chunk, error] {
	return func(yield func(pipeline.Chunk, error) bool) {
		for c, err := range f.letters.Split(r, n) {
			if err == nil && c.Data[0] <= '9' {
				c.Free()
				yield(pipeline.Chunk{}, &pipeline.Error{Op: "read", Kind: pipeline.Malformed, Err: &pipeline.RowError{Row: 1, What: " is cut off"}})
				return
			}
			if !yield(c, err) {
				return
			}
		}
	}
}

func (f *rowsFormat) Decode(m *pipeline.Meta, c pipeline.Chunk, b *pipeline.Batch) error {
	if c.Data[0] < 'a' {
		return &pipeline.Error{Op: "read", Kind: pipeline.Malformed, Err: &pipeline.RowError{Row: 1, What: ": a comma is missing"}}
	}
	return f.letters.Decode(m, c, b)
}

// rowCounter is a [bodySink] of batches of one row.
type rowCounter struct{ counter }

func (*rowCounter) partition(b *pipeline.Batch, _ int) (*partitioned, error) {
	return &partitioned{batch: b, read: 1}, nil
}

// A range does not know how many rows were before it.
func TestG_ARowThatADocumentCannotBeReadOnFromIsCountedFromTheFirst(t *testing.T) {
	for doc, says := range map[string]string{"abcD": "row 4: a comma is missing", "A": "row 1: a comma is missing", "abcd1": "row 5 is cut off", "abCd1": "row 3: a comma is missing"} {
		r, f := newReader(2), &rowsFormat{}
		err := r.read(t.Context(), pipeline.Body{Open: body(doc)}, f, pipeline.Events, &rowCounter{})
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %s", doc, err, says)
		}
		allBack(t, r, &f.letters, 2)
	}
}

// readLetters reads one body and returns how many ranges came through.
func readLetters(ctx context.Context, r *reader, f *letters, open func(context.Context) (io.ReadCloser, error)) (int, error) {
	var n counter
	err := r.read(ctx, pipeline.Body{Open: open}, f, pipeline.Events, &n)
	return int(n), err
}

func body(s string) func(context.Context) (io.ReadCloser, error) {
	return func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(s)), nil }
}

// allBack fails the test when a range's room was not given back.
func allBack(t *testing.T, r *reader, f *letters, concurrency int) {
	t.Helper()
	if !r.ranges.TryAcquire(int64(rangesOf(concurrency, r.width))) {
		t.Error("the room of a range was not given back")
	}
	if n := f.held.Load(); n != 0 {
		t.Errorf("%d ranges were not freed", n)
	}
}

func TestManyBodiesHoldNoMoreRangesThanThereIsRoomFor(t *testing.T) {
	const concurrency = 3
	r, f := newReader(concurrency), &letters{}
	var all conc.WaitGroup
	for range 40 {
		all.Go(func() {
			if n, err := readLetters(t.Context(), r, f, body("abcdefghij")); n != 10 || err != nil {
				t.Errorf("%d ranges of 10, %v", n, err)
			}
		})
	}
	all.Wait()
	if most, room := int(f.most.Load()), rangesOf(concurrency, r.width); most > room {
		t.Errorf("%d ranges were in memory at once; there is room for %d", most, room)
	}
	allBack(t, r, f, concurrency)
}

// silent is a body that sends nothing until its context ends.
type silent struct {
	ctx   context.Context
	begun *sync.WaitGroup
}

func (s silent) Read([]byte) (int, error) {
	s.begun.Done()
	<-s.ctx.Done()
	return 0, s.ctx.Err()
}

func TestBodiesThatAreSlowDoNotHoldUpAnother(t *testing.T) {
	concurrency := 2*runtime.GOMAXPROCS(0) + 2
	r, f := newReader(concurrency), &letters{}
	ctx, cancel := context.WithCancel(t.Context())
	var slow conc.WaitGroup
	var begun sync.WaitGroup
	begun.Add(concurrency - 1)
	for range concurrency - 1 {
		slow.Go(func() {
			n, err := readLetters(ctx, r, f, func(ctx context.Context) (io.ReadCloser, error) {
				return io.NopCloser(silent{ctx, &begun}), nil
			})
			if n != 0 || !errors.Is(err, context.Canceled) {
				t.Errorf("a body that sent nothing gave %d ranges, %v", n, err)
			}
		})
	}
	begun.Wait()
	if n, err := readLetters(ctx, r, f, body("abcdefghij")); n != 10 || err != nil {
		t.Errorf("%d ranges of 10, %v", n, err)
	}
	cancel()
	slow.Wait()
	allBack(t, r, f, concurrency)
}

func TestABodyThatFailsGivesItsRoomBack(t *testing.T) {
	r, f := newReader(1), &letters{fail: 'e'}
	if _, err := readLetters(t.Context(), r, f, body("abcdefghij")); !errors.Is(err, errLetter) {
		t.Errorf("the body's error is %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := readLetters(ctx, r, f, body("abc")); !errors.Is(err, context.Canceled) {
		t.Errorf("the error under an ended context is %v", err)
	}
	allBack(t, r, f, 1)
}

func TestABodyThatPanicsTakesNoRoomFromOthers(t *testing.T) {
	r, f := newReader(1), &letters{die: 'x'}
	panicked := func(do func()) (what any) {
		defer func() { what = recover() }()
		do()
		return nil
	}
	for range 3 * rangesOf(1, r.width) {
		if panicked(func() { _, _ = readLetters(t.Context(), r, f, body("xxxxxxxxxx")) }) == nil {
			t.Fatal("the panic did not arrive")
		}
		if panicked(func() {
			_, _ = readLetters(t.Context(), r, f, func(context.Context) (io.ReadCloser, error) { return io.NopCloser(killer{}), nil })
		}) == nil {
			t.Fatal("the panic of the cut did not arrive")
		}
	}
	if n, err := readLetters(t.Context(), r, f, body("abc")); n != 3 || err != nil {
		t.Errorf("%d ranges of 3, %v", n, err)
	}
	if !r.ranges.TryAcquire(int64(rangesOf(1, r.width))) {
		t.Error("the room of a range was not given back")
	}
}

// killer is a body in which the cut panics.
type killer struct{}

func (killer) Read([]byte) (int, error) { panic("a byte that kills") }

func TestTheSoftMemoryHoldsEveryRange(t *testing.T) {
	for _, concurrency := range []int{1, 8, 256} {
		ranges := int64(rangesOf(concurrency, runtime.GOMAXPROCS(0))) * rangeBytes
		if soft := NewSoftMemory(concurrency).Least; soft < ranges+ranges/4 && concurrency <= 8 || soft <= ranges {
			t.Errorf("of %d bodies at once the ranges alone take %d of %d bytes", concurrency, ranges, soft)
		}
	}
}

func TestABodyIsClosedHoweverItsReadingEnds(t *testing.T) {
	for _, text := range []string{"abc", "", "aeb"} {
		read := &watched{Reader: strings.NewReader(text)}
		r, f := newReader(1), &letters{fail: 'e'}
		_, err := readLetters(t.Context(), r, f, func(context.Context) (io.ReadCloser, error) { return read, nil })
		if (err != nil) != strings.Contains(text, "e") || !read.closed {
			t.Errorf("%q: %v, closed: %v", text, err, read.closed)
		}
	}
}

func TestABodyThatFailsDoesNotWaitForTheRestOfIt(t *testing.T) {
	r, f := newReader(1), &letters{fail: 'e'}
	var begun sync.WaitGroup
	begun.Add(1)
	_, err := readLetters(t.Context(), r, f, func(ctx context.Context) (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(strings.NewReader("e"), silent{ctx, &begun})), nil
	})
	if !errors.Is(err, errLetter) {
		t.Errorf("the body's error is %v", err)
	}
	allBack(t, r, f, 1)
}

func TestALargeBodyThatIsReadWholeIsLargeUntilNobodyWorksOnItsRanges(t *testing.T) {
	for _, c := range []struct {
		name           string
		before, behind int // bytes of the body that are read before and behind the first range
		free           bool
	}{
		{"the first range is large", 2 * rangeBytes, 100, true},
		{"all of it is read for the first range", 2 * rangeBytes, 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			large := semaphore.NewWeighted(1)
			b := &boundedBody{ReadCloser: io.NopCloser(strings.NewReader(strings.Repeat("x", c.before+c.behind))), ctx: t.Context(), large: large}
			if _, err := io.CopyN(io.Discard, b, int64(c.before)); err != nil {
				t.Fatal(err)
			}
			if c.behind == 0 {
				if _, err := b.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
					t.Fatal(err)
				}
			}
			if large.TryAcquire(1) {
				t.Fatal("two large ranges at once")
			}
			b.endRange()() // the first of many
			if free := large.TryAcquire(1); free != c.free {
				t.Errorf("another body may be large: %v", free)
			} else if free {
				large.Release(1)
			}
			b.giveBack()
			if !large.TryAcquire(1) {
				t.Error("no other body may ever be large")
			}
		})
	}
}

func TestOneRangeOfAllBodiesIsLarge(t *testing.T) {
	large := semaphore.NewWeighted(1)
	waits, cancel := context.WithCancel(t.Context())
	one := &boundedBody{ReadCloser: io.NopCloser(strings.NewReader("x")), ctx: t.Context(), large: large}
	two := &boundedBody{ReadCloser: io.NopCloser(strings.NewReader("x")), ctx: waits, large: large}
	for range 2 { // to ask again costs nothing
		if err := pipeline.Reserve(one); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	if err := pipeline.Reserve(two); !errors.Is(err, context.Canceled) {
		t.Errorf("another body may be large as well: %v", err)
	}
	done := one.endRange()
	if large.TryAcquire(1) {
		t.Error("the range is in memory, and another may be large")
	}
	done()
	two.ctx = t.Context()
	if err := pipeline.Reserve(two); err != nil {
		t.Error(err)
	}
}
