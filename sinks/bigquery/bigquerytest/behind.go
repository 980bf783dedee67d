package bigquerytest

import (
	"context"
	"net/http"
	"strings"
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

// permit refuses DML on a table whose rows are filtered.
func (s *Server) permit(st *statement) *apiError {
	if st.target == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if t, err := s.table(*st.target); err != nil || !t.filtered {
		return nil // a missing table is told elsewhere
	}
	return &apiError{http.StatusForbidden, "accessDenied", "Access Denied: Table " + st.target.full() + ": DML needs access to all rows of the table (TRUE filter)"}
}

// visible is a SELECT as it reads for a client: tables whose rows are filtered are empty.
func (s *Server) visible(st *statement) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	sql := st.duck
	for _, ref := range st.refs {
		if t, err := s.table(ref); err == nil && t.filtered {
			sql = strings.ReplaceAll(sql, ref.duck(), "(SELECT * FROM "+ref.duck()+" WHERE FALSE)")
		}
	}
	return sql
}
