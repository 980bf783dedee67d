package inbox

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xuri/excelize/v2"
)

const (
	// mostBook bounds a workbook, which is read as a whole, and partInMemory what of one part of it stands in memory: a
	// larger one goes to the temporary folder.
	mostBook     = 64 << 20
	partInMemory = 8 << 20
)

// textOfSheet is the first sheet of a workbook that has rows, as CSV: a row a line, as many cells as the first row has. In
// the column of dates a number is a date, as spreadsheets count days.
func textOfSheet(ctx context.Context, raw *scratch, date string, most int64) (*scratch, error) {
	if raw.size > mostBook {
		return nil, unreadable(fmt.Sprintf("it is a workbook of more than %d MiB", mostBook>>20), errors.New("let the vendor export CSV"))
	}
	book, err := excelize.OpenReader(contextReader{ctx, raw.reader()}, excelize.Options{
		RawCellValue: true, UnzipSizeLimit: most, UnzipXMLSizeLimit: partInMemory,
	})
	if err != nil {
		return nil, unreadable("it is no workbook that can be read", err)
	}
	defer book.Close() //nolint:errcheck // it removes temporary files
	epoch1904 := false
	if p, err := book.GetWorkbookProps(); err == nil && p.Date1904 != nil {
		epoch1904 = *p.Date1904
	}
	for _, name := range book.GetSheetList() {
		empty := true
		text, err := written(raw.disk, func(to *scratch) error {
			empty, err = copySheet(ctx, to, book, name, sheetDates{column: date, epoch1904: epoch1904})
			return err
		})
		if err != nil {
			return nil, unreadable("its sheet cannot be read", err)
		}
		if !empty {
			return text, nil
		}
		text.close()
	}
	return nil, unreadable("it has no sheet with rows", errors.New("empty"))
}

// sheetDates says where a sheet has dates.
type sheetDates struct {
	column    string
	epoch1904 bool
}

// copySheet writes the rows of a sheet; blank ones are none.
func copySheet(ctx context.Context, to *scratch, book *excelize.File, name string, dates sheetDates) (empty bool, err error) {
	rows, err := book.Rows(name)
	if err != nil {
		return true, err
	}
	defer rows.Close() //nolint:errcheck // it only reads
	buffered := bufio.NewWriterSize(to, 64<<10)
	w := csv.NewWriter(buffered)
	width, date := 0, -1
	for rows.Next() {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		cells, err := rows.Columns()
		if err != nil {
			return false, err
		}
		if !slices.ContainsFunc(cells, func(c string) bool { return strings.TrimSpace(c) != "" }) {
			continue
		}
		if width == 0 {
			width, date = len(cells), slices.IndexFunc(cells, func(c string) bool { return dates.column != "" && strings.TrimSpace(c) == dates.column })
		} else if date >= 0 && date < len(cells) {
			cells[date] = dates.text(cells[date])
		}
		for len(cells) < width { // blank cells at a row's end are not stored
			cells = append(cells, "")
		}
		for len(cells) > width && strings.TrimSpace(cells[len(cells)-1]) == "" {
			cells = cells[:len(cells)-1]
		}
		if err := w.Write(cells); err != nil {
			return false, err
		}
	}
	w.Flush()
	return width == 0, errors.Join(rows.Error(), w.Error(), buffered.Flush())
}

// text is a cell of the column of dates: a number of days as a date, anything else as it is.
func (d sheetDates) text(cell string) string {
	days, err := strconv.ParseFloat(strings.TrimSpace(cell), 64)
	const year9999 = 2958466
	if err != nil || !(days > 0 && days < year9999) {
		return cell
	}
	at, err := excelize.ExcelDateToTime(days, d.epoch1904)
	if err != nil {
		return cell
	}
	return at.Round(time.Millisecond).Format("2006-01-02 15:04:05.999")
}
