package engine

import (
	"fmt"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
)

// Health says for which state of its fields a window fails, although its rows could be read. A window of a report fails
// alone.
type Health struct {
	// MaxUnreadable is the share of a field's values that may be unreadable.
	MaxUnreadable RejectLimit
}

// leastFilled is how many values a field must have for their share to tell anything.
const leastFilled = 5

// nothingCommitted ends the hint of every window that fails for its fields.
const nothingCommitted = "; nothing was committed and what was there stays"

// judge returns why the state of a window's fields condemns it; nil if it does not. Of what nobody has published, no measure is known.
func (h Health) judge(s *pipeline.Stream, w *openWindow) error {
	if w.counts.Rows == 0 {
		return nil
	}
	if err := h.checkUnreadable(&w.fields); err != nil {
		return err
	}
	if s.Table == pipeline.Activity && !s.Unpublished {
		return checkMeasured(&w.fields, w.counts.Rows)
	}
	return nil
}

// checkUnreadable fails a window in which more of a field's values cannot be read than may be.
func (h Health) checkUnreadable(t *pipeline.FieldTally) error {
	limit := h.MaxUnreadable
	worst, others := -1, []string(nil)
	for f, field := range t.Health {
		switch {
		case field.Filled < leastFilled || float64(field.Unreadable)/float64(field.Filled) <= limit.Share:
		case worst < 0:
			worst = f
		default:
			others = append(others, t.Fields[f].Name)
		}
	}
	if worst < 0 {
		return nil
	}
	field := t.Health[worst]
	text := fmt.Sprintf("%s cannot be read in %d of the %d rows that have it, more than the share of %g that %s allows; the first is %s",
		t.Fields[worst].Name, field.Unreadable, field.Filled, limit.Share, limit.Setting, firstUnreadable(field))
	if len(others) > 0 {
		text += "; nor can " + listed(others)
	}
	return &pipeline.Error{
		Op: "read", Kind: pipeline.Unreadable, Err: fmt.Errorf("%s", text),
		Hint: "the vendor may write this field in another way now; tell the vendor, or set " + limit.Setting + " to more to load such rows without these values" + nothingCommitted,
	}
}

// firstUnreadable shows the first value of a field that cannot be read.
func firstUnreadable(h pipeline.FieldHealth) string {
	text := fmt.Sprintf("row %d", h.Row)
	if h.Shape != "" {
		text += ", a value of the shape " + h.Shape
	}
	return text
}

// checkMeasured fails a window of activity whose rows measure nothing. A value that is there and that no column takes,
// for its unit is unknown or it is too old to tell, does measure.
func checkMeasured(t *pipeline.FieldTally, rows int64) error {
	var names []string
	first := ""
	for f, h := range t.Health {
		if !t.Fields[f].Measure {
			continue
		}
		if h.Filled > h.Unreadable {
			return nil
		}
		names = append(names, t.Fields[f].Name)
		if h.Row > 0 && first == "" {
			first = fmt.Sprintf("; the first that cannot be read is %s in %s", t.Fields[f].Name, firstUnreadable(h))
		}
	}
	if t.Measured {
		return nil
	}
	if len(names) > 0 {
		first = fmt.Sprintf(": %s are blank or missing%s", listed(names), first)
	}
	return &pipeline.Error{
		Op: "read", Kind: pipeline.Unmeasured,
		Err:  fmt.Errorf("no row of %d has any measure%s", rows, first),
		Hint: "the vendor may have renamed its metrics, or wrapped them into an object" + nothingCommitted,
	}
}

// listed joins names for people, not too many of them.
func listed(names []string) string {
	const most = 8
	if more := len(names) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), more)
	}
	return strings.Join(names, ", ")
}
