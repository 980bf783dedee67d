package ucontact

import (
	"bytes"
	"errors"
	"strings"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
	"github.com/windrow-data/windrow/transforms"
)

// campaignMapping reads the rows of campaigns. They are asked for by channel, so that a row without one sums up others.
func campaignMapping(s *Settings, t statsType) transforms.Mapping {
	return statsMapping(s, t, s.channels)
}

// agentMapping reads the rows of agents. The resource is a person's name.
func agentMapping(s *Settings, t statsType) transforms.Mapping {
	m := statsMapping(s, t, nil)
	m.Personal = map[string]pipeline.Personal{"resource": pipeline.PersonalName}
	return m
}

// statsMapping reads rows with date, resource, for campaigns channel, and the
// metrics. channels are those asked for, where rows are by channel. What nobody
// asked for, such as a row of totals, is rejected.
//
// The metrics that are catalogued become measures. The others stay in extras
// under their own names, since neither their list nor their units are published.
func statsMapping(s *Settings, t statsType, channels []string) transforms.Mapping {
	state := func(m *pipeline.Meta) any { return newAnswer(m, s.prefix, channels) }
	fields := append([]transforms.Field{
		fieldDate:     {Source: "date", Conv: transforms.Custom},
		fieldResource: {Source: "resource", Column: "resource_id"},
		fieldChannel:  {Source: "channel", Conv: transforms.Custom},
	}, s.fields(t)...)
	var snapshots []int
	for f, d := range fields {
		if d.Snapshot && d.Column != "" {
			snapshots = append(snapshots, f)
		}
	}
	return transforms.Mapping{
		Table: pipeline.Activity, Fields: fields, Keys: []string{"date", "resource"}, Asked: "resource",
		Row: func(r *transforms.Row) {
			mapRow(r, t.name, state)
			if r.Meta().Late() { // today's value is not the window's
				for _, f := range snapshots {
					r.Skip(f)
					r.Keep(f)
				}
			}
		},
	}
}

const (
	fieldDate = iota
	fieldResource
	fieldChannel
)

var (
	columnType    = pipeline.Activity.Index("resource_type")
	columnName    = pipeline.Activity.Index("resource_name")
	columnChannel = pipeline.Activity.Index("channel")
	columnStart   = pipeline.Activity.Index("interval_start")
	columnEnd     = pipeline.Activity.Index("interval_end")
)

// mapRow sets what a row's own fields do not say by themselves.
func mapRow(r *transforms.Row, resourceType string, state func(*pipeline.Meta) any) {
	a := r.State(state).(*answer)
	if a.err != nil {
		r.Fail(a.err)
		return
	}
	b, ok := a.bucket(r.Raw(fieldDate))
	switch {
	case !ok && r.Raw(fieldDate) == nil, b.none:
		r.RejectField(pipeline.NoInstant, fieldDate, "is missing")
		return
	case !ok:
		r.RejectField(pipeline.NoInstant, fieldDate, "cannot be read")
		return
	case b.wrong != "":
		r.Condemn(fieldDate, b.wrong, a.mismatch())
		return
	}
	r.At(b.span.Start)
	resource := r.Raw(fieldResource)
	switch {
	case resource == nil:
		r.RejectField(b.span.Start, fieldResource, "is missing")
		return
	case !a.resources.has(resource):
		r.RejectField(b.span.Start, fieldResource, "is none that was asked for")
		return
	}
	channel, reason := a.channel(r.Raw(fieldChannel))
	if reason != "" {
		r.RejectField(b.span.Start, fieldChannel, reason)
		return
	}
	if resourceType == "agent" {
		r.Within(b.span)
	}
	r.SetString(columnType, resourceType)
	r.SetFrom(columnName, fieldResource, resource)
	r.SetString(columnChannel, channel)
	r.SetInstant(columnStart, b.span.Start)
	r.SetInstant(columnEnd, a.meta.IntervalEnd(b.span))
	if b.kind != calendar.LocalUnique {
		r.Extra("_time_ambiguous", []byte(`["date"]`))
	}
}

// answer is what the rows of one answer have in common.
type answer struct {
	meta     *pipeline.Meta
	prefix   string              // of the variables in hints
	clock    *pipeline.ZoneClock // of the dates' zone
	grid     pipeline.Calendar   // of the intervals, in the zone that was asked in
	channels map[string]string   // canonical names by the API's
	err      error

	resources names // that were asked for
	asked     names // channels that were asked for; none: rows are not by channel

	lastDate []byte // rows of one interval stand together
	last     bucket
}

// bucket is the interval that a date names.
type bucket struct {
	span  pipeline.Span
	kind  calendar.LocalKind
	wrong string // why it is not one of those asked for
	none  bool   // the date stands for none
}

func newAnswer(m *pipeline.Meta, prefix string, channels []string) *answer {
	a := &answer{
		meta: m, prefix: prefix, channels: map[string]string{"telephony": "voice"},
		resources: namesOf(m.Request.Resources), asked: namesOf(channels),
	}
	if m.Redacted != "" { // the names are held against the request before they are replaced: then nobody can fold their case
		a.resources = nil
	}
	shown, err := time.LoadLocation(m.ResponseZone)
	asked, askedErr := time.LoadLocation(m.Request.Zone)
	g, groupErr := parseGroup(m.Group, asked)
	if err := errors.Join(err, askedErr, groupErr); err != nil {
		a.err = &pipeline.Error{Op: "read dates", Kind: pipeline.Internal, Err: err}
		return a
	}
	a.clock, a.grid = calendar.NewZoneClock(shown), g.grain
	return a
}

// bucket reads a date; false when it is none. The API labels an interval with
// the wall time of its start, without a zone. Of an hour that the clock repeats
// the earlier is meant, unless only the later was asked for.
func (a *answer) bucket(date []byte) (bucket, bool) {
	if a.lastDate != nil && bytes.Equal(date, a.lastDate) {
		return a.last, true
	}
	wall, ok := parseDate(date)
	if !ok {
		return bucket{}, false
	}
	if wall.Year == transforms.NoYear {
		return bucket{none: true}, true
	}
	first, second, kind := a.clock.Resolve(wall)
	if !a.meta.Span.Has(first) && a.meta.Span.Has(second) {
		first = second
	}
	b := bucket{span: a.grid.Window(first), kind: kind}
	switch {
	case !a.meta.Span.Has(first):
		b.wrong = "lies outside the asked span when dates are read in " + a.meta.ResponseZone
	case b.span.Start != first || !a.meta.Span.Contains(b.span):
		b.wrong = "is not the start of an interval of the asked group " + a.meta.Group + " when dates are read in " + a.meta.ResponseZone
	}
	a.lastDate, a.last = append(a.lastDate[:0], date...), b
	return b, true
}

// mismatch: dates that were not asked for are the right ones read in a wrong zone.
//
// How groups of several months are labelled is not published.
func (a *answer) mismatch() *pipeline.Error {
	hint := "set " + a.prefix + "RESPONSE_TIMEZONE to the zone in which the vendor writes dates; " +
		"it may be UTC or its server's, whatever zone was asked in"
	if calendarGroups[a.meta.Group] > 1 {
		hint += "; where the zone is right, the vendor labels " + a.meta.Group + " otherwise than by its first day: set " + a.prefix + "GROUPNUM to mth"
	}
	return &pipeline.Error{Kind: pipeline.Mismatch, Cause: pipeline.OtherZone, Hint: hint}
}

// names are names that were asked for, in lower case.
type names map[string]bool

func namesOf(list []string) names {
	n := make(names, 2*len(list))
	for _, name := range list {
		n[name], n[strings.ToLower(name)] = true, true
	}
	return n
}

// has reports whether a name is one of those, in any case, or whether none was asked for by name.
func (n names) has(name []byte) bool {
	return len(n) == 0 || n[string(name)] || n[string(bytes.ToLower(bytes.TrimSpace(name)))]
}

// channel is the canonical name of a channel; "all" when the row names none. A reason says what is wrong with it,
// and rejects the row.
func (a *answer) channel(raw []byte) (channel, reason string) {
	switch {
	case raw == nil && len(a.asked) > 0:
		return "", "is missing"
	case raw == nil:
		return "all", ""
	case raw[0] == '{' || raw[0] == '[':
		return "", "cannot be read"
	case !a.asked.has(raw):
		return "", "is none that was asked for"
	}
	name, ok := a.channels[string(raw)]
	if !ok {
		name = string(bytes.ToLower(bytes.TrimSpace(raw)))
		if known, ok := a.channels[name]; ok {
			name = known
		}
		if len(a.channels) < 100 { // a vendor has a dozen
			a.channels[string(raw)] = name
		}
	}
	return name, ""
}
