package chattonic

import (
	"bytes"
	"errors"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/calendar"
	"github.com/windrow-data/windrow/transforms"
)

// Fields of a dashboard row that mapDashboard reads.
const (
	dashboardDate = iota
	dashboardUsers
	dashboardBacklog
	dashboardInProgress
)

// dashboardFormat reads an answer of stats/bigquery, queryName=dashboard: an
// array with one row for each interval. Means are in minutes, as the vendor's
// dashboard shows them; failed is its box of expired queries.
func dashboardFormat(s *Settings, p pipeline.Policy) pipeline.Format {
	state := func(m *pipeline.Meta) any { return newLabels(m, s.prefix) }
	return transforms.NewJSON(transforms.Mapping{
		Table: pipeline.Activity,
		Fields: []transforms.Field{
			dashboardDate:       {Source: "date", Conv: transforms.Custom},
			dashboardUsers:      {Source: "totalUsers", Column: "users_total", Conv: transforms.Count, Snapshot: true},
			dashboardBacklog:    {Source: "pending", Column: "backlog", Conv: transforms.Count, Snapshot: true},
			dashboardInProgress: {Source: "progress", Column: "in_progress", Conv: transforms.Count, Snapshot: true},
			{Source: "totalMessagesReceived", Conv: transforms.Count, Snapshot: true},
			{Source: "totalMessagesSent", Conv: transforms.Count, Snapshot: true},
			{Source: "newUsers", Column: "users_new", Conv: transforms.Count},
			{Source: "activeUsers", Column: "users_active", Conv: transforms.Count},
			{Source: "messagesReceived", Column: "messages_in", Conv: transforms.Count},
			{Source: "messagesSent", Column: "messages_out", Conv: transforms.Count},
			{Source: "resolved", Column: "resolved", Conv: transforms.Count},
			{Source: "failed", Column: "expired", Conv: transforms.Count},
			{Source: "attention", Column: "avg_answer_seconds", Conv: transforms.Minutes},
			{Source: "resolution", Column: "avg_resolution_seconds", Conv: transforms.Minutes},
			{Source: "nps", Column: "nps", Conv: transforms.Number},
			{Source: "csat", Column: "csat", Conv: transforms.Number},
		},
		Keys: []string{"date"},
		Row:  func(r *transforms.Row) { mapDashboard(r, state) },
	}, transforms.JSONOptions{Hint: s.hint()}, p)
}

func mapDashboard(r *transforms.Row, state func(*pipeline.Meta) any) {
	a := r.State(state).(*labels)
	if a.err != nil {
		r.Fail(a.err)
		return
	}
	label := r.Raw(dashboardDate)
	if label == nil {
		r.RejectField(pipeline.NoInstant, dashboardDate, "is missing")
		return
	}
	span, kind, ok := a.interval(label)
	if ok && span.Start.Time().Year() <= transforms.NoYear {
		r.RejectField(pipeline.NoInstant, dashboardDate, "is missing")
		return
	}
	if !ok {
		r.RejectField(pipeline.NoInstant, dashboardDate, "cannot be read")
		return
	}
	if !a.asked(span) {
		r.Condemn(dashboardDate, "lies outside the asked span when dates are read in "+a.meta.ResponseZone, &pipeline.Error{
			Kind: pipeline.Mismatch, Cause: pipeline.OtherZone, Hint: "set " + a.prefix + "RESPONSE_TIMEZONE to the zone in which the vendor writes dates",
		})
		return
	}
	setInterval(r, span)
	r.SetString(columnType, "team")
	r.SetString(columnID, a.meta.Request.Resources[0])
	if kind != calendar.LocalUnique {
		r.Extra("_time_ambiguous", []byte(`["date"]`))
	}
	if a.meta.Late() {
		setAside(r, dashboardUsers)
		setAside(r, dashboardBacklog)
		setAside(r, dashboardInProgress)
	}
}

// labels reads the dates of one answer. They are texts in the format that was
// asked for, without a zone; "0" stands for the whole span.
type labels struct {
	meta   *pipeline.Meta
	prefix string // of the variables in hints
	clock  *pipeline.ZoneClock
	grid   pipeline.Calendar
	err    error
}

func newLabels(m *pipeline.Meta, prefix string) *labels {
	a := &labels{meta: m, prefix: prefix}
	zone, err := time.LoadLocation(m.ResponseZone)
	unit, every, formatErr := finest(m.Group)
	if err := errors.Join(err, formatErr); err != nil {
		a.err = &pipeline.Error{Op: "read dates", Kind: pipeline.Internal, Err: err}
		return a
	}
	if len(m.Request.Resources) != 1 {
		a.err = &pipeline.Error{Op: "read dashboard", Kind: pipeline.Internal, Err: errors.New("the request does not name the bot")}
		return a
	}
	a.clock = calendar.NewZoneClock(zone)
	a.grid = pipeline.Calendar{Unit: unit, Every: every, Zone: zone}
	return a
}

// interval is what a label names; false when it cannot be read. Of an hour
// that the clock repeats the earlier is meant, unless only the later was asked for.
func (a *labels) interval(label []byte) (pipeline.Span, calendar.LocalKind, bool) {
	if string(label) == "0" {
		return a.meta.Span, calendar.LocalUnique, true
	}
	wall, ok := parseLabel(a.meta.Group, label)
	if !ok {
		return pipeline.Span{}, calendar.LocalUnique, false
	}
	first, second, kind := a.clock.Resolve(wall)
	if !a.meta.Span.Has(first) && a.meta.Span.Has(second) {
		first = second
	}
	return pipeline.Span{Start: first, End: a.grid.Window(first).End}, kind, true
}

// asked reports whether an interval is one of those asked for. Others are the right ones read in a wrong zone.
func (a *labels) asked(span pipeline.Span) bool {
	return a.meta.Span.Contains(span) && (span == a.meta.Span || a.grid.Aligned(span.Start))
}

// parseLabel reads a label that the strftime format wrote. Parts that the
// format lacks are the first of their kind.
func parseLabel(format string, label []byte) (w pipeline.LocalTime, ok bool) {
	w.Month, w.Day = 1, 1
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			if len(label) == 0 || label[0] != format[i] {
				return w, false
			}
			label = label[1:]
			continue
		}
		if i++; i == len(format) {
			return w, false
		}
		part, digits := &w.Year, 2
		switch format[i] {
		case 'Y':
			digits = 4
		case 'm':
			part = &w.Month
		case 'd':
			part = &w.Day
		case 'H':
			part = &w.Hour
		case 'M':
			part = &w.Min
		default:
			return w, false
		}
		if *part, ok = number(label, digits); !ok {
			return w, false
		}
		label = label[digits:]
	}
	return w, len(label) == 0 && exists(w)
}

// number reads the digits at the front.
func number(b []byte, digits int) (n int, ok bool) {
	if len(b) < digits || len(bytes.Trim(b[:digits], "0123456789")) > 0 {
		return 0, false
	}
	for _, c := range b[:digits] {
		n = n*10 + int(c-'0')
	}
	return n, true
}

// exists reports whether some clock shows the time.
func exists(w pipeline.LocalTime) bool {
	t := time.Date(w.Year, time.Month(w.Month), w.Day, w.Hour, w.Min, 0, 0, time.UTC)
	return w.Year > 0 && t.Year() == w.Year && int(t.Month()) == w.Month && t.Day() == w.Day && t.Hour() == w.Hour && t.Minute() == w.Min
}
