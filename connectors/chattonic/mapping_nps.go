package chattonic

import (
	"math"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/transforms"
)

var (
	eventKind    = pipeline.Events.Index("kind")
	eventID      = pipeline.Events.Index("event_id")
	eventStatus  = pipeline.Events.Index("status")
	eventStarted = pipeline.Events.Index("started_at")
)

// Fields of an answer to the NPS question that mapNPS reads. The date and the text follow where they are named.
const (
	npsScore = iota
	npsDate
)

// npsFormat reads an export of NPS answers: a CSV with a row for each. The vendor publishes no name of a column, so
// that the settings name those that count.
func npsFormat(s *Settings, p pipeline.Policy) pipeline.Format {
	names := s.nps.columns
	m := transforms.Mapping{
		Table:    pipeline.Events,
		Fields:   []transforms.Field{npsScore: {Source: names.score, Column: "score", Conv: transforms.Number}},
		Columns:  []string{names.score},
		Personal: map[string]pipeline.Personal{},
		Row:      mapNPS,
	}
	if names.date != "" {
		m.Fields = append(m.Fields, transforms.Field{Source: names.date, Conv: transforms.Custom})
		m.Keys = []string{names.date}
		m.Row = mapDatedNPS
	}
	if names.text != "" {
		m.Fields = append(m.Fields, transforms.Field{Source: names.text, Column: "text"})
		m.Personal[names.text] = pipeline.PersonalText
	}
	return transforms.NewCSV(m, p)
}

func mapDatedNPS(r *transforms.Row) {
	times := r.Times(-1, npsDate)
	if times == nil {
		return
	}
	r.At(times[0])
	r.SetInstant(eventStarted, times[0])
	mapNPS(r)
}

// mapNPS sets what is known of an answer without a date too: it belongs to the window that was asked for.
func mapNPS(r *transforms.Row) {
	r.SetString(eventKind, "nps")
	r.SetString(eventID, "") // none is published, and a key is never null
	score, ok := r.Seconds(npsScore)
	if !ok {
		return // blank, or counted as unreadable
	}
	band := bandOf(score)
	if band == "" {
		r.Spoil(npsScore)
		return
	}
	r.SetString(eventStatus, band)
}

// bandOf is what the vendor calls who gives a score; empty where it is none from 0 to 10.
func bandOf(score float64) string {
	switch {
	case score != math.Trunc(score) || score < 0 || score > 10:
		return ""
	case score >= 9:
		return "promoter"
	case score >= 7:
		return "passive"
	}
	return "detractor"
}
