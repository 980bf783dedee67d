package pipeline

import (
	"fmt"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
)

// Aggregation says how a measure may be combined over rows.
type Aggregation string

const (
	Key      Aggregation = "key"      // part of the row's identity
	Label    Aggregation = "label"    // describes the row
	Sum      Aggregation = "sum"      // adds up over disjoint rows
	Distinct Aggregation = "distinct" // a count of distinct things: never add up
	Mean     Aggregation = "mean"     // never add up
	Snapshot Aggregation = "snapshot" // true at the moment of reading alone
	Lineage  Aggregation = "lineage"  // where the row came from
)

// Column is one entry of the data dictionary. Unit and Aggregation also stand
// in the Arrow field's metadata, under "unit" and "aggregation", and Meaning
// under "meaning".
type Column struct {
	Name        string
	Type        arrow.DataType
	Nullable    bool
	Unit        string // "s", "count", "score", … or empty
	Aggregation Aggregation
	Weight      string // for a weighted mean: the column that weighs it
	Meaning     string
	// Engine marks the columns that the engine fills while it cuts rows by
	// window; a format never sets them.
	Engine bool
	// HighCardinality marks strings of which few rows have the same: a dictionary of them would be built only to be
	// thrown away. Every other string column is held as a dictionary.
	HighCardinality bool
	// Unordered marks long texts: their smallest and greatest value help no reader to skip rows.
	Unordered bool
	// Personal is the kind of personal data that the column holds, whatever the source. A column that holds it for some
	// sources only, such as resource_name, is Impersonal here: their mappings declare the field.
	Personal Personal
}

// repeats reports whether the column's values are held as a dictionary.
func (c Column) repeats() bool { return c.Type.ID() == arrow.STRING && !c.HighCardinality }

// IsMeasure reports whether the column measures something.
func (c *Column) IsMeasure() bool {
	switch c.Aggregation {
	case Sum, Distinct, Mean, Snapshot:
		return true
	}
	return false
}

// Table is one of the two tables of the shared schema.
type Table struct {
	Name    string
	Columns []Column
	// TimeColumn is the column that decides a row's window and local_date.
	TimeColumn string

	schema  *arrow.Schema
	records *arrow.Schema // the StageSchema as the engine's records have it
	hasher  *rowHasher
	index   map[string]int
}

// Schema returns the whole table's Arrow schema, all columns in order.
func (t *Table) Schema() *arrow.Schema { return t.schema }

// Index returns the position of a column; it panics on a name that the table
// lacks, since names are constants of the program.
func (t *Table) Index(name string) int {
	i, ok := t.index[name]
	if !ok {
		panic(fmt.Sprintf("pipeline: table %s has no column %q", t.Name, name))
	}
	return i
}

// Find returns the position of a column, for names that are not the program's own.
func (t *Table) Find(name string) (col int, ok bool) {
	col, ok = t.index[name]
	return col, ok
}

// Additive lists the columns whose sums say something: counts and durations. A distinct count, a mean and a snapshot are
// none.
func (t *Table) Additive() (names []string) {
	for _, c := range t.Columns {
		if c.Aggregation == Sum {
			names = append(names, c.Name)
		}
	}
	return names
}

// PathColumns are the leading columns that a sink may keep elsewhere than in
// the record (Parquet: in the path): source, account, stream. Records that
// reach a [Stage] do not carry them.
const PathColumns = 3

// StageSchema is the schema of the records that reach a [Stage]: every column
// but the first [PathColumns]. Strings may come as a dictionary of strings.
func (t *Table) StageSchema() *arrow.Schema {
	md := t.schema.Metadata()
	return arrow.NewSchema(t.schema.Fields()[PathColumns:], &md)
}

func (t *Table) recordSchema() *arrow.Schema {
	md := t.schema.Metadata()
	fields := slices.Clone(t.schema.Fields()[PathColumns:])
	for i, c := range t.Columns[PathColumns:] {
		if c.repeats() {
			fields[i].Type = dictionaryType
		}
	}
	return arrow.NewSchema(fields, &md)
}

// Timestamp is the type of every instant column: timestamp[us, UTC].
var Timestamp = &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}

// Activity holds what one resource did on one channel in one interval; one row per source row.
var Activity = newTable("activity", "interval_start", activityColumns())

// Events holds one row per thing that happened.
var Events = newTable("events", "started_at", eventColumns())

// Tables lists both tables.
func Tables() []*Table { return []*Table{Activity, Events} }

func newTable(name, timeColumn string, cols []Column) *Table {
	t := &Table{Name: name, Columns: cols, TimeColumn: timeColumn, index: make(map[string]int, len(cols))}
	fields := make([]arrow.Field, len(cols))
	for i, c := range cols {
		keys := []string{"aggregation", "meaning"}
		values := []string{string(c.Aggregation), c.Meaning}
		if c.Unit != "" {
			keys, values = append(keys, "unit"), append(values, c.Unit)
		}
		if c.Weight != "" {
			keys, values = append(keys, "weight"), append(values, c.Weight)
		}
		fields[i] = arrow.Field{Name: c.Name, Type: c.Type, Nullable: c.Nullable, Metadata: arrow.NewMetadata(keys, values)}
		t.index[c.Name] = i
	}
	t.schema = arrow.NewSchema(fields, nil)
	t.records, t.hasher = t.recordSchema(), newRowHasher(t)
	return t
}

// ColumnNamed returns the declared facts of the column called name, for a writer that has an Arrow schema alone.
// Columns of one name are alike in both tables. A column of neither table has no facts: the answer is the zero Column.
func ColumnNamed(name string) Column {
	for _, t := range Tables() {
		if i, ok := t.index[name]; ok {
			return t.Columns[i]
		}
	}
	return Column{}
}

var (
	stringType = arrow.BinaryTypes.String
	intType    = arrow.PrimitiveTypes.Int64
	floatType  = arrow.PrimitiveTypes.Float64
	boolType   = arrow.FixedWidthTypes.Boolean
	dateType   = arrow.FixedWidthTypes.Date32
	tagsType   = arrow.ListOfField(arrow.Field{Name: "element", Type: arrow.BinaryTypes.String, Nullable: true})
)

func key(name string, typ arrow.DataType, meaning string) Column {
	return Column{Name: name, Type: typ, Aggregation: Key, Meaning: meaning}
}

func label(name, meaning string) Column {
	return Column{Name: name, Type: stringType, Nullable: true, Aggregation: Label, Meaning: meaning}
}

// highCardinality declares that few rows have the same string in c.
func highCardinality(c Column) Column {
	c.HighCardinality = true
	return c
}

// longText declares that c holds long texts, each of them another.
func longText(c Column) Column {
	c.HighCardinality, c.Unordered = true, true
	return c
}

// personal declares that c holds personal data.
func personal(kind Personal, c Column) Column {
	c.Personal = kind
	return c
}

func at(name, meaning string) Column {
	return Column{Name: name, Type: Timestamp, Nullable: true, Unit: "instant", Aggregation: Label, Meaning: meaning}
}

func count(name string, agg Aggregation, meaning string) Column {
	return Column{Name: name, Type: intType, Nullable: true, Unit: "count", Aggregation: agg, Meaning: meaning}
}

func seconds(name string, agg Aggregation, meaning string) Column {
	return Column{Name: name, Type: floatType, Nullable: true, Unit: "s", Aggregation: agg, Meaning: meaning}
}

// mean is a mean time; weight is the column that weighs it, empty where the vendors give none.
func mean(name, weight, meaning string) Column {
	c := seconds(name, Mean, meaning)
	c.Weight = weight
	return c
}

func score(name, weight, meaning string) Column {
	return Column{Name: name, Type: floatType, Nullable: true, Unit: "score", Aggregation: Mean, Weight: weight, Meaning: meaning}
}

// The engine fills these: it alone knows which window a row was cut into.
func leading() []Column {
	cols := []Column{
		key("source", stringType, "the vendor: ucontact, chattonic, dialpad"),
		key("account", stringType, "the tenant of the source; default unless several are configured"),
		key("stream", stringType, "the stream's full name, such as dialpad.calls"),
		{Name: "scope", Type: stringType, Nullable: true, Aggregation: Key, Meaning: "what the report was asked for (callcenter:123, office:789, company); null where the source has no such thing"},
	}
	return engineFilled(cols)
}

// timezone is in every row, whatever the source says: mappings need not set it.
func timezone() Column {
	return key("timezone", stringType, "the zone that local_date is counted in, so that times AT TIME ZONE it are local; a row's own zone, where it differs, is in extras")
}

func localDate() Column {
	return engineFilled([]Column{key("local_date", dateType, "the date of the row's time in the zone that its window was cut in")})[0]
}

func trailing() []Column {
	lineage := func(name string, typ arrow.DataType, meaning string) Column {
		return Column{Name: name, Type: typ, Aggregation: Lineage, Meaning: meaning}
	}
	return append([]Column{
		longText(label("extras", "a JSON object of every source field that no column holds, verbatim")),
	}, engineFilled([]Column{
		lineage("window_start", Timestamp, "start of the window that the row was committed with"),
		lineage("window_end", Timestamp, "end of that window, exclusive"),
		lineage("extracted_at", Timestamp, "when the vendor was read"),
		lineage("sync_id", stringType, "the run that wrote the row"),
	})...)
}

func engineFilled(cols []Column) []Column {
	for i := range cols {
		cols[i].Engine = true
	}
	return cols
}

func activityColumns() []Column {
	cols := append(leading(),
		key("resource_type", stringType, "agent, campaign, operator, team, user, call_center, department, office, company, …"),
		key("resource_id", stringType, "the vendor's id of the resource; uContact's is its name"),
		label("resource_name", "the resource's name"),
		personal(PersonalEmail, label("resource_email", "the resource's e-mail address")),
		key("channel", stringType, "voice, sms, email, whatsapp, messenger, instagram, webchat, or all where the source does not split"),
		Column{Name: "interval_start", Type: Timestamp, Unit: "instant", Aggregation: Key, Meaning: "start of the interval that the row counts"},
		Column{Name: "interval_end", Type: Timestamp, Unit: "instant", Aggregation: Key, Meaning: "end of that interval, exclusive"},
		timezone(),
		localDate(),
		count("interactions_in", Sum, "inbound interactions"),
		count("interactions_out", Sum, "outbound interactions"),
		count("interactions_total", Sum, "all interactions"),
		count("answered", Sum, "interactions answered"),
		count("missed", Sum, "interactions missed"),
		count("abandoned", Sum, "interactions given up while waiting"),
		count("short_abandoned", Sum, "of those, the ones given up within the vendor's short limit (Dialpad's: 6 s after they began)"),
		count("handled", Sum, "interactions that were connected, in and out (Dialpad: callbacks too)"),
		count("voicemails", Sum, "voicemails left"),
		count("assigned", Sum, "queries assigned"),
		count("resolved", Sum, "queries resolved"),
		count("expired", Sum, "queries that expired unresolved"),
		count("in_service_level", Sum, "calls answered inside the service level's target: a count, not a percentage"),
		count("messages_in", Sum, "messages received"),
		count("messages_out", Sum, "messages sent"),
		count("users_new", Sum, "users whose first contact fell in the interval"),
		count("users_active", Distinct, "users who interacted in the interval: the same user counts in several intervals"),
		count("users_total", Snapshot, "all users ever, when the source was read"),
		count("backlog", Snapshot, "queries waiting, when the source was read"),
		count("in_progress", Snapshot, "queries being attended, when the source was read"),
		seconds("login_seconds", Sum, "time logged in"),
		seconds("away_seconds", Sum, "time away"),
		seconds("free_seconds", Sum, "time free"),
		seconds("handle_seconds", Sum, "time handling interactions"),
		seconds("talk_seconds", Sum, "time talking"),
		seconds("hold_seconds", Sum, "time on hold"),
		seconds("ring_seconds", Sum, "time ringing"),
		seconds("queue_seconds", Sum, "time in queue"),
		seconds("wrapup_seconds", Sum, "time in wrap-up"),
		mean("avg_handle_seconds", "handled", "mean handling time; better made anew of talk, hold and wrap-up over handled"),
		mean("avg_answer_seconds", "answered", "mean time to answer; weighted by answered it is about right; Chat-Tonic gives no weight"),
		mean("avg_resolution_seconds", "", "mean time to resolve; no weight is given, so take it row by row"),
		score("nps", "nps_responses", "net promoter score, -100 to 100"),
		count("nps_responses", Sum, "answers behind nps"),
		score("csat", "", "customer satisfaction, on the vendor's scale; no weight is given, so take it row by row"),
		label("status", "the state whose time status_seconds holds (dialpad.onduty_time)"),
		seconds("status_seconds", Sum, "time in that state: until the next change, the last one of a day to the end of the day; after occupied-end and wrapup-end it is unknown"),
	)
	return append(cols, trailing()...)
}

func eventColumns() []Column {
	cols := append(leading(),
		key("kind", stringType, "call, text, voicemail, recording, disposition, csat, duty_status, screenshare, nps"),
		highCardinality(key("event_id", stringType, "the vendor's id of the event; not unique for csat, dispositions and recordings")),
		highCardinality(label("parent_id", "the master call's id")),
		highCardinality(label("entry_id", "the id of the call's entry row")),
		Column{Name: "is_entry", Type: boolType, Nullable: true, Aggregation: Label, Meaning: "calls: true on the row that stands for the whole call, so counting true rows counts calls once; null for other kinds"},
		label("direction", "inbound, outbound, internal"),
		label("channel", "voice, sms, email, whatsapp, messenger, instagram, webchat"),
		label("status", "the event's outcome or state in the vendor's words"),
		Column{Name: "tags", Type: tagsType, Nullable: true, Aggregation: Label, Meaning: "the vendor's categories of the event"},
		at("started_at", "when the event began"),
		at("queued_at", "when it was queued"),
		at("first_rang_at", "when the first of the legs began to ring"),
		at("rang_at", "when the leg that answered began to ring"),
		at("connected_at", "when it was connected"),
		at("ended_at", "when it ended"),
		timezone(),
		localDate(),
		label("resource_type", "what the event belongs to: user, call_center, department, office, …"),
		label("resource_id", "that resource's id"),
		label("resource_name", "that resource's name"),
		personal(PersonalEmail, label("resource_email", "that resource's e-mail address")),
		label("agent_id", "the agent's id"),
		personal(PersonalName, label("agent_name", "the agent's name")),
		personal(PersonalEmail, label("agent_email", "the agent's e-mail address")),
		personal(PersonalAddress, highCardinality(label("customer_address", "the customer's number or address"))),
		personal(PersonalAddress, label("internal_address", "our own number or address")),
		seconds("talk_seconds", Sum, "time talking"),
		seconds("hold_seconds", Sum, "time on hold"),
		seconds("ring_seconds", Sum, "time ringing"),
		seconds("queue_seconds", Sum, "time in queue"),
		seconds("wrapup_seconds", Sum, "time in wrap-up"),
		seconds("answer_seconds", Sum, "time until it was answered"),
		score("score", "", "the score that the event carries"),
		personal(PersonalText, longText(label("text", "the event's text: message, transcription, note, reason, answer"))),
		personal(PersonalLink, longText(label("recording_url", "where the recording lies at the vendor; reading it needs the vendor's authorisation"))),
	)
	return append(cols, trailing()...)
}
