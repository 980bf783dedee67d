package bigquerytest

import "context"

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
