package vendorsim

import (
	"context"
	"io"
	"iter"
	"slices"
	"strings"
)

// file is a report as a table; the rows' slice is used again for the next row.
type file struct {
	header []string
	rows   iter.Seq[[]string]
}

// write streams the report's CSV.
func (c *content) write(ctx context.Context, w io.Writer) error {
	f := c.file()
	drop := slices.Index(f.header, c.style.DropColumn)
	line := func(buf []byte, cells []string) []byte {
		first := true
		for i, cell := range cells {
			if i == drop {
				continue
			}
			if !first {
				buf = append(buf, ',')
			}
			first = false
			buf = c.style.cell(buf, cell)
		}
		if c.style.CRLF {
			buf = append(buf, '\r')
		}
		return append(buf, '\n')
	}
	var buf []byte
	if c.style.BOM {
		buf = append(buf, "\ufeff"...)
	}
	buf = line(buf, slices.Concat(f.header, c.style.ExtraColumns))
	rows := 0
	for cells := range f.rows {
		rows++
		for _, name := range c.style.ExtraColumns {
			cells = append(cells, "new "+name)
		}
		buf = line(buf, cells)
		if len(buf) < 64<<10 {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
		buf = buf[:0]
	}
	if rows == 0 && c.style.BlankBody {
		return nil
	}
	_, err := w.Write(buf)
	return err
}

// cell quotes as RFC 4180 wants it, unless the style says otherwise.
func (s CSVStyle) cell(buf []byte, cell string) []byte {
	if s.BareQuotes && strings.Contains(cell, `"`) && !strings.HasPrefix(cell, `"`) && !strings.ContainsAny(cell, ",\r\n") {
		return append(buf, cell...)
	}
	if !s.QuoteAll && !needsQuotes(cell) {
		return append(buf, cell...)
	}
	buf = append(buf, '"')
	for {
		before, after, found := strings.Cut(cell, `"`)
		buf = append(buf, before...)
		if !found {
			return append(buf, '"')
		}
		buf = append(buf, `""`...)
		cell = after
	}
}

// needsQuotes is a loop because a big report asks it for each of 54 cells a row.
func needsQuotes(cell string) bool {
	for i := range len(cell) {
		switch cell[i] {
		case ',', '"', '\r', '\n':
			return true
		}
	}
	return false
}

// file is the table that the report's parameters ask for.
func (c *content) file() file {
	p := c.params
	if p.Export == "stats" {
		if p.Stat == "calls" {
			return c.callStatsFile()
		}
		return c.otherStatsFile()
	}
	switch p.Stat {
	case "calls":
		return c.callsFile()
	case "texts":
		return c.textsFile()
	case "voicemails":
		return c.voicemailsFile()
	case "recordings":
		return c.recordingsFile()
	case "dispositions":
		return c.dispositionsFile()
	case "csat":
		return c.csatFile()
	case "onduty":
		return c.onDutyFile()
	}
	return c.screenshareFile()
}
