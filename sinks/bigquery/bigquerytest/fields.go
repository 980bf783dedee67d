package bigquerytest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"google.golang.org/api/bigquery/v2"
)

// columnTypes are the types of the REST reference (TableFieldSchema.type) that
// are modelled, with DuckDB's beside them.
var columnTypes = map[string]string{
	"STRING": "VARCHAR", "BYTES": "BLOB", "INTEGER": "BIGINT", "FLOAT": "DOUBLE", "BOOLEAN": "BOOLEAN", "TIMESTAMP": "TIMESTAMP WITH TIME ZONE",
	"DATE": "DATE", "TIME": "TIME", "DATETIME": "TIMESTAMP", "NUMERIC": "DECIMAL(38,9)", "JSON": "JSON",
}

var typeAliases = map[string]string{"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN", "DECIMAL": "NUMERIC", "STRUCT": "RECORD"}

// reserved are the prefixes no column may have: "Specifying a schema", section "Column names".
var reserved = []string{"_TABLE_", "_FILE_", "_PARTITION", "_ROW_TIMESTAMP", "__ROOT__", "_COLIDENTIFIER", "_CHANGE_"}

// checkFields normalises a schema in place and refuses what a table cannot have.
func checkFields(fields []*bigquery.TableFieldSchema) *apiError {
	seen := map[string]bool{}
	for _, f := range fields {
		key := strings.ToLower(f.Name)
		if f.Name == "" || len(f.Name) > 300 || strings.ContainsAny(f.Name, ".!\"$()*,/;?@[\\]^`{}~") {
			return invalid("Invalid field name %q", f.Name)
		}
		if seen[key] {
			return invalid("Duplicate field name %q", f.Name)
		}
		seen[key] = true
		for _, p := range reserved {
			if strings.HasPrefix(strings.ToUpper(f.Name), p) {
				return invalid("Invalid field name %q. The prefix %s is reserved", f.Name, p)
			}
		}
		if len(f.Description) > 1024 { // REST reference: "The maximum length is 1,024 characters"
			return invalid("The description of field %s is longer than 1024 characters", f.Name)
		}
		f.Type = strings.ToUpper(f.Type)
		if a, ok := typeAliases[f.Type]; ok {
			f.Type = a
		}
		if _, ok := columnTypes[f.Type]; !ok {
			return unmodelled("columns of type " + f.Type)
		}
		switch f.Mode = strings.ToUpper(f.Mode); f.Mode {
		case "":
			f.Mode = "NULLABLE"
		case "NULLABLE", "REQUIRED", "REPEATED":
		default:
			return invalid("Invalid mode %q", f.Mode)
		}
		if f.DefaultValueExpression != "" || f.PolicyTags != nil || f.Collation != "" || f.MaxLength != 0 || f.Precision != 0 || f.Scale != 0 {
			return unmodelled("default values, policy tags, collation and type parameters")
		}
	}
	return nil
}

// columns are the column definitions of a schema. A table without columns,
// which BigQuery allows, holds one of which nobody can speak.
func columns(fields []*bigquery.TableFieldSchema) []string {
	if len(fields) == 0 {
		return []string{`"__no columns__" BOOLEAN`}
	}
	all := make([]string, len(fields))
	for i, f := range fields {
		all[i] = duckName(f.Name) + " " + duckType(f)
		if f.Mode == "REQUIRED" {
			all[i] += " NOT NULL"
		}
	}
	return all
}

func duckType(f *bigquery.TableFieldSchema) string {
	if f.Mode == "REPEATED" {
		return columnTypes[f.Type] + "[]"
	}
	return columnTypes[f.Type]
}

// schema describes a result.
func (r *rowset) schema() (*bigquery.TableSchema, *apiError) {
	s := &bigquery.TableSchema{}
	for i, name := range r.names {
		duck, repeated := strings.CutSuffix(r.types[i], "[]")
		f := &bigquery.TableFieldSchema{Name: name, Mode: "NULLABLE"}
		if repeated {
			f.Mode = "REPEATED"
		}
		switch {
		case strings.HasSuffix(duck, "INT"), duck == "INTEGER":
			f.Type = "INTEGER"
		case duck == "DOUBLE", duck == "FLOAT":
			f.Type = "FLOAT"
		case strings.HasPrefix(duck, "DECIMAL"):
			f.Type = "NUMERIC"
		case duck == "TIMESTAMPTZ":
			f.Type = "TIMESTAMP"
		case duck == "\"NULL\"" || duck == "SQLNULL":
			f.Type = "INTEGER"
		default:
			for name, d := range columnTypes {
				if d == duck {
					f.Type = name
				}
			}
		}
		if f.Type == "" {
			return nil, unmodelled("a result of type " + r.types[i])
		}
		s.Fields = append(s.Fields, f)
	}
	return s, nil
}

// pageBytes is how much one answer holds, about: "responses are also limited to 10 MB" (REST reference, jobs.query).
const pageBytes = 10 << 20

// page is the end of a page of the rows of a result, at most to.
func (r *rowset) page(from, to int) int {
	size := 0
	for i, row := range r.rows[from:to] {
		for _, v := range row {
			if text, is := v.(string); is {
				size += len(text)
			}
		}
		if size > pageBytes && i > 0 {
			return from + i
		}
	}
	return to
}

// encode writes rows as the REST API does: "Data type conversion" of TableRow,
// every scalar a string.
func (r *rowset) encode(from, to int, micros bool) ([]*bigquery.TableRow, *apiError) {
	schema, err := r.schema()
	if err != nil {
		return nil, err
	}
	rows := make([]*bigquery.TableRow, 0, to-from)
	for _, row := range r.rows[from:to] {
		out := &bigquery.TableRow{}
		for i, v := range row {
			c, err := encodeCell(v, schema.Fields[i], micros)
			if err != nil {
				return nil, err
			}
			out.F = append(out.F, &bigquery.TableCell{V: c})
		}
		rows = append(rows, out)
	}
	return rows, nil
}

func encodeCell(v any, f *bigquery.TableFieldSchema, micros bool) (any, *apiError) {
	if f.Mode != "REPEATED" {
		return encodeScalar(v, f.Type, micros)
	}
	list, _ := v.([]any) // a null array reads as an empty one: "Data types", section "Array type"
	cells := make([]any, 0, len(list))
	for _, e := range list {
		if e == nil {
			return nil, invalidQuery("Array cannot have a null element; error in writing field " + f.Name)
		}
		c, err := encodeScalar(e, f.Type, micros)
		if err != nil {
			return nil, err
		}
		cells = append(cells, map[string]any{"v": c})
	}
	return cells, nil
}

func encodeScalar(v any, typ string, micros bool) (any, *apiError) {
	if v == nil {
		return nil, nil
	}
	switch typ {
	case "TIMESTAMP":
		t, ok := v.(time.Time)
		if !ok {
			break
		}
		if micros {
			return strconv.FormatInt(t.UnixMicro(), 10), nil
		}
		return strconv.FormatFloat(float64(t.UnixMicro())/1e6, 'E', -1, 64), nil
	case "DATE", "DATETIME", "TIME":
		if t, ok := v.(time.Time); ok {
			return t.Format(map[string]string{"DATE": "2006-01-02", "DATETIME": "2006-01-02T15:04:05.999999", "TIME": "15:04:05.999999"}[typ]), nil
		}
	case "BYTES":
		if b, ok := v.([]byte); ok {
			return base64.StdEncoding.EncodeToString(b), nil
		}
	case "JSON":
		b, err := json.Marshal(v)
		if err != nil {
			return nil, invalidQuery(err.Error())
		}
		return string(b), nil
	}
	switch v := v.(type) {
	case string:
		return v, nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case bool:
		return strconv.FormatBool(v), nil
	case float64:
		switch {
		case math.IsNaN(v):
			return "NaN", nil
		case math.IsInf(v, 1):
			return "Infinity", nil
		case math.IsInf(v, -1):
			return "-Infinity", nil
		}
		return strconv.FormatFloat(v, 'g', -1, 64), nil
	}
	return nil, unmodelled(fmt.Sprintf("a value of type %s as %T", typ, v))
}
