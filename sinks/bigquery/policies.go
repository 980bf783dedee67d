package bigquery

import (
	"context"
	"errors"
	"fmt"

	"cloud.google.com/go/bigquery"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/apierror"
)

// tryDelete reports whether all rows of a table may be seen and deleted. Where they may not, a replacement would leave
// rows, and the ledger would read as if it were empty; BigQuery refuses the first, and check says both.
func (d *dataset) tryDelete(ctx context.Context, l layout) error {
	err := apierror.Classify("check table "+l.name, d.jobs.Try(ctx, d.sql.TryDelete(l.name, l.partition)))
	var denied *pipeline.Error
	if errors.As(err, &denied) && denied.Kind == pipeline.Unauthorized {
		denied.Hint += "; where row access policies are on the table, " + d.unhide(l.name)
	}
	return err
}

// unhide says how to end what row access policies hide.
func (d *dataset) unhide(table string) string {
	full := fmt.Sprintf("`%s.%s.%s`", d.sql.Project, d.sql.Name, table)
	return "drop them: DROP ALL ROW ACCESS POLICIES ON " + full + "; or give the account one that hides nothing: " +
		"CREATE ROW ACCESS POLICY windrow ON " + full + " GRANT TO (…) FILTER USING (TRUE)"
}

// seesAll makes sure, once in the life of a store, that no row access policy hides rows of a table whose rows are about
// to be read: a ledger that is hidden would read as "nothing there". BigQuery refuses DML to whom a policy hides rows, and
// says so for a statement that it merely looks at, which is no job and is billed nothing. Who may not write at all is asked
// to count: fewer rows than the metadata tell are hidden ones.
func (d *dataset) seesAll(ctx context.Context, table string) error {
	l, err := layoutOf(table)
	if err != nil {
		return &pipeline.Error{Op: "read table " + table, Kind: pipeline.Internal, Err: err}
	}
	return d.seesAllOf(ctx, l)
}

// sees reports whether seesAll has found a table, and all of its rows.
func (d *dataset) sees(table string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.whole[table]
}

func (d *dataset) seesAllOf(ctx context.Context, l layout) error {
	if d.sees(l.name) {
		return nil
	}
	denied := d.jobs.Try(ctx, d.sql.TryDelete(l.name, l.partition))
	if apierror.Absent(denied) {
		return nil // the reading says so
	}
	if denied != nil {
		if pipeline.KindOf(apierror.Classify("", denied)) != pipeline.Unauthorized {
			return denied
		}
		if err := d.countAll(ctx, l, denied); err != nil {
			return err
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.whole == nil {
		d.whole = make(map[string]bool)
	}
	d.whole[l.name] = true
	return nil
}

// readsTrue makes sure that no data policy masks the columns of a table that are about to be compared: BigQuery lets nobody
// but a Fine-Grained Reader run DML that scans a column with a policy tag, and says so for a statement that it merely looks
// at. proven is false where the account may not write the table at all, so that this says nothing.
func (d *dataset) readsTrue(ctx context.Context, table string, columns []string) (proven bool, err error) {
	l, err := layoutOf(table)
	if err != nil {
		return false, &pipeline.Error{Op: "read table " + table, Kind: pipeline.Internal, Err: err}
	}
	denied := d.jobs.Try(ctx, d.sql.TryDelete(l.name, l.partition, columns...))
	if denied == nil || apierror.Absent(denied) {
		return true, nil
	}
	if pipeline.KindOf(apierror.Classify("", denied)) != pipeline.Unauthorized {
		return false, denied
	}
	other := d.jobs.Try(ctx, d.sql.TryDelete(l.name, l.partition))
	switch {
	case other == nil:
		return false, masked(table, denied)
	case pipeline.KindOf(apierror.Classify("", other)) == pipeline.Unauthorized:
		return false, nil
	}
	return false, other
}

// masked refuses to compare rows of which columns may read masked: their fingerprints would be others, of every window.
func masked(table string, why error) error {
	return &pipeline.Error{Op: "read table " + table, Kind: pipeline.Unauthorized,
		Err: fmt.Errorf("columns have policy tags and may read masked, so that nobody can tell whether rows differ: %w", why), Hint: apierror.ReaderHint}
}

// countAll refuses a table of which fewer rows may be seen than there are. denied is what BigQuery said of DML.
func (d *dataset) countAll(ctx context.Context, l layout, denied error) error {
	md, err := d.metadata(ctx, l.name)
	if err != nil || md.NumRows == 0 {
		return err
	}
	seen := int64(0)
	err = d.jobs.Read(ctx, d.sql.CountAll(l.name, l.partition), func() {}, func(row []bigquery.Value) error {
		seen, _ = row[0].(int64)
		return nil
	})
	if err != nil || seen >= int64(md.NumRows) {
		return err
	}
	return &pipeline.Error{Op: "read table " + l.name, Kind: pipeline.Unauthorized,
		Err:  fmt.Errorf("row access policies hide %d of its %d rows, so that it cannot be trusted: %w", int64(md.NumRows)-seen, md.NumRows, denied),
		Hint: d.unhide(l.name)}
}
