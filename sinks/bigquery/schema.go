package bigquery

import (
	"fmt"
	"slices"
	"strings"

	"cloud.google.com/go/bigquery"
	"github.com/apache/arrow/go/v17/arrow"

	"github.com/windrow-data/windrow/pipeline"
)

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

// drift compares the columns of a table with the wanted ones. It returns the columns to be added, or says what is
// wrong.
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

// bare is the schema without descriptions.
func bare(s bigquery.Schema) bigquery.Schema {
	out := make(bigquery.Schema, len(s))
	for i, f := range s {
		c := *f
		c.Description = ""
		out[i] = &c
	}
	return out
}
