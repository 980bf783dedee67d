package bigquerytest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/api/bigquery/v2"
)

const mebibyte = 1 << 20

// logicalBytes is the size of a table's rows as BigQuery counts it ("Estimate
// and control costs", section "Data size calculation"); records and arrays are
// approximate. where is DuckDB's; empty for all rows.
func logicalBytes(ctx context.Context, q querier, ref tableRef, fields []*bigquery.TableFieldSchema, where string) (int64, *apiError) {
	if len(fields) == 0 {
		return 0, nil
	}
	if n, err := number(ctx, q, "SELECT count(*) FROM "+ref.duck()); err != nil || n == 0 {
		return 0, err // most tables of tests are empty, and this is cheap
	}
	// A count is planned in less time than a sum, and planning is what takes DuckDB its time here.
	var always int
	var texts, terms []string
	for _, f := range fields {
		name, size := duckName(f.Name), 8
		switch {
		case f.Mode == "REPEATED", f.Type == "JSON":
			size, texts = 0, append(texts, "CAST("+name+" AS VARCHAR)")
		case f.Type == "STRING":
			size, texts = 2, append(texts, name)
		case f.Type == "BYTES":
			size, terms = 2, append(terms, "coalesce(sum(octet_length("+name+")), 0)")
		case f.Type == "BOOLEAN":
			size = 1
		case f.Type == "NUMERIC":
			size = 16
		}
		if f.Mode == "REQUIRED" {
			always += size
		} else if size > 0 {
			terms = append(terms, fmt.Sprintf("%d * count(%s)", size, name))
		}
	}
	terms = append(terms, fmt.Sprintf("%d * count(*)", always))
	if len(texts) > 0 {
		terms = append(terms, "coalesce(sum(strlen(concat("+strings.Join(texts, ", ")+"))), 0)") // concat skips nulls
	}
	if where != "" {
		where = " WHERE " + where
	}
	return number(ctx, q, "SELECT CAST("+strings.Join(terms, " + ")+" AS BIGINT) FROM "+ref.duck()+where)
}

// price is what one statement would cost.
type price struct {
	bytes, billed int64
	tables        int
	fullScans     []string
}

// cost estimates a statement: the columns that the statement names, in the partitions that its literal bounds leave.
// The target of DML counts with all columns ("Estimate and control costs", sections on DML). Joins on the partitioning
// column prune nothing ("Query partitioned tables", "use a constant filter expression").
func (s *Server) cost(ctx context.Context, q querier, st *statement) (price, *apiError) {
	var p price
	if st.target != nil && (st.verb == "DELETE" || st.verb == "UPDATE" || st.verb == "MERGE" && (st.merge.mutates || st.merge.doubled != "")) {
		if err := s.scan(ctx, q, &p, *st.target, st.source, true); err != nil {
			return p, err
		}
	}
	for _, ref := range st.refs {
		if err := s.scan(ctx, q, &p, ref, st.source, false); err != nil {
			return p, err
		}
	}
	// "rounded up to the nearest MB, with a minimum 10 MB data processed per table referenced by the query": "BigQuery
	// pricing".
	if p.tables > 0 {
		p.billed = max((p.bytes+mebibyte-1)/mebibyte*mebibyte, int64(p.tables)*10*mebibyte)
	}
	return p, nil
}

func (s *Server) scan(ctx context.Context, q querier, p *price, ref tableRef, tokens []token, all bool) *apiError {
	meta, err := s.meta(ref)
	if err != nil {
		return err
	}
	if meta.View != nil {
		inner, err := tokenize(meta.View.Query)
		if err != nil {
			return err
		}
		st, err := compile(inner, &scope{project: ref.project, now: time.Now(), temps: map[string]bool{}})
		if err != nil {
			return err
		}
		for _, r := range st.refs {
			if err := s.scan(ctx, q, p, r, inner, false); err != nil {
				return err
			}
		}
		return nil
	}
	p.tables++
	where := ""
	if part := meta.TimePartitioning; part != nil {
		if where = bounds(tokens, part.Field); where == "" {
			if meta.RequirePartitionFilter || part.RequirePartitionFilter {
				return invalidQuery("Cannot query over table '" + ref.String() + "' without a filter over column(s) '" + part.Field + "' that can be used for partition elimination")
			}
			p.fullScans = append(p.fullScans, ref.String())
		}
	}
	if c := meta.Clustering; c != nil && meta.TimePartitioning == nil && !all {
		// "When you query a clustered table, and the query includes a filter on the clustered columns, BigQuery uses the
		// filter expression and the block metadata to prune the blocks scanned": "Introduction to clustered tables".
		where = bounds(tokens, c.Fields[0])
	}
	fields := meta.Schema.Fields
	if !all && !star(tokens) {
		fields = slices.DeleteFunc(slices.Clone(fields), func(f *bigquery.TableFieldSchema) bool {
			return !slices.ContainsFunc(tokens, func(t token) bool { return t.kind <= quotedToken && strings.EqualFold(t.text, f.Name) })
		})
	}
	n, err := logicalBytes(ctx, q, ref, fields, where)
	p.bytes += n
	return err
}

// star reports whether a statement selects every column.
func star(tokens []token) bool {
	for i, t := range tokens {
		if t.is("*") && i > 0 {
			if b := tokens[i-1]; b.is("SELECT") || b.is("DISTINCT") || b.is("ALL") || b.is(",") || b.is(".") {
				return true
			}
		}
	}
	return false
}

// bounds collects the literal bounds that a statement puts on a column, as a condition that holds for every row that
// the statement may touch. The condition is empty where there are no bounds.
func bounds(tokens []token, column string) string {
	var all []string
	name, lower := duckName(column), ""
	for i, t := range tokens {
		if t.kind > quotedToken || !strings.EqualFold(t.text, column) || i+1 >= len(tokens) {
			continue
		}
		op := tokens[i+1]
		switch {
		case op.is("BETWEEN"):
			from, n := boundary(tokens[i+2:])
			if n == 0 || i+3+n > len(tokens) {
				continue
			}
			if to, m := boundary(tokens[i+3+n:]); m > 0 {
				all = append(all, name+" BETWEEN "+from+" AND "+to)
			}
		case op.is("IN"):
			for j := i + 2; j < len(tokens) && !tokens[j].is(")"); j++ {
				if v, n := boundary(tokens[j:]); n > 0 {
					all = append(all, name+" = "+v)
					j += n - 1
				}
			}
		case op.kind == opToken && strings.Contains("= < <= > >=", op.text):
			v, n := boundary(tokens[i+2:])
			switch condition := name + " " + op.text + " " + v; {
			case n == 0:
			case op.text == "=":
				all = append(all, condition)
			case op.text[0] == '>':
				lower = condition
			case lower != "":
				all = append(all, "("+lower+" AND "+condition+")")
				lower = ""
			default:
				all = append(all, condition)
			}
		}
	}
	if lower != "" {
		all = append(all, lower)
	}
	return strings.Join(all, " OR ")
}

// boundary reads DATE '…', TIMESTAMP '…' or a plain string.
func boundary(tokens []token) (string, int) {
	n := 0
	if len(tokens) > 1 && (tokens[0].is("DATE") || tokens[0].is("TIMESTAMP")) {
		n = 1
	}
	if len(tokens) <= n || tokens[n].kind != stringToken {
		return "", 0
	}
	v := duckString(tokens[n].text)
	if n == 1 {
		v = scalarTypes[strings.ToUpper(tokens[0].text)] + " " + v
	}
	return v, n + 1
}
