package transforms

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/windrow-data/windrow/pipeline"
)

// csvHeader is the header of one document, resolved against the mapping.
type csvHeader struct {
	mapping  *compiledMapping // with the names that this document has
	columns  []csvColumn
	fields   pipeline.FieldSet // of the mapping that it has
	others   []string          // other names that it has
	listed   []int             // positions of the columns with a field
	unlisted []int             // positions of the other columns
	unit     int               // position of the mapping's Unit; -1
	crlf     bool              // the header's line ends in CRLF
	ended    bool              // the header has a line end
	behind   []byte            // the header behind its first name
	stored   []byte            // the header that a copy has
	growth   int               // how many bytes a byte of a row may become, at most, because of the names in extras
}

// csvColumn says where a column's cells go.
type csvColumn struct {
	source string
	field  int       // index of the mapping's field, or -1
	name   extraName // where the field is -1: its name in extras
}

// header reads the header record. Blanks, byte order marks and stray quotes around a name are cut off.
func (f *csvFormat) header(head []byte) (*csvHeader, error) {
	if bytes.IndexByte(bytes.TrimRight(head, "\r\n"), '\r') >= 0 {
		return nil, malformed(pipeline.NoCause, "lines must end in LF or CRLF", "its lines end in CR alone")
	}
	d := &csvDecoder{data: head, head: &csvHeader{}, most: maxColumns}
	if f.lenient {
		d.splitLine(len(bytes.TrimRight(head, "\r\n")))
	} else if _, err := d.strictRecord(0); err != nil {
		return nil, err
	}
	if n := d.count(); n > maxColumns {
		return nil, malformed(pipeline.NoCause, "the answer may be another document; else let the vendor export fewer", "the header has %d columns, more than %d", n, maxColumns)
	}
	for i, c := range d.cells {
		if c.hi-c.lo > maxName {
			return nil, malformed(pipeline.NoCause, "the answer may be another document", "the name of column %d is longer than %d bytes", i+1, maxName)
		}
	}
	h := &csvHeader{
		mapping: f.mapping,
		columns: make([]csvColumn, len(d.cells)),
		crlf:    bytes.HasSuffix(head, []byte("\r\n")) || bytes.HasSuffix(head, []byte("\r")),
		ended:   bytes.HasSuffix(head, []byte("\n")) || bytes.HasSuffix(head, []byte("\r")),
	}
	if i := d.cells[0].hi + 1; i < len(head) {
		h.behind = bytes.TrimRight(head[i:], "\r\n")
	}
	sources := uniqueNames(head, d.cells)
	h.fields = pipeline.NewFieldSet(len(f.mapping.Fields))
	h.unit = -1
	if unit := f.mapping.Unit; unit != "" {
		h.unit = slices.Index(sources, unit)
	}
	names := 0
	for i, source := range sources {
		column := csvColumn{source: source, field: h.field(source)}
		if column.field < 0 {
			column.name = *f.mapping.unlistedName(source)
			h.unlisted = append(h.unlisted, i)
			told := column.name.source
			if column.name.left {
				told = unnamedColumn(i)
			}
			h.others = append(h.others, told)
			names += len(column.name.member)
		} else {
			h.listed = append(h.listed, i)
			h.fields.Add(column.field)
		}
		h.columns[i] = column
	}
	h.stored = h.storedHead(head, d.cells)
	h.growth = 1 + names/(2*len(h.columns)) // a cell that is not blank has at least a byte and a separator
	return h, nil
}

// field returns the field of a column called source, or -1. A field that is found by what its name begins with is renamed.
func (h *csvHeader) field(source string) int {
	if f := h.mapping.field(source); f >= 0 {
		return f
	}
	for _, f := range h.mapping.prefixes {
		taken := slices.ContainsFunc(h.columns, func(c csvColumn) bool { return c.source != "" && c.field == f })
		if !taken && strings.HasPrefix(source, h.mapping.Fields[f].Source) {
			h.mapping = h.mapping.renamed(f, source)
			return f
		}
	}
	return -1
}

// storedHead is the header of a copy: what stands for names that are people's, and else the header itself.
func (h *csvHeader) storedHead(head []byte, cells []cell) (out []byte) {
	from := 0
	for i, c := range cells {
		if n := &h.columns[i].name; n.hidden {
			out = append(append(out, head[from:c.lo]...), strings.ReplaceAll(n.source, ",", "")...)
			from = c.hi
		}
	}
	return append(out, head[from:]...)
}

func unnamedColumn(i int) string { return "column_" + strconv.Itoa(i+1) }

// uniqueNames returns the columns' names, each of them once. The first column of a name keeps it. The names of other
// columns are invented, and none of them is the name of a real column.
func uniqueNames(head []byte, cells []cell) []string {
	names := make([]string, len(cells))
	taken := make(map[string]bool, len(cells))
	next := make(map[string]int) // by stem: the first number that may be free
	var unnamed []int
	for i, c := range cells {
		text := bytes.ToValidUTF8(head[c.lo:c.hi], replacement)
		if c.doubled {
			text = bytes.ReplaceAll(text, []byte(`""`), quote)
		}
		names[i] = strings.Trim(string(text), aroundNames)
		if names[i] == "" || taken[names[i]] {
			unnamed = append(unnamed, i)
		}
		taken[names[i]] = true
	}
	for _, i := range unnamed {
		if names[i] == "" {
			names[i] = unnamedColumn(i)
		}
		stem := names[i]
		n := max(next[stem], 2)
		for ; taken[names[i]]; n++ {
			names[i] = stem + "_" + strconv.Itoa(n)
		}
		next[stem] = n
		taken[names[i]] = true
	}
	return names
}

// endsAsHeader reports whether the last cell of the current record is the last column's name, in any case.
func (d *csvDecoder) endsAsHeader() bool {
	last := len(d.head.columns) - 1
	name, c := d.head.columns[last].source, &d.cells[last]
	return c.hi-c.lo == len(name) && bytes.EqualFold(d.data[c.lo:c.hi], []byte(name))
}

// checkHeader condemns the document where the current record is the header again, whole or in part: an export that
// began anew, or two documents in one.
func (d *csvDecoder) checkHeader(raw []byte) {
	if d.row.into.Damage.Row == 0 && d.isHeader(raw) {
		d.row.into.Damage = pipeline.Damage{Kind: pipeline.Malformed, Row: d.row.number, What: "is the header again", Cause: pipeline.HeaderAgain,
			Hint: "the vendor began anew within the document, or sent two of them; the next sync reads it again"}
	}
}

// isHeader reports whether at least half of the record's cells, and two where there are so many columns, are names of columns.
// Or whether the header stands behind a row, whose line end is missing; raw is the record's text.
func (d *csvDecoder) isHeader(raw []byte) bool {
	if bytes.Count(d.head.behind, comma) > 0 && bytes.HasSuffix(raw, d.head.behind) {
		return true
	}
	n := len(d.cells)
	if n == 0 || !d.isName(0) && !d.isName(n-1) && !d.isName(min(1, n-1)) {
		return false // nearly every record ends here
	}
	found := 0
	for i := range d.cells {
		if d.isName(i) {
			found++
		}
	}
	return 2*found >= d.count() && found >= min(2, len(d.head.columns))
}

// isName reports whether a cell of the current record is the name of a column, as programs that write headers change names.
func (d *csvDecoder) isName(i int) bool {
	if d.names == nil {
		d.names = make(map[string]bool, len(d.head.columns))
		for _, c := range d.head.columns {
			d.names[plainName(c.source)] = true
		}
	}
	return d.names[plainName(string(bytes.Trim(d.data[d.cells[i].lo:d.cells[i].hi], aroundNames)))]
}

// aroundNames is cut off on both sides of a column's name.
const aroundNames = " \t\r\n\"'\uFEFF"

// has reports whether a column of that name exists.
func (h *csvHeader) has(source string) bool {
	return slices.ContainsFunc(h.columns, func(c csvColumn) bool { return c.source == source })
}

// check returns the error of a document that cannot be read because of its header. only says that the document has
// nothing but the header, and may end too early.
func (h *csvHeader) check(m *compiledMapping, only bool) error {
	var missing []string
	for _, key := range slices.Concat(m.Keys, m.Columns) {
		if !h.has(key) {
			missing = append(missing, key)
		}
	}
	if len(missing) > 0 && slices.ContainsFunc(h.columns, func(c csvColumn) bool { return isGibberish([]byte(c.source)) }) {
		n := notText{pipeline.Binary, "binary"}
		return n.err()
	}
	if len(missing) > 0 {
		hint := "the vendor may have renamed it, or the answer is another document"
		values := h.mayBeRow(&m.Mapping)
		if values {
			hint = "the document may begin with a row, without a header"
		}
		return malformed(pipeline.MissingField, hint, "the header lacks %s; found instead: %s", strings.Join(missing, ", "), h.found(values || m.redacts()))
	}
	if only && !h.ended && m.Last != "" && !h.has(m.Last) {
		return malformed(pipeline.CutShort, "the download may have broken off; the next sync reads it again", "the header is cut short")
	}
	return nil
}

// found lists the first names of a header that is not the expected one, or the shapes of what may be values.
func (h *csvHeader) found(values bool) string {
	const most, longest = 8, 60
	var names []string
	for _, c := range h.columns[:min(most, len(h.columns))] {
		name := strings.Map(func(c rune) rune {
			if !unicode.IsPrint(c) {
				return ' '
			}
			return c
		}, c.source)
		if values {
			name = pipeline.Shape([]byte(name))
		}
		if letters := []rune(name); len(letters) > longest {
			name = string(letters[:longest]) + "…"
		}
		names = append(names, name)
	}
	if more := len(h.columns) - most; more > 0 {
		names = append(names, strconv.Itoa(more)+" more")
	}
	return strings.Join(names, ", ")
}

// mayBeRow reports whether the first record may be a row of values, as where a document has no header: it has less than half
// of the names that the mapping knows, and a cell that is none.
func (h *csvHeader) mayBeRow(m *Mapping) bool {
	known := make(map[string]bool)
	for _, f := range m.Fields {
		known[plainName(f.Source)] = true
	}
	for _, name := range m.Harmless {
		known[plainName(name)] = true
	}
	for name := range m.Personal {
		known[plainName(name)] = true
	}
	cells, found, people, odd := 0, 0, 0, false
	for _, c := range h.columns {
		for _, cell := range strings.FieldsFunc(c.source, isOtherComma) {
			cells++
			if known[plainName(cell)] {
				found++
			}
			odd = odd || mayBeValue(cell)
			if isTitle(cell) {
				people++
			}
		}
	}
	switch {
	case 2*found > cells:
		return false
	case odd:
		return true
	}
	return cells > 1 && people > 0 && found == 0 // Ana López beside something: a name of a person as likely as one of a column
}

// isOtherComma reports whether documents that mean CSV may have the character between cells.
func isOtherComma(c rune) bool { return c == ';' || c == '\t' || c == '|' }

// plainName is a name without what programs that write headers change of it.
func plainName(name string) string {
	return strings.ReplaceAll(strings.ToLower(strings.TrimSpace(name)), " ", "_")
}

// mayBeValue reports whether a text is a value and no name: an e-mail address, a number, a yes or no, a placeholder, or as
// many digits as an id, a date or a phone number has.
func mayBeValue(text string) bool {
	digits, letters := 0, 0
	for _, c := range text {
		switch {
		case unicode.IsDigit(c):
			digits++
		case unicode.IsLetter(c):
			letters++
		}
	}
	if digits > 4 || digits > 0 && letters == 0 || strings.Contains(text, "@") {
		return true
	}
	_, isBool := parseBool([]byte(text))
	return isBool || isPlaceholder([]byte(text), placeholders)
}

// isTitle reports whether a text is two words or more, each of which begins with a capital letter.
func isTitle(text string) bool {
	words := strings.Fields(text)
	return len(words) > 1 && !slices.ContainsFunc(words, func(word string) bool {
		first, _ := utf8.DecodeRuneInString(word)
		return !unicode.IsUpper(first)
	})
}

// checkOpening checks what a document begins with. skip is the number of bytes before its header: a byte order mark and
// blank lines. all says that b is the whole document, and say what may be told of its words. known is false when more bytes are needed to tell.
func checkOpening(b []byte, all bool, say func(words string) string) (skip int, known bool, err error) {
	if len(b) < longestMagic && !all {
		return 0, false, nil
	}
	if err := notTextBy(b).err(); err != nil {
		return 0, true, err
	}
	rest := bytes.TrimPrefix(b, byteOrderMark)
	rest = bytes.TrimLeft(rest, "\r\n")
	first := bytes.TrimLeft(rest, " \t\r\n")
	if len(first) == 0 {
		if all {
			err = malformed(pipeline.NoDocument, "a report without rows still has a header", "the document is blank")
		}
		return 0, all, err
	}
	switch first[0] {
	case '<':
		err = malformed(pipeline.OtherDocument, "the answer is a web page: a login form or an error page", "the document is HTML or XML, not CSV%s", behindColon(say(pageText(first))))
	case '{', '[':
		if said := ErrorText(first); said != "" {
			return len(b) - len(rest), true, malformed(pipeline.VendorError, sentErrorHint, "the document is JSON, not CSV: %s", say(said))
		}
		err = malformed(pipeline.OtherDocument, "the answer may be an error message", "the document is JSON, not CSV")
	}
	return len(b) - len(rest), true, err
}

// headerTooLong is the error of a document whose header does not end.
func headerTooLong() error {
	return malformed(pipeline.NoCause, "the answer may be another document", "the header is longer than %d KiB", maxHeader>>10)
}

// tooLong is the error of a record at an offset whose end is not in sight. Irregular quotes can make many records
// look like one, so the strict reading leaves the judgement to the lenient one.
func tooLong(offset int64, quotes, lenient bool) error {
	if quotes && !lenient {
		return pipeline.ErrIrregular
	}
	return malformed(pipeline.NoCause, "it may not be CSV", "the record at byte %d is longer than %d MiB", offset, maxRow>>20)
}
