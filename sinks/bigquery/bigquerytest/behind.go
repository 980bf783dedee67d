package bigquerytest

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"google.golang.org/api/bigquery/v2"
)

// QueryDuckDB is [Server.Query] in DuckDB's own SQL, for checks that read the
// same over other stores of the same rows. A table is "project.dataset"."table".
func (s *Server) QueryDuckDB(ctx context.Context, sql string) ([][]any, error) {
	s.db.exec.Lock()
	defer s.db.exec.Unlock()
	r, err := collect(ctx, s.db.db, sql)
	if err != nil {
		return nil, err
	}
	return r.rows, nil
}

// ExecDuckDB changes rows from behind, as somebody else who may write to the dataset: it is no call, no job and costs
// nothing.
func (s *Server) ExecDuckDB(ctx context.Context, sql string) error {
	if err := s.db.do(ctx, sql); err != nil {
		return err
	}
	return nil
}

// FilterRows puts a row access policy on a table that hides every row from the clients, or takes the policy off. Whom
// no policy lets see all rows (its filter TRUE) may read what the policies let through, and may run no DML on the
// table: "Using row-level security with other BigQuery features", section "The TRUE filter".
func (s *Server) FilterRows(project, dataset, name string, filtered bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.table(tableRef{project, dataset, name})
	if err != nil {
		return err
	}
	t.filtered = filtered
	return nil
}

// TagColumn puts a policy tag on a column whose Fine-Grained Readers the clients are not among; "" takes it off.
func (s *Server) TagColumn(project, dataset, name, column string) error {
	return s.protect(tableRef{project, dataset, name}, func(t *table) { t.tagged, t.masked = column, false })
}

// MaskColumn puts a policy tag on a column of strings whose Masked Readers the clients are: what they read of it is the
// default masking value ("Introduction to data masking"), and DML that scans it is refused to whoever is no Fine-Grained
// Reader ("Impact on writes from column-level access control"). "" takes the tag off.
func (s *Server) MaskColumn(project, dataset, name, column string) error {
	return s.protect(tableRef{project, dataset, name}, func(t *table) { t.tagged, t.masked = column, column != "" })
}

// tagsOf is a schema as tables.get tells it: with the policy tag.
func (t *table) tagsOf(schema *bigquery.TableSchema) *bigquery.TableSchema {
	if t.tagged == "" {
		return schema
	}
	told := &bigquery.TableSchema{}
	for _, f := range schema.Fields {
		if f.Name == t.tagged {
			tagged := *f
			tagged.PolicyTags = &bigquery.TableFieldSchemaPolicyTags{Names: []string{"projects/p/locations/eu/taxonomies/1/policyTags/2"}}
			f = &tagged
		}
		told.Fields = append(told.Fields, f)
	}
	return told
}

// LockKey takes the right to use the key that encrypts a table from BigQuery's service account, or gives it back.
func (s *Server) LockKey(project, dataset, name string, locked bool) error {
	return s.protect(tableRef{project, dataset, name}, func(t *table) { t.locked = locked })
}

func (s *Server) protect(ref tableRef, change func(*table)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.table(ref)
	if err != nil {
		return err
	}
	change(t)
	return nil
}

// permit refuses what reads a column whose tag the clients may not read ("Troubleshoot policy tags"), whatever touches a
// table whose key BigQuery may not use ("Troubleshoot customer-managed encryption keys"), and DML on a table whose rows
// are filtered.
func (s *Server) permit(st *statement) *apiError {
	s.mu.Lock()
	defer s.mu.Unlock()
	refs := st.refs
	if st.target != nil {
		refs = append(slices.Clone(refs), *st.target)
	}
	for _, ref := range refs {
		t, err := s.table(ref)
		if err != nil {
			continue // a missing table is told elsewhere
		}
		if t.locked {
			return &apiError{http.StatusForbidden, "accessDenied", "Access Denied: BigQuery BigQuery: Permission denied on the key of table " + ref.full() +
				". Please grant Cloud KMS CryptoKey Encrypter/Decrypter role to BigQuery service account bq-1234567890@bigquery-encryption.iam.gserviceaccount.com."}
		}
		if t.tagged != "" && (!t.masked || st.target != nil) && reads(st, ref) && strings.Contains(st.duck, t.tagged) {
			return &apiError{http.StatusForbidden, "accessDenied", "Access Denied: BigQuery BigQuery: User has neither fine-grained reader nor masked get permission to get data protected by policy tag \"governance : pii\" on column " +
				ref.project + "." + ref.String() + "." + t.tagged + "."}
		}
	}
	if st.target == nil {
		return nil
	}
	if t, err := s.table(*st.target); err != nil || !t.filtered {
		return nil
	}
	return &apiError{http.StatusForbidden, "accessDenied", "Access Denied: Table " + st.target.full() + ": DML needs access to all rows of the table (TRUE filter)"}
}

// reads reports whether the statement reads columns of the table: an INSERT does not read the table that it writes to.
func reads(st *statement, ref tableRef) bool {
	return st.verb != "INSERT" || st.target == nil || *st.target != ref || strings.Count(st.duck, ref.duck()) > 1
}

// visible is a SELECT as it reads for a client: tables whose rows are filtered are empty, and masked columns too.
func (s *Server) visible(st *statement) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	sql := st.duck
	for _, ref := range st.refs {
		if t, err := s.table(ref); err == nil && t.filtered {
			sql = strings.ReplaceAll(sql, ref.duck(), "(SELECT * FROM "+ref.duck()+" WHERE FALSE)")
		} else if err == nil && t.masked {
			sql = strings.ReplaceAll(sql, ref.duck(), "(SELECT * REPLACE ('' AS "+duckName(t.tagged)+") FROM "+ref.duck()+")")
		}
	}
	return sql
}
