package bigquery

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/windrow-data/windrow/pipeline"
)

// digest names what its parts describe.
func digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))[:24]
}

// tableOf is the table of the windows that replace data; nil where none does.
func tableOf(group []*pending) *pipeline.Table {
	for _, p := range group {
		if p.replaces {
			return p.Table
		}
	}
	return nil
}

func (b batch) tableName() string {
	if b.table == nil {
		return "ledger"
	}
	return b.table.Name
}

// batchOf describes the transaction that commits the windows.
func (s *Store) batchOf(group []*pending, at *staged) (batch, error) {
	b := batch{table: tableOf(group)}
	parts := []string{s.names.project, s.names.dataset, b.tableName()}
	now := pipeline.InstantOf(s.now())
	for _, p := range group {
		e := p.Verdict.Entry
		text, err := newLine(p.Key, e)
		if err != nil {
			return b, err
		}
		parts = append(parts, p.Key.String(), text.text, strconv.FormatInt(p.seen, 10), strconv.FormatBool(p.replaces))
		e.CommittedAt = now // not in the digest: the same commit tried later is the same
		l, err := newLine(p.Key, e)
		if err != nil {
			return b, err
		}
		l.replaces, l.seen, l.bytes = p.replaces, p.seen, p.Stage.size()
		b.lines = append(b.lines, l)
		if !p.replaces {
			continue
		}
		if !slices.Contains(b.keys, p.Key) {
			b.keys = append(b.keys, p.Key)
		}
		if b.rows == "" && p.Stage.rows.count() > 0 {
			b.rows = at.rows
		}
		if b.rejects == "" && p.Stage.rejects.count() > 0 {
			b.rejects = at.rejects
		}
		if err := b.bound(p); err != nil {
			return b, err
		}
	}
	b.dates = mergeDates(b.dates)
	b.id = digest(append(parts, b.rows, b.rejects)...)
	return b, nil
}

// bound widens the bounds of what is deleted to the window and those that it replaces.
func (b *batch) bound(p *pending) error {
	for _, w := range append([]pipeline.Window{p.Verdict.Entry.Window}, p.Replaces...) {
		loc, err := w.Location()
		if err != nil {
			return err
		}
		b.dates = append(b.dates, dateRange{arrow.Date32FromTime(day(w.Start, loc)), arrow.Date32FromTime(day(w.End-1, loc))})
		if b.span.Empty() {
			b.span = w.Span
			continue
		}
		b.span = pipeline.Span{Start: min(b.span.Start, w.Start), End: max(b.span.End, w.End)}
	}
	return nil
}

// day is midnight UTC of the local date.
func day(i pipeline.Instant, loc *time.Location) time.Time {
	y, m, d := i.In(loc).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// mergeDates joins ranges that overlap or touch.
func mergeDates(list []dateRange) []dateRange {
	slices.SortFunc(list, func(a, b dateRange) int { return cmp.Compare(a.first, b.first) })
	var out []dateRange
	for _, r := range list {
		if n := len(out); n > 0 && r.first <= out[n-1].last+1 {
			out[n-1].last = max(out[n-1].last, r.last)
			continue
		}
		out = append(out, r)
	}
	return out
}
