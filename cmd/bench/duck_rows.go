package main

import (
	"fmt"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/windrow-data/windrow/pipeline"
)

// table is the shared schema's table of the job.
func (j job) table() *pipeline.Table {
	if j.Format == "stats" {
		return pipeline.Activity
	}
	return pipeline.Events
}

// duckRows selects the columns that Windrow's files have, in their order. The
// row hash, which Windrow adds to the window's fingerprint and stores in no
// file, decides here about a constant, so that it has to be computed and takes
// no room either.
func duckRows(j job, in input) (string, error) {
	source, columns := callsSource(in), callsColumns()
	if j.Format == "stats" {
		source, columns = statsSource(in), statsColumns
	}
	start, end, err := in.span()
	if err != nil {
		return "", err
	}
	stamp := func(text string) string { return "TIMESTAMPTZ " + quote(text) }
	lineage := map[string]string{
		"scope":        only(j.Format == "calls", "'company'"),
		"local_date":   fmt.Sprintf("CAST(timezone('%s', %s) AS DATE)", accountZone, j.table().TimeColumn),
		"extracted_at": stamp(planningTime(in)),
		"window_start": stamp(start.Format("2006-01-02 15:04:05-07:00")),
		"window_end":   stamp(end.Format("2006-01-02 15:04:05-07:00")),
	}
	if j.Windows > 1 {
		lineage["window_start"] = fmt.Sprintf("timezone('%s', CAST(%s AS TIMESTAMP))", accountZone, lineage["local_date"])
		lineage["window_end"] = fmt.Sprintf("timezone('%s', CAST(%s + 1 AS TIMESTAMP))", accountZone, lineage["local_date"])
	}
	var mapped, list, hashed []string
	for _, f := range j.table().StageSchema().Fields() {
		if e := columns[f.Name]; e != "" {
			mapped = append(mapped, e+" AS "+f.Name)
			hashed = append(hashed, f.Name)
			list = append(list, f.Name)
			continue
		}
		e := lineage[f.Name]
		if e == "" {
			e = "CAST(NULL AS " + duckType(f.Type) + ")"
		}
		list = append(list, e+" AS "+f.Name)
	}
	list[len(list)-1] = fmt.Sprintf("CASE WHEN hash(%s) = 0 THEN '0' ELSE '20251201T180000Z' END AS sync_id", strings.Join(hashed, ", "))
	return fmt.Sprintf("SELECT %s FROM (SELECT %s FROM %s)", strings.Join(list, ", "), strings.Join(mapped, ", "), source), nil
}

func duckType(t arrow.DataType) string {
	switch t.ID() {
	case arrow.INT64:
		return "BIGINT"
	case arrow.FLOAT64:
		return "DOUBLE"
	case arrow.BOOL:
		return "BOOLEAN"
	case arrow.LIST:
		return "VARCHAR[]"
	case arrow.TIMESTAMP:
		return "TIMESTAMPTZ"
	}
	return "VARCHAR"
}

func callsSource(in input) string {
	return "read_csv(" + quote(in.Path) + ", header = true, all_varchar = true)"
}

// callsUnmapped are the columns of the export that go to extras.
func callsUnmapped() []string {
	mapped := map[string]bool{"target_type": true} // it becomes resource_type
	for _, source := range callsMapped {
		mapped[source] = true
	}
	var names []string
	for name := range strings.SplitSeq(callsHeader, ",") {
		if !mapped[name] {
			names = append(names, name)
		}
	}
	return names
}

// callsMapped names the export's column behind each column of events.
var callsMapped = map[string]string{
	"event_id": "call_id", "parent_id": "master_call_id", "entry_id": "entry_point_call_id",
	"started_at": "date_started", "queued_at": "date_queued", "first_rang_at": "date_first_rang", "rang_at": "date_rang",
	"connected_at": "date_connected", "ended_at": "date_ended",
	"direction": "direction", "resource_id": "target_id", "resource_name": "name", "resource_email": "email",
	"status": "category", "tags": "categories", "customer_address": "external_number", "internal_address": "internal_number",
	"talk_seconds": "talk_duration", "hold_seconds": "hold_duration", "ring_seconds": "ringing_duration",
	"queue_seconds": "queued_duration", "wrapup_seconds": "wrapup_duration", "answer_seconds": "time_to_answer",
}

// callsColumns does what the connector's mapping of calls does. Blank cells are
// null in DuckDB's reader.
func callsColumns() map[string]string {
	const user = "CASE WHEN target_type = 'user' THEN "
	columns := map[string]string{
		"kind": "'call'", "channel": "'voice'", "timezone": quote(accountZone),
		"entry_id":      "coalesce(entry_point_call_id, call_id)",
		"is_entry":      "coalesce(entry_point_call_id = call_id, true)",
		"direction":     "lower(direction)",
		"tags":          "string_split(categories, ',')",
		"resource_type": "coalesce(target_type, target_kind)", // the inputs have the canonical names
		"agent_id":      user + "target_id END",
		"agent_name":    user + "name END",
		"agent_email":   user + "email END",
		"extras":        strings.Replace(extrasOf(callsUnmapped()), "to_json(timezone)", "to_json(nullif(timezone, "+quote(accountZone)+"))", 1),
	}
	for column, source := range callsMapped {
		switch {
		case columns[column] != "":
		case strings.HasSuffix(column, "_at"):
			columns[column] = "timezone(timezone, TRY_CAST(" + source + " AS TIMESTAMP))"
		case strings.HasSuffix(column, "_seconds"):
			columns[column] = "TRY_CAST(" + source + " AS DOUBLE) * 60"
		default:
			columns[column] = source
		}
	}
	return columns
}

// extrasOf is a JSON object of the columns that are not null: of the ways that
// DuckDB has to leave the others out, the fastest.
func extrasOf(names []string) string {
	members := make([]string, len(names))
	for i, n := range names {
		members[i] = fmt.Sprintf(`'"%s":' || to_json(%s)`, n, n)
	}
	return "'{' || concat_ws(',', " + strings.Join(members, ", ") + ") || '}'"
}

func statsSource(in input) string {
	types := []string{"date: 'VARCHAR', resource: 'VARCHAR', channel: 'VARCHAR', inInteractions: 'BIGINT', outInteractions: 'BIGINT', inboundAnswered: 'BIGINT'"}
	for _, n := range wholeMetrics {
		types = append(types, n+": 'BIGINT'")
	}
	for _, n := range fractions {
		types = append(types, n+": 'DOUBLE'")
	}
	types = append(types, statsNotes+": 'VARCHAR'")
	// DuckDB drops members that it is not told of, and keeps blank strings.
	return "(SELECT * REPLACE (CASE WHEN trim(" + statsNotes + ") <> '' THEN " + statsNotes + " END AS " + statsNotes + ")" +
		" FROM read_json(" + quote(in.Path) + ", format = 'array', columns = {" + strings.Join(types, ", ") + "}))"
}

// statsUnmapped are the members that go to extras: all are numbers but the last.
func statsUnmapped() []string {
	return append(append(append([]string{}, wholeMetrics...), fractions...), statsNotes)
}

// statsColumns does what the connector's mapping of campaigns does.
var statsColumns = map[string]string{
	"resource_type":    "'campaign'",
	"resource_id":      "resource",
	"resource_name":    "resource",
	"channel":          "CASE WHEN channel = 'telephony' THEN 'voice' ELSE lower(channel) END",
	"interval_start":   statsDate,
	"interval_end":     statsDate + " + INTERVAL 15 MINUTES",
	"timezone":         "'" + accountZone + "'",
	"interactions_in":  "inInteractions",
	"interactions_out": "outInteractions",
	"answered":         "inboundAnswered",
	"extras":           extrasOf(statsUnmapped()),
}

const statsDate = "timezone('UTC', strptime(date, '%b %d, %Y, %I:%M:%S %p'))"
