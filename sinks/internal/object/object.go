// Package object is the form of what the Parquet sink and the send ledger keep of themselves: lines that prove that nothing
// is missing, nothing was changed, and nothing is another object under this name. Start at [Form].
package object

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

// Form is the form of one kind of objects; those whose names end in [ZstdSuffix] are compressed as a whole:
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
type Form struct {
	Word    string // that the first line begins with
	Version int    // that this program writes
	Named   int    // the first version that names the object
	Dir     string // that names in the first line begin beneath; empty: the root
	Bare    bool   // there are objects of version 1
}

const (
	// ZstdSuffix ends the names of objects that are compressed as a whole.
	ZstdSuffix = ".zst"
	// window bounds the part of a compressed object that its reader keeps in memory.
	window = 1 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var (
	errEmpty   = errors.New("it is empty")
	errCut     = errors.New("it is cut off")
	errForeign = errors.New("it does not begin as such an object does")
	errProof   = errors.New("its proof does not fit what stands in it")
)

// NewerError says that a newer version of this program has written an object.
type NewerError struct{ What string }

func (e NewerError) Error() string { return e.What }

// Damaged is the error of an object that does not prove itself, with the remedy.
func Damaged(op, name string, err error, remedy string) error {
	e := &pipeline.Error{Op: op, Kind: pipeline.Damaged, Err: fmt.Errorf("%s is damaged: %w", name, err), Hint: remedy}
	if newer := (NewerError{}); errors.As(err, &newer) {
		e.Err, e.Hint = fmt.Errorf("%s was written by a newer version of windrow: %w", name, err), "use that version or a later one"
	}
	return e
}

func (f Form) own(name string) string {
	return strings.TrimPrefix(strings.TrimPrefix(name, f.Dir), "/")
}

// EndLine is the last line of an object.
func EndLine(entries int, sum uint32) []byte { return fmt.Appendf(nil, "end %d %08x\n", entries, sum) }

// write writes the entries as the object of that name, without its compression, and returns their number.
func write[T any](w io.Writer, f Form, name string, all iter.Seq[T]) (entries int, err error) {
	sum := crc32.New(castagnoli)
	out := io.MultiWriter(w, sum)
	if _, err := fmt.Fprintf(out, "%s %d %s\n", f.Word, f.Version, f.own(name)); err != nil {
		return 0, err
	}
	enc := json.NewEncoder(out)
	for e := range all {
		if err := enc.Encode(e); err != nil {
			return 0, err
		}
		entries++
	}
	_, err = w.Write(EndLine(entries, sum.Sum32()))
	return entries, err
}

// Of is the object of that name with its entries, compressed where the name says so, and the entries' number.
func Of[T any](f Form, name string, all iter.Seq[T]) (body []byte, entries int, err error) {
	var out bytes.Buffer
	if !strings.HasSuffix(name, ZstdSuffix) {
		entries, err = write(&out, f, name, all)
		return out.Bytes(), entries, err
	}
	z, err := zstd.NewWriter(&out, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window))
	if err != nil {
		return nil, 0, err
	}
	lines := bufio.NewWriterSize(z, 64<<10)
	entries, err = write(lines, f, name, all)
	err = errors.Join(err, lines.Flush(), z.Close())
	return out.Bytes(), entries, err
}

// Read hands each line of the object of that name that holds an entry to apply, good until apply returns. After an
// error, what apply was given proves nothing; an error of apply itself is told only if the object is whole.
func Read(f Form, name string, body []byte, apply func(version int, line []byte) error) error {
	if len(body) == 0 {
		return errEmpty
	}
	var from io.Reader = bytes.NewReader(body)
	if strings.HasSuffix(name, ZstdSuffix) {
		z, err := zstd.NewReader(from, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
		if err != nil {
			return err
		}
		defer z.Close()
		from = z
	}
	lines := lines{form: f, name: f.own(name), from: bufio.NewReaderSize(from, 64<<10)}
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

// lines reads an object line by line.
type lines struct {
	form    Form
	name    string
	from    *bufio.Reader
	version int // 0 before the first line
	entries int
	sum     uint32
}

// next is the next line that holds an entry, without its end, good until the next call; [io.EOF] after the last one,
// once the object is proven.
func (o *lines) next() ([]byte, error) {
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
func (o *lines) begin(line []byte) error {
	if o.form.Bare && line[0] == '{' {
		o.version = 1
		return nil
	}
	rest, ok := strings.CutPrefix(strings.TrimSuffix(string(line), "\n"), o.form.Word+" ")
	digits, name, named := strings.Cut(rest, " ")
	n, err := strconv.Atoi(digits)
	switch {
	case !ok || err != nil || n < 2 || digits != strconv.Itoa(n):
		return errForeign
	case n > o.form.Version:
		return NewerError{What: fmt.Sprintf("it is of form %d, and this version knows none after %d", n, o.form.Version)}
	case named != (n >= o.form.Named):
		return errForeign
	case named && name != o.name:
		return fmt.Errorf("it is %.200q under another name", name)
	}
	o.version = n
	return nil
}

// end proves the object by its last line.
func (o *lines) end(line []byte) error {
	if !bytes.Equal(line, EndLine(o.entries, o.sum)) {
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
func (o *lines) line() ([]byte, error) {
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
