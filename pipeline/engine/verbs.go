package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/sourcegraph/conc/pool"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
	"github.com/windrow-data/windrow/pipeline/plan"
)

// plannedStream is a stream of a run with what is asked for it.
type plannedStream struct {
	pipeline.StreamPlan
	source      pipeline.Source
	extractions []pipeline.Extraction
	requests    int // that a vendor is asked, at most
	history     *plan.History
	names       *plan.Names
	fields      *knownFields
}

// sourceStream is a stream with the source that reads it.
type sourceStream struct {
	pipeline.Stream
	source pipeline.Source
}

// selected lists the streams of this run, in the order of the sources.
func (e *Engine) selected() ([]sourceStream, error) {
	var out []sourceStream
	var served []string
	wanted := make(map[pipeline.StreamID]bool)
	for _, id := range e.Streams {
		wanted[id] = true
	}
	delete(wanted, pipeline.DefaultStreams)
	for _, source := range e.Sources {
		for _, s := range source.Streams() {
			if len(s.Missing) > 0 {
				continue
			}
			served = append(served, string(s.Key.Stream))
			if s.Chosen(e.Streams) {
				out = append(out, sourceStream{s, source})
				delete(wanted, s.Key.Stream)
			}
		}
	}
	if len(e.Streams) > 0 && len(wanted) > 0 {
		var unknown []string
		for id := range wanted {
			unknown = append(unknown, string(id))
		}
		slices.Sort(unknown)
		return nil, &pipeline.Error{
			Op: "select streams", Kind: pipeline.Invalid,
			Err:  fmt.Errorf("%s: no such stream, or not configured", strings.Join(unknown, ", ")),
			Hint: "configured streams: " + strings.Join(served, ", "),
		}
	}
	return out, nil
}

// plans reads the ledgers and plans every selected stream, without side effects. Streams whose ledger is damaged are left
// out, and damaged says which and why. Another tenant under an account is an error. Plans that are to be carried out
// remember what their readings are compared with.
func (e *Engine) plans(ctx context.Context, carriedOut bool) (plans []plannedStream, tenants Tenants, damaged, err error) {
	streams, err := e.selected()
	if err != nil {
		return nil, tenants, nil, err
	}
	kept, err := e.kept(ctx, streams)
	if err != nil {
		return nil, tenants, nil, err
	}
	now := calendar.InstantOf(e.Clock())
	all, damage, noted := make([]plannedStream, len(streams)), make([]error, len(streams)), make([]pipeline.Owner, len(streams))
	err = e.eachLedger(ctx, streams, func(i int, l *pipeline.Ledger, dated []pipeline.Entry, damaged error) (err error) {
		if damage[i] = damaged; damage[i] == nil {
			all[i], err = e.planStream(streams[i], l, kept[streams[i].Table], now)
			all[i].Dated, noted[i] = dated, l.Owner()
			if carriedOut {
				all[i].remember(l)
			}
		}
		return err
	})
	if err == nil {
		if tenants, err = e.tenantsOf(ctx, streams, noted); err == nil {
			err = tenants.Refusal()
		}
	}
	for i, p := range all {
		if damage[i] == nil {
			plans = append(plans, p)
		}
	}
	return plans, tenants, errors.Join(damage...), err
}

// planStream plans one stream, whose ledger is l.
func (e *Engine) planStream(s sourceStream, l *pipeline.Ledger, kept plan.Kept, now calendar.Instant) (plannedStream, error) {
	if !e.Health.DriftWarns { // who expects a drift counts on no earlier header
		s.Seen = l.Fields(s.Settings)
	}
	p, err := plan.Of(s.Stream, l, e.Select, now)
	if err != nil {
		return plannedStream{}, err
	}
	if err := kept.Narrow(&p, l, e.Select); err != nil {
		return plannedStream{}, err
	}
	p.Windows = e.Shard.Keep(s.Key, p.Windows)
	var ended, open []calendar.Window
	for _, w := range p.Windows {
		if plan.IsOpen(s.Stream, w.Window.Span, now) {
			open = append(open, w.Window)
		} else {
			ended = append(ended, w.Window)
		}
	}
	planned := plannedStream{StreamPlan: p, source: s.source}
	for _, due := range [][]calendar.Window{ended, open} {
		if len(due) > 0 {
			planned.extractions = append(planned.extractions, s.source.Plan(s.Stream, due)...)
		}
	}
	for _, x := range planned.extractions {
		for i := range x.Requests {
			x.Requests[i].Part = pipeline.Part{Number: i + 1, Of: len(x.Requests)}
			if isAsked(s.Stream, x.Requests[i], l, now) {
				planned.requests++
			}
		}
	}
	return planned, nil
}

// isAsked reports whether a vendor may be asked a request of s.
func isAsked(s pipeline.Stream, r pipeline.Request, l *pipeline.Ledger, now calendar.Instant) bool {
	switch s.Asks {
	case pipeline.AsksNever:
		return false
	case pipeline.AsksOnce:
		return r.Span.End.Add(s.Settle) <= now && !slices.ContainsFunc(l.Asked(), func(e pipeline.Entry) bool { return e.Window.Overlaps(r.Span) })
	}
	return true
}

// remember takes from the ledger what the plan's readings will be compared with.
func (p *plannedStream) remember(l *pipeline.Ledger) {
	if len(p.Windows) > 0 {
		p.fields = knownOf(l, p.Stream.Settings, len(p.extractions))
		p.history = plan.HistoryOf(l, p.Windows)
		p.names = plan.NamesOf(l, p.Windows, resourcesOf(p.extractions), p.Stream.Policy.NameOf)
	}
}

// resourcesOf are the names that each extraction asks for.
func resourcesOf(list []pipeline.Extraction) (names []string) {
	if len(list) == 0 {
		return nil
	}
	for _, r := range list[0].Requests {
		names = append(names, r.Resources...)
	}
	return names
}

// kept asks the store how long it keeps the rows of the streams' tables; without an answer it keeps them for good.
func (e *Engine) kept(ctx context.Context, streams []sourceStream) (map[*pipeline.Table]plan.Kept, error) {
	keeper, ok := e.Store.(pipeline.Keeper)
	if !ok {
		return nil, nil
	}
	all := make(map[*pipeline.Table]plan.Kept)
	for _, s := range streams {
		if _, asked := all[s.Table]; asked {
			continue
		}
		r, err := keeper.Retention(ctx, s.Table)
		if err != nil {
			return nil, err
		}
		all[s.Table] = plan.Kept{Retention: r, Now: e.Now()}
	}
	return all, nil
}

// eachLedger reads the ledgers of the streams, several at once, as far as their times can be true. An error that do is
// given says that the stream's ledger is damaged; any other ends the reading.
func (e *Engine) eachLedger(ctx context.Context, streams []sourceStream, do func(i int, l *pipeline.Ledger, dated []pipeline.Entry, err error) error) error {
	all := pool.New().WithContext(ctx).WithMaxGoroutines(4).WithCancelOnError().WithFirstError()
	for i, s := range streams {
		all.Go(func(ctx context.Context) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			l, err := e.Store.Ledger(ctx, s.Key)
			switch {
			case pipeline.KindOf(err) == pipeline.Damaged:
				return do(i, nil, nil, err)
			case err != nil:
				return err
			}
			until := calendar.InstantOf(e.Now().Add(pipeline.ClockTolerance))
			trusted, dated := l.Trusted(until, plan.OriginAt(s.Stream, until))
			return do(i, trusted, dated, nil)
		})
	}
	if err := all.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

// Plan says what Sync would do, without side effects. Streams whose ledger is damaged are an error of that kind, beside the
// plans of the others.
func (e *Engine) Plan(ctx context.Context) ([]pipeline.PlannedStream, error) {
	plans, _, damaged, err := e.plans(ctx, false)
	if err != nil {
		return nil, errors.Join(damaged, err)
	}
	out := make([]pipeline.PlannedStream, len(plans))
	for i, p := range plans {
		out[i] = p.told()
	}
	return out, damaged
}

// ErrIncompleteWaiver refuses a waiver without a reason or without both bounds.
var ErrIncompleteWaiver = errors.New("a waiver needs a reason and both bounds")

// Waive records the uncovered windows of the selected streams and span as
// settled without rows. No vendor is called. It needs Select.From and
// Select.To, and a reason: without them it fails with [ErrIncompleteWaiver].
func (e *Engine) Waive(ctx context.Context, reason string) (pipeline.Summary, error) {
	id, started := e.runID(), calendar.InstantOf(e.Now())
	none := pipeline.Summary{SyncID: id, StartedAt: started, Streams: []pipeline.StreamSummary{}}
	if e.Select.From == "" || e.Select.To == "" || strings.TrimSpace(reason) == "" {
		return none, &pipeline.Error{Op: "waive", Kind: pipeline.Invalid, Err: ErrIncompleteWaiver}
	}
	streams, err := e.selected()
	if err != nil {
		return none, err
	}
	tenants, err := e.Tenants(ctx)
	if err := errors.Join(err, tenants.Refusal()); err != nil {
		return none, err
	}
	sum := pipeline.Begun(id, pipeline.CommandWaive, started)
	if err := e.Store.AppendRun(ctx, sum); err != nil {
		return none, err
	}
	graceful, cancel := withGrace(ctx)
	defer cancel()
	waived, err := e.waive(ctx, streams, pipeline.Entry{
		Kind: pipeline.EntryWaive, SyncID: id, ExtractedAt: calendar.InstantOf(e.Clock()), ReadAt: started, CommittedAt: started, Settled: true, Note: reason,
	})
	sum.FinishedAt = calendar.InstantOf(e.Now())
	if err != nil {
		sum.Exit = pipeline.ExitOf(pipeline.KindOf(err))
		return none, errors.Join(err, e.record(graceful, &sum))
	}
	sum.Streams = waived
	err = e.record(graceful, &sum)
	return sum, err
}

// waive records the uncovered windows of streams as the entry has it.
func (e *Engine) waive(ctx context.Context, streams []sourceStream, entry pipeline.Entry) ([]pipeline.StreamSummary, error) {
	summaries := make([]pipeline.StreamSummary, len(streams))
	err := e.eachLedger(ctx, streams, func(i int, l *pipeline.Ledger, _ []pipeline.Entry, err error) error {
		if err != nil {
			return err
		}
		s := streams[i]
		summaries[i] = pipeline.StreamSummary{Stream: s.Key.Stream, Account: s.Key.Account, Errors: []pipeline.WindowError{}}
		spans, err := plan.Waivable(s.Stream, l, e.Select, calendar.InstantOf(e.Clock()))
		if err != nil || len(spans) == 0 {
			return err
		}
		entries := make([]pipeline.Entry, len(spans))
		for j, span := range spans {
			entries[j] = entry
			entries[j].Window = calendar.Window{Span: span, Zone: s.Calendar.Zone.String()}
			summaries[i].Committed += len(s.Calendar.Cut(span))
		}
		return e.Store.Record(ctx, s.Key, entries...)
	})
	return summaries, err
}

// Status tells how far each stream is, those included that the ledger knows and no run reads. It reads ledgers alone.
// Streams whose ledger is damaged are an error of that kind, beside the status of the others.
func (e *Engine) Status(ctx context.Context) ([]plan.StreamStatus, error) {
	s, err := e.Survey(ctx, nil)
	return s.States, errors.Join(s.Damaged, err)
}

// Survey is where the streams stand and what is due of them, by one reading of the ledgers.
type Survey struct {
	States  []plan.StreamStatus      // as [Engine.Status] has them
	Plans   []pipeline.PlannedStream // as [Engine.Plan] has them
	Damaged error                    // as of both
}

// Survey is Status and Plan, and see looks at each stream and its ledger, as far as it can be trusted. Of a stream that no
// run reads the Stream has its key alone. see is not called twice at once, and keeps nothing of the ledger; where it is nil
// nothing is planned.
func (e *Engine) Survey(ctx context.Context, see func(plan.StreamStatus, pipeline.Stream, *pipeline.Ledger)) (s Survey, err error) {
	streams, err := e.selected()
	if err != nil {
		return s, err
	}
	unread, err := e.Unread(ctx)
	if err != nil {
		return s, err
	}
	kept, err := e.kept(ctx, streams)
	if err != nil {
		return s, err
	}
	read := len(streams)
	for _, u := range unread {
		streams = append(streams, sourceStream{Stream: pipeline.Stream{Key: u.Key}})
	}
	now := calendar.InstantOf(e.Clock())
	all, damage := make([]plan.StreamStatus, len(streams)), make([]error, len(streams))
	planned, noted := make([]plannedStream, read), make([]pipeline.Owner, read)
	var one sync.Mutex
	err = e.eachLedger(ctx, streams, func(i int, l *pipeline.Ledger, dated []pipeline.Entry, damaged error) (err error) {
		switch {
		case damaged != nil:
			damage[i] = damaged
			return nil
		case i >= read:
			all[i] = plan.UnreadStatus(streams[i].Key, l, now)
			all[i].LeftOut = unread[i-read].LeftOut
		default:
			all[i], noted[i] = plan.Status(streams[i].Stream, l, now, kept[streams[i].Table]), l.Owner()
			if see != nil {
				planned[i], err = e.planStream(streams[i], l, kept[streams[i].Table], now)
				planned[i].Dated = dated
			}
		}
		all[i].Dated = dated
		if see != nil {
			one.Lock()
			defer one.Unlock()
			see(all[i], streams[i].Stream, l)
		}
		return err
	})
	if err == nil && see != nil {
		var tenants Tenants
		if tenants, err = e.tenantsOf(ctx, streams[:read], noted); err == nil {
			err = tenants.Refusal()
		}
	}
	if err != nil {
		return s, err
	}
	for i, st := range all {
		if damage[i] != nil {
			continue
		}
		s.States = append(s.States, st)
		if i < read && see != nil {
			s.Plans = append(s.Plans, planned[i].told())
		}
	}
	s.Damaged = errors.Join(damage...)
	return s, nil
}

// told is what others are told of a plan.
func (p *plannedStream) told() pipeline.PlannedStream {
	return pipeline.PlannedStream{StreamPlan: p.StreamPlan, Requests: p.requests}
}

// UnreadStream is a stream that the store's ledger knows and that the engine's runs do not read.
type UnreadStream struct {
	Key pipeline.StreamKey
	// LeftOut: the engine's choice of streams does not name it, which is somebody's word. Otherwise no source serves it.
	LeftOut bool
}

// Unread lists those streams, by name. A source that is gone would otherwise be missed by nobody.
func (e *Engine) Unread(ctx context.Context) ([]UnreadStream, error) {
	known, err := e.Store.Streams(ctx)
	if err != nil {
		return nil, err
	}
	streams, err := e.selected()
	if err != nil {
		return nil, err
	}
	var unread []UnreadStream
	for _, k := range known {
		if !slices.ContainsFunc(streams, func(s sourceStream) bool { return s.Key == k }) {
			unread = append(unread, UnreadStream{k, e.leavesOut(k)})
		}
	}
	slices.SortFunc(unread, func(a, b UnreadStream) int {
		return cmp.Or(cmp.Compare(a.Key.Stream, b.Key.Stream), cmp.Compare(a.Key.Account, b.Key.Account))
	})
	return unread, nil
}

// leavesOut reports whether the choice of streams is why a stream is not read: a source serves it, or the choice names others.
func (e *Engine) leavesOut(k pipeline.StreamKey) bool {
	for _, source := range e.Sources {
		if slices.ContainsFunc(source.Streams(), func(s pipeline.Stream) bool { return s.Key == k && len(s.Missing) == 0 && !s.Chosen(e.Streams) }) {
			return true
		}
	}
	return len(e.Streams) > 0 && !slices.Contains(e.Streams, pipeline.DefaultStreams) && !slices.Contains(e.Streams, k.Stream)
}
