package views

import (
	"fmt"
	"slices"
	"strings"
	"text/template"

	"github.com/apache/arrow/go/v17/arrow"

	"github.com/windrow-data/windrow/pipeline"
)

// Dialect is a database's SQL.
type Dialect string

const (
	DuckDB   Dialect = "duckdb"
	BigQuery Dialect = "bigquery"
)

// Dialects lists them.
var Dialects = []Dialect{DuckDB, BigQuery}

const (
	// prefix sets the views of a dataset apart from the tables in it.
	prefix = "windrow__"
	// instant is DuckDB's type of a moment.
	instant = "TIMESTAMPTZ"
	// shortSeconds is the limit of a short abandon, unless a caller names another: Dialpad's own.
	shortSeconds = "6"
)

// variants are the definitions of a service level, as the trade counts them.
var variants = []string{"strict", "answered_only", "abandons_left_out", "abandons_credited", "short_credited", "screen"}

// transfers are the tags of what was transferred. They are whole words: others hold them.
var transfers = []string{"transferred_to", "transferred_out"}

// In BigQuery a view has no parameters: it has a row for each of these values.
var (
	usualMinutes    = []string{"15", "30", "60", "1440"}
	usualThresholds = []string{"10", "15", "20", "30", "40", "45", "60", "90", "120", "180"}
)

// parameter is one of a view: its name for callers, the column that shows it, and how DuckDB checks it.
type parameter struct{ name, column, checked, usual string }

var parameters = map[string]parameter{
	"minutes": {"minutes", "interval_minutes",
		"CASE WHEN minutes > 0 AND (60 % minutes = 0 OR minutes % 60 = 0 AND 1440 % minutes = 0) THEN CAST(minutes AS BIGINT) ELSE error('minutes must divide an hour, or be whole hours that divide a day: 15, 30, 60, 240, 1440') END",
		array(usualMinutes)},
	"threshold": {"threshold", "threshold_seconds", "CAST(threshold AS DOUBLE)", "ARRAY<FLOAT64>" + array(usualThresholds)},
	"short":     {"short := " + shortSeconds, "short_abandon_seconds", "CAST(short AS DOUBLE)", "ARRAY<FLOAT64>" + array([]string{shortSeconds})},
	"variant": {"variant", "ratio",
		"CASE WHEN variant IN (" + quotedList(variants) + ") THEN variant ELSE error('variant must be one of " + strings.Join(variants, ", ") + "') END",
		"[" + quotedList(variants) + "]"},
}

func array(values []string) string { return "[" + strings.Join(values, ", ") + "]" }

func quotedList(words []string) string { return "'" + strings.Join(words, "', '") + "'" }

// functions are what the templates call.
func (p Place) functions() template.FuncMap {
	duck := p.Dialect == DuckDB
	either := func(d, b string) string {
		if duck {
			return d
		}
		return b
	}
	return template.FuncMap{
		"table":    p.table,
		"view":     p.viewName,
		"string":   func() string { return either("VARCHAR", "STRING") },
		"integer":  func() string { return either("BIGINT", "INT64") },
		"double":   func() string { return either("DOUBLE", "FLOAT64") },
		"short":    func() string { return shortSeconds },
		"count":    count,
		"sum":      func(x string) string { return either("CAST(SUM("+x+") AS BIGINT)", "SUM("+x+")") },
		"earliest": earliest,
		"seconds": func(from, to string) string {
			return either("(epoch_us("+to+") - epoch_us("+from+")) / 1000000", "TIMESTAMP_DIFF("+to+", "+from+", MICROSECOND) / 1000000")
		},
		"transferred": func(tags string) string {
			return "CASE WHEN " + either("list_has_any("+tags+", ["+quotedList(transfers)+"])", "EXISTS (SELECT 1 FROM UNNEST("+tags+") AS tag WHERE tag IN ("+quotedList(transfers)+"))") + " THEN 1 ELSE 0 END"
		},
		"interval": func(at, zone, date, minutes string) string {
			return either(
				fmt.Sprintf("CASE WHEN %[4]s <= 60 THEN date_trunc('minute', %[1]s) - to_minutes(extract(minute FROM %[1]s AT TIME ZONE %[2]s) %% %[4]s)\n"+
					"          WHEN %[4]s < 1440 THEN (CAST(%[3]s AS TIMESTAMP) + to_minutes(extract(hour FROM %[1]s AT TIME ZONE %[2]s) * 60 // %[4]s * %[4]s)) AT TIME ZONE %[2]s\n"+
					"          ELSE CAST(%[3]s AS TIMESTAMP) AT TIME ZONE %[2]s END", at, zone, date, minutes),
				fmt.Sprintf("CASE WHEN %[4]s <= 60 THEN TIMESTAMP_SUB(TIMESTAMP_TRUNC(%[1]s, MINUTE), INTERVAL (MOD(EXTRACT(MINUTE FROM %[1]s AT TIME ZONE %[2]s), %[4]s)) MINUTE)\n"+
					"          ELSE TIMESTAMP(%[3]s, %[2]s) END", at, zone, date, minutes))
		},
		"days": func(from, to, zone string) string {
			return either(
				fmt.Sprintf("UNNEST(generate_series(CAST(%[1]s AT TIME ZONE %[3]s AS DATE), CAST((%[2]s - INTERVAL 1 MICROSECOND) AT TIME ZONE %[3]s AS DATE), INTERVAL 1 DAY)) AS days(day)", from, to, zone),
				fmt.Sprintf("UNNEST(GENERATE_DATE_ARRAY(DATE(%[1]s, %[3]s), DATE(TIMESTAMP_SUB(%[2]s, INTERVAL 1 MICROSECOND), %[3]s))) AS day", from, to, zone))
		},
		"parameters": func(names ...string) string { return p.Dialect.parameters(names) },
		"history":    func() string { return either("history", p.table("_windrow_history")) },
		"runs":       func() string { return either("("+p.read(relationOf("runs"))+") AS r", p.table("_windrow_runs")) },
		"rejects": func() string {
			return either("(SELECT * RENAME (`row` AS position) FROM ("+p.read(relationOf("rejects"))+")) AS r", p.table("_windrow_rejects"))
		},
		"watermarks": func() string {
			return either(p.watermarks(), "(SELECT source, account, stream, watermark FROM "+p.table("_windrow_watermarks")+")")
		},
	}
}

func count(condition string) string { return "COUNT(CASE WHEN " + condition + " THEN 1 END)" }

// earliest is the earlier of two moments that may be null, else the third. LEAST skips nulls in DuckDB alone.
func earliest(a, b, otherwise string) string {
	return fmt.Sprintf("COALESCE(CASE WHEN %[1]s <= %[2]s THEN %[1]s END, CASE WHEN %[2]s < %[1]s THEN %[2]s END, %[1]s, %[2]s, %[3]s)", a, b, otherwise)
}

// table names a table of the place.
func (p Place) table(name string) string {
	if p.Dialect == BigQuery {
		return p.qualified(name)
	}
	return name
}

func (p Place) viewName(name string) string {
	if p.Dialect == BigQuery {
		return p.qualified(prefix + name)
	}
	return name
}

func (p Place) qualified(name string) string {
	if p.Dataset == "" {
		return "`" + name + "`"
	}
	return "`" + strings.ReplaceAll(p.Dataset, ".", "`.`") + "`.`" + name + "`"
}

// read is DuckDB's query of a relation: its files, with every column that they lack as null, or nothing of the right
// types where there are none.
func (p Place) read(r relation) string {
	var typed, names []string
	for _, c := range r.columns {
		typed = append(typed, "CAST(NULL AS "+c.kind+") AS `"+c.name+"`")
		names = append(names, "`"+c.name+"`")
	}
	nothing := "SELECT " + strings.Join(typed, ", ") + " WHERE FALSE"
	if !p.Held[r.name] {
		return duckQuoted(nothing)
	}
	from := "read_parquet(" + duckString(escapeGlob(p.Root)+"/"+r.folder+"/**/*.parquet") + ", union_by_name = true"
	if r.keyed {
		from += ", hive_partitioning = true, hive_types = {'source': VARCHAR, 'account': VARCHAR, 'stream': VARCHAR, 'date': DATE}"
	} else {
		from += ", hive_partitioning = false"
	}
	return duckQuoted("SELECT "+strings.Join(names, ", ")+"\nFROM (SELECT * FROM ") + from + duckQuoted(")\n  UNION ALL BY NAME "+nothing+")")
}

// escapeGlob takes the meaning from the characters of a path that DuckDB's patterns give one.
func escapeGlob(root string) string {
	return strings.NewReplacer("[", "[[]", "*", "[*]", "?", "[?]").Replace(strings.TrimRight(root, "/"))
}

// duckQuoted writes names in backticks as DuckDB quotes them.
func duckQuoted(sql string) string { return strings.ReplaceAll(sql, "`", `"`) }

func duckString(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func (p Place) watermarks() string {
	rows := []string{"SELECT CAST(NULL AS VARCHAR) AS source, CAST(NULL AS VARCHAR) AS account, CAST(NULL AS VARCHAR) AS stream, CAST(NULL AS TIMESTAMPTZ) AS watermark WHERE FALSE"}
	for _, w := range p.Watermarks {
		rows = append(rows, fmt.Sprintf("SELECT %s, %s, %s, %s", duckString(string(w.Key.Stream.Source())), duckString(string(w.Key.Account)), duckString(string(w.Key.Stream)), at(w.At, instant)))
	}
	return "(" + strings.Join(rows, "\n  UNION ALL ") + ")"
}

// parameters is the beginning of a query whose rows p has the parameters of a view: one for DuckDB, whose macro gets
// them, and all usual ones for BigQuery.
func (d Dialect) parameters(names []string) string {
	var columns, sources []string
	for _, name := range names {
		v := parameters[name]
		if d == DuckDB {
			columns = append(columns, v.checked+" AS "+v.column)
			continue
		}
		columns = append(columns, v.column)
		sources = append(sources, "UNNEST("+v.usual+") AS "+v.column)
	}
	if d == DuckDB {
		return "WITH p AS (\n  SELECT " + strings.Join(columns, ",\n    ") + "\n)"
	}
	return "WITH p AS (\n  SELECT " + strings.Join(columns, ", ") + "\n  FROM " + strings.Join(sources, "\n  CROSS JOIN ") + "\n)"
}

// define is a view as whoever makes it needs it: for DuckDB the whole statement, for BigQuery the query.
func (d Dialect) define(name string, names []string, meaning, query string) pipeline.View {
	if d == BigQuery {
		return pipeline.View{Name: prefix + name, Description: meaning, SQL: query + "\n"}
	}
	v := pipeline.View{Name: name, Description: meaning}
	if len(names) == 0 {
		v.SQL = "CREATE OR REPLACE VIEW " + name + " AS\n" + duckQuoted(query) + ";\n"
		return v
	}
	// A parameter with a default comes last.
	names = slices.Clone(names)
	slices.SortStableFunc(names, func(a, b string) int {
		return strings.Count(parameters[a].name, ":=") - strings.Count(parameters[b].name, ":=")
	})
	for i, name := range names {
		names[i] = parameters[name].name
	}
	v.SQL = "CREATE OR REPLACE MACRO " + name + "(" + strings.Join(names, ", ") + ") AS TABLE\n" + duckQuoted(query) + ";\n"
	return v
}

// statement is a view as the dialect's shell takes it, with its description.
func (d Dialect) statement(p Place, v pipeline.View) string {
	if d == BigQuery {
		return "CREATE OR REPLACE VIEW " + p.qualified(v.Name) + "\nOPTIONS (description = '''" + strings.ReplaceAll(v.Description, "'", `\'`) + "''') AS\n" + strings.TrimSpace(v.SQL) + ";\n"
	}
	kind := "VIEW"
	if strings.HasPrefix(v.SQL, "CREATE OR REPLACE MACRO") {
		kind = "MACRO TABLE"
	}
	return v.SQL + "COMMENT ON " + kind + " " + v.Name + " IS " + duckString(v.Description) + ";\n"
}

// duckType is DuckDB's name of a column's type.
func duckType(t arrow.DataType) string {
	switch t.ID() {
	case arrow.STRING:
		return "VARCHAR"
	case arrow.INT64:
		return "BIGINT"
	case arrow.FLOAT64:
		return "DOUBLE"
	case arrow.BOOL:
		return "BOOLEAN"
	case arrow.DATE32:
		return "DATE"
	case arrow.TIMESTAMP:
		return instant
	case arrow.LIST:
		return duckType(t.(*arrow.ListType).Elem()) + "[]"
	}
	panic("a column of type " + t.String() + " has no name in DuckDB")
}
