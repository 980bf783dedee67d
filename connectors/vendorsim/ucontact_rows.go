package vendorsim

import (
	"strings"
	"time"
)

// bucket is one interval of an answer: a label on the requested zone's clock
// and the quarters of an hour that belong to it.
type bucket struct {
	label    time.Time // the wall time of its start, as if it were UTC
	quarters []time.Time
}

// buckets cuts the asked span by the local clock of the asked zone. An hour
// that a DST change repeats has one label and so one bucket.
func (q *statsQuery) buckets(now time.Time) (all []*bucket) {
	byLabel := map[time.Time]*bucket{}
	end := q.end.Add(time.Second) // finaldate is inclusive to the second, by the samples
	if now.Before(end) {
		end = now
	}
	quarters(q.start, end, func(t time.Time) {
		l := q.label(t)
		b := byLabel[l]
		if b == nil {
			b = &bucket{label: l}
			byLabel[l] = b
			all = append(all, b)
		}
		b.quarters = append(b.quarters, t)
	})
	return all
}

// label is the wall time at which t's interval begins.
func (q *statsQuery) label(t time.Time) time.Time {
	y, mo, d := t.In(q.zone).Date()
	if q.months > 0 {
		first := (int(mo) - 1) / q.months * q.months
		return time.Date(y, time.Month(first+1), 1, 0, 0, 0, 0, time.UTC)
	}
	h, mi, _ := t.In(q.zone).Clock()
	minute := (h*60 + mi) / q.minutes * q.minutes
	return time.Date(y, mo, d, 0, minute, 0, 0, time.UTC)
}

// rows calls emit for each bucket, resource and channel of which there is
// something to tell: missing is not zero.
func (q *statsQuery) rows(d Data, now time.Time, emit func(b *bucket, resource, channel string, m Metrics)) {
	type group struct {
		resource, channel string
		resources         []string
		channels          []string
	}
	var groups []group
	resources := [][]string{q.resources}
	if q.byResource {
		resources = nil
		for _, r := range q.resources {
			resources = append(resources, []string{r})
		}
	}
	channels := [][]string{q.channels}
	if q.byChannel {
		channels = nil
		for _, c := range q.channels {
			channels = append(channels, []string{c})
		}
	}
	for _, rs := range resources {
		for _, cs := range channels {
			g := group{resource: strings.Join(rs, ","), resources: rs, channels: cs}
			if q.byChannel && len(cs) == 1 {
				g.channel = cs[0]
			}
			groups = append(groups, g)
		}
	}
	for _, b := range q.buckets(now) {
		for _, g := range groups {
			if m, ok := q.sum(d, b, g.resources, g.channels); ok {
				emit(b, g.resource, g.channel, m)
			}
		}
	}
}

func (q *statsQuery) sum(d Data, b *bucket, resources, channels []string) (sum Metrics, ok bool) {
	for _, t := range b.quarters {
		for _, r := range resources {
			if q.kind == "agent" {
				if m, some := d.AgentQuarter(r, t); some {
					sum, ok = sum.Add(m), true
				}
				continue
			}
			for _, c := range channels {
				if m, some := d.CampaignQuarter(r, c, t); some {
					sum, ok = sum.Add(m), true
				}
			}
		}
	}
	return sum, ok
}

// date is a bucket's label as the server's Java writes it.
func (o UContactOptions) date(b *bucket, asked *time.Location) string {
	t := b.label
	if o.ResponseZone != nil {
		first := b.quarters[0]
		y, mo, d := first.In(asked).Date()
		h, mi, s := first.In(asked).Clock()
		into := time.Date(y, mo, d, h, mi, s, 0, time.UTC).Sub(b.label)
		t = first.Add(-into).In(o.ResponseZone)
	}
	switch o.Dates {
	case DateJava8:
		return t.Format("Jan 2, 2006 3:04:05 PM")
	case DateJava20:
		return t.Format("Jan 2, 2006, 3:04:05\u202fPM")
	case DateNoBreak:
		return t.Format("Jan 2, 2006, 3:04:05\u00a0PM")
	case DateISO:
		return t.Format("2006-01-02T15:04:05Z")
	}
	return t.Format("Jan 2, 2006, 3:04:05 PM")
}
