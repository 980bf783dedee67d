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
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/windrow-data/windrow/pipeline"
)

// The form of an object of the ledger, of the journal and of the runs; those whose names end so are compressed as a whole:
//
//	windrow-ledger 3 source=ucontact/account=default/stream=ucontact.agents/00000033.jsonl
//	{"kind":"commit",…}
//	end 1 9bd366ae
//
// The first line names the version of the form, and the object itself, so that a copy under another name is not believed.
// It is no JSON: the versions of this program that knew no such line refuse the object, where they would misread it
// otherwise. Then comes a line for each entry. The last line proves that nothing is missing and nothing was changed: it
// has the number of the entries, and the CRC-32C of all lines before it, ends included.
//
// Objects of version 1 have entries alone, and are read as well as they can be.
type objectForm struct {
	word    string // that the first line begins with
	version int    // that this program writes
	named   int    // the first version that names the object
	dir     string // that names in the first line begin beneath
	bare    bool   // there are objects of version 1
}

var (
	ledgerForm  = objectForm{word: "windrow-ledger", version: 3, named: 3, dir: ledgerDir, bare: true}
	journalForm = objectForm{word: "windrow-journal", version: 2, named: 2, dir: journalDir}
	runForm     = objectForm{word: "windrow-run", version: 2, named: 2, dir: runsDir}
	packForm    = objectForm{word: "windrow-runs", version: 2, named: 2, dir: packsDir}
)

const zstdSuffix = ".zst"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var (
	errEmpty   = errors.New("it is empty")
	errCut     = errors.New("it is cut off")
	errForeign = errors.New("it does not begin as such an object does")
	errProof   = errors.New("its last line does not fit what stands before it")
)

// newerError says that a newer version of this program has written an object.
type newerError struct{ what string }

func (e newerError) Error() string { return e.what }

// damagedObject is the error of an object that does not prove itself, with the remedy.
func damagedObject(op, name string, err error, remedy string) error {
	e := &pipeline.Error{Op: op, Kind: pipeline.Damaged, Err: fmt.Errorf("%s is damaged: %w", name, err), Hint: remedy}
	if newer := (newerError{}); errors.As(err, &newer) {
		e.Err, e.Hint = fmt.Errorf("%s was written by a newer version of windrow: %w", name, err), "use that version or a later one"
	}
	return e
}

func (f objectForm) own(name string) string { return strings.TrimPrefix(name, f.dir+"/") }

// endLine is the last line of an object.
func endLine(entries int, sum uint32) []byte { return fmt.Appendf(nil, "end %d %08x\n", entries, sum) }

// writeObject writes the entries as the object of that name, without its compression, and returns their number.
func writeObject[T any](w io.Writer, f objectForm, name string, all iter.Seq[T]) (entries int, err error) {
	sum := crc32.New(castagnoli)
	out := io.MultiWriter(w, sum)
	if _, err := fmt.Fprintf(out, "%s %d %s\n", f.word, f.version, f.own(name)); err != nil {
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

// objectOf is the object of that name with its entries, compressed where the name says so, and the entries' number.
func objectOf[T any](f objectForm, name string, all iter.Seq[T]) (body []byte, entries int, err error) {
	var out bytes.Buffer
	if !strings.HasSuffix(name, zstdSuffix) {
		entries, err = writeObject(&out, f, name, all)
		return out.Bytes(), entries, err
	}
	z, err := zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(snapshotWindow))
	if err != nil {
		return nil, 0, err
	}
	lines := bufio.NewWriterSize(z, 64<<10)
	entries, err = writeObject(lines, f, name, all)
	err = errors.Join(err, lines.Flush(), z.Close())
	return out.Bytes(), entries, err
}

// readObject hands each line of the object of that name that holds an entry to apply, good until apply returns. After an
// error, what apply was given proves nothing; an error of apply itself is told only if the object is whole.
func readObject(f objectForm, name string, body []byte, apply func(version int, line []byte) error) error {
	if len(body) == 0 {
		return errEmpty
	}
	var from io.Reader = bytes.NewReader(body)
	if strings.HasSuffix(name, zstdSuffix) {
		z, err := zstd.NewReader(from, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
		if err != nil {
			return err
		}
		defer z.Close()
		from = z
	}
	lines := objectLines{form: f, name: f.own(name), from: bufio.NewReaderSize(from, 64<<10)}
	var failed error
	for {
		line, err := lines.next()
		if errors.Is(err, io.EOF) {
			return failed
		} else if err != nil {
			return err
		}
		if err := apply(lines.version, line); failed == nil {
			failed = err
		}
	}
}

// readLedgerObject hands the entries of an object of the ledger to apply. After an error, what apply was given proves
// nothing.
func (r *lineReader) readLedgerObject(name string, body []byte, apply func(pipeline.Entry)) error {
	return readObject(ledgerForm, name, body, func(version int, line []byte) (err error) {
		e, ok := r.read(line)
		if !ok {
			if e, err = anyEntry(line); err != nil {
				return err
			}
		}
		if !e.Kind.Known() {
			err = fmt.Errorf("it has an entry of no kind: %q", e.Kind)
			if version > 1 { // believed only if the proof fits
				err = newerError{fmt.Sprintf("it has an entry of the kind %q, which this version does not know", e.Kind)}
			}
		}
		apply(e)
		return err
	})
}

// anyEntry reads a line that [lineReader] did not understand. It is a function of its own because an entry that
// encoding/json fills lies on the heap.
func anyEntry(line []byte) (e pipeline.Entry, err error) {
	err = json.Unmarshal(line, &e)
	return e, err
}

// objectLines reads an object line by line.
type objectLines struct {
	form    objectForm
	name    string
	from    *bufio.Reader
	version int // 0 before the first line
	entries int
	sum     uint32
}

// next is the next line that holds an entry, without its end, good until the next call; [io.EOF] after the last one,
// once the object is proven.
func (o *objectLines) next() ([]byte, error) {
	line, err := o.line()
	switch {
	case errors.Is(err, io.EOF):
		switch o.version {
		case 0:
			return nil, errEmpty
		case 1:
			return nil, io.EOF
		}
		return nil, errCut
	case err != nil:
		return nil, err
	case o.version == 0:
		if err := o.begin(line); err != nil {
			return nil, err
		}
		if o.version > 1 {
			o.sum = crc32.Update(o.sum, castagnoli, line)
			return o.next()
		}
	case o.version > 1 && line[0] != '{':
		return nil, o.end(line)
	}
	o.sum = crc32.Update(o.sum, castagnoli, line)
	o.entries++
	return line[:len(line)-1], nil
}

// begin reads the version from the first line, and whether the object is the one that was asked for.
func (o *objectLines) begin(line []byte) error {
	if o.form.bare && line[0] == '{' {
		o.version = 1
		return nil
	}
	rest, ok := strings.CutPrefix(strings.TrimSuffix(string(line), "\n"), o.form.word+" ")
	digits, name, named := strings.Cut(rest, " ")
	n, err := strconv.Atoi(digits)
	switch {
	case !ok || err != nil || n < 2 || digits != strconv.Itoa(n):
		return errForeign
	case n > o.form.version:
		return newerError{fmt.Sprintf("it is of form %d, and this version knows none after %d", n, o.form.version)}
	case named != (n >= o.form.named):
		return errForeign
	case named && name != o.name:
		return fmt.Errorf("it is %.200q under another name", name)
	}
	o.version = n
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
