package inbox

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
)

// spokenDate is a date as people write it, with the year at its end, and perhaps a time of day.
var spokenDate = regexp.MustCompile(`^(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})(?:,?[ T]+(\d{1,2})(:\d{2}(?::\d{2}(?:\.\d+)?)?)\s*(?:([AaPp])\.?\s?[Mm]\.?)?)?$`)

// yearFirst begins a date that needs no proof.
var yearFirst = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}`)

// dateOrder is what the dates of a file tell of their order.
type dateOrder struct {
	some                 string // one of them; empty: the file has none
	dayFirst, monthFirst bool   // a number beyond 12 proves it
	twins                bool   // of all of them day and month are the same number
	iso                  bool   // others begin with the year
}

// see learns from a cell.
func (o *dateOrder) see(cell string) {
	m := spokenDate.FindStringSubmatch(strings.TrimSpace(cell))
	if m == nil {
		o.iso = o.iso || yearFirst.MatchString(strings.TrimSpace(cell))
		return
	}
	first, _ := strconv.Atoi(m[1])
	second, _ := strconv.Atoi(m[2])
	if o.some == "" {
		o.twins = true
	}
	if o.some == "" || o.twins && first != second {
		o.some = m[1] + "/" + m[2] + "/" + m[3] // it says most of what is to be decided
	}
	o.twins = o.twins && first == second
	o.dayFirst = o.dayFirst || first > 12
	o.monthFirst = o.monthFirst || second > 12
}

// known reports whether the dates read in one way only.
func (o *dateOrder) known() bool {
	return o.some != "" && (o.dayFirst != o.monthFirst || o.twins && !o.dayFirst)
}

// problem is why the dates of the file cannot be read; nil where they can, and where those are a few of others, whose
// rows alone are rejected then.
func (o *dateOrder) problem() error {
	const hint = "export days that tell it, such as a whole month, or have the dates written as 2025-09-08"
	var err error
	switch {
	case o.some == "" || o.known() || o.iso:
		return nil
	case o.dayFirst:
		err = errors.New("some of its dates have the day first, others the month")
	default:
		err = fmt.Errorf("its dates, such as %s, may have the day or the month first, and no row tells which", o.some)
	}
	return &pipeline.Error{Op: "read the export", Kind: pipeline.Mismatch, Err: err, Hint: hint}
}

// rewrite is a cell as ISO 8601 has it; what is no such date stays as it is.
func (o *dateOrder) rewrite(cell string) string {
	m := spokenDate.FindStringSubmatch(strings.TrimSpace(cell))
	if m == nil {
		return cell
	}
	day, month := m[1], m[2]
	if o.monthFirst {
		day, month = month, day
	}
	text := m[3] + "-" + twoDigits(month) + "-" + twoDigits(day)
	if m[4] == "" {
		return text
	}
	hour, _ := strconv.Atoi(m[4])
	if half := strings.ToLower(m[6]); half != "" {
		if hour < 1 || hour > 12 {
			return cell
		}
		if hour %= 12; half == "p" {
			hour += 12
		}
	}
	return fmt.Sprintf("%s %02d%s", text, hour, m[5])
}

func twoDigits(n string) string { return strings.Repeat("0", 2-len(n)) + n }

// withISODates is a text with commas whose column of dates has them as ISO 8601 has. Whether the day comes first or the
// month is read only where a row proves it: a guess would move answers to other days.
func withISODates(ctx context.Context, from *scratch, column string) (*scratch, error) {
	if column == "" {
		return from, nil
	}
	var order dateOrder
	at, lenient, skip := -1, false, int64(markOf(from))
	scan := func() error {
		order, at = dateOrder{}, -1
		begun := false
		return eachRow(rest(ctx, from, skip), ',', lenient, func(row []string) error {
			if !begun {
				at = slices.IndexFunc(row, func(c string) bool { return strings.TrimSpace(c) == column })
				begun = true
			} else if at >= 0 && at < len(row) {
				order.see(row[at])
			}
			return nil
		})
	}
	err := scan()
	var irregular *csv.ParseError
	if errors.As(err, &irregular) {
		lenient = true
		err = scan()
	}
	if err == nil {
		err = order.problem()
	}
	if err != nil || !order.known() {
		return from, err
	}
	return written(from.disk, func(to *scratch) error {
		err := separate(to, rest(ctx, from, skip), ',', lenient, func(row []string) {
			if at < len(row) {
				row[at] = order.rewrite(row[at])
			}
		})
		trimEnd(from, to, err)
		return err
	})
}

// markOf is the length of a byte order mark.
func markOf(s *scratch) int {
	const mark = "\uFEFF"
	head := make([]byte, len(mark))
	if _, err := io.ReadFull(s.reader(), head); err == nil && string(head) == mark {
		return len(mark)
	}
	return 0
}
