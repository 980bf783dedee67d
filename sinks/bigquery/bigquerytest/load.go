package bigquerytest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"slices"
	"strings"

	"google.golang.org/api/bigquery/v2"
)

// checkLoad refuses what a load job cannot do here. See "Loading Parquet data
// from Cloud Storage" and JobConfigurationLoad in the REST reference.
func checkLoad(c *bigquery.JobConfigurationLoad) *apiError {
	known := *c
	known.DestinationTable, known.Schema, known.SourceFormat, known.ParquetOptions, known.WriteDisposition, known.CreateDisposition = nil, nil, "", nil, "", ""
	known.TimePartitioning, known.Clustering, known.DestinationTableProperties = nil, nil, nil
	known.ForceSendFields, known.NullFields = nil, nil
	if rest := fmt.Sprintf("%+v", known); rest != fmt.Sprintf("%+v", bigquery.JobConfigurationLoad{}) {
		return unmodelled("these options of a load job: " + string(mustJSON(known)))
	}
	switch {
	case c.DestinationTable == nil:
		return invalid("Required parameter is missing: destinationTable")
	case c.SourceFormat != "PARQUET":
		return unmodelled("loading from " + c.SourceFormat)
	case !slices.Contains([]string{"", "WRITE_APPEND", "WRITE_TRUNCATE", "WRITE_TRUNCATE_DATA", "WRITE_EMPTY"}, c.WriteDisposition):
		return invalid("Invalid value for writeDisposition: %s", c.WriteDisposition)
	case strings.Contains(c.DestinationTable.TableId, "$"):
		return unmodelled("partition decorators")
	}
	if c.Schema != nil {
		return checkFields(c.Schema.Fields)
	}
	return nil
}

// parquetColumn is a column of the file that is loaded.
type parquetColumn struct{ name, typ string }

// load runs a load job: all rows or none ("Introduction to loading data": "load jobs are atomic").
func (s *Server) load(ctx context.Context, j *job) *apiError {
	c := j.conf.Load
	ref := refOf(c.DestinationTable)
	file, err := parquetFile(j.media)
	if err != nil {
		return &apiError{500, "internalError", err.Error()}
	}
	defer func() { _ = os.Remove(file) }()
	have, e := readColumns(ctx, s.db.db, file)
	if e != nil {
		return e
	}
	fields, created, replaced, e := s.destination(ctx, ref, c)
	if e != nil {
		return e
	}
	if len(fields) == 0 {
		return unmodelled("a Parquet load without a schema, given or of the table")
	}
	list, e := match(fields, have, c.ParquetOptions != nil && c.ParquetOptions.EnableListInference)
	if e == nil {
		e = s.fill(ctx, j, ref, list, file, replaced)
	}
	if e != nil && created {
		_ = s.db.doLocked(ctx, "DROP TABLE "+ref.duck())
		s.mu.Lock()
		delete(s.datasets[datasetKey(ref.project, ref.dataset)].tables, ref.table)
		s.mu.Unlock()
	}
	return e
}

func parquetFile(media []byte) (string, error) {
	f, err := os.CreateTemp("", "bigquerytest-*.parquet")
	if err != nil {
		return "", err
	}
	_, err = f.Write(media)
	if e := f.Close(); err == nil {
		err = e
	}
	return f.Name(), err
}

// readColumns reads the file's own schema.
func readColumns(ctx context.Context, q querier, file string) ([]parquetColumn, *apiError) {
	r, err := collect(ctx, q, "SELECT coalesce(repetition_type, '') FROM parquet_schema("+duckString(file)+") LIMIT 1")
	if err != nil {
		return nil, invalid("Error while reading data, error message: Failed to read Parquet: %s", err.message)
	}
	// The root of a schema "is special" and has no repetition ("parquet.thrift" of
	// apache/parquet-format, SchemaElement.repetition_type); writers put REQUIRED.
	if len(r.rows) == 1 && r.rows[0][0] == "REPEATED" {
		return nil, invalid("Error while reading data, error message: the root of the Parquet schema is REPEATED")
	}
	r, err = collect(ctx, q, "SELECT * FROM read_parquet("+duckString(file)+") LIMIT 0")
	if err != nil {
		return nil, invalid("Error while reading data, error message: Failed to read Parquet: %s", err.message)
	}
	all := make([]parquetColumn, len(r.names))
	for i := range r.names {
		all[i] = parquetColumn{r.names[i], r.types[i]}
	}
	return all, nil
}

// destination finds or makes the table, with the schema that the job gives it.
func (s *Server) destination(ctx context.Context, ref tableRef, c *bigquery.JobConfigurationLoad) (fields []*bigquery.TableFieldSchema, created, replaced bool, e *apiError) {
	meta, missing := s.meta(ref)
	if missing != nil {
		if c.CreateDisposition == "CREATE_NEVER" {
			return nil, false, false, missing
		}
		meta = bigquery.Table{Schema: c.Schema, TimePartitioning: c.TimePartitioning, Clustering: c.Clustering}
		if p := c.DestinationTableProperties; p != nil {
			meta.Description, meta.FriendlyName, meta.Labels = p.Description, p.FriendlyName, p.Labels
		}
		s.db.exec.Unlock() // createTable takes it
		made, err := s.createTable(ctx, ref, &meta)
		s.db.exec.Lock()
		if err != nil {
			return nil, false, false, err
		}
		return made.Schema.Fields, true, false, nil
	}
	if meta.Type != "TABLE" {
		return nil, false, false, invalid("Cannot load into %s: it is a view", ref.full())
	}
	fields = meta.Schema.Fields
	if c.Schema == nil {
		return fields, false, false, nil
	}
	// WRITE_TRUNCATE replaces schema and descriptions: REST reference, writeDisposition.
	if len(fields) == 0 || c.WriteDisposition == "WRITE_TRUNCATE" {
		return c.Schema.Fields, false, true, nil
	}
	was := map[string]*bigquery.TableFieldSchema{}
	for _, f := range fields {
		was[strings.ToLower(f.Name)] = f
	}
	for _, f := range c.Schema.Fields {
		old := was[strings.ToLower(f.Name)]
		switch {
		case old == nil: // unless schemaUpdateOptions allow it, which is not modelled
			return nil, false, false, invalid("Provided Schema does not match Table %s. Cannot add fields (field: %s)", ref.full(), f.Name)
		case old.Type != f.Type:
			return nil, false, false, invalid("Provided Schema does not match Table %s. Field %s has changed type from %s to %s", ref.full(), f.Name, old.Type, f.Type)
		case old.Mode != f.Mode:
			return nil, false, false, invalid("Provided Schema does not match Table %s. Field %s has changed mode from %s to %s", ref.full(), f.Name, old.Mode, f.Mode)
		}
	}
	return fields, false, false, nil
}

// match pairs the table's columns with the file's, by name. Conversions are
// those of "Loading Parquet data", section "Parquet conversions".
func match(fields []*bigquery.TableFieldSchema, have []parquetColumn, lists bool) ([]string, *apiError) {
	types := map[string]string{}
	for _, c := range have {
		types[strings.ToLower(c.name)] = c.typ
	}
	var names []string
	for _, f := range fields {
		typ, ok := types[strings.ToLower(f.Name)]
		delete(types, strings.ToLower(f.Name))
		if !ok {
			if f.Mode == "REQUIRED" {
				return nil, invalid("Error while reading data, error message: required field %s is missing in the file", f.Name)
			}
			continue
		}
		elem, list := strings.CutSuffix(typ, "[]")
		if list != (f.Mode == "REPEATED") {
			return nil, invalid("Error while reading data, error message: Parquet column '%s' has type %s which does not match the target field of mode %s", f.Name, typ, f.Mode)
		}
		if list && !lists {
			// BigQuery would load the column as empty arrays, or as list.element records
			// ("Loading Parquet data", section "List logical type"): both lose the values in silence.
			return nil, unmodelled("the REPEATED column " + f.Name + " without enableListInference")
		}
		if !loads(elem, f.Type) {
			return nil, invalid("Error while reading data, error message: Parquet column '%s' has type %s which does not match the target cpp_type %s", f.Name, elem, f.Type)
		}
		names = append(names, duckName(f.Name))
	}
	for _, c := range have {
		if _, left := types[strings.ToLower(c.name)]; left {
			return nil, invalid("Error while reading data, error message: the file's column %s is not in the table's schema", c.name)
		}
	}
	return names, nil
}

func loads(duck, field string) bool {
	switch field {
	case "STRING":
		return duck == "VARCHAR"
	case "INTEGER":
		return duck == "BIGINT" || duck == "INTEGER" || duck == "SMALLINT" || duck == "TINYINT"
	case "FLOAT":
		return duck == "DOUBLE" || duck == "FLOAT"
	case "TIMESTAMP": // of ms or µs; of ns the column would be TIMESTAMP_NS
		return duck == "TIMESTAMPTZ" || duck == "TIMESTAMP WITH TIME ZONE"
	case "NUMERIC":
		return strings.HasPrefix(duck, "DECIMAL")
	case "JSON": // "JSON … not supported" for Parquet: "Work with JSON data in GoogleSQL", section "Load"
		return false
	}
	return duck == columnTypes[field]
}

// fill writes the rows in one transaction of DuckDB.
func (s *Server) fill(ctx context.Context, j *job, ref tableRef, names []string, file string, replaced bool) *apiError {
	tx, err := s.db.db.BeginTx(ctx, nil)
	if err != nil {
		return duckFailed(err)
	}
	defer func() { _ = tx.Rollback() }()
	if replaced {
		if _, err := tx.ExecContext(ctx, "CREATE OR REPLACE TABLE "+ref.duck()+" ("+strings.Join(columns(j.conf.Load.Schema.Fields), ", ")+")"); err != nil {
			return duckFailed(err)
		}
	}
	if e := clearFirst(ctx, tx, ref, j.conf.Load.WriteDisposition); e != nil {
		return e
	}
	list := strings.Join(names, ", ")
	done, err := tx.ExecContext(ctx, fmt.Sprintf("INSERT INTO %s (%s) SELECT %s FROM read_parquet(%s)", ref.duck(), list, list, duckString(file)))
	if err != nil {
		return invalid("Error while reading data, error message: %s", err.Error())
	}
	j.Rows, _ = done.RowsAffected()
	meta, e := s.meta(ref)
	if e != nil {
		return e
	}
	if replaced {
		meta.Schema = j.conf.Load.Schema
	}
	if p := meta.TimePartitioning; p != nil {
		if j.Partitions, e = number(ctx, tx, fmt.Sprintf("SELECT count(DISTINCT %s) FROM read_parquet(%s)", duckName(p.Field), duckString(file))); e != nil {
			return e
		}
		if j.Partitions > 4000 { // "Quotas and limits": "Number of modified partitions per job: 4,000"
			return &apiError{400, "quotaExceeded", "Too many partitions produced by query, allowed 4000"}
		}
	}
	j.OutputBytes = j.UploadedBytes // an estimate
	if err := tx.Commit(); err != nil {
		return duckFailed(err)
	}
	s.mu.Lock()
	if t, e := s.table(ref); e == nil && replaced {
		t.meta = &meta
		t.etag++
	}
	s.mu.Unlock()
	if strings.HasPrefix(j.conf.Load.WriteDisposition, "WRITE_TRUNCATE") {
		s.mutated(ref)
	}
	return nil
}

// clearFirst does what the write disposition asks for before rows come.
func clearFirst(ctx context.Context, tx *sql.Tx, ref tableRef, disposition string) *apiError {
	switch disposition {
	case "WRITE_TRUNCATE", "WRITE_TRUNCATE_DATA":
		if _, err := tx.ExecContext(ctx, "DELETE FROM "+ref.duck()); err != nil {
			return duckFailed(err)
		}
	case "WRITE_EMPTY":
		n, e := number(ctx, tx, "SELECT count(*) FROM "+ref.duck())
		if e != nil {
			return e
		}
		if n > 0 {
			return alreadyExists("Table " + ref.full())
		}
	}
	return nil
}

// mutations counts the changes of a table's rows that were no appends.
func (s *Server) mutations(ref tableRef) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, err := s.table(ref); err == nil {
		return t.mutations
	}
	return 0
}

// mutated notes a committed change of rows that was no append.
func (s *Server) mutated(ref tableRef) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, err := s.table(ref); err == nil {
		t.mutations++
	}
}
