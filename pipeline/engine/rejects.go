package engine

import (
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

// countReject books a reject with its window, which it returns; nil where the reject lies outside of all.
func (c *cutter) countReject(m *pipeline.Meta, r *pipeline.Reject, days *dayCounts) *openWindow {
	w := c.windows[0]
	if r.At != calendar.NoInstant {
		days.count([]calendar.Instant{r.At})
		if w = c.windowOf(m, r.At); w == nil {
			c.outside++
			return nil
		}
	} else {
		days.undated++
	}
	w.counts.Read++
	w.counts.Rejected++
	w.rejects = w.rejects.Add(r.Hash())
	return w
}
