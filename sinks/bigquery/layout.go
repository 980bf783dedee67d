package bigquery

import (
	"context"
	"fmt"
	"slices"

	"cloud.google.com/go/bigquery"
	"github.com/apache/arrow/go/v17/arrow"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/job"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
)

// layout is one table as it should be.
type layout struct {
	name        string
	description string
	schema      bigquery.Schema
	partition   string // the column by whose day the table is partitioned
	mayLack     bool   // an earlier version made the table without partitions
	relaxed     string // the column that an earlier version required
	cluster     []string
	data        bool // has the rows that the ledger tells of
	ledger      bool // tells of them
	retained    bool // partitions may expire, by the owner's wish
	push        bool // of a send ledger
}

// layouts lists every table, the data tables first.
func layouts() ([]layout, error) {
	var list []layout
	for _, t := range pipeline.Tables() {
		schema, err := schemaOf(t.Schema())
		if err != nil {
			return nil, fmt.Errorf("table %s: %w", t.Name, err)
		}
		list = append(list, layout{
			name: t.Name, description: tableMeaning[t.Name], schema: schema, partition: "local_date", cluster: statement.StreamColumns, data: true, retained: true,
		})
	}
	rejects, err := schemaOf(rejectsSchema)
	if err != nil {
		return nil, err
	}
	rejects = append(rejects,
		field("extracted_at", bigquery.TimestampFieldType, "when the vendor was read"),
		field("sync_id", bigquery.StringFieldType, "the run that wrote the row"))
	runs, err := schemaOf(pipeline.RunSchema)
	if err != nil {
		return nil, err
	}
	runs = append(runs,
		required("summary", bigquery.StringFieldType, "its summary as JSON, with the first rejected rows of failed windows"),
		field("recorded_at", bigquery.TimestampFieldType, "when BigQuery took the row; of a run that an earlier version recorded twice the last one counts"))
	return append(list,
		layout{name: statement.LedgerTable, description: "what is committed, window by window: append-only, and the only state that Windrow keeps", schema: ledgerSchema, cluster: append(slices.Clone(statement.StreamColumns), "seq"), ledger: true},
		layout{name: statement.RejectsTable, description: "source rows that could not be loaded", schema: rejects, partition: "window_start", cluster: statement.StreamColumns, retained: true},
		layout{name: statement.JournalTable, description: "vendor requests that must not be repeated", schema: journalSchema, partition: "at", cluster: []string{"source", "account"}},
		layout{name: statement.RunsTable, description: "one row a run; finished_at is null of one that was killed", schema: runs, partition: "started_at", mayLack: true, relaxed: "exit", cluster: []string{"started_at"}},
		layout{name: statement.HistoryTable, description: "what reading again has changed, what failed, what could not be read and what was warned of: a row for each commit that replaced other rows or has unreadable values, for each failure, and for each warning", schema: historySchema, partition: "window_start", cluster: statement.StreamColumns},
		layout{name: statement.FenceTable, description: "one row that every commit replaces, so that two commits at once conflict", schema: fenceSchema},
	), nil
}

var historySchema = bigquery.Schema{
	required("kind", bigquery.StringFieldType, "changed: a commit replaced committed rows by others; failed: a window could not be read or committed; unreadable: a first commit has values that could not be read; warned: a run has warned"),
	required("sync_id", bigquery.StringFieldType, "the run"),
	required("source", bigquery.StringFieldType, "the vendor"),
	required("account", bigquery.StringFieldType, "the tenant of the source"),
	required("stream", bigquery.StringFieldType, "the stream's full name"),
	required("window_start", bigquery.TimestampFieldType, "start of the window"),
	required("window_end", bigquery.TimestampFieldType, "end of the window, exclusive"),
	required("read_at", bigquery.TimestampFieldType, "when what was committed was read, or when the window failed or the run warned"),
	field("previous_read_at", bigquery.TimestampFieldType, "when what was replaced was read; null of other kinds than changed"),
	field("after_settle", bigquery.BooleanFieldType, "a reading that was replaced was settled; null of other kinds than changed"),
	field("rows_before", bigquery.IntegerFieldType, "rows of what was replaced; null of other kinds than changed"),
	field("rows_after", bigquery.IntegerFieldType, "rows of what was committed; null of a failure and a warning"),
	field("measures", bigquery.StringFieldType, "a JSON object: the sums before and after of every additive measure that changed"),
	field("error_kind", bigquery.StringFieldType, "why it failed; null of other kinds"),
	field("hint", bigquery.StringFieldType, "what closes the window of a failure; what was unusual, of a warning"),
	field("unreadable", bigquery.StringFieldType, "a JSON object: how many values of the committed rows could not be read, by source field; null: all could"),
	field("warning", bigquery.StringFieldType, "what was unusual: shrunk, silent, few, drift or unheard; null: nothing"),
}

// pushLayouts are the tables of a send ledger, in the order in which they are made: a fence without the ledger is what is left
// of one.
var pushLayouts = []layout{
	{name: statement.PushTable, push: true, description: "what was pushed to outbound hubs: append-only; addresses and contents as keyed hashes", schema: bigquery.Schema{
		required("log", bigquery.StringFieldType, "the hash of the key, or terms"),
		required("position", bigquery.IntegerFieldType, "the order of the log; equal for what was written as one"),
		required("item", bigquery.IntegerFieldType, "the order within a position, from 1"),
		required("items", bigquery.IntegerFieldType, "how many rows the position has"),
		required("writer", bigquery.StringFieldType, "who has written the position"),
		required("recorded_at", bigquery.TimestampFieldType, "when BigQuery took the row"),
		required("format", bigquery.IntegerFieldType, "the version of the row's form"),
		required("key", bigquery.StringFieldType, "account, hub, kind and key of the push, as JSON"),
		required("change", bigquery.StringFieldType, "the change as JSON, which Windrow reads"),
		required("proof", bigquery.IntegerFieldType, "CRC-32 by which the row proves itself"),
	}, cluster: []string{"log", "position"}},
	{name: statement.PushFenceTable, push: true, description: "one row that every writer of the send ledger replaces, so that two at once conflict", schema: bigquery.Schema{
		required("writer", bigquery.StringFieldType, "the last writer"),
	}},
}

// PushTables are the tables of a send ledger (package pushledger) in a dataset, which the sink itself neither makes nor
// needs. What is refused of the sink's tables is refused of them: of a ledger that expires, or whose rows are hidden,
// everybody would be sent again.
type PushTables struct{ d dataset }

// NewPushTables returns the tables in the dataset of a client. location, where it is not empty, is where that must lie.
func NewPushTables(client *bigquery.Client, sql statement.Dataset, location string, jobs *job.Runner) *PushTables {
	return &PushTables{dataset{handle: client.DatasetInProject(sql.Project, sql.Name), sql: sql, jobs: jobs, found: found{location: location}}}
}

// Locate reports whether the dataset is there.
func (t *PushTables) Locate(ctx context.Context) (bool, error) { return t.d.locate(ctx) }

// Ensure makes the dataset and the tables where they are missing.
func (t *PushTables) Ensure(ctx context.Context) error {
	if err := t.d.ensureDataset(ctx); err != nil {
		return err
	}
	if err := t.lost(ctx); err != nil {
		return err
	}
	for _, l := range pushLayouts {
		if err := t.d.ensureTable(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

// SeesAll makes sure that no policy hides rows of the ledger, and that it has not vanished.
func (t *PushTables) SeesAll(ctx context.Context) error {
	if err := t.d.seesAllOf(ctx, pushLayouts[0]); err != nil || t.d.sees(statement.PushTable) {
		return err
	}
	return t.lost(ctx)
}

// lost refuses a dataset in which somebody has removed the ledger and nothing else: everybody would look new.
func (t *PushTables) lost(ctx context.Context) error {
	for _, l := range []struct {
		name string
		left bool // the ledger is lost where the table is as this says
	}{{statement.PushTable, false}, {statement.PushFenceTable, true}, {statement.PushTable, false}} { // twice: somebody may be making both
		md, err := t.d.metadata(ctx, l.name)
		if there := err == nil && len(md.Schema) > 0; err != nil || there != l.left {
			return err
		}
	}
	return &pipeline.Error{Op: "find the send ledger", Kind: pipeline.Damaged,
		Err:  fmt.Errorf("the table %s is missing, and %s beside it is there: without it everybody would be sent again", statement.PushTable, statement.PushFenceTable),
		Hint: "restore it, for example: bq cp " + t.d.sql.Name + "." + statement.PushTable + "@-3600000 " + t.d.sql.Name + "." + statement.PushTable + "; where nothing was ever pushed, drop the other too"}
}

// layoutOf is the layout of one of Windrow's own tables.
func layoutOf(name string) (layout, error) {
	list, err := layouts()
	if err != nil {
		return layout{}, err
	}
	for _, l := range list {
		if l.name == name {
			return l, nil
		}
	}
	return layout{}, fmt.Errorf("no table is named %s", name)
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

// metadata is what the table is made with.
func (l layout) metadata() *bigquery.TableMetadata {
	md := &bigquery.TableMetadata{Schema: l.schema, Description: l.description}
	if l.partition != "" {
		md.TimePartitioning = &bigquery.TimePartitioning{Type: bigquery.DayPartitioningType, Field: l.partition}
	}
	if len(l.cluster) > 0 {
		md.Clustering = &bigquery.Clustering{Fields: l.cluster}
	}
	return md
}

// check compares a table that is there with the layout.
func (l layout) check(md *bigquery.TableMetadata) (added bigquery.Schema, err error) {
	if md.Type != "" && md.Type != bigquery.RegularTable {
		return nil, fmt.Errorf("it is a %s, not a table", md.Type)
	}
	if have := md.TimePartitioning; l.partition != "" && (have == nil && !l.mayLack || have != nil && have.Field != l.partition) {
		return nil, fmt.Errorf("it is not partitioned by %s", l.partition)
	}
	return drift(l.relax(md.Schema), l.schema)
}

// relax is the table's schema with the column relaxed that an earlier version required.
func (l layout) relax(have bigquery.Schema) bigquery.Schema {
	i := slices.IndexFunc(have, func(f *bigquery.FieldSchema) bool { return f.Name == l.relaxed && f.Required })
	if i < 0 {
		return have
	}
	relaxed := *have[i]
	relaxed.Required = false
	have = slices.Clone(have)
	have[i] = &relaxed
	return have
}

var ledgerSchema = bigquery.Schema{
	required("source", bigquery.StringFieldType, "the vendor; empty on receipts"),
	required("account", bigquery.StringFieldType, "the tenant of the source; empty on receipts"),
	required("stream", bigquery.StringFieldType, "the stream's full name; empty on receipts"),
	required("seq", bigquery.IntegerFieldType, "the order of the log within a stream; 0 on receipts"),
	required("recorded_at", bigquery.TimestampFieldType, "when BigQuery took the entry; orders entries of equal seq"),
	field("batch", bigquery.StringFieldType, "the commit that wrote the entry; null for entries without data"),
	required("replaces", bigquery.BooleanFieldType, "the commit replaced the window's rows"),
	required("kind", bigquery.StringFieldType, "begin, commit, fail, waive: of a window; origin, first: window_start is the day 30 days before the first sync, the first day as a sync had it; owner, adopt: note is whose data the stream's are; receipt: what the jobs of a batch used, one row a batch that wrote data"),
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
	field("error_kind", bigquery.StringFieldType, "of a failure: what went wrong, in a word for programs: too_many_rejects, cut_short"),
	field("note", bigquery.StringFieldType, "the error of a failure, the reason of a waiver, an owner"),
	required("entry", bigquery.StringFieldType, "the entry as JSON, which Windrow reads; format is the version of its form"),
	field("bytes_billed", bigquery.IntegerFieldType, "of a receipt: bytes that the batch's queries were billed for; unit: B; aggregation: sum"),
	field("slot_ms", bigquery.IntegerFieldType, "of a receipt: slot time of the batch's jobs; unit: ms; aggregation: sum"),
	field("jobs", bigquery.IntegerFieldType, "of a receipt: load and query jobs of the batch; aggregation: sum"),
}

// rejectsSchema is the schema of staged rejects. The table has two more columns, which come from the ledger's entry.
var rejectsSchema = func() *arrow.Schema {
	meaning := func(name string, typ arrow.DataType, nullable bool, text string) arrow.Field {
		return arrow.Field{Name: name, Type: typ, Nullable: nullable, Metadata: arrow.NewMetadata([]string{"meaning"}, []string{text})}
	}
	text, number := arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64
	return arrow.NewSchema([]arrow.Field{
		meaning("source", text, false, "the vendor"),
		meaning("account", text, false, "the tenant of the source"),
		meaning("stream", text, false, "the stream's full name"),
		meaning("window_start", pipeline.Timestamp, false, "start of the window that the row was read for"),
		meaning("window_end", pipeline.Timestamp, false, "end of that window, exclusive"),
		meaning("scope", text, true, "what the report was asked for"),
		meaning("position", number, false, "number of the row in its document, from 1"),
		meaning("reason", text, false, "which field and what is wrong"),
		meaning("raw", text, false, "the row as the vendor sent it"),
		meaning("row_time", pipeline.Timestamp, true, "the row's time where it could be read"),
		meaning("field", text, true, "the source field that is wrong; null where the row as a whole is"),
		meaning("shape", text, true, "what that field's value looks like: digits as 9, letters as a"),
	}, nil)
}()

var journalSchema = bigquery.Schema{
	required("source", bigquery.StringFieldType, "the vendor"),
	required("account", bigquery.StringFieldType, "the tenant of the source"),
	required("at", bigquery.TimestampFieldType, "when the request was sent, by the real clock"),
	required("kind", bigquery.StringFieldType, "what kind of request"),
	field("text", bigquery.StringFieldType, "its parameters"),
}

var fenceSchema = bigquery.Schema{
	required("batch", bigquery.StringFieldType, "the last commit"),
}
