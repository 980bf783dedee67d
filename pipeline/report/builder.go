package report

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
	"github.com/windrow-data/windrow/pipeline/plan"
)

// Input is one stream.
type Input struct {
	Status plan.StreamStatus
	Stream pipeline.Stream // of a stream that no run reads, its key alone
	Ledger *pipeline.Ledger
	// Waivers are the entries whose notes may be told; empty: none may.
	Waivers []pipeline.Entry
}

// Builder gathers a model. It is for one goroutine.
type Builder struct {
	now    calendar.Instant
	limit  time.Duration
	model  Model
	looks  map[pipeline.StreamKey]time.Duration // lookbacks
	change map[pipeline.StreamKey]calendar.Instant
	ages   map[pipeline.StreamKey][]int // changes by whole days after the window's end
	costs  map[string]*Cost
}

// New begins a model of what is known at now. A stream is late whose lag is above the limit; 0 is [plan.LateAfter].
func New(now calendar.Instant, limit time.Duration) *Builder {
	return &Builder{
		now: now, limit: limit, looks: make(map[pipeline.StreamKey]time.Duration), change: make(map[pipeline.StreamKey]calendar.Instant),
		ages: make(map[pipeline.StreamKey][]int), costs: make(map[string]*Cost),
		model: Model{MadeAt: now, Streams: []Stream{}, Spans: []Span{}, Months: []Month{}, Ages: []Age{}, Changes: []Change{}, Volumes: []Volume{}, Rejects: []Rejects{}, Runs: []Run{}, Missing: []string{}, Lacks: []Lack{}, Costs: []Cost{}, ToDo: []Task{}},
	}
}

// Stream adds a stream.
func (b *Builder) Stream(of Input) {
	st := of.Status
	k := pipeline.StreamKey{Account: st.Account, Stream: st.Stream}
	st.Judge(of.Stream, b.now, b.limit)
	s := StreamOf(st)
	if st.Configured {
		b.looks[k] = of.Stream.Lookback
	}
	list := pieces(of)
	b.model.Spans = append(b.model.Spans, spans(k, list)...)
	b.months(k, of.Ledger, of.Stream.Reduction != nil)
	b.model.Volumes = append(b.model.Volumes, b.volume(k, of.Ledger))
	look, changed := calendar.NoInstant, calendar.NoInstant
	for e := range of.Ledger.Windows(calendar.NoInstant) {
		look = max(look, e.ReadAt)
		if !e.Unchanged {
			changed = max(changed, e.CommittedAt)
		}
	}
	s.LastLook, s.LastChange = known(look), known(changed)
	b.model.Streams = append(b.model.Streams, s)
}

func known(i calendar.Instant) *calendar.Instant {
	if i <= 0 {
		return nil
	}
	return &i
}

// months adds up the windows of a stream by local month.
func (b *Builder) months(k pipeline.StreamKey, l *pipeline.Ledger, derived bool) {
	sums := make(map[string]*Month)
	for e := range l.Windows(calendar.NoInstant) {
		name := local(e.Window).Format("2006-01")
		m := sums[name]
		if m == nil {
			m = &Month{Stream: k.Stream, Account: k.Account, Month: name, Unreadable: pipeline.FieldCounts{}, Derived: derived}
			sums[name] = m
		}
		m.Windows++
		m.Counts = m.Counts.Add(e.Counts)
		m.Unreadable.AddAll(e.Unreadable)
	}
	for _, name := range slices.Sorted(maps.Keys(sums)) {
		b.model.Months = append(b.model.Months, *sums[name])
	}
}

// local is the wall clock's time at a window's start.
func local(w calendar.Window) time.Time {
	loc, err := w.Location()
	if err != nil {
		loc = time.UTC
	}
	return w.Start.In(loc)
}

// History adds a row of the history. Rows may come in any order.
func (b *Builder) History(r pipeline.HistoryRow) {
	if r.Kind != pipeline.HistoryChanged {
		return
	}
	b.change[r.Key] = max(b.change[r.Key], r.ReadAt)
	days := int(max(0, math.Ceil(r.ReadAt.Sub(r.Window.End).Hours()/24)))
	ages := b.ages[r.Key]
	for len(ages) <= min(days, 366) {
		ages = append(ages, 0)
	}
	ages[min(days, 366)]++
	b.ages[r.Key] = ages
	if !r.AfterSettle {
		return
	}
	b.model.Changes = append(b.model.Changes, Change{
		r.Key.Stream, r.Key.Account, r.Window.Start, r.Window.End, r.ReadAt, r.PreviousReadAt, r.AfterSettle, r.RowsBefore, r.RowsAfter, r.Measures,
	})
	if len(b.model.Changes) >= 4*mostChanges {
		b.newestChanges()
	}
}

// newestChanges drops all but the newest changes.
func (b *Builder) newestChanges() {
	slices.SortFunc(b.model.Changes, func(x, y Change) int {
		return cmp.Or(cmp.Compare(y.ReadAt, x.ReadAt), cmp.Compare(x.Stream, y.Stream), cmp.Compare(x.Account, y.Account), cmp.Compare(y.WindowStart, x.WindowStart))
	})
	b.model.Changes = b.model.Changes[:min(len(b.model.Changes), mostChanges)]
}

// Run adds a run, the oldest first.
func (b *Builder) Run(r pipeline.Summary) {
	run := Run{SyncID: r.SyncID, StartedAt: r.StartedAt}
	if r.FinishedAt > 0 {
		at, exit := r.FinishedAt, r.Exit
		run.FinishedAt, run.Exit = &at, &exit
	}
	for _, s := range r.Streams {
		run.Committed += s.Committed
		run.Unchanged += s.Unchanged
		run.Failed += s.Failed
		run.Rows += s.Rows
		run.Rejected += s.Rejected
	}
	b.model.Runs = append(b.model.Runs, run)
	if len(b.model.Runs) >= 4*mostRuns {
		b.model.Runs = slices.Clone(b.model.Runs[len(b.model.Runs)-mostRuns:])
	}
	if r.Receipt == nil {
		return
	}
	day := r.StartedAt.Time().Format(time.DateOnly)
	for _, period := range []string{day, day[:7]} {
		c := b.costs[period]
		if c == nil {
			c = &Cost{Period: period}
			b.costs[period] = c
		}
		c.Runs++
		c.Jobs += r.Receipt.LoadJobs + r.Receipt.QueryJobs
		c.BytesBilled += r.Receipt.BytesBilled
		c.SlotMillis += r.Receipt.SlotMillis
	}
}

// Reject adds a rejected row of a committed window.
func (b *Builder) Reject(k pipeline.StreamKey, r pipeline.Reject) {
	for i := range b.model.Rejects {
		if of := &b.model.Rejects[i]; of.Stream == k.Stream && of.Account == k.Account && of.Field == r.Field {
			of.Rows++
			return
		}
	}
	b.model.Rejects = append(b.model.Rejects, Rejects{k.Stream, k.Account, r.Field, 1})
}

// Lacks notes what could not be read, and of which stream; of none in particular where the key is zero.
func (b *Builder) Lacks(k pipeline.StreamKey, what string) {
	b.model.Lacks = append(b.model.Lacks, Lack{k.Stream, k.Account, what})
}

// Do adds something to do.
func (b *Builder) Do(t Task) { b.model.ToDo = append(b.model.ToDo, t) }

// Forecast notes what the windows that are due now will use.
func (b *Builder) Forecast(e pipeline.Estimate) { b.model.Forecast = &e }

// Model draws the conclusions, with the streams in this order. The builder is spent.
func (b *Builder) Model(order []pipeline.StreamKey) Model {
	m := &b.model
	place := make(map[pipeline.StreamKey]int, len(order))
	for i, k := range order {
		place[k] = i
	}
	sortBy(place, m.Streams, func(s *Stream) pipeline.StreamKey { return pipeline.StreamKey{Account: s.Account, Stream: s.Stream} })
	sortBy(place, m.Spans, func(s *Span) pipeline.StreamKey { return pipeline.StreamKey{Account: s.Account, Stream: s.Stream} })
	sortBy(place, m.Months, func(s *Month) pipeline.StreamKey { return pipeline.StreamKey{Account: s.Account, Stream: s.Stream} })
	sortBy(place, m.Volumes, func(s *Volume) pipeline.StreamKey { return pipeline.StreamKey{Account: s.Account, Stream: s.Stream} })
	b.newestChanges()
	slices.Reverse(m.Runs) // the newest first
	m.Runs = m.Runs[:min(len(m.Runs), mostRuns)]
	m.Missing = append(m.Missing, missing(m.Runs, b.now)...)
	for i := range m.Streams {
		s := &m.Streams[i]
		k := pipeline.StreamKey{Account: s.Account, Stream: s.Stream}
		if at := b.change[k]; at > 0 && (s.LastChange == nil || *s.LastChange < at) {
			s.LastChange = &at
		}
		m.Ages = append(m.Ages, cumulated(k, b.ages[k], b.looks[k])...)
	}
	slices.SortStableFunc(m.Rejects, func(x, y Rejects) int { return cmp.Compare(y.Rows, x.Rows) })
	m.Costs = append(m.Costs, costsOf(b.costs)...)
	m.Ledger, m.Verdict, m.Good = Conclude(m.Streams, len(slices.DeleteFunc(slices.Clone(m.Lacks), func(l Lack) bool { return l.What != LacksLedger })))
	return *m
}

// sortBy sorts a list by the places of its streams; what is of one stream keeps its order.
func sortBy[T any](place map[pipeline.StreamKey]int, list []T, key func(*T) pipeline.StreamKey) {
	slices.SortStableFunc(list, func(x, y T) int { return cmp.Compare(place[key(&x)], place[key(&y)]) })
}

// cumulated are the ages of changes, added up from the youngest.
func cumulated(k pipeline.StreamKey, days []int, lookback time.Duration) []Age {
	all := 0
	for _, n := range days {
		all += n
	}
	var list []Age
	sum := 0
	for day, n := range days {
		if n == 0 {
			continue
		}
		sum += n
		list = append(list, Age{k.Stream, k.Account, day, sum, all, lookback.Hours() / 24})
	}
	return list
}

// missing lists the days in UTC, the newest first, of which no run is recorded where one was to be expected: a run that is
// killed leaves no record. Days are counted from run to run, so that nights whose runs begin about midnight are none twice
// and none missed. A weekday counts on which most weeks have a run: some teams rest on Sundays, and some run once a week.
func missing(runs []Run, now calendar.Instant) []string {
	if len(runs) < 2 {
		return nil
	}
	first := runs[len(runs)-1].StartedAt.Time().Truncate(24 * time.Hour)
	var gone []time.Time
	ran := make(map[time.Time]bool)
	next := now
	for _, r := range runs {
		at := r.StartedAt.Time()
		ran[at.Truncate(24*time.Hour)] = true
		for n := int(math.Round(next.Sub(r.StartedAt).Hours()/24)) - 1; n > 0; n-- {
			gone = append(gone, at.Add(time.Duration(n)*24*time.Hour))
		}
		next = r.StartedAt
	}
	if 2*len(gone) > int(now.Time().Sub(first).Hours()/24) && now.Time().Sub(first) < leastWeeks*7*24*time.Hour {
		return nil
	}
	var weekdays, worked [7]int
	for day := first; day.Before(now.Time()); day = day.AddDate(0, 0, 1) {
		weekdays[day.Weekday()]++
		if ran[day] {
			worked[day.Weekday()]++
		}
	}
	var list []string
	for _, night := range gone {
		if day := night.Weekday(); weekdays[day] < leastWeeks || 2*worked[day] >= weekdays[day] {
			list = append(list, night.Format(time.DateOnly))
		}
	}
	return list
}

// leastWeeks is of how many weeks it is told on which of their days runs are to be expected.
const leastWeeks = 3

// costsOf are the newest nights, the newest first, then the months.
func costsOf(periods map[string]*Cost) []Cost {
	var nights, months []Cost
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(periods))) {
		if strings.Count(name, "-") == 1 {
			months = append(months, *periods[name])
		} else if len(nights) < costNights {
			nights = append(nights, *periods[name])
		}
	}
	return append(nights, months...)
}

// StreamOf is where a stream stands by its status alone.
func StreamOf(st plan.StreamStatus) Stream {
	return Stream{
		Stream: st.Stream, Account: st.Account, Table: st.Table, Zone: st.Zone, Configured: st.Configured, LeftOut: st.LeftOut, Late: st.Late, Watermark: st.Watermark, LagSeconds: st.LagSeconds,
		Settled: st.Settled, Provisional: st.Provisional, Open: st.Open, Failed: st.FailedWindows, Waived: st.Waived, Expired: st.Expired, Rows: st.Rows,
	}
}

// Conclude says in a sentence how the streams stand, of which each has been judged by itself. What nobody reads is not late
// and is told by itself, unless nobody reads any (alone). damaged is of how many streams the ledger cannot be read: they are not in the list.
func Conclude(list []Stream, damaged int) (alone bool, sentence string, good bool) {
	alone = !slices.ContainsFunc(list, func(s Stream) bool { return s.Configured })
	for i := range list {
		list[i].Late = list[i].Late && (alone || list[i].Configured)
	}
	sentence, good = verdict(list, alone, damaged)
	return alone, sentence, good
}

// verdict is the sentence.
func verdict(list []Stream, alone bool, damaged int) (sentence string, good bool) {
	configured, gone, late, failed, open := 0, 0, 0, 0, 0
	for _, s := range list {
		if !s.Configured && !alone {
			if !s.LeftOut {
				gone++
			}
			continue
		}
		configured++
		if s.Late {
			late++
		}
		failed += s.Failed
		open += s.Open - s.Failed
	}
	var parts []string
	if damaged > 0 {
		parts = append(parts, fmt.Sprintf("The ledger of %s cannot be read", pipeline.Counted(damaged, "stream")))
	}
	if late > 0 {
		parts = append(parts, fmt.Sprintf("%d of %s %s late", late, pipeline.Counted(configured, "stream"), isAre(late)))
	}
	if failed > 0 {
		parts = append(parts, pipeline.Counted(failed, "window")+" failed")
	}
	if gone > 0 {
		parts = append(parts, fmt.Sprintf("%s %s not configured any more", pipeline.Counted(gone, "stream"), isAre(gone)))
	}
	if len(parts) > 0 {
		return strings.Join(parts, "; ") + ".", false
	}
	switch {
	case len(list) == 0:
		return "There is no stream yet.", true
	case open > 0:
		return fmt.Sprintf("%s in time; %s %s due.", allOf(configured), pipeline.Counted(open, "window"), isAre(open)), true
	}
	return allOf(configured) + " whole.", true
}

func allOf(streams int) string {
	if streams == 1 {
		return "The one stream is"
	}
	return fmt.Sprintf("All %d streams are", streams)
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}
