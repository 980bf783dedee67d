package pipeline

import (
	"cmp"
	"iter"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/windrow-data/windrow/pipeline/calendar"
)

// EntryRemnant stands only in [Ledger.Entries]: its window is the part of a
// superseded window that nothing covers since.
const EntryRemnant EntryKind = "remnant"

// Ledger is what is known of one stream: entries folded in the order of the
// log. It is a value of the program's memory; sinks store entries. Readers may
// share it; Apply excludes them.
//
//   - A commit replaces the earlier reading of its window, and the windows that the commit supersedes, unless the
//     ledger has a newer reading of any part of the window. An overlapping window that the commit does not name leaves
//     the ledger too, but the content of the table is then unknown there.
//   - A begin opens its window, and the windows that the begin supersedes, whatever was committed before. A window is
//     open until a commit of the window, or a commit that supersedes the window, brings the same or a newer reading.
//   - A reopen opens its window as a begin does, until a commit brings the same or a newer reading than was found wanting.
//   - A failure leaves what is committed alone and is forgotten at the next commit that overlaps it, unless that only
//     brings the committed reading again.
//   - A waiver covers what no commit covers, until a commit begins there.
//   - The earliest recorded origin counts; of first days the last one.
//   - What the vendor was asked for once stays, whatever else becomes of the window; what no window takes is as the last
//     entry says.
//   - Of owners the first one counts, completed by those that do not contradict it, until one is adopted.
type Ledger struct {
	origin    Instant
	hasOrigin bool
	first     Instant
	hasFirst  bool
	owner     Owner
	asked     []*Entry // in their order
	unplaced  string
	live      committedMap    // committed windows
	newest    uint64          // the greatest Order of an entry
	begun     spanLayers      // windows of unknown content, by the newest begin or reopen
	waived    spanMap         // disjoint from live windows, those of unknown content excepted
	failed    spanMap         // where the last attempt failed
	remnants  spanMap         // parts of superseded windows that no live window covers
	unpacking []committedItem // room for those of a pack
}

// NewLedger returns the ledger of a stream never seen.
func NewLedger() *Ledger { return &Ledger{} }

// Clone returns a copy that is folded further by itself. It shares the entries,
// which are never written to.
func (l *Ledger) Clone() *Ledger {
	return &Ledger{
		origin: l.origin, hasOrigin: l.hasOrigin, first: l.first, hasFirst: l.hasFirst, owner: l.owner, asked: slices.Clone(l.asked), unplaced: l.unplaced, newest: l.newest,
		live: l.live.clone(), begun: l.begun.clone(), waived: spanMap{l.waived.clone()}, failed: spanMap{l.failed.clone()}, remnants: spanMap{l.remnants.clone()},
	}
}

// Apply folds the next entry of the log. An entry of an unknown kind or
// without a window changes nothing.
func (l *Ledger) Apply(e Entry) {
	switch e.Kind { // an instant is no window
	case EntryOrigin:
		if !l.hasOrigin || e.Window.Start < l.origin {
			l.origin, l.hasOrigin = e.Window.Start, true
		}
		return
	case EntryFirst:
		l.first, l.hasFirst = e.Window.Start, true
		return
	case EntryOwner:
		l.owner = l.owner.And(Owner(e.Note))
		return
	case EntryAdopt:
		l.owner = Owner(e.Note)
		return
	case EntryUnplaced:
		l.unplaced = e.Note
		return
	}
	if e.Window.Empty() {
		return
	}
	if e.Kind == EntryCommit {
		l.commit(&e) // which keeps no pointer to it: a history has a hundred thousand, and none is on the heap
		return
	}
	own := e
	switch e.Kind {
	case EntryBegin, EntryReopen:
		l.begin(e)
	case EntryFail:
		l.failed.put(spanItem{Span: e.Window.Span, entry: &own})
	case EntryWaive:
		l.waived.put(spanItem{Span: e.Window.Span, entry: &own})
		l.trimWaived(e.Window.Span)
	case EntryAsk:
		l.ask(&own)
	case EntryRemnant:
		l.remnants.put(spanItem{Span: e.Window.Span, entry: &own})
		for it := range l.live.over(e.Window.Span) {
			l.remnants.subtract(it.Span)
		}
	}
}

// ask keeps e, in place of what was known of the same request.
func (l *Ledger) ask(e *Entry) {
	for i, known := range slices.Backward(l.asked) {
		if known.SyncID == e.SyncID && known.Window == e.Window {
			l.asked[i] = e
			return
		}
	}
	l.asked = append(l.asked, e)
}

func (l *Ledger) begin(e Entry) {
	superseded := e.Supersedes
	e.Supersedes = nil
	l.newest = max(l.newest, e.Order)
	l.doubt(e)
	l.waived.subtract(e.Window.Span)
	for _, w := range superseded {
		e.Window = w
		l.doubt(e)
	}
}

// doubt notes that what the table holds for e's window is unknown.
func (l *Ledger) doubt(e Entry) {
	if e.Window.Empty() {
		return
	}
	s := e.Window.Span
	old, ok := l.begun.get(s)
	if !ok {
		e.Before = e.BeforeOf(s).and(nil)
	} else {
		e.Before = old.entry.BeforeOf(s).and(e.BeforeOf(s))
	}
	if ok && old.entry.NewerThan(&e) {
		kept := *old.entry
		kept.Before = e.Before
		e = kept
	}
	if e.Kind != EntryReopen {
		e.Kind = EntryBegin
	}
	l.begun.put(spanItem{Span: s, entry: &e})
}

// commit keeps e.
func (l *Ledger) commit(e *Entry) {
	l.newest = max(l.newest, e.Order)
	if l.newer(e) {
		return
	}
	s := e.Window.Span
	for _, w := range e.Supersedes {
		if _, ok := l.live.get(w.Span); ok && w.Span != s {
			l.supersede(w)
		}
	}
	again := false
	for _, it := range slices.Collect(l.live.over(s)) {
		if it.Span == s {
			r := l.live.readingOf(it)
			again = again || r.order == e.Order && r.at == e.ReadAt
			l.live.remove(s)
			continue
		}
		old := l.live.entry(it)
		l.supersede(old.Window)
		l.doubt(Entry{Window: old.Window, SyncID: old.SyncID, Order: old.Order, ReadAt: old.ReadAt})
	}
	l.live.put(e)
	l.remnants.subtract(s)
	l.waived.subtract(s)
	if !again {
		for _, it := range slices.Collect(l.failed.over(s)) {
			l.failed.remove(it.Span)
		}
	}
	l.settle(s, e)
	for _, w := range e.Supersedes {
		l.settle(w.Span, e)
	}
}

// supersede takes a live window out; its span is a remnant until something covers it.
func (l *Ledger) supersede(w Window) {
	l.live.remove(w.Span)
	l.remnants.put(spanItem{Span: w.Span, entry: &Entry{Kind: EntryRemnant, Window: w}})
}

// settle ends the doubt about a window that a commit replaced.
func (l *Ledger) settle(s Span, by *Entry) {
	it, ok := l.begun.get(s)
	if !ok {
		return
	}
	if it.entry.NewerThan(by) {
		if b := it.entry.BeforeOf(s); b != nil && slices.Contains(b.By, by.SyncID) { // its row of history tells of a commit now
			kept := *it.entry
			b := *b
			b.By = slices.DeleteFunc(slices.Clone(b.By), func(id SyncID) bool { return id == by.SyncID })
			kept.Before = []Before{b}
			l.begun.put(spanItem{Span: s, entry: &kept})
		}
		return
	}
	l.begun.remove(s)
	l.trimWaived(s)
}

// trimWaived takes the windows that are known to be committed out of the waivers.
func (l *Ledger) trimWaived(s Span) {
	for it := range l.live.over(s) {
		if !l.Dirty(it.Span) {
			l.waived.subtract(it.Span)
		}
	}
}

// Entries is a minimal log that reproduces the ledger exactly: folding it, and
// then any further entry, gives what folding that entry here gives.
func (l *Ledger) Entries() []Entry { return slices.Collect(l.All()) }

// All iterates over the entries of [Ledger.Entries]. The ledger must not change meanwhile.
func (l *Ledger) All() iter.Seq[Entry] {
	return each(l.head, l.live.plainOnes(), l.tail)
}

// Len is how many entries those are.
func (l *Ledger) Len() (n int) {
	for range each(l.head, l.tail) {
		n++
	}
	for _, b := range l.live.blocks {
		n += len(b)
	}
	return n - len(l.live.whole) + len(l.live.free)
}

// head iterates over the entries before the plain commits.
func (l *Ledger) head(yield func(Entry) bool) {
	at := func(i Instant) Window { return Window{Span: Span{Start: i, End: i}} }
	if l.hasOrigin && !yield(Entry{Kind: EntryOrigin, Window: at(l.origin)}) {
		return
	}
	if l.hasFirst && !yield(Entry{Kind: EntryFirst, Window: at(l.first)}) {
		return
	}
	if l.owner != "" && !yield(Entry{Kind: EntryOwner, Note: string(l.owner)}) {
		return
	}
	for _, e := range l.asked {
		if !yield(*e) {
			return
		}
	}
	if l.unplaced != "" && !yield(Entry{Kind: EntryUnplaced, Note: l.unplaced}) {
		return
	}
	each(entriesOf(l.remnants.from(NoInstant)), l.live.wholeOnes())(yield)
}

// tail iterates over the entries behind them.
func (l *Ledger) tail(yield func(Entry) bool) {
	each(entriesOf(slices.Values(l.begun.over(always))), entriesOf(l.waived.from(NoInstant)), entriesOf(l.failed.from(NoInstant)))(yield)
}

// each iterates over the entries of one sequence after the other.
func each(all ...iter.Seq[Entry]) iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for _, entries := range all {
			for e := range entries {
				if !yield(e) {
					return
				}
			}
		}
	}
}

// Origin is the start of the day 30 local days before the stream's first sync,
// where it is recorded: the earliest one, for a clock that was ahead when it was
// recorded would otherwise hide days for good.
func (l *Ledger) Origin() (Instant, bool) {
	if !l.hasOrigin {
		return NoInstant, false
	}
	return l.origin, true
}

// First is the start of the stream's first day as the last sync had it: the
// last one recorded, else the origin. FROM may have changed since, so that
// plans do not go by it.
func (l *Ledger) First() (Instant, bool) {
	if !l.hasFirst {
		return l.Origin()
	}
	return l.first, true
}

// Owner is whose data the stream's are; empty where no commit has told.
func (l *Ledger) Owner() Owner { return l.owner }

// Asked lists the requests that are never repeated, each as it was told last, in their order.
func (l *Ledger) Asked() []Entry {
	list := make([]Entry, len(l.asked))
	for i, e := range l.asked {
		list[i] = *e
	}
	return list
}

// Unplaced names what the vendor has sent and no window takes, as of the last run that looked.
func (l *Ledger) Unplaced() []string {
	if l.unplaced == "" {
		return nil
	}
	return strings.Split(l.unplaced, "\n")
}

// Live is the committed reading of exactly this span, if what the table holds
// for it is known: no begun commit touches it, and nobody has reopened it.
func (l *Ledger) Live(s Span) (Entry, bool) {
	it, ok := l.live.get(s)
	if !ok || l.Dirty(s) {
		return Entry{}, false
	}
	return l.live.entry(it), true
}

// Overlapping lists, by start, what the table may hold of s: one entry for
// each window, its commit or, where a commit has only begun, its begin. A sink
// removes the rows of those with other bounds, and names them in the commit's
// Supersedes.
func (l *Ledger) Overlapping(s Span) []Entry {
	var list []Entry
	for it := range l.live.over(s) {
		list = append(list, l.live.entry(it))
	}
	for _, it := range l.begun.over(s) {
		if _, committed := l.live.get(it.Span); !committed {
			list = append(list, *it.entry)
		}
	}
	slices.SortFunc(list, byWindow)
	return list
}

// Held is the window of exactly this span among those of [Ledger.Overlapping].
func (l *Ledger) Held(s Span) (Window, bool) {
	if it, ok := l.live.get(s); ok {
		return l.live.withoutRun(it).Window, true
	}
	if it, ok := l.begun.get(s); ok {
		return it.entry.Window, true
	}
	return Window{}, false
}

// NextOrder is the Order of a reading that begins now: greater than that of every commit in the ledger.
func (l *Ledger) NextOrder() uint64 { return l.newest + 1 }

// Trusted is the ledger as far as its times can be true. A commit whose clock was ahead settles nothing and
// tells no time. Such is a commit that is dated after the given instant, and a commit of a reading that is dated later
// than readings that began later. dated lists those commits, by start. An origin after the given one is of a first sync
// whose clock was ahead, and is left out. A ledger without any of them is returned as it is.
func (l *Ledger) Trusted(until, origin Instant) (trusted *Ledger, dated []Entry) {
	var begun []orderTime // one walk: every plan of a long history comes here
	beyond := false
	for it := range l.live.from(NoInstant) {
		r := l.live.readingOf(it)
		beyond = beyond || r.lastTime > until
		if n := len(begun); n > 0 && begun[n-1].order == r.order {
			begun[n-1].at = min(begun[n-1].at, r.at)
		} else {
			begun = append(begun, orderTime{r.order, r.at})
		}
	}
	ahead := aheadOfLater(begun)
	late := l.hasOrigin && l.origin > origin
	if !beyond && len(ahead) == 0 && !late {
		return l, nil
	}
	for e := range l.Windows(NoInstant) {
		if e.lastTime() > until || ahead[e.Order] {
			dated = append(dated, e)
		}
	}
	trusted = l.Clone()
	trusted.hasOrigin = l.hasOrigin && !late
	for _, e := range dated {
		e.Settled, e.CommittedAt = false, 0
		trusted.live.remove(e.Window.Span)
		trusted.live.put(&e)
	}
	return trusted, dated
}

// lastTime is the latest time that the entry tells.
func (e *Entry) lastTime() Instant { return max(e.ReadAt, e.ExtractedAt, e.CommittedAt) }

// orderTime is when some readings of an order began, the earliest of them.
type orderTime struct {
	order uint64
	at    Instant
}

// aheadOfLater tells the orders all of whose readings are dated later than a reading of a greater order. Where a run
// lasts long and another begins meanwhile, the long run's first reading is dated before the other's. It sorts begun,
// which may have an order more than once.
func aheadOfLater(begun []orderTime) map[uint64]bool {
	const tolerance = Instant(time.Hour / time.Microsecond)
	slices.SortFunc(begun, func(a, b orderTime) int { // from the greatest order on, its earliest time first
		return cmp.Or(cmp.Compare(b.order, a.order), cmp.Compare(a.at, b.at))
	})
	var ahead map[uint64]bool
	later := math.MaxInt64 - tolerance
	for i, o := range begun {
		switch {
		case i > 0 && begun[i-1].order == o.order:
		case o.at > later+tolerance:
			if ahead == nil {
				ahead = make(map[uint64]bool)
			}
			ahead[o.order] = true
		default:
			later = min(later, o.at)
		}
	}
	return ahead
}

// Yields reports whether a newer reading than e's is committed for any part of
// e's window, so that e must not replace it.
func (l *Ledger) Yields(e Entry) bool { return l.newer(&e) }

func (l *Ledger) newer(e *Entry) bool {
	for it := range l.live.over(e.Window.Span) {
		if l.live.readingOf(it).newerThan(e) {
			return true
		}
	}
	return false
}

// Dirty reports whether what the table holds for a part of s is unknown: a commit that touches s has begun and not ended,
// or a window that touches s was reopened.
func (l *Ledger) Dirty(s Span) bool { return l.begun.touches(s) }

// Begun lists, by start, the begins and the reopens of the windows whose content is unknown.
func (l *Ledger) Begun() []Entry { return l.BegunOver(always) }

// BegunOver lists, by start, those of [Ledger.Begun] whose windows overlap s.
func (l *Ledger) BegunOver(s Span) []Entry {
	items := l.begun.over(s)
	list := make([]Entry, len(items))
	for i, it := range items {
		list[i] = *it.entry
	}
	return list
}

func byWindow(a, b Entry) int {
	return cmp.Or(cmp.Compare(a.Window.Start, b.Window.Start), cmp.Compare(a.Window.End, b.Window.End))
}

// Failed is the failure of the last attempt to read any part of s, the
// earliest part's where there are several.
func (l *Ledger) Failed(s Span) (Entry, bool) {
	for it := range l.failed.over(s) {
		return *it.entry, true
	}
	return Entry{}, false
}

// Failures iterates, by start, over the failures of last attempts. The ledger must not change meanwhile.
func (l *Ledger) Failures() iter.Seq[Entry] { return entriesOf(l.failed.from(NoInstant)) }

// Waived lists the spans that an operator declared settled without rows and
// that no later commit covers.
func (l *Ledger) Waived() []Span { return l.waived.spans(NoInstant) }

// Remnants lists the spans of superseded windows that nothing covers since.
func (l *Ledger) Remnants() []Span { return calendar.Union(l.remnants.spans(NoInstant)) }

// Watermark is the end of the unbroken run of settled or waived windows from
// first on; NoInstant where there is none. Spans that passed, in order, count as settled: nobody wants them any more.
func (l *Ledger) Watermark(first Instant, passed ...Span) Instant {
	doubt := l.InDoubt()
	at := first
	others := calendar.Merge(l.waived.spans(first), passed)
	reach := func(s Span) bool {
		ok := s.Start <= at
		if ok {
			at = max(at, s.End)
		}
		return ok
	}
	for it := range l.live.from(first) {
		for len(others) > 0 && others[0].Start <= it.Start && reach(others[0]) {
			others = others[1:]
		}
		if l.live.readingOf(it).settled && !calendar.Touches(doubt, it.Span) && !reach(it.Span) {
			break
		}
	}
	for _, s := range others {
		if !reach(s) {
			break
		}
	}
	if at == first {
		return NoInstant
	}
	return at
}

// Reopened reports whether the window of exactly this span was reopened, and why.
func (l *Ledger) Reopened(s Span) (Entry, bool) {
	it, ok := l.begun.get(s)
	if !ok || it.entry.Kind != EntryReopen {
		return Entry{}, false
	}
	return *it.entry, true
}

// Windows iterates, by start, over the committed windows that end after from. Windows in doubt are among them. The
// ledger must not change meanwhile.
func (l *Ledger) Windows(from Instant) iter.Seq[Entry] { return l.live.entries(l.live.from(from)) }

// Readings is [Ledger.Windows] without the entries' SyncID: of a long history that is most of what they cost.
func (l *Ledger) Readings(from Instant) iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for it := range l.live.from(from) {
			if !yield(l.live.withoutRun(it)) {
				return
			}
		}
	}
}

// WindowsOver iterates, by start, over the committed windows that overlap s. Windows in doubt are among them. The
// ledger must not change meanwhile.
func (l *Ledger) WindowsOver(s Span) iter.Seq[Entry] { return l.live.entries(l.live.over(s)) }

func entriesOf(items iter.Seq[spanItem]) iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for it := range items {
			if !yield(*it.entry) {
				return
			}
		}
	}
}

// LastWithRows is the stream's last committed window with rows, by time, of those read under the settings.
func (l *Ledger) LastWithRows(settings string) (last Entry, ok bool) {
	for it := range l.live.backward() {
		if rows, under, _ := l.live.rowsOf(it); rows > 0 && under == settings {
			return l.live.entry(it), true
		}
	}
	return Entry{}, false
}

// Fields are the source fields of that window. They are empty where there is none, or its reading did not note them.
func (l *Ledger) Fields(settings string) Fields {
	last, _ := l.LastWithRows(settings)
	return last.Fields
}

// mostFieldSets bounds how many sets of fields are told of a stream. A sound one has a few.
const mostFieldSets = 64

// FieldSets are the sets of source fields that committed windows with rows have, of those read under the settings, each with
// the start of the first window that has it.
func (l *Ledger) FieldSets(settings string) map[Fields]Instant {
	sets := make(map[Fields]Instant)
	for it := range l.live.from(NoInstant) {
		rows, under, fields := l.live.rowsOf(it)
		if rows == 0 || under != settings || len(sets) == mostFieldSets {
			continue
		}
		if _, known := sets[fields]; !known {
			sets[fields] = it.Start
		}
	}
	return sets
}

// Committed reports whether the ledger has a commit of exactly this span, in doubt or not.
func (l *Ledger) Committed(s Span) bool {
	_, ok := l.live.get(s)
	return ok
}

// Covered lists, by start, the spans of the committed windows that end after from. Windows in doubt are among them.
func (l *Ledger) Covered(from Instant) []Span { return l.live.spans(from) }

// Cover is the union of [Ledger.Covered], in order: of an unbroken past it is one span.
func (l *Ledger) Cover(from Instant) (cover []Span) {
	for it := range l.live.from(from) {
		if n := len(cover); n > 0 && it.Start <= cover[n-1].End {
			cover[n-1].End = max(cover[n-1].End, it.End)
		} else {
			cover = append(cover, it.Span)
		}
	}
	return cover
}

// InDoubt is the union of the windows whose content is unknown, in order.
func (l *Ledger) InDoubt() []Span {
	items := l.begun.over(always)
	list := make([]Span, len(items))
	for i, it := range items {
		list[i] = it.Span
	}
	return calendar.Union(list)
}
