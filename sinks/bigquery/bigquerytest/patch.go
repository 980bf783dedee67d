package bigquerytest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"google.golang.org/api/bigquery/v2"
)

func tablesPatch(s *Server, r *http.Request) (Call, action, *apiError) {
	ref := pathRef(r)
	call := Call{Table: ref.String()}
	var change map[string]json.RawMessage
	if err := decode(r, &change); err != nil {
		return call, nil, err
	}
	match := r.Header.Get("If-Match")
	return call, func(ctx context.Context, _ Fault, _ int) (any, *apiError) {
		s.mu.Lock()
		t, err := s.table(ref)
		if err != nil {
			s.mu.Unlock()
			return nil, err
		}
		if match != "" && match != strconv.Itoa(t.etag) {
			s.mu.Unlock()
			return nil, &apiError{http.StatusPreconditionFailed, "conditionNotMet", "Precondition check failed"}
		}
		changed := *t.meta
		s.mu.Unlock()
		ddl, err := s.patch(ref, &changed, change)
		if err != nil {
			return nil, err
		}
		if err := s.db.do(ctx, ddl...); err != nil {
			return nil, err
		}
		s.mu.Lock()
		changed.LastModifiedTime = uint64(s.now().UnixMilli())
		t.meta = &changed
		t.etag++
		s.mu.Unlock()
		return s.describe(ctx, ref, false)
	}, nil
}

// patch applies a change to a table's metadata and returns the DDL that it needs.
func (s *Server) patch(ref tableRef, m *bigquery.Table, change map[string]json.RawMessage) ([]string, *apiError) {
	var ddl []string
	for key, raw := range change {
		var err error
		switch key {
		case "tableReference", "etag", "kind", "id":
		case "description":
			err = clearable(raw, &m.Description)
		case "friendlyName":
			err = clearable(raw, &m.FriendlyName)
		case "expirationTime":
			var text *string
			if err = json.Unmarshal(raw, &text); err == nil {
				if m.ExpirationTime = 0; text != nil {
					m.ExpirationTime, err = strconv.ParseInt(*text, 10, 64)
				}
			}
		case "labels":
			m.Labels, err = relabel(m.Labels, raw)
		case "requirePartitionFilter":
			err = json.Unmarshal(raw, &m.RequirePartitionFilter)
		case "schema":
			var schema bigquery.TableSchema
			if err = json.Unmarshal(raw, &schema); err == nil {
				more, e := widen(ref, m, &schema)
				if e != nil {
					return nil, e
				}
				ddl = append(ddl, more...)
			}
		case "view":
			var view bigquery.ViewDefinition
			if err = json.Unmarshal(raw, &view); err == nil {
				m.View = &view
				more, e := s.definition(ref, m)
				if e != nil {
					return nil, e
				}
				ddl = append(ddl, more)
			}
		case "timePartitioning":
			if e := repartition(ref, m, raw); e != nil {
				return nil, e
			}
		case "clustering":
			m.Clustering = nil
			err = json.Unmarshal(raw, &m.Clustering)
		default:
			return nil, unmodelled("a patch of " + key)
		}
		if err != nil {
			return nil, invalid("Invalid value for %s", key)
		}
	}
	return ddl, nil
}

func clearable(raw json.RawMessage, into *string) error {
	*into = ""
	return json.Unmarshal(raw, into) // null leaves it empty
}

// widen replaces a table's schema by one that adds nullable or repeated columns
// at its end, relaxes REQUIRED or changes descriptions; nothing else is allowed:
// "Modifying table schemas".
func widen(ref tableRef, m *bigquery.Table, schema *bigquery.TableSchema) ([]string, *apiError) {
	if m.View != nil {
		return nil, unmodelled("a patch of a view's schema")
	}
	if err := checkFields(schema.Fields); err != nil {
		return nil, err
	}
	was := map[string]*bigquery.TableFieldSchema{}
	for _, f := range m.Schema.Fields {
		was[strings.ToLower(f.Name)] = f
	}
	mismatch := "Provided Schema does not match Table " + ref.full() + ". "
	var ddl []string
	if len(was) == 0 {
		ddl = append(ddl, "CREATE OR REPLACE TABLE "+ref.duck()+" ("+strings.Join(columns(schema.Fields), ", ")+")")
		m.Schema = schema
		return ddl, nil
	}
	kept := 0
	for _, f := range schema.Fields {
		old := was[strings.ToLower(f.Name)]
		switch {
		case old == nil && f.Mode == "REQUIRED":
			return nil, invalid("%sCannot add required fields to an existing schema. (field: %s)", mismatch, f.Name)
		case old == nil:
			ddl = append(ddl, fmt.Sprintf("ALTER TABLE %s ADD COLUMN %s %s", ref.duck(), duckName(f.Name), duckType(f)))
			continue
		case old.Type != f.Type:
			return nil, invalid("%sField %s has changed type from %s to %s", mismatch, f.Name, old.Type, f.Type)
		case old.Mode == "REQUIRED" && f.Mode == "NULLABLE":
			ddl = append(ddl, fmt.Sprintf("ALTER TABLE %s ALTER COLUMN %s DROP NOT NULL", ref.duck(), duckName(f.Name)))
		case old.Mode != f.Mode:
			return nil, invalid("%sField %s has changed mode from %s to %s", mismatch, f.Name, old.Mode, f.Mode)
		}
		kept++
	}
	if kept < len(was) {
		for _, f := range schema.Fields {
			delete(was, strings.ToLower(f.Name))
		}
		names := reflect.ValueOf(was).MapKeys()
		return nil, invalid("%sField %s is missing in new schema", mismatch, names[0])
	}
	m.Schema = schema
	return ddl, nil
}

// relabel applies a patch of labels: null removes a label.
func relabel(have map[string]string, raw json.RawMessage) (map[string]string, error) {
	var labels map[string]*string
	err := json.Unmarshal(raw, &labels)
	merged := map[string]string{}
	maps.Copy(merged, have)
	for k, v := range labels {
		if delete(merged, k); v != nil {
			merged[k] = *v
		}
	}
	return merged, err
}

// repartition refuses another column or unit: "You can't change the partitioning of an existing table" ("Manage
// partitioned tables").
// The expiration changes for all partitions; null takes it off, and one that is left out stays.
func repartition(ref tableRef, m *bigquery.Table, raw json.RawMessage) *apiError {
	var p bigquery.TimePartitioning
	var named map[string]json.RawMessage
	if json.Unmarshal(raw, &p) != nil || json.Unmarshal(raw, &named) != nil {
		return invalid("Invalid value for timePartitioning")
	}
	have := m.TimePartitioning
	if have == nil || have.Field != p.Field || have.Type != p.Type {
		return invalid("Cannot change partitioning spec for table %s", ref.full())
	}
	if _, ok := named["expirationMs"]; !ok {
		p.ExpirationMs = have.ExpirationMs
	}
	m.TimePartitioning = &p
	return nil
}
