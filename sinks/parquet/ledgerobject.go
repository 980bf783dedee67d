package parquet

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"strconv"

	"github.com/klauspost/compress/zstd"

	"github.com/windrow-data/windrow/pipeline"
)

// The form of an object of the ledger, and of a snapshot, which is compressed as a whole:
//
//	windrow-ledger 2
//	{"kind":"commit",…}
//	end 1 9bd366ae
//
// The first line names the version of the form. It is no JSON: the versions of this program that knew no such line
// refuse the object, where they would misread it otherwise. Then comes a line for each entry. The last line proves that
// nothing is missing and nothing was changed: it has the number of the entries, and the CRC-32C of all lines before it,
// ends included.
//
// Objects of form 1 have entries alone, and are read as well as they can be.
const (
	formLine = "windrow-ledger "
	thisForm = 2
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var (
	errEmpty    = errors.New("it is empty")
	errCut      = errors.New("it is cut off")
	errNoLedger = errors.New("it does not begin as an object of a ledger does")
	errProof    = errors.New("its last line does not fit what stands before it")
)

// newerError says that a newer version of this program has written an object.
type newerError struct{ what string }

func (e newerError) Error() string { return e.what }

// endLine is the last line of an object.
func endLine(entries int, sum uint32) []byte { return fmt.Appendf(nil, "end %d %08x\n", entries, sum) }

// writeObject writes the entries as one object, and returns their number.
func writeObject(w io.Writer, all iter.Seq[pipeline.Entry]) (entries int, err error) {
	sum := crc32.New(castagnoli)
	out := io.MultiWriter(w, sum)
	if _, err := fmt.Fprintf(out, "%s%d\n", formLine, thisForm); err != nil {
		return 0, err
	}
	enc := json.NewEncoder(out)
	for e := range all {
		if err := enc.Encode(e); err != nil {
			return 0, err
		}
		entries++
	}
	_, err = w.Write(endLine(entries, sum.Sum32()))
	return entries, err
}

// readObject hands the entries of an object to apply. After an error, what apply was given proves nothing.
func (r *lineReader) readObject(body []byte, compressed bool, apply func(pipeline.Entry)) error {
	if len(body) == 0 {
		return errEmpty
	}
	var from io.Reader = bytes.NewReader(body)
	if compressed {
		z, err := zstd.NewReader(from, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
		if err != nil {
			return err
		}
		defer z.Close()
		from = z
	}
	lines := objectLines{from: bufio.NewReaderSize(from, 64<<10)}
	var unknown error
	for {
		line, err := lines.next()
		if errors.Is(err, io.EOF) {
			return unknown
		} else if err != nil {
			return err
		}
		e, ok := r.read(line)
		if !ok {
			if e, err = anyEntry(line); err != nil {
				return err
			}
		}
		if unknown == nil && !e.Kind.Known() {
			unknown = fmt.Errorf("it has an entry of no kind: %q", e.Kind)
			if lines.form == thisForm { // believed only if the proof fits
				unknown = newerError{fmt.Sprintf("it has an entry of the kind %q, which this version does not know", e.Kind)}
			}
		}
		apply(e)
	}
}

// anyEntry reads a line that [lineReader] did not understand. It is a function of its own because an entry that
// encoding/json fills lies on the heap.
func anyEntry(line []byte) (e pipeline.Entry, err error) {
	err = json.Unmarshal(line, &e)
	return e, err
}

// objectLines reads an object line by line.
type objectLines struct {
	from    *bufio.Reader
	form    int // 0 before the first line
	entries int
	sum     uint32
}

// next is the next line that holds an entry, without its end, good until the next call; [io.EOF] after the last one,
// once the object is proven.
func (o *objectLines) next() ([]byte, error) {
	line, err := o.line()
	switch {
	case errors.Is(err, io.EOF):
		switch o.form {
		case 0:
			return nil, errEmpty
		case thisForm:
			return nil, errCut
		}
		return nil, io.EOF
	case err != nil:
		return nil, err
	case o.form == 0:
		if err := o.begin(line); err != nil {
			return nil, err
		}
		if o.form == thisForm {
			o.sum = crc32.Update(o.sum, castagnoli, line)
			return o.next()
		}
	case o.form == thisForm && line[0] != '{':
		return nil, o.end(line)
	}
	o.sum = crc32.Update(o.sum, castagnoli, line)
	o.entries++
	return line[:len(line)-1], nil
}

// begin reads the form from the first line.
func (o *objectLines) begin(line []byte) error {
	if line[0] == '{' {
		o.form = 1
		return nil
	}
	form, ok := bytes.CutPrefix(bytes.TrimSuffix(line, []byte("\n")), []byte(formLine))
	n, err := strconv.Atoi(string(form))
	switch {
	case !ok || err != nil || n < thisForm:
		return errNoLedger
	case n > thisForm:
		return newerError{fmt.Sprintf("it is of form %d, and this version knows none after %d", n, thisForm)}
	}
	o.form = n
	return nil
}

// end proves the object by its last line.
func (o *objectLines) end(line []byte) error {
	if !bytes.Equal(line, endLine(o.entries, o.sum)) {
		return errProof
	}
	if _, err := o.from.ReadByte(); err == nil {
		return errProof
	} else if !errors.Is(err, io.EOF) {
		return err
	}
	return io.EOF
}

// line is the next line with its end, good until the next call.
func (o *objectLines) line() ([]byte, error) {
	line, err := o.from.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		long := bytes.Clone(line)
		var rest []byte
		rest, err = o.from.ReadBytes('\n')
		line = append(long, rest...)
	}
	if errors.Is(err, io.EOF) && len(line) > 0 {
		err = errCut
	}
	return line, err
}
