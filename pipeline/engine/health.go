package engine

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
)

// Health says for which state of its fields a window fails, although its rows could be read. A window of a report fails
// alone.
type Health struct {
	// MaxUnreadable is the share of a field's values that may be unreadable.
	MaxUnreadable RejectLimit
	// DriftWarns: a window that lacks a field which the stream had before, or which was asked for by name, or any measure,
	// is committed with a warning.
	DriftWarns bool
	// DriftSetting is what the user sets for that.
	DriftSetting string
}

// leastFilled is how many values a field must have for their share to tell anything.
const leastFilled = 5

// nothingCommitted ends the hint of every window that fails for its fields.
const nothingCommitted = "; nothing was committed and what was there stays"

// judge returns the news of a window's fields, and why their state condemns the window; nil if it does not. readAt is
// when the window was read.
func (h Health) judge(w *openWindow, j job, readAt calendar.Instant) (news fieldNews, why error) {
	if w.counts.Rows == 0 {
		return news, nil
	}
	t := &w.fields
	before := j.fields.before(w.window.Start, readAt)
	news = newsOf(t, before, j.planned[w.window].Fields)
	if j.stream.Catalogue != "" {
		news.uncatalogued = t.Unnamed
	}
	for f, health := range t.Health {
		if health.Passed > 0 {
			news.units = append(news.units, t.Fields[f].Limits[health.Passed-1].Says)
		}
	}
	if err := h.checkUnreadable(t); err != nil {
		return news, err
	}
	if err := news.bear(h, h.checkAsked(t, j.stream.Asked, w.counts.Rows)); err != nil {
		return news, err
	}
	if j.stream.Table == pipeline.Activity && !hasUnnamed(t, j.stream.Asked.Names) {
		unknown := j.stream.Unpublished && len(t.Unnamed) > 0 // what nobody has published may measure under any name
		h := Health{DriftWarns: h.DriftWarns || unknown, DriftSetting: h.DriftSetting}
		if err := news.bear(h, h.checkMeasured(t, w.counts.Rows, unknown)); err != nil {
			return news, err
		}
	}
	err := news.bear(h, h.checkDrift(t, before, news.fresh))
	return news, err
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
		Hint: t.Fields[worst].Hint + "the vendor may write this field in another way now; tell the vendor, or set " + limit.Setting + " to more to load such rows without these values" + nothingCommitted,
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
func (h Health) checkMeasured(t *pipeline.FieldTally, rows int64, unknown bool) error {
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
	switch {
	case unknown:
		first = fmt.Sprintf(": none of the names that Windrow knows is filled%s; what may measure is in extras alone, as %s", first, shownNames(slices.Sorted(slices.Values(t.Unnamed))))
	case len(names) > 0:
		first = fmt.Sprintf(": %s are blank or missing%s%s", listed(names), first, foundInstead(t))
	}
	return &pipeline.Error{
		Op: "read", Kind: pipeline.Unmeasured,
		Err:  fmt.Errorf("no row of %d has any measure%s", rows, first),
		Hint: "the vendor may have renamed its metrics, or wrapped them into an object; where that is meant, " + h.DriftSetting + " takes the rows without measures, and what came is in extras" + nothingCommitted,
	}
}

// foundInstead lists the names that the mapping does not know, where there are any: one of them may be what is missed.
func foundInstead(t *pipeline.FieldTally) string {
	if len(t.Unnamed) == 0 {
		return ""
	}
	return "; found instead: " + shownNames(slices.Sorted(slices.Values(t.Unnamed)))
}

// fewRows is how many rows without a header must lack a field for the field to be gone.
const fewRows = 20

// checkDrift fails a window that lacks a field which the stream's last window with rows had. fresh are the fields that it
// has and that one had not.
func (h Health) checkDrift(t *pipeline.FieldTally, before earlierFields, fresh []string) error {
	if !t.Header && t.Rows < fewRows {
		return nil
	}
	var gone []string
	for f, health := range t.Health {
		switch name, stem := t.Fields[f].Name, t.Fields[f].Stem; {
		case health.There:
		case stem != "" && before.expects(pipeline.StemName(stem), t.Header):
			gone = append(gone, pipeline.StemName(stem))
		case before.expects(name, t.Header):
			gone = append(gone, name)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	text := fmt.Sprintf("none of %d rows has %s", t.Rows, listed(gone))
	if t.Header {
		text = "the header lacks " + listed(gone)
	}
	text += ", which the stream's last window with rows had"
	if len(fresh) > 0 {
		text += "; new in it: " + shownNames(fresh)
	}
	return &pipeline.Error{
		Op: "read", Kind: pipeline.Drifted, Err: errors.New(text),
		Hint: "the vendor may have renamed or dropped it; where that is meant, one sync with " + h.DriftSetting + " takes the rows as they are" + nothingCommitted,
	}
}

// checkAsked fails a window in which no row has a field that was asked for by name.
func (h Health) checkAsked(t *pipeline.FieldTally, asked pipeline.AskedFields, rows int64) error {
	var gone []string
	for _, name := range asked.Names {
		if !hasField(t, name) && !hasUnnamed(t, []string{name}) {
			gone = append(gone, name)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	return &pipeline.Error{
		Op: "read", Kind: pipeline.Unanswered, Err: fmt.Errorf("no row of %d has %s, which was asked for by name%s", rows, listed(gone), foundInstead(t)),
		Hint: "check the spelling in " + asked.Setting + "; where the vendor no longer has it, take it out, or set " + h.DriftSetting + nothingCommitted,
	}
}

// hasField reports whether the rows have a field of the mapping by that name, in any case.
func hasField(t *pipeline.FieldTally, name string) bool {
	for f, health := range t.Health {
		if health.There && strings.EqualFold(t.Fields[f].Name, name) {
			return true
		}
	}
	return false
}

// hasUnnamed reports whether the rows have one of the names as a field that the mapping does not name, in any case.
func hasUnnamed(t *pipeline.FieldTally, names []string) bool {
	return slices.ContainsFunc(t.Unnamed, func(have string) bool {
		return slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(have, name) })
	})
}

// listed joins names for people, not too many of them.
func listed(names []string) string {
	const most = 8
	if more := len(names) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), more)
	}
	return strings.Join(names, ", ")
}

// fieldNews is what of a window's fields is told once it is committed, and what its entry keeps of them.
type fieldNews struct {
	drift  []string // what it lacks, in words
	fresh  []string // fields that the stream did not have before; of a header that nobody has published, at first all
	fields pipeline.Fields
	// uncatalogued are metrics that no mapping names.
	uncatalogued []string
	units        []string // what its numbers tell of a unit that nobody has set
}

// newsOf compares the fields of a window with those of the stream's last window with rows, and with those of the window's
// own reading before. What the mapping does not name is carried on, so that each field is new once.
func newsOf(t *pipeline.FieldTally, before earlierFields, own pipeline.Fields) (news fieldNews) {
	var mapped, have []string
	for f, field := range t.Fields {
		mapped = append(mapped, field.Name)
		if t.Health[f].There {
			have = append(have, field.Name)
		}
	}
	have = append(have, t.Unnamed...)
	if len(have) == 0 {
		return news
	}
	stems, found := stemsOf(t)
	if (before.Fields != "" || len(stems) > 0) && !pipeline.HasMore(t.Unnamed) {
		for _, name := range have {
			if !before.Has(name) && !own.Has(name) {
				news.fresh = append(news.fresh, name)
			}
		}
		slices.Sort(news.fresh)
	}
	news.fields = pipeline.FieldsOf(append(have, found...)).With(before.Without(append(mapped, stems...)))
	if !t.Header && t.Rows < fewRows { // it cannot tell that a field is gone
		for _, name := range mapped {
			if before.expects(name, false) {
				news.fields = news.fields.With(pipeline.FieldsOf([]string{name}))
			}
		}
	}
	return news
}

// stemsOf names the fields that are found by what their names begin with, and those of them that were found.
func stemsOf(t *pipeline.FieldTally) (stems, found []string) {
	for f, field := range t.Fields {
		if field.Stem == "" {
			continue
		}
		stems = append(stems, pipeline.StemName(field.Stem))
		if t.Health[f].There {
			found = append(found, pipeline.StemName(field.Stem))
		}
	}
	return stems, found
}

// bear returns what a window fails for. Where a drift only warns it is nil, and the drift is news.
func (n *fieldNews) bear(h Health, drift error) error {
	if drift == nil || !h.DriftWarns {
		return drift
	}
	n.drift = append(n.drift, errors.Unwrap(drift).Error())
	return nil
}

// streamNews is what a run's windows tell of a stream's fields.
type streamNews struct {
	drifts       []pipeline.Warning // in the order of the commits
	lacking      []pipeline.Warning // of those, the ones whose rows this run wrote
	fresh        []string
	uncatalogued []string
	units        []string
}

// noteNews keeps the news of a committed window, whose rows are others than before if it has changed. The names in it are the
// vendor's words, and are masked as all of them are.
func (r *run) noteNews(k pipeline.StreamKey, w calendar.Window, news fieldNews, changed bool) {
	if len(news.drift)+len(news.fresh)+len(news.uncatalogued)+len(news.units) == 0 {
		return
	}
	raw := func(text string) string { return text }
	if mask := r.masks[k]; mask != nil {
		raw = mask.Raw
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.news[k]
	if s == nil {
		s = &streamNews{}
		r.news[k] = s
	}
	for _, text := range news.drift {
		drift := pipeline.Warning{Kind: pipeline.WarnDrift, WindowStart: w.Start, WindowEnd: w.End, Zone: w.Zone, Message: raw(text)}
		s.drifts = append(s.drifts, drift)
		if changed {
			s.lacking = append(s.lacking, drift)
		}
	}
	add := func(to *[]string, names []string) {
		for _, name := range names {
			if name = raw(name); !slices.Contains(*to, name) {
				*to = append(*to, name)
			}
		}
	}
	add(&s.fresh, news.fresh)
	add(&s.uncatalogued, news.uncatalogued)
	add(&s.units, news.units)
}

// tellNews tells of new fields, and of units that nobody has set, once a run, and returns a warning for windows that drifted alike, and the metrics that
// nobody has catalogued.
func (r *run) tellNews(k pipeline.StreamKey) (warnings []pipeline.Warning, uncatalogued []string) {
	s := r.news[k]
	if s == nil {
		return nil, nil
	}
	slices.Sort(s.uncatalogued)
	if len(s.fresh) > 0 {
		r.observe(Event{Kind: EventNewFields, Stream: k, Text: shownNames(s.fresh)})
	}
	for _, text := range s.units {
		r.observe(Event{Kind: EventUnit, Stream: k, Text: text})
	}
	slices.SortStableFunc(s.drifts, func(a, b pipeline.Warning) int { return cmp.Compare(a.WindowStart, b.WindowStart) })
	for _, w := range s.drifts {
		i := slices.IndexFunc(warnings, func(o pipeline.Warning) bool { return o.Message == w.Message })
		if i < 0 {
			warnings = append(warnings, w)
			continue
		}
		warnings[i].WindowEnd = w.WindowEnd
	}
	return warnings, s.uncatalogued
}

// shownNames joins names that a vendor sent, for people.
func shownNames(names []string) string {
	var shown []string
	for _, name := range names {
		shown = append(shown, pipeline.ShownName(name))
	}
	return listed(shown)
}
