package inbox

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"errors"
	"io"
	"time"
	"unicode/utf8"

	"github.com/windrow-data/windrow/connectors"
	"github.com/windrow-data/windrow/connectors/internal/httpclient"
)

// arrived is a file as it came.
type arrived struct {
	name, mail string
	at         time.Time
	charset    string // declared; empty: not
	date       string // the column of dates; empty: none
	disk       connectors.Disk
	body       io.Reader
}

// take reads a file and makes text of it. The error is one that ends the look; what is wrong with the file is its Err.
func take(ctx context.Context, a arrived) (*File, error) {
	f := &File{Name: a.name, Mail: a.mail, At: a.at}
	raw, err := newScratch(a.disk)
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(raw, sum), contextReader{ctx, a.body})
	if ctx.Err() != nil {
		raw.close()
		return nil, err
	}
	copy(f.Hash[:], sum.Sum(nil))
	switch {
	case errors.Is(err, errTooLarge):
		f.Err = errTooLarge
	case err != nil:
		raw.close()
		return nil, err
	default:
		f.text, f.Err = textOf(ctx, raw, a)
	}
	if f.text != raw {
		raw.close()
	}
	if f.Err == nil {
		f.inISODates(ctx, a.date)
	}
	if err := ctx.Err(); err != nil {
		f.Close()
		return nil, f.Err
	}
	return f, nil
}

// textOf is the text of a file, which its name tells how to read.
func textOf(ctx context.Context, raw *scratch, a arrived) (*scratch, error) {
	switch {
	case isArchive(a.name):
		packed, name, err := unpacked(ctx, raw)
		if err != nil {
			return nil, err
		}
		text, err := textOf(ctx, packed, arrived{name: name, date: a.date})
		if text != packed {
			packed.close()
		}
		return text, err
	case isSheet(a.name):
		return textOfSheet(ctx, raw, a.date, mostBytes)
	}
	text, err := plainText(ctx, raw, a.charset)
	if err != nil {
		return nil, unreadable("it is no text that can be read", err)
	}
	return text, nil
}

// inISODates replaces the text by one whose dates read in one way only.
func (f *File) inISODates(ctx context.Context, column string) {
	text, err := withISODates(ctx, f.text, column)
	if err != nil {
		f.text.close()
		f.text, f.Err = nil, unreadable("its dates cannot be read", err)
		return
	}
	if text != f.text {
		f.text.close()
		f.text = text
	}
}

// plainText is a CSV file in UTF-8 and with commas: the file itself where it is so already.
func plainText(ctx context.Context, raw *scratch, charset string) (*scratch, error) {
	if charset == "" {
		charset = guessCharset(raw.reader())
	}
	text := raw
	for _, step := range []func(context.Context, *scratch) (*scratch, error){
		func(ctx context.Context, from *scratch) (*scratch, error) { return inUTF8(ctx, from, charset) }, withCommas,
	} {
		next, err := step(ctx, text)
		if text != raw && text != next {
			text.close()
		}
		if err != nil {
			return nil, err
		}
		text = next
	}
	return text, nil
}

// inUTF8 is the text of a charset that httpclient knows in UTF-8; any other text as it is.
func inUTF8(ctx context.Context, from *scratch, charset string) (*scratch, error) {
	recoded := httpclient.InUTF8(from.reader(), charset)
	if recoded == nil {
		return from, nil
	}
	return written(from.disk, func(to *scratch) error {
		_, err := io.Copy(to, contextReader{ctx, recoded})
		return err
	})
}

// written is what write writes.
func written(d connectors.Disk, write func(to *scratch) error) (*scratch, error) {
	to, err := newScratch(d)
	if err == nil {
		if err = write(to); err != nil {
			to.close()
			return nil, err
		}
	}
	return to, err
}

// guessCharset tells how a text is encoded that does not say so. Programs of a spreadsheet save it in Windows-1252 where
// the language is a Western one. A text in UTF-8 that is spoilt somewhere still has characters of several bytes.
func guessCharset(text io.Reader) string {
	r := bufio.NewReaderSize(text, 64<<10)
	odd := false
	for {
		c, size, err := r.ReadRune()
		switch {
		case err != nil && odd:
			return "windows-1252"
		case err != nil:
			return ""
		case c == utf8.RuneError && size == 1:
			odd = true
		case c == 0 || size > 1: // UTF-16 has NUL bytes, and is refused as it is
			return ""
		}
	}
}

// separators are what stands between cells in files that mean CSV.
const separators = ",;\t|"

// withCommas is the text with commas between its cells. The rows keep their cells, whatever their number.
func withCommas(ctx context.Context, from *scratch) (*scratch, error) {
	head := make([]byte, 64<<10)
	n, err := io.ReadFull(from.reader(), head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, err
	}
	head = bytes.TrimPrefix(head[:n], []byte("\uFEFF"))
	skip := int64(n - len(head))
	declared := byte(0)
	if line, _, _ := bytes.Cut(head, []byte("\n")); len(bytes.TrimSpace(line)) == 5 && bytes.HasPrefix(line, []byte("sep=")) { // what a spreadsheet reads
		declared = line[4]
		skip += int64(len(line)) + 1
		head = head[min(len(line)+1, len(head)):]
	}
	separator := separatorOf(head)
	if declared != 0 {
		separator = declared
	}
	if separator == ',' && declared == 0 {
		return from, nil
	}
	return written(from.disk, func(to *scratch) error {
		err := separate(to, rest(ctx, from, skip), rune(separator), false, nil)
		var irregular *csv.ParseError
		if errors.As(err, &irregular) {
			to.size = 0
			if _, err = to.file.Seek(0, io.SeekStart); err == nil {
				err = separate(to, rest(ctx, from, skip), rune(separator), true, nil)
			}
		}
		trimEnd(from, to, err)
		return err
	})
}

// rest reads a text from a place on.
func rest(ctx context.Context, from *scratch, skip int64) io.Reader {
	r := from.reader()
	_, _ = r.Seek(skip, io.SeekStart) // of a section: it cannot fail
	return contextReader{ctx, r}
}

// trimEnd leaves the last row of a copy without an end where it had none: it may have been cut short, and who reads it
// decides.
func trimEnd(from, to *scratch, err error) {
	if err == nil && !endsLine(from) && to.size > 0 {
		to.size--
	}
}

// separatorOf is the separator that the first line has most of outside quotes; a comma where it has none.
func separatorOf(head []byte) byte {
	var count [256]int
	quoted := false
	for _, c := range head {
		if c == '"' {
			quoted = !quoted
		}
		if c == '\n' && !quoted {
			break
		}
		if !quoted {
			count[c]++
		}
	}
	best := separators[0]
	for i := range len(separators) {
		if c := separators[i]; count[c] > count[best] {
			best = c
		}
	}
	return best
}

// separate copies rows, with commas between their cells, changed where change is not nil.
func separate(to io.Writer, from io.Reader, separator rune, lenient bool, change func(row []string)) error {
	buffered := bufio.NewWriterSize(to, 64<<10)
	w := csv.NewWriter(buffered)
	err := eachRow(from, separator, lenient, func(row []string) error {
		if change != nil {
			change(row)
		}
		return w.Write(row)
	})
	if err != nil {
		return err
	}
	w.Flush()
	return errors.Join(w.Error(), buffered.Flush())
}

// eachRow yields the cells of each row, which are yield's until it returns.
func eachRow(from io.Reader, separator rune, lenient bool, yield func(row []string) error) error {
	r := csv.NewReader(from)
	r.Comma, r.FieldsPerRecord, r.ReuseRecord, r.LazyQuotes = separator, -1, true, lenient
	for {
		row, err := r.Read()
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = yield(row)
		}
		if err != nil {
			return err
		}
	}
}

func endsLine(s *scratch) bool {
	last := make([]byte, 1)
	_, err := s.file.ReadAt(last, max(s.size-1, 0))
	return err == nil && last[0] == '\n'
}
