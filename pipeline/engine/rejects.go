package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

// A stage takes rejects in pieces of so many rows or bytes of text, whichever comes first.
const (
	rejectPiece      = 256
	rejectPieceBytes = 1 << 20
)

// addRejects counts and stages the rejects of a batch.
func (c *bodyCutter) addRejects(m *pipeline.Meta, rejects *pipeline.Rejects, before int64) error {
	var piece []pipeline.Reject
	var of *openWindow
	bytes := 0
	stage := func() error {
		if len(piece) == 0 {
			return nil
		}
		err := of.stage.Reject(c.ctx, piece)
		piece, bytes = nil, 0
		return err
	}
	for r := range rejects.All() {
		if err := c.ctx.Err(); err != nil {
			return err
		}
		r.Row += before
		r.Scope = m.Request.Scope
		if mask := c.stream.Mask; mask != nil {
			r.Reason, r.Raw = mask.Raw(r.Reason), mask.Raw(r.Raw)
		}
		c.first, c.cutter.first = keepFirst(c.first, r), keepFirst(c.cutter.first, r)
		w := c.countReject(m, &r, &c.days)
		if w == nil {
			continue
		}
		w.first = keepFirst(w.first, r)
		if w != of || len(piece) == rejectPiece || bytes >= rejectPieceBytes {
			if err := stage(); err != nil {
				return err
			}
			of = w
		}
		piece = append(piece, r)
		bytes += len(r.Raw)
	}
	return stage()
}

// firstReject shows the first of the rejects, and how many of the first have which reason, where there are several.
func firstReject(first []pipeline.Reject) string {
	if len(first) == 0 {
		return ""
	}
	r := &first[0]
	text := fmt.Sprintf("; the first is row %d: %s", r.Row, r.Reason)
	if r.Shape != "" {
		text += fmt.Sprintf(", a value of the shape %s", r.Shape)
	}
	counts := map[string]int{}
	var reasons []string
	for _, r := range first {
		if counts[r.Reason]++; counts[r.Reason] == 1 {
			reasons = append(reasons, r.Reason)
		}
	}
	if len(reasons) == 1 {
		return text
	}
	const most = 4
	for i, reason := range reasons[:min(len(reasons), most)] {
		reasons[i] = fmt.Sprintf("%d: %s", counts[reason], reason)
	}
	if more := len(reasons) - most; more > 0 {
		reasons = append(reasons[:most], fmt.Sprintf("%d other reasons", more))
	}
	return text + fmt.Sprintf("; of the first %d: %s", len(first), strings.Join(reasons, "; "))
}

// countReject books a reject with its window, which it returns; nil where the reject lies outside of all.
func (c *cutter) countReject(m *pipeline.Meta, r *pipeline.Reject, days *dayCounts) *openWindow {
	w := c.windows[0]
	if r.At != calendar.NoInstant {
		days.count([]calendar.Instant{r.At})
		if w = c.windowOf(m, r.At); w == nil {
			if m.Portion == nil {
				c.outside++
			}
			return nil
		}
	} else {
		c.undated++
		if m.Portion != nil && !m.Portion.Undated {
			return nil
		}
	}
	w.counts.Read++
	w.counts.Rejected++
	w.rejects = w.rejects.Add(r.Hash())
	return w
}

// firstRejects are those of each window. A window that has none may be that of the rejects without a time, which count for
// the first.
func (c *cutter) firstRejects() windowRejects {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make(windowRejects)
	for _, w := range c.windows {
		if len(w.first) > 0 {
			all[w.window] = w.first
		} else if c.undated > 0 && w.counts.Rows+w.counts.Duplicate == 0 {
			all[w.window] = c.firstUndated()
		}
	}
	return all
}

// firstUndated are the first rejects without a time.
func (c *cutter) firstUndated() []pipeline.Reject {
	return slices.DeleteFunc(slices.Clone(c.windows[0].first), func(r pipeline.Reject) bool { return r.At != calendar.NoInstant })
}

// undatedRejects says why a window without rows stays open: rejects of the report that have no time may be its rows.
func (c *cutter) undatedRejects() error {
	may := "one rejected row of the report has no time that can be read: it may be of this window"
	if c.undated > 1 {
		may = fmt.Sprintf("%d rejected rows of the report have no time that can be read: they may be of this window", c.undated)
	}
	return &pipeline.Error{
		Op: "read", Kind: pipeline.TooManyRejects, Cause: pipeline.Undated,
		Err:  fmt.Errorf("no row is of this window, and %s%s", may, firstReject(c.firstUndated())),
		Hint: "the report's other windows were committed, and this one is asked for again; where the vendor's times stay as they are, their format may have changed",
	}
}

// noteDamage fails the document where a row of the batch condemns it, and keeps what the last row says of its end.
func (c *bodyCutter) noteDamage(p *partitioned, before int64) error {
	if p.damage.Row > 0 {
		return c.damaged("row %d", p.damage, before)
	}
	goesOn := c.tail.Cause == pipeline.OtherDocument && int64(p.rejects.Len()) == p.read // the page that stands behind the rows
	if p.read > 0 && !goesOn {
		c.tail = p.tail
		c.tail.Row += before
	}
	return nil
}

// checkTail fails a document whose last row is not shaped like one, whatever the share of rejects. Where too many other
// rows were rejected as well, that tells more.
func (c *bodyCutter) checkTail() error {
	if c.tail.What == "" {
		return nil
	}
	if c.rejected > 1 {
		if err := checkRejects(c.read, c.rejected, c.maxRejects, c.first); err != nil {
			return err
		}
	}
	if c.tail.Cause == pipeline.OtherDocument {
		return c.damaged("row %d", c.tail, 0)
	}
	return c.damaged("the last row, row %d,", c.tail, 0)
}

// damaged is the error of a document that one of its rows condemns.
func (c *bodyCutter) damaged(row string, d pipeline.Damage, before int64) error {
	return &pipeline.Error{
		Op: "read", Kind: d.Kind, Cause: d.Cause, Hint: d.Hint,
		Err: &pipeline.RejectedRows{Text: fmt.Sprintf(row+" %s", d.Row+before, d.What), First: c.first},
	}
}
