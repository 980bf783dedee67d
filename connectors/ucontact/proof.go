package ucontact

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/windrow-data/windrow/connectors/internal/httpclient"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/transforms"
)

const (
	// checkGroup is what a check asks for: an hour that is one row. It is one of
	// the intervals that the vendor's samples show.
	checkGroup = "60"
	// proofLimit bounds one answer about names.
	proofLimit = 64 << 20
	// proofCalls bounds the calls about the names of one stream: a vendor that finds
	// each of them too heavy, so that it is split, is not asked for ever.
	proofCalls = 100
)

// proofDays are the spans in which rows are looked for, back from now: who was
// busy today is not asked for the month.
var proofDays = []int{1, 7, 30}

var _ pipeline.Prover = (*Source)(nil)

// Check asks for one hour of one resource.
func (s *Source) Check(ctx context.Context) error {
	end := pipeline.InstantOf(s.opt.Clock().Truncate(time.Hour))
	q := statsQuery{
		stats: statsTypes[0], span: pipeline.Span{Start: end.Add(-time.Hour), End: end}, zone: time.UTC, group: checkGroup,
	}
	for _, t := range statsTypes {
		if names := t.resources(s.set).names; len(names) > 0 {
			q.stats, q.names = t, names[:1]
			break
		}
	}
	answer, err := s.post(ctx, q, func(r *httpclient.Request) { r.NoRetry = true })
	if err != nil {
		if len(q.names) == 0 && pipeline.KindOf(err) == pipeline.Refused && answeredBadRequest(err) {
			return nil // nothing to ask about is configured; the token was good enough to be told so
		}
		return clearWindow(err)
	}
	defer answer.Body.Close() //nolint:errcheck // one byte was enough
	return s.checkList(answer.Body)
}

func answeredBadRequest(err error) bool {
	var status *httpclient.StatusError
	return errors.As(err, &status) && status.Code == http.StatusBadRequest && status.FromBase
}

// clearWindow takes out what means nothing to one who checks a token.
func clearWindow(err error) error {
	var e *pipeline.Error
	if errors.As(err, &e) {
		e.Stream, e.Window = "", pipeline.Span{}
	}
	return err
}

// checkList tells a list from a login page.
func (s *Source) checkList(body io.Reader) error {
	r := bufio.NewReader(body)
	for {
		c, _, err := r.ReadRune()
		switch {
		case err != nil && err != io.EOF:
			return err
		case err == nil && strings.ContainsRune(" \t\r\n\ufeff", c):
			continue
		case err == nil && c == '[':
			return nil
		}
		said := ""
		if err == nil && c == '{' {
			said = s.wordsOf(r)
		}
		return httpclient.NotTheAnswer(statsOp, "the answer is not a list of statistics", said,
			fmt.Sprintf("check that %sURL is the root of the uContact host", s.set.prefix))
	}
}

// wordsOf is what the rest of an object says about an error.
func (s *Source) wordsOf(rest io.Reader) string {
	const enough = 8 << 10
	text, _ := io.ReadAll(io.LimitReader(rest, enough)) // a part may hold the words
	return s.client.ErrorText(append([]byte{'{'}, text...))
}

// Prove does Check, and tells of each stream which configured names and channels
// had no row in the last 30 days, and which metrics of the rows are not catalogued. The API lists no names, and answers one that it
// does not know like one that rested: such a name is a warning.
func (s *Source) Prove(ctx context.Context, streams []pipeline.StreamID) []pipeline.Proof {
	proofs := []pipeline.Proof{{Err: s.Check(ctx), Warnings: s.set.undocumented()}}
	if proofs[0].Err != nil {
		return proofs
	}
	for _, t := range statsTypes {
		if names := t.resources(s.set).names; len(names) > 0 && slices.Contains(streams, t.stream) {
			proofs = append(proofs, s.proveNames(ctx, t, names))
		}
	}
	return proofs
}

// search looks for rows of the names and channels of one stream.
type search struct {
	source   *Source
	stats    statsType
	names    map[string]bool // that have had no row
	channels map[string]bool
	metrics  map[string]bool  // that some row had
	rows     map[string]int64 // by name
	calls    int              // that may still be made
}

func (s *Source) newSearch(t statsType) *search {
	return &search{source: s, stats: t, names: map[string]bool{}, channels: map[string]bool{}, metrics: map[string]bool{}, rows: map[string]int64{}, calls: proofCalls}
}

var _ pipeline.TargetLister = (*Source)(nil)

// Targets lists the configured names, with how many rows of an hour the vendor has of each in the last 30 days: the API
// lists no names of its own.
func (s *Source) Targets(ctx context.Context) (all []pipeline.Target, err error) {
	end := pipeline.InstantOf(s.opt.Clock().Truncate(time.Hour))
	span := pipeline.Span{Start: end.Add(-time.Duration(proofDays[len(proofDays)-1]) * 24 * time.Hour), End: end}
	for _, t := range statsTypes {
		f, names := s.newSearch(t), t.resources(s.set).names
		var problem error
		for _, list := range splitNames(names) {
			if problem = f.ask(ctx, statsQuery{span: span, names: list}); problem != nil {
				break
			}
		}
		err = errors.Join(err, clearWindow(problem))
		for _, n := range names {
			target := pipeline.Target{Target: n, Kind: t.name}
			if rows := f.rows[n]; problem == nil {
				target.Rows = &rows
			}
			all = append(all, target)
		}
	}
	return all, err
}

func (s *Source) proveNames(ctx context.Context, t statsType, names []string) pipeline.Proof {
	f := s.newSearch(t)
	for _, n := range names {
		f.names[n] = true
	}
	channels := s.set.ownChannels(t)
	for _, c := range channels {
		f.channels[c] = true
	}
	now := pipeline.InstantOf(s.opt.Clock().Truncate(time.Hour))
	span := pipeline.Span{Start: now, End: now}
	err := error(nil)
	for _, days := range proofDays {
		span = pipeline.Span{Start: now.Add(-time.Duration(days) * 24 * time.Hour), End: span.Start}
		if err = f.look(ctx, span, names, channels); err != nil {
			break
		}
	}
	proof := pipeline.Proof{What: t.name + "s"}
	sought := span.Start
	if err != nil {
		sought = span.End
	}
	since := sought.Time().In(s.set.zone).Format(time.DateOnly)
	if pipeline.KindOf(err) == pipeline.TooHeavy {
		err, proof.Warnings = nil, []string{fmt.Sprintf("the vendor found the %s' last %d days too heavy to look through: rows were sought since %s alone",
			t.name, proofDays[len(proofDays)-1], since)}
	}
	if err != nil {
		proof.Err = clearWindow(err)
		return proof
	}
	tell := func(what, variable string) {
		proof.Warnings = append(proof.Warnings, fmt.Sprintf("%s had no row since %s: check the spelling in %s%s; names are exact", what, since, s.set.prefix, variable))
	}
	for i, n := range names {
		if f.names[n] {
			tell(t.nameOf(n, i, s.opt.Policy), t.variable)
		}
	}
	for _, c := range channels {
		if f.channels[c] {
			tell(fmt.Sprintf("channel %q", c), "CHANNELS")
		}
	}
	seen := make(map[string]bool, len(f.metrics))
	for name := range f.metrics {
		if told, kept := transforms.ToldName(s.opt.Policy, name); kept {
			seen[told] = true
		}
	}
	for _, w := range s.set.uncatalogued(t, seen) { // it names what the vendor sent
		proof.Warnings = append(proof.Warnings, s.client.Mask().Raw(w))
	}
	return proof
}

// nameOf is the i-th configured name for people: an agent's only where people's names may be told.
func (t statsType) nameOf(name string, i int, p pipeline.Policy) string {
	if t.stream == Agents && p.NameOf(name) != name {
		return fmt.Sprintf("%s %d of the list", t.name, i+1)
	}
	return fmt.Sprintf("%s %q", t.name, name)
}

// untested tells of what the stream asks for that the vendor's pages do not show.
func (s *Settings) untested(t statsType) []string {
	list := s.undocumented()
	if !t.byChannel {
		return list
	}
	known := unconfigured().channels
	for _, channel := range s.channels {
		if !slices.ContainsFunc(known, func(k string) bool { return strings.EqualFold(k, channel) }) {
			list = append(list, fmt.Sprintf("%sCHANNELS has %s, which the vendor's pages do not show", s.prefix, channel))
		}
	}
	return list
}

// undocumented tells of a group that the vendor's pages do not show. It may take it all the same.
func (s *Settings) undocumented() []string {
	if _, calendar := calendarGroups[s.group.name]; calendar || slices.Contains([]string{"15", "30", "60"}, s.group.name) {
		return nil
	}
	return []string{fmt.Sprintf("%sGROUPNUM is %s, which the vendor does not document, as it does 15, 30, 60, mth, bim, tri, sem and yer", s.prefix, s.group.name)}
}

// ownChannels are the channels that a stream asks for because somebody set them:
// the default list is of all that the vendor's samples show, used or not.
func (s *Settings) ownChannels(t statsType) []string {
	if !t.byChannel || !s.channelsSet {
		return nil
	}
	return s.channels
}

// look asks a span for the names that have had no row, on all channels, and then
// the others for the channels that have had none.
func (f *search) look(ctx context.Context, span pipeline.Span, names, channels []string) error {
	quiet := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !f.names[n] })
	others := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return f.names[n] })
	for _, list := range splitNames(quiet) {
		if err := f.ask(ctx, statsQuery{span: span, names: list}); err != nil {
			return err
		}
	}
	rare := slices.DeleteFunc(slices.Clone(channels), func(c string) bool { return !f.channels[c] })
	if len(rare) == 0 {
		return nil
	}
	for _, list := range splitNames(others) {
		if err := f.ask(ctx, statsQuery{span: span, names: list, channels: rare}); err != nil {
			return err
		}
	}
	return nil
}

// ask takes out the names and channels of which q's answer has a row. What the
// vendor finds too heavy is asked in halves, of the span down to an hour, then of
// the names.
func (f *search) ask(ctx context.Context, q statsQuery) error {
	q.stats, q.zone, q.group = f.stats, time.UTC, checkGroup
	found, err := f.find(ctx, q)
	if pipeline.KindOf(err) != pipeline.TooHeavy || f.calls == 0 {
		maps.DeleteFunc(f.names, func(n string, _ bool) bool { return found.rows[n] > 0 })
		maps.DeleteFunc(f.channels, func(c string, _ bool) bool { return found.channels[c] })
		maps.Copy(f.metrics, found.metrics)
		for name, n := range found.rows {
			f.rows[name] += n
		}
		return err
	}
	first, second := q, q
	switch hours := int(q.span.End.Sub(q.span.Start) / time.Hour); {
	case hours > 1:
		half := q.span.End.Add(-time.Duration(hours/2) * time.Hour)
		first.span.Start, second.span.End = half, half
	case len(q.names) > 1:
		half := len(q.names) / 2
		first.names, second.names = q.names[:half], q.names[half:]
	default:
		return err
	}
	if err := f.ask(ctx, first); err != nil {
		return err
	}
	return f.ask(ctx, second)
}

func (f *search) find(ctx context.Context, q statsQuery) (found findings, err error) {
	f.calls--
	s := f.source
	if err := s.calls.Acquire(ctx, 1); err != nil {
		return found, &pipeline.Error{Op: statsOp, Kind: pipeline.Stopped, Err: err}
	}
	defer s.calls.Release(1)
	r, err := s.request(q)
	if err != nil {
		return found, err
	}
	r.MaxBody = proofLimit
	err = s.client.JSON(ctx, r, &found)
	return found, s.advise(err, q)
}

// findings are of whom and of which channels an answer has rows, and what else these tell.
type findings struct {
	rows              map[string]int64 // by resource
	channels, metrics map[string]bool
}

// Names that are longer, or more, are no metrics, and not to be printed.
const longestMetric, mostMetrics = 100, 500

// UnmarshalJSON takes a list of any rows: what a row should be is for a sync to judge.
func (f *findings) UnmarshalJSON(text []byte) error {
	f.rows, f.channels, f.metrics = map[string]int64{}, map[string]bool{}, map[string]bool{}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber() // a name of digits keeps them
	if begin, err := d.Token(); err != nil || begin != json.Delim('[') {
		return errors.New("not a list")
	}
	for d.More() {
		var row any
		if err := d.Decode(&row); err != nil {
			return err
		}
		members, _ := row.(map[string]any) // a row of another shape is of nobody
		for name, value := range members {
			f.note(strings.ToLower(name), name, value)
		}
	}
	return nil
}

func (f *findings) note(key, name string, value any) {
	switch key {
	case "resource":
		f.rows[fmt.Sprint(value)]++
	case "channel":
		f.channels[fmt.Sprint(value)] = true
	case "date":
	default:
		if len(name) <= longestMetric && len(f.metrics) < mostMetrics {
			f.metrics[name] = true
		}
	}
}
