package chattonic

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/windrow-data/windrow/connectors/chattonic/internal/inbox"
	"github.com/windrow-data/windrow/pipeline"
)

const (
	// mailPatience is how long after it was asked for an export may arrive.
	mailPatience = 24 * time.Hour
	// mark is how finely the times of an export's rows are kept: no window is shorter, nor cut finer.
	mark = 15 * time.Minute
	// mostMarks bounds them: more than an export of decades has.
	mostMarks = 2 << 20
	// mostUnplaced bounds what is told of files that no window takes.
	mostUnplaced = 20
)

// npsInbox is the inbox of one account, as the readings of one run see it: they look once, together.
type npsInbox struct {
	place    inbox.Place
	format   pipeline.Format
	zone     *time.Location
	now      func() time.Time
	clock    pipeline.Clock
	window   pipeline.Calendar
	lookback time.Duration

	lock  chan struct{} // a mutex that obeys a context; it guards what follows
	users int
	view  *npsView
	files []*inbox.File // of all views since nobody looked
}

// npsView is what the inbox holds.
type npsView struct {
	since   pipeline.Instant
	exports []*export // by their times
	asked   []pipeline.Entry
	told    string // what the ledger has of files that no window takes
	err     error  // why nobody could look

	proof  sync.Once // that the vendor may be asked
	proven error
}

// export is a file of the inbox, and what its rows say of their times.
type export struct {
	*inbox.File
	marks   []pipeline.Instant // of the rows, in order, each once
	first   pipeline.Instant   // the time of the first row by time; NoInstant: no row has one
	last    pipeline.Instant
	undated bool          // rows have no time, or none that can be read
	asked   pipeline.Span // the window that was asked for shortly before; empty: none, or several
	err     error         // why not even a header can be read

	late   []pipeline.Window // settled windows that were read from what is older
	waived []pipeline.Window // windows that nobody is to read, of which it has rows
}

// look returns what the inbox holds since an instant, and at least what others of the run see. done gives it back.
func (b *npsInbox) look(ctx context.Context, since pipeline.Instant, m pipeline.Memory, tell inbox.Tell) (v *npsView, done func(), err error) {
	if err := b.enter(ctx); err != nil {
		return nil, nil, err
	}
	defer b.leave()
	if b.view == nil || b.view.err == nil && since < b.view.since {
		v, err := b.see(ctx, since, m, tell)
		if ctx.Err() != nil {
			return nil, nil, err
		}
		b.view = cmp.Or(v, &npsView{err: err})
	}
	if b.view.err != nil && b.users == 0 {
		defer func() { b.view = nil }() // the next run tries again
	}
	if b.view.err != nil {
		return nil, nil, b.view.err
	}
	b.users++
	return b.view, sync.OnceFunc(b.forget), nil
}

func (b *npsInbox) enter(ctx context.Context) error {
	select {
	case b.lock <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &pipeline.Error{Op: "look into the inbox", Kind: pipeline.Stopped, Err: ctx.Err()}
	}
}

func (b *npsInbox) leave() { <-b.lock }

// forget ends the use of a view. The last user's gives the files back.
func (b *npsInbox) forget() {
	b.lock <- struct{}{}
	defer b.leave()
	if b.users--; b.users > 0 {
		return
	}
	for _, f := range b.files {
		f.Close()
	}
	b.view, b.files = nil, nil
}

// see looks into the inbox, and notes what no window takes.
func (b *npsInbox) see(ctx context.Context, since pipeline.Instant, m pipeline.Memory, tell inbox.Tell) (*npsView, error) {
	v := &npsView{since: since}
	ledger := pipeline.NewLedger()
	if m != nil {
		known, err := m.Ledger(ctx)
		if err != nil {
			return nil, err
		}
		ledger = known
	}
	v.asked = ledger.Asked()
	err := b.place.Look(ctx, since.Time(), mailsOf(ledger.Unplaced()), tell, func(f *inbox.File) error {
		b.files = append(b.files, f)
		e, err := b.survey(ctx, f)
		v.exports = append(v.exports, e)
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(v.exports, func(a, b *export) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.String(), b.String())) })
	v.dropRepeated()
	v.assign()
	if m == nil {
		return v, nil
	}
	v.findLate(ledger, pipeline.InstantOf(b.clock()).Add(-b.lookback))
	v.findWaived(ledger, b.window)
	v.told = strings.Join(ledger.Unplaced(), "\n")
	return v, b.tell(ctx, v, m)
}

// mailID finds the id of a mail in what [inbox.File.String] tells of a file.
var mailID = regexp.MustCompile(`of the mail <([^<>\s]+)>`)

// mailsOf are the mails of what was told of files that no window took.
func mailsOf(told []string) (ids []string) {
	for _, line := range told {
		if m := mailID.FindStringSubmatch(line); m != nil && !slices.Contains(ids, m[1]) {
			ids = append(ids, m[1])
		}
	}
	return ids
}

// survey reads the times of a file's rows. What is wrong with a file is told when a window is read from it.
func (b *npsInbox) survey(ctx context.Context, f *inbox.File) (*export, error) {
	e := &export{File: f, first: pipeline.NoInstant, last: pipeline.NoInstant, err: f.Err}
	if e.err != nil {
		return e, nil //nolint:nilerr // whoever reads the window from the file tells
	}
	err := e.read(ctx, b.format, b.zone)
	if errors.Is(err, pipeline.ErrIrregular) {
		*e = export{File: f, first: pipeline.NoInstant, last: pipeline.NoInstant}
		err = e.read(ctx, b.format.Lenient(), b.zone)
	}
	if ctx.Err() != nil {
		return e, &pipeline.Error{Op: "look into the inbox", Kind: pipeline.Stopped, Err: ctx.Err()}
	}
	slices.Sort(e.marks)
	e.marks = slices.Compact(e.marks)
	if len(e.marks) == 0 {
		e.err = err // else whoever reads the rows meets it
	}
	return e, nil //nolint:nilerr // what is wrong with a file ends no look
}

// read notes the times of all rows that can be read.
func (e *export) read(ctx context.Context, format pipeline.Format, zone *time.Location) error {
	meta := &pipeline.Meta{Request: pipeline.Request{Stream: NPS}, ResponseZone: zone.String()}
	text := e.Open()
	defer text.Close() //nolint:errcheck // of a scratch file
	for chunk, err := range format.Split(text, 1<<20) {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = e.note(meta, format, chunk)
		}
		if chunk.Free != nil {
			chunk.Free()
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// note notes the times of the rows of a chunk.
func (e *export) note(meta *pipeline.Meta, format pipeline.Format, chunk pipeline.Chunk) error {
	batch := pipeline.NewBatch(pipeline.Events)
	defer batch.Release()
	err := format.Decode(meta, chunk, batch)
	at := func(t pipeline.Instant) {
		if t == pipeline.NoInstant {
			e.undated = true
			return
		}
		if e.first == pipeline.NoInstant || t < e.first {
			e.first = t
		}
		e.last = max(e.last, t)
		if t = pipeline.InstantOf(t.Time().Truncate(mark)); len(e.marks) == 0 || e.marks[len(e.marks)-1] != t {
			e.marks = append(e.marks, t)
		}
	}
	for _, t := range batch.Times {
		at(t)
	}
	for r := range batch.Rejects.All() {
		at(r.At)
	}
	if len(e.marks) > mostMarks {
		slices.Sort(e.marks)
		if e.marks = slices.Compact(e.marks); len(e.marks) > mostMarks/2 {
			return errors.New("its rows are of too many times")
		}
	}
	return err
}

// dropRepeated leaves each mail in once, however often it lies in the inbox, and of equal files with rows the newest.
func (v *npsView) dropRepeated() {
	type file struct {
		mail string
		hash [32]byte
	}
	seen := map[file]bool{}
	for i := len(v.exports) - 1; i >= 0; i-- {
		e := v.exports[i]
		id := file{e.Mail, e.Hash}
		if e.first != pipeline.NoInstant || e.undated {
			id.mail = ""
		}
		if e.err == nil && (id.mail != "" || e.first != pipeline.NoInstant || e.undated) && seen[id] {
			v.exports = slices.Delete(v.exports, i, i+1)
		}
		seen[id] = true
	}
}

// assign finds the window that was asked for of each export whose rows do not tell it. Where several were, it is the one
// for which nothing else has come.
func (v *npsView) assign() {
	served := map[pipeline.Span]bool{}
	for _, e := range v.exports {
		for _, a := range v.asked {
			if e.hasRows(a.Window.Span) {
				served[a.Window.Span] = true
			}
		}
	}
	for _, e := range v.exports {
		if e.first != pipeline.NoInstant || e.Other {
			continue
		}
		var all, open []pipeline.Span
		for _, a := range v.asked {
			since := pipeline.InstantOf(e.At).Time().Sub(a.ReadAt.Time())
			if since < -pipeline.ClockTolerance || since > mailPatience || slices.Contains(all, a.Window.Span) {
				continue
			}
			all = append(all, a.Window.Span)
			if !served[a.Window.Span] {
				open = append(open, a.Window.Span)
			}
		}
		switch {
		case len(open) == 1:
			e.asked = open[0]
		case len(all) == 1:
			e.asked = all[0]
		default:
			continue
		}
		served[e.asked] = true
	}
}

// hasRows reports whether rows are of the window.
func (e *export) hasRows(w pipeline.Span) bool {
	from, _ := slices.BinarySearch(e.marks, pipeline.InstantOf(w.Start.Time().Truncate(mark)))
	return from < len(e.marks) && e.marks[from] < w.End
}

// quiet is how long an export may have no rows between two that it has. Beyond that one of the two may be a mistake.
const quiet = 7 * 24 * time.Hour

// spans reports whether rows are both before the window and behind it, not far away: whoever exports those days exports
// the window's too. The export is of later than the window.
func (e *export) spans(w pipeline.Span) bool {
	next, _ := slices.BinarySearch(e.marks, w.Start)
	if next == 0 || next == len(e.marks) || pipeline.InstantOf(e.At) < w.End {
		return false
	}
	return e.marks[next].Time().Sub(e.marks[next-1].Time()) <= quiet+w.End.Time().Sub(w.Start.Time())
}

// of is the export that the window is read from, the newest; nil where there is none.
func (v *npsView) of(w pipeline.Span) *export {
	for _, e := range slices.Backward(v.exports) {
		if e.asked.Overlaps(w) || e.hasRows(w) {
			return e
		}
	}
	for _, e := range slices.Backward(v.exports) {
		if e.spans(w) {
			return e
		}
	}
	return nil
}

// askedFor lists what is known of requests for any part of the window.
func askedFor(all []pipeline.Entry, w pipeline.Span) (list []pipeline.Entry) {
	for _, a := range all {
		if a.Window.Overlaps(w) {
			list = append(list, a)
		}
	}
	return list
}

// unplaced tells what belongs to no window of the stream, which begins with first.
func (v *npsView) unplaced(first, now pipeline.Instant) (told []string) {
	more := 0
	for _, e := range v.exports {
		why := cmp.Or(e.homeless(first, now), e.unreadWords())
		if why == "" {
			continue
		}
		if len(told) == mostUnplaced {
			more++
			continue
		}
		told = append(told, e.String()+": "+strings.Join(strings.Fields(why), " "))
	}
	if more > 0 {
		told = append(told, fmt.Sprintf("and %d more", more))
	}
	return told
}

// homeless says why an export belongs to no window; empty where it may belong to one.
func (e *export) homeless(first, now pipeline.Instant) string {
	switch {
	case !e.asked.Empty():
		return ""
	case e.err != nil:
		return "it cannot be read: " + e.err.Error()
	case e.first == pipeline.NoInstant && e.undated:
		return "its rows have no date that can be read, and not one window was asked for in the 24 hours before it"
	case e.first == pipeline.NoInstant:
		return "it has no rows, and not one window was asked for in the 24 hours before it"
	case first != pipeline.NoInstant && e.last < first:
		return "its rows are all before the first day of the stream"
	case e.first > now:
		return "its rows are all in the future"
	}
	return ""
}
