package bigquerytest

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// begin opens the transaction of a slow script, so that the transaction reads the tables as they are now: "During a
// transaction, all reads return a consistent snapshot" ("Multi-statement transactions"). With hold, the script runs up
// to the COMMIT.
func (s *Server) begin(ctx context.Context, j *job, hold bool) *apiError {
	last := len(j.statements) - 1
	if last < 0 || j.statements[0].verb != "BEGIN" {
		return nil
	}
	s.db.exec.Lock()
	defer s.db.exec.Unlock()
	conn, err := s.db.db.Conn(ctx)
	if err != nil {
		return duckFailed(err)
	}
	// DuckDB's snapshot begins with the first statement that reads.
	for _, q := range []string{"BEGIN TRANSACTION", "SELECT count(*) FROM duckdb_tables()"} {
		if _, err := conn.ExecContext(ctx, q); err != nil {
			_ = conn.Close()
			return duckFailed(err)
		}
	}
	j.conn = conn
	if !hold || j.statements[last].verb != "COMMIT" {
		return nil
	}
	r := &run{s: s, j: j, q: conn, open: true}
	if err := r.statements(ctx, 1, last); err != nil {
		j.abandon(ctx)
		return err
	}
	j.held = r
	return nil
}

// run is one script under way.
type run struct {
	s       *Server
	j       *job
	q       querier
	open    bool // a transaction is
	changed []tableRef
	temps   []string
}

// script runs the statements of a query job, in order, up to the first that fails.
func (s *Server) script(ctx context.Context, j *job) (failure *apiError) {
	first := 0
	if j.conn != nil {
		first = 1
	} else {
		conn, err := s.db.db.Conn(ctx)
		if err != nil {
			return duckFailed(err)
		}
		j.conn = conn
	}
	conn := j.conn
	r := &run{s: s, j: j, q: conn, open: first > 0}
	if j.held != nil {
		r, first = j.held, len(j.statements)-1
	}
	defer func() {
		// A script that ends before its COMMIT, or fails, is rolled back: "Multi-statement transactions", section
		// "Transaction scope".
		if r.open {
			_, _ = conn.ExecContext(ctx, "ROLLBACK")
		}
		for _, t := range r.temps {
			_, _ = conn.ExecContext(ctx, "DROP TABLE IF EXISTS temp."+duckName(t))
		}
		_ = conn.Close()
	}()
	return r.statements(ctx, first, len(j.statements))
}

// statements runs those from first on, up to but without last.
func (r *run) statements(ctx context.Context, first, last int) *apiError {
	for i := first; i < last; i++ {
		if err := r.statement(ctx, r.j.statements[i]); err != nil {
			if r.j.Kind == Script {
				err.message = fmt.Sprintf("%s at statement %d", err.message, i+1)
			}
			return err
		}
	}
	return nil
}

func (r *run) statement(ctx context.Context, st *statement) *apiError {
	r.j.result = nil // the result of a script is its last statement's
	switch st.verb {
	case "BEGIN":
		if r.open {
			return invalidQuery("Transaction is already in progress")
		}
		r.open = true
		return r.exec(ctx, "BEGIN TRANSACTION")
	case "COMMIT", "ROLLBACK":
		if !r.open {
			return invalidQuery("There is no transaction in progress")
		}
		if err := r.exec(ctx, st.verb); err != nil {
			return err
		}
		r.open = false
		if st.verb == "COMMIT" {
			r.publish()
		}
		r.changed = nil
		return nil
	}
	if err := r.ready(ctx, st); err != nil {
		return err
	}
	if st.verb == "SELECT" {
		result, err := collect(ctx, r.q, r.s.visible(st))
		if err != nil {
			return err
		}
		if _, err := result.schema(); err != nil {
			return err
		}
		r.j.result, r.j.Rows = result, int64(len(result.rows))
		return nil
	}
	if st.verb == "CREATE TEMP" {
		r.temps = append(r.temps, st.temp)
		return r.exec(ctx, st.duck)
	}
	return r.change(ctx, st)
}

// ready checks what a statement names, and what it may cost.
func (r *run) ready(ctx context.Context, st *statement) *apiError {
	r.s.mu.Lock()
	refs := st.refs
	if st.target != nil {
		refs = append([]tableRef{*st.target}, refs...)
	}
	var missing *apiError
	for _, ref := range refs {
		t, err := r.s.table(ref)
		switch {
		case err != nil && missing == nil:
			missing = notFound("Table %s was not found in location %s", ref.full(), r.j.Location)
		case err == nil && st.target != nil && ref == *st.target && t.meta.Type != "TABLE" && missing == nil:
			missing = invalidQuery(ref.full() + " is not allowed for this operation because it is a view")
		case err == nil && t.meta.View != nil && strings.Contains(t.meta.View.Query, "CURRENT_") && missing == nil:
			missing = unmodelled("a job that reads a view of the current time")
		}
	}
	r.s.mu.Unlock()
	if missing != nil {
		return missing
	}
	if err := r.s.permit(st); err != nil {
		return err
	}
	p, err := r.s.cost(ctx, r.q, st)
	if err != nil {
		return err
	}
	j := r.j
	if limit := j.conf.Query.MaximumBytesBilled; limit > 0 && j.BytesBilled+p.billed > limit {
		return &apiError{400, "bytesBilledLimitExceeded", fmt.Sprintf("Query exceeded limit for bytes billed: %d. %d or higher required.", limit, j.BytesBilled+p.billed)}
	}
	j.BytesProcessed += p.bytes
	j.BytesBilled += p.billed
	j.FullScans = append(j.FullScans, p.fullScans...)
	return nil
}

// change runs DML.
func (r *run) change(ctx context.Context, st *statement) *apiError {
	if st.merge != nil && st.merge.doubled != "" {
		n, err := number(ctx, r.q, st.merge.doubled)
		if err != nil {
			return err
		}
		if n > 0 {
			return invalidQuery("UPDATE/MERGE must match at most one source row for each target row")
		}
	}
	done, err := r.q.ExecContext(ctx, st.duck)
	if err != nil {
		if strings.Contains(err.Error(), "NOT NULL constraint") {
			return invalidQuery("Required field cannot be null: " + err.Error())
		}
		return duckFailed(err)
	}
	n, _ := done.RowsAffected()
	r.j.Rows += n
	r.j.affected += n
	// "If a transaction mutates (update or deletes) rows in a table, then other
	// transactions or DML statements that mutate rows in the same table cannot run
	// concurrently. Conflicting transactions are cancelled": "Multi-statement
	// transactions", section "Transaction concurrency". Conflicts are by table. The documentation does not say whether a
	// statement that finds no row to change conflicts. Here such a statement conflicts with nothing, so that nobody
	// relies on a conflict. Plain DML would queue.
	if st.target != nil && st.mutates() && n > 0 {
		if r.s.mutating(*st.target) || r.open && r.s.mutations(*st.target) != r.j.started[*st.target] {
			return aborted(st.target.full())
		}
		r.changed = append(r.changed, *st.target)
	}
	if !r.open {
		r.publish()
	}
	return nil
}

// mutating reports whether a transaction that waits before its COMMIT has
// mutated the table.
func (s *Server) mutating(ref tableRef) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, changed := range s.held {
		if slices.Contains(changed, ref) {
			return true
		}
	}
	return false
}

// publish notes what became visible.
func (r *run) publish() {
	for _, ref := range r.changed {
		r.s.mutated(ref)
	}
	for _, ref := range r.changed { // another transaction of the same script starts after this one
		r.j.started[ref] = r.s.mutations(ref)
	}
	r.changed = nil
}

func (r *run) exec(ctx context.Context, q string) *apiError {
	if _, err := r.q.ExecContext(ctx, q); err != nil {
		return duckFailed(err)
	}
	return nil
}
