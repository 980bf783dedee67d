package bigquerytest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/api/bigquery/v2"
)

type dataset struct {
	meta   *bigquery.Dataset
	tables map[string]*table
}

type table struct {
	meta *bigquery.Table
	// mutations counts committed changes of rows other than appends.
	mutations int64
	etag      int
	filtered  bool   // a row access policy hides every row
	tagged    string // the column that has a policy tag
	masked    bool   // the clients are its Masked Readers
	locked    bool   // BigQuery may not use the table's key
}

func datasetKey(project, name string) string { return project + ":" + name }

// dataset finds a dataset; the caller holds s.mu.
func (s *Server) dataset(project, name string) (*dataset, *apiError) {
	d := s.datasets[datasetKey(project, name)]
	if d == nil {
		return nil, notFound("Dataset %s:%s", project, name)
	}
	return d, nil
}

// table finds a table that has not expired; the caller holds s.mu.
func (s *Server) table(ref tableRef) (*table, *apiError) {
	d, err := s.dataset(ref.project, ref.dataset)
	if err != nil {
		return nil, err
	}
	t := d.tables[ref.table]
	// An expired table is deleted with its data: "Managing tables", section "Update a table's expiration time".
	if t == nil || t.meta.ExpirationTime > 0 && t.meta.ExpirationTime <= s.now().UnixMilli() {
		return nil, notFound("Table %s", ref.full())
	}
	return t, nil
}

// meta is a copy of a table's metadata.
func (s *Server) meta(ref tableRef) (bigquery.Table, *apiError) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.table(ref)
	if err != nil {
		return bigquery.Table{}, err
	}
	return *t.meta, nil
}

// sweep deletes a table that has expired, so that its name is free again.
func (s *Server) sweep(ctx context.Context, ref tableRef) *apiError {
	s.mu.Lock()
	d := s.datasets[datasetKey(ref.project, ref.dataset)]
	_, err := s.table(ref)
	dead := d != nil && err != nil && d.tables[ref.table] != nil
	if dead {
		delete(d.tables, ref.table)
	}
	s.mu.Unlock()
	if !dead {
		return nil
	}
	return s.db.do(ctx, "DROP TABLE IF EXISTS "+ref.duck())
}

func datasetsInsert(s *Server, r *http.Request) (Call, action, *apiError) {
	var meta bigquery.Dataset
	if err := decode(r, &meta); err != nil {
		return Call{}, nil, err
	}
	project := r.PathValue("project")
	if meta.DatasetReference == nil || meta.DatasetReference.DatasetId == "" {
		return Call{}, nil, invalid("Required parameter is missing: datasetReference")
	}
	id := meta.DatasetReference.DatasetId
	return Call{}, func(ctx context.Context, _ Fault, _ int) (any, *apiError) {
		if err := checkID("dataset", id, "_"); err != nil {
			return nil, err
		}
		s.mu.Lock()
		if s.datasets[datasetKey(project, id)] != nil {
			s.mu.Unlock()
			return nil, alreadyExists("Dataset " + project + ":" + id)
		}
		if meta.Location == "" { // "The default value is US": REST reference, Dataset.location
			meta.Location = "US"
		}
		meta.DatasetReference.ProjectId = project
		meta.Kind, meta.Id, meta.Etag = "bigquery#dataset", project+":"+id, "1"
		meta.CreationTime = s.now().UnixMilli()
		meta.LastModifiedTime = meta.CreationTime
		s.datasets[datasetKey(project, id)] = &dataset{meta: &meta, tables: map[string]*table{}}
		s.mu.Unlock()
		return &meta, s.db.do(ctx, "CREATE SCHEMA "+duckName(project+"."+id))
	}, nil
}

// checkID holds names against "Name datasets" and "Table naming".
func checkID(what, id, extra string) *apiError {
	bad := func(c rune) bool {
		return (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && !strings.ContainsRune(extra, c)
	}
	if id == "" || len(id) > 1024 || strings.ContainsFunc(id, bad) {
		return invalid("Invalid %s ID %q", what, id)
	}
	return nil
}

func datasetsGet(s *Server, r *http.Request) (Call, action, *apiError) {
	return Call{}, func(context.Context, Fault, int) (any, *apiError) {
		s.mu.Lock()
		defer s.mu.Unlock()
		d, err := s.dataset(r.PathValue("project"), r.PathValue("dataset"))
		if err != nil {
			return nil, err
		}
		copied := *d.meta
		return &copied, nil
	}, nil
}

func datasetsDelete(s *Server, r *http.Request) (Call, action, *apiError) {
	project, id := r.PathValue("project"), r.PathValue("dataset")
	return Call{}, func(ctx context.Context, _ Fault, _ int) (any, *apiError) {
		s.mu.Lock()
		d, err := s.dataset(project, id)
		if err == nil && len(d.tables) > 0 && r.URL.Query().Get("deleteContents") != "true" {
			err = &apiError{http.StatusBadRequest, "resourceInUse", "Dataset " + project + ":" + id + " is still in use"}
		}
		if err == nil {
			delete(s.datasets, datasetKey(project, id))
		}
		s.mu.Unlock()
		if err != nil {
			return nil, err
		}
		return nil, s.db.do(ctx, "DROP SCHEMA "+duckName(project+"."+id)+" CASCADE")
	}, nil
}

// pathRef is the table that a request's path names.
func pathRef(r *http.Request) tableRef {
	return tableRef{r.PathValue("project"), r.PathValue("dataset"), r.PathValue("table")}
}

func tablesInsert(s *Server, r *http.Request) (Call, action, *apiError) {
	var raw json.RawMessage
	var meta bigquery.Table
	if err := decode(r, &raw); err != nil {
		return Call{}, nil, err
	}
	if err := decodeBytes(raw, &meta); err != nil {
		return Call{}, nil, err
	}
	// "The default value is true": REST reference, ViewDefinition.useLegacySql.
	if meta.View != nil && !strings.Contains(string(raw), `"useLegacySql"`) {
		return Call{}, nil, unmodelled("legacy SQL")
	}
	if meta.TableReference == nil {
		return Call{}, nil, invalid("Required parameter is missing: tableReference")
	}
	ref := tableRef{r.PathValue("project"), r.PathValue("dataset"), meta.TableReference.TableId}
	return Call{Table: ref.String()}, func(ctx context.Context, _ Fault, _ int) (any, *apiError) {
		return s.createTable(ctx, ref, &meta)
	}, nil
}

// createTable makes a table or a view.
func (s *Server) createTable(ctx context.Context, ref tableRef, meta *bigquery.Table) (*bigquery.Table, *apiError) {
	if err := checkTable(ref, meta); err != nil {
		return nil, err
	}
	if err := s.sweep(ctx, ref); err != nil {
		return nil, err
	}
	ddl, err := s.definition(ref, meta)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	d, err := s.dataset(ref.project, ref.dataset)
	if err == nil && d.tables[ref.table] != nil {
		err = alreadyExists("Table " + ref.full())
	}
	if err != nil {
		s.mu.Unlock()
		return nil, err
	}
	now := s.now().UnixMilli()
	if meta.ExpirationTime != 0 && meta.ExpirationTime <= now {
		s.mu.Unlock()
		return nil, invalid("Invalid expiration time: it lies in the past")
	}
	d.inherit(meta, now)
	meta.TableReference = &bigquery.TableReference{ProjectId: ref.project, DatasetId: ref.dataset, TableId: ref.table}
	meta.Kind, meta.Id, meta.Location = "bigquery#table", ref.full(), d.meta.Location
	meta.CreationTime, meta.LastModifiedTime, meta.Type = now, uint64(now), "TABLE"
	if meta.View != nil {
		meta.Type = "VIEW"
	}
	if meta.Schema == nil {
		meta.Schema = &bigquery.TableSchema{}
	}
	d.tables[ref.table] = &table{meta: meta}
	s.mu.Unlock()
	if err = s.db.do(ctx, ddl); err != nil {
		s.mu.Lock()
		delete(d.tables, ref.table)
		s.mu.Unlock()
		return nil, err
	}
	return s.describe(ctx, ref, false)
}

// checkTable refuses what a table cannot have, and what is not modelled.
func checkTable(ref tableRef, m *bigquery.Table) *apiError {
	if err := checkID("table", ref.table, "_-"); err != nil {
		return err
	}
	switch {
	case m.ExternalDataConfiguration != nil, m.MaterializedView != nil, m.SnapshotDefinition != nil, m.CloneDefinition != nil, m.BiglakeConfiguration != nil:
		return unmodelled("external tables, materialized views, snapshots, clones and BigLake")
	case m.RangePartitioning != nil:
		return unmodelled("integer range partitioning")
	case m.EncryptionConfiguration != nil:
		return unmodelled("customer-managed encryption")
	case m.View != nil && m.Schema != nil && len(m.Schema.Fields) > 0:
		return unmodelled("a view with a schema of its own")
	}
	if m.View != nil {
		return nil
	}
	fields := map[string]*bigquery.TableFieldSchema{}
	if m.Schema != nil {
		if err := checkFields(m.Schema.Fields); err != nil {
			return err
		}
		for _, f := range m.Schema.Fields {
			fields[strings.ToLower(f.Name)] = f
		}
	}
	if p := m.TimePartitioning; p != nil {
		if p.Field == "" {
			return unmodelled("ingestion-time partitioning")
		}
		if p.ExpirationMs != 0 && p.Type != "DAY" {
			return unmodelled("partitions that expire and are no days")
		}
		f := fields[strings.ToLower(p.Field)]
		// "Create partitioned tables": a DATE, TIMESTAMP or DATETIME column at the top, not repeated.
		if f == nil || !slices.Contains([]string{"DATE", "TIMESTAMP", "DATETIME"}, f.Type) || f.Mode == "REPEATED" {
			return invalid("The field specified for partitioning cannot be found in the schema or has the wrong type: %s", p.Field)
		}
	}
	if c := m.Clustering; c != nil {
		if len(c.Fields) > 4 { // "Create clustered tables": "up to four clustering columns"
			return invalid("Too many clustering columns: %d", len(c.Fields))
		}
		for _, name := range c.Fields {
			if f := fields[strings.ToLower(name)]; f == nil || f.Mode == "REPEATED" || f.Type == "FLOAT" || f.Type == "RECORD" || f.Type == "JSON" {
				return invalid("The field specified for clustering cannot be found in the schema or has the wrong type: %s", name)
			}
		}
	}
	return nil
}

// definition is the DDL of a table or view.
func (s *Server) definition(ref tableRef, m *bigquery.Table) (string, *apiError) {
	if m.View == nil {
		var fields []*bigquery.TableFieldSchema
		if m.Schema != nil {
			fields = m.Schema.Fields
		}
		return "CREATE TABLE " + ref.duck() + " (" + strings.Join(columns(fields), ", ") + ")", nil
	}
	if m.View.UseLegacySql {
		return "", unmodelled("legacy SQL")
	}
	tokens, err := tokenize(m.View.Query)
	if err != nil {
		return "", err
	}
	if len(tokens) == 0 {
		return "", invalidQuery("Syntax error: empty view")
	}
	s.mu.Lock()
	now := s.now()
	s.mu.Unlock()
	st, err := compile(tokens, &scope{project: ref.project, now: now, temps: map[string]bool{}})
	if err != nil {
		return "", err
	}
	if st.verb != "SELECT" {
		return "", invalidQuery("A view must be a SELECT")
	}
	return "CREATE OR REPLACE VIEW " + ref.duck() + " AS " + st.duck, nil
}

// renewViews defines the views anew that ask for the current time, which DuckDB's definition of a view has as a literal.
func (s *Server) renewViews(ctx context.Context) *apiError {
	views := map[tableRef]bigquery.Table{}
	s.mu.Lock()
	for _, d := range s.datasets {
		for _, t := range d.tables {
			if t.meta.View != nil && strings.Contains(t.meta.View.Query, "CURRENT_") {
				views[refOf(t.meta.TableReference)] = *t.meta
			}
		}
	}
	s.mu.Unlock()
	for ref, meta := range views {
		ddl, err := s.definition(ref, &meta)
		if err != nil {
			return err
		}
		if err := s.db.do(ctx, ddl); err != nil {
			return err
		}
	}
	return nil
}

// describe is a table's metadata as tables.get answers it.
func (s *Server) describe(ctx context.Context, ref tableRef, count bool) (*bigquery.Table, *apiError) {
	s.mu.Lock()
	t, err := s.table(ref)
	if err != nil {
		s.mu.Unlock()
		return nil, err
	}
	m := *t.meta
	m.Etag = strconv.Itoa(t.etag)
	m.Schema = t.tagsOf(m.Schema)
	s.mu.Unlock()
	if !count && m.Type == "TABLE" {
		return &m, nil
	}
	s.db.exec.Lock()
	defer s.db.exec.Unlock()
	if err := s.dropPartitions(ctx); err != nil {
		return nil, err
	}
	if m.Type == "VIEW" {
		r, err := collect(ctx, s.db.db, "SELECT * FROM "+ref.duck()+" LIMIT 0")
		if err != nil {
			return nil, err
		}
		m.Schema, err = r.schema()
		return &m, err
	}
	rows, err := number(ctx, s.db.db, "SELECT count(*) FROM "+ref.duck())
	if err != nil {
		return nil, err
	}
	m.NumRows = uint64(rows)
	m.NumBytes, err = logicalBytes(ctx, s.db.db, ref, m.Schema.Fields, "")
	return &m, err
}

func tablesGet(s *Server, r *http.Request) (Call, action, *apiError) {
	ref := pathRef(r)
	return Call{Table: ref.String()}, func(ctx context.Context, _ Fault, _ int) (any, *apiError) {
		m, err := s.describe(ctx, ref, true)
		if err != nil {
			return nil, err
		}
		return m, nil
	}, nil
}

func tablesDelete(s *Server, r *http.Request) (Call, action, *apiError) {
	ref := pathRef(r)
	return Call{Table: ref.String()}, func(ctx context.Context, _ Fault, _ int) (any, *apiError) {
		s.mu.Lock()
		t, err := s.table(ref)
		if err != nil {
			s.mu.Unlock()
			return nil, err
		}
		delete(s.datasets[datasetKey(ref.project, ref.dataset)].tables, ref.table)
		s.mu.Unlock()
		return nil, s.db.do(ctx, fmt.Sprintf("DROP %s %s", t.meta.Type, ref.duck()))
	}, nil
}

func tablesList(s *Server, r *http.Request) (Call, action, *apiError) {
	from, n, e := page(r, 1000)
	return Call{}, func(context.Context, Fault, int) (any, *apiError) {
		s.mu.Lock()
		defer s.mu.Unlock()
		d, err := s.dataset(r.PathValue("project"), r.PathValue("dataset"))
		if err != nil {
			return nil, err
		}
		list := &bigquery.TableList{Kind: "bigquery#tableList"}
		for name, t := range d.tables {
			if _, err := s.table(tableRef{r.PathValue("project"), r.PathValue("dataset"), name}); err == nil {
				list.Tables = append(list.Tables, &bigquery.TableListTables{Id: t.meta.Id, Kind: "bigquery#table", Type: t.meta.Type, TableReference: t.meta.TableReference,
					CreationTime: t.meta.CreationTime, ExpirationTime: t.meta.ExpirationTime, Labels: t.meta.Labels})
			}
		}
		slices.SortFunc(list.Tables, func(a, b *bigquery.TableListTables) int { return strings.Compare(a.Id, b.Id) })
		list.TotalItems = int64(len(list.Tables))
		end := min(from+n, len(list.Tables))
		if end < len(list.Tables) {
			list.NextPageToken = strconv.Itoa(end)
		}
		list.Tables = list.Tables[min(from, end):end]
		return list, nil
	}, e
}
