package bigquery

import (
	"fmt"
	"slices"
	"strings"

	"cloud.google.com/go/bigquery"
	"github.com/apache/arrow/go/v17/arrow"

	"github.com/windrow-data/windrow/pipeline"
)

// names builds the names of one dataset.
type names struct{ project, dataset string }

// Names of the tables beside the data.
const (
	ledgerTable    = "_windrow_ledger"
	rejectsTable   = "_windrow_rejects"
	journalTable   = "_windrow_journal"
	runsTable      = "_windrow_runs"
	turnTable      = "_windrow_turn"
	watermarksView = "_windrow_watermarks"
	stagePrefix    = "_windrow_stage_"
)

// layout is one table as it should be.
type layout struct {
	name        string
	description string
	schema      bigquery.Schema
	partition   string // the column by whose day the table is partitioned
	cluster     []string
	data        bool // what the ledger tells of is in it
}

var streamColumns = []string{"source", "account", "stream"}

// layouts lists every table, the data tables first.
func layouts() ([]layout, error) {
	var list []layout
	for _, t := range pipeline.Tables() {
		schema, err := schemaOf(t.Schema())
		if err != nil {
			return nil, fmt.Errorf("table %s: %w", t.Name, err)
		}
		list = append(list, layout{
			name: t.Name, description: tableMeaning[t.Name], schema: schema, partition: "local_date", cluster: streamColumns, data: true,
		})
	}
	rejects, err := schemaOf(rejectsSchema)
	if err != nil {
		return nil, err
	}
	rejects = append(rejects,
		field("extracted_at", bigquery.TimestampFieldType, "when the vendor was read"),
		field("sync_id", bigquery.StringFieldType, "the run that wrote the row"))
	return append(list,
		layout{name: ledgerTable, description: "what is committed, window by window: append-only, and the only state that Windrow keeps", schema: ledgerSchema, cluster: append(slices.Clone(streamColumns), "seq")},
		layout{name: rejectsTable, description: "source rows that could not be loaded", schema: rejects, partition: "window_start", cluster: streamColumns},
		layout{name: journalTable, description: "vendor requests that must not be repeated", schema: journalSchema, partition: "at", cluster: []string{"source", "account"}},
		layout{name: runsTable, description: "one row a finished run", schema: runsSchema},
		layout{name: turnTable, description: "one row that every commit replaces, so that two commits at once conflict", schema: turnSchema},
	), nil
}

var tableMeaning = map[string]string{
	"activity": "what one resource did on one channel in one interval; one row per source row",
	"events":   "one row per thing that happened",
}

func field(name string, typ bigquery.FieldType, meaning string) *bigquery.FieldSchema {
	return &bigquery.FieldSchema{Name: name, Type: typ, Description: meaning}
}

func required(name string, typ bigquery.FieldType, meaning string) *bigquery.FieldSchema {
	f := field(name, typ, meaning)
	f.Required = true
	return f
}

var ledgerSchema = bigquery.Schema{
	required("source", bigquery.StringFieldType, "the vendor; empty on receipts"),
	required("account", bigquery.StringFieldType, "the tenant of the source; empty on receipts"),
	required("stream", bigquery.StringFieldType, "the stream's full name; empty on receipts"),
	required("seq", bigquery.IntegerFieldType, "the order of the log within a stream; 0 on receipts"),
	required("recorded_at", bigquery.TimestampFieldType, "when BigQuery took the entry; orders entries of equal seq"),
	field("batch", bigquery.StringFieldType, "the commit that wrote the entry; null for entries without data"),
	required("replaces", bigquery.BooleanFieldType, "the commit replaced the window's rows"),
	required("kind", bigquery.StringFieldType, "begin, commit, fail, waive: of a window; origin, first: window_start is the day 30 days before the first sync, the first day as a sync had it; receipt: what the jobs of a batch used, one row a batch that wrote data"),
	required("window_start", bigquery.TimestampFieldType, "start of the window"),
	required("window_end", bigquery.TimestampFieldType, "end of the window, exclusive"),
	field("zone", bigquery.StringFieldType, "the time zone that the window was cut in"),
	field("sync_id", bigquery.StringFieldType, "the run"),
	field("extracted_at", bigquery.TimestampFieldType, "when the vendor was read, by the clock that plans"),
	field("read_at", bigquery.TimestampFieldType, "when the vendor was read, by the real clock; the newer reading wins"),
	field("committed_at", bigquery.TimestampFieldType, "when it was committed, by the real clock of the run"),
	required("settled", bigquery.BooleanFieldType, "read after the vendor stops restating the window"),
	required("unchanged", bigquery.BooleanFieldType, "the rows are those of an earlier, equal reading"),
	required("rows_read", bigquery.IntegerFieldType, "source rows: loaded + rejected + outside + duplicate, over the windows of one report"),
	required("rows_loaded", bigquery.IntegerFieldType, "rows that the table holds of the window"),
	required("rows_rejected", bigquery.IntegerFieldType, "source rows that could not be loaded"),
	required("rows_outside", bigquery.IntegerFieldType, "source rows of other times"),
	required("rows_duplicate", bigquery.IntegerFieldType, "source rows that an earlier target's report had"),
	required("bytes_staged", bigquery.IntegerFieldType, "size of the window's rows and rejects as staged Parquet; unit: B; aggregation: sum; 0 on receipts"),
	field("fingerprint", bigquery.StringFieldType, "order-independent hash of the rows"),
	field("settings", bigquery.StringFieldType, "hash of the settings that shape the rows"),
	field("note", bigquery.StringFieldType, "the error of a failure, the reason of a waiver"),
	required("entry", bigquery.StringFieldType, "the entry as JSON, which Windrow reads"),
	field("bytes_billed", bigquery.IntegerFieldType, "of a receipt: bytes that the batch's queries were billed for; unit: B; aggregation: sum"),
	field("slot_ms", bigquery.IntegerFieldType, "of a receipt: slot time of the batch's jobs; unit: ms; aggregation: sum"),
	field("jobs", bigquery.IntegerFieldType, "of a receipt: load and query jobs of the batch; aggregation: sum"),
}

var journalSchema = bigquery.Schema{
	required("source", bigquery.StringFieldType, "the vendor"),
	required("account", bigquery.StringFieldType, "the tenant of the source"),
	required("at", bigquery.TimestampFieldType, "when the request was sent, by the real clock"),
	required("kind", bigquery.StringFieldType, "what kind of request"),
	field("text", bigquery.StringFieldType, "its parameters"),
}

var runsSchema = bigquery.Schema{
	required("sync_id", bigquery.StringFieldType, "the run"),
	field("started_at", bigquery.TimestampFieldType, "when it began"),
	field("finished_at", bigquery.TimestampFieldType, "when it ended"),
	required("exit", bigquery.IntegerFieldType, "its exit code"),
	required("summary", bigquery.StringFieldType, "its summary as JSON"),
}

var turnSchema = bigquery.Schema{
	required("batch", bigquery.StringFieldType, "the last commit"),
}

// schemaOf is the BigQuery form of an Arrow schema, with descriptions.
func schemaOf(s *arrow.Schema) (bigquery.Schema, error) {
	list := make(bigquery.Schema, s.NumFields())
	for i, f := range s.Fields() {
		typ, repeated, err := typeOf(f.Type)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", f.Name, err)
		}
		list[i] = &bigquery.FieldSchema{
			Name: f.Name, Type: typ, Repeated: repeated, Required: !f.Nullable && !repeated, Description: describe(f),
		}
	}
	return list, nil
}

func typeOf(t arrow.DataType) (typ bigquery.FieldType, repeated bool, err error) {
	switch t.ID() {
	case arrow.STRING:
		return bigquery.StringFieldType, false, nil
	case arrow.INT64:
		return bigquery.IntegerFieldType, false, nil
	case arrow.FLOAT64:
		return bigquery.FloatFieldType, false, nil
	case arrow.BOOL:
		return bigquery.BooleanFieldType, false, nil
	case arrow.DATE32:
		return bigquery.DateFieldType, false, nil
	case arrow.TIMESTAMP:
		return bigquery.TimestampFieldType, false, nil
	case arrow.LIST:
		typ, nested, err := typeOf(t.(*arrow.ListType).Elem())
		if err == nil && nested {
			err = fmt.Errorf("BigQuery has no list of lists")
		}
		return typ, true, err
	}
	return "", false, fmt.Errorf("BigQuery has no column for %s", t)
}

// maxDescription is BigQuery's limit, in characters.
const maxDescription = 1024

// describe is a column's description: meaning, unit, aggregation.
func describe(f arrow.Field) string {
	get := func(key string) string {
		if i := f.Metadata.FindKey(key); i >= 0 {
			return f.Metadata.Values()[i]
		}
		return ""
	}
	parts := []string{get("meaning")}
	if unit := get("unit"); unit != "" {
		parts = append(parts, "unit: "+unit)
	}
	switch agg := pipeline.Aggregation(get("aggregation")); agg {
	case "":
	case pipeline.Mean:
		text := "aggregation: mean, never add up"
		if w := get("weight"); w != "" {
			text += ", weigh by " + w
		}
		parts = append(parts, text)
	case pipeline.Distinct:
		parts = append(parts, "aggregation: distinct, never add up")
	default:
		parts = append(parts, "aggregation: "+string(agg))
	}
	parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
	text := []rune(strings.Join(parts, "; "))
	return string(text[:min(len(text), maxDescription)])
}

// drift compares a table that is there with what it should be: the columns to
// be added, or what is wrong with it.
func drift(have, want bigquery.Schema) (added bigquery.Schema, err error) {
	known := make(map[string]*bigquery.FieldSchema, len(have))
	for _, f := range have {
		known[strings.ToLower(f.Name)] = f // BigQuery's column names differ by more than case
	}
	var wrong []string
	for _, w := range want {
		h, ok := known[w.Name]
		switch {
		case !ok:
			f := *w
			f.Required = false // BigQuery adds no required column
			added = append(added, &f)
		case h.Type != w.Type || h.Repeated != w.Repeated:
			wrong = append(wrong, fmt.Sprintf("%s is %s, not %s", w.Name, typeName(h), typeName(w)))
		case h.Required && !w.Required:
			wrong = append(wrong, fmt.Sprintf("%s is REQUIRED, not NULLABLE", w.Name))
		}
		delete(known, w.Name)
	}
	for _, h := range have {
		if _, extra := known[strings.ToLower(h.Name)]; extra && h.Required {
			wrong = append(wrong, fmt.Sprintf("%s is REQUIRED, and Windrow does not fill it", h.Name))
		}
	}
	if len(wrong) > 0 {
		return nil, fmt.Errorf("%s", strings.Join(wrong, "; "))
	}
	return added, nil
}

func typeName(f *bigquery.FieldSchema) string {
	if f.Repeated {
		return "REPEATED " + string(f.Type)
	}
	return string(f.Type)
}
