package bigquery

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"
	"time"

	"cloud.google.com/go/bigquery"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/apierror"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/job"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
	"github.com/windrow-data/windrow/sinks/views"
)

// stageLife is after how long BigQuery drops a staging table that nobody dropped. It is counted by BigQuery's clock, which
// every job tells; where none has told it yet, mostAstray is how far the machine's clock may be behind.
const (
	stageLife  = 24 * time.Hour
	mostAstray = 31 * 24 * time.Hour
)

// ensure makes the missing tables, and the dataset, and adds the missing columns. BigQuery is asked once in the life of
// a store, unless forget is called.
func (d *dataset) ensure(ctx context.Context) error { return d.ensureAll(ctx, false) }

// ensureAll is ensure; anew says that a ledger which is gone may begin anew beside the rows that it told of.
func (d *dataset) ensureAll(ctx context.Context, anew bool) error {
	d.setup.Lock()
	defer d.setup.Unlock()
	d.mu.Lock()
	ready := d.ready
	d.mu.Unlock()
	if ready {
		return nil
	}
	if err := d.ensureDataset(ctx); err != nil {
		return err
	}
	list, err := layouts()
	if err != nil {
		return &pipeline.Error{Op: "make the tables", Kind: pipeline.Internal, Err: err}
	}
	for _, l := range list {
		l.ledger = l.ledger && !anew
		if err := d.ensureTable(ctx, l); err != nil {
			return err
		}
	}
	if err := d.ensureFence(ctx); err != nil {
		return err
	}
	if err := d.ensureView(ctx); err != nil {
		return err
	}
	d.mu.Lock()
	d.ready = true
	d.mu.Unlock()
	pipeline.Point(ctx, "bigquery.ready")
	return nil
}

func (d *dataset) ensureDataset(ctx context.Context) error {
	if there, err := d.locate(ctx); there || err != nil {
		return err
	}
	err := d.jobs.Retry(ctx, func() error {
		return d.handle.Create(ctx, &bigquery.DatasetMetadata{
			Location: d.jobs.Location(), Description: "Contact-centre statistics, synced by Windrow",
		})
	})
	if err != nil && apierror.Status(err) != http.StatusConflict {
		return apierror.Classify("create the dataset", err)
	}
	_, err = d.locate(ctx) // another process may have made the dataset elsewhere
	return err
}

// look finds a table and the columns that the table lacks. md is nil where the table is missing and may be made. A
// table that must not be made or changed is an error.
func (d *dataset) look(ctx context.Context, l layout) (md *bigquery.TableMetadata, added bigquery.Schema, err error) {
	err = d.jobs.Retry(ctx, func() (err error) {
		md, err = d.handle.Table(l.name).Metadata(ctx)
		return err
	})
	if apierror.Status(err) == http.StatusNotFound {
		return nil, nil, d.mayMake(ctx, l)
	}
	if err != nil {
		return nil, nil, apierror.Classify("look at table "+l.name, err)
	}
	if added, err = l.check(md); err != nil {
		return nil, nil, &pipeline.Error{Op: "check table " + l.name, Kind: pipeline.Invalid, Err: err, Hint: d.driftHint(l)}
	}
	return md, added, d.checkExpiration(l, md)
}

func (d *dataset) ensureTable(ctx context.Context, l layout) error {
	table := d.handle.Table(l.name)
	for range 5 { // between two looks another process may act
		md, added, err := d.look(ctx, l)
		if err != nil {
			return err
		}
		if md == nil {
			err := d.jobs.Retry(ctx, func() error { return table.Create(ctx, l.metadata()) })
			if err != nil && apierror.Status(err) != http.StatusConflict {
				return apierror.Classify("make table "+l.name, err)
			}
			if err == nil && !d.inherits() {
				d.keep(l, l.metadata())
				return nil
			}
			continue
		}
		if len(l.expirations(md)) > 0 {
			if err := d.unexpire(ctx, l, md); err != nil {
				return err
			}
			continue
		}
		d.keep(l, md)
		change, needed := l.changes(md, added)
		if !needed {
			return nil
		}
		err = d.jobs.Retry(ctx, func() error {
			_, err := table.Update(ctx, change, md.ETag)
			return err
		})
		if err == nil {
			return nil
		}
		if apierror.Status(err) != http.StatusPreconditionFailed {
			return apierror.Classify("add to table "+l.name, err)
		}
	}
	return &pipeline.Error{Op: "make table " + l.name, Kind: pipeline.Unavailable,
		Err: fmt.Errorf("other processes kept changing it")}
}

// changes is what a table of an earlier version lacks: columns, a column that may be null, and a clustering where it has
// none. What somebody has
// clustered otherwise stays.
func (l layout) changes(md *bigquery.TableMetadata, added bigquery.Schema) (change bigquery.TableMetadataToUpdate, needed bool) {
	have := l.relax(md.Schema)
	if len(added) > 0 || !slices.Equal(have, md.Schema) {
		change.Schema, needed = append(slices.Clone(have), added...), true
	}
	if md.Clustering == nil && len(l.cluster) > 0 {
		change.Clustering, needed = &bigquery.Clustering{Fields: l.cluster}, true
	}
	return change, needed
}

// mayMake refuses to make a table anew without which the tables lie: a data table whose rows the ledger takes for committed
// would have holes, because not every window is read again, and a ledger without a row would take those of the data tables
// for nobody's. All tables are made before one of them gets its first row.
func (d *dataset) mayMake(ctx context.Context, l layout) error {
	var beside []string
	switch {
	case l.data:
		beside = []string{statement.LedgerTable}
	case l.ledger:
		for _, t := range pipeline.Tables() {
			beside = append(beside, t.Name)
		}
	}
	for _, name := range beside {
		md, err := d.metadata(ctx, name)
		if err != nil {
			return apierror.Classify("make table "+l.name, err)
		}
		if md.NumRows == 0 {
			continue
		}
		again, err := d.metadata(ctx, l.name)
		if err != nil || again.Schema != nil { // another process has made the table meanwhile, and committed
			return apierror.Classify("make table "+l.name, err)
		}
		return d.vanished(l, name)
	}
	return nil
}

// vanished is the error of a table that is missing while the rows of another one say that it was there.
func (d *dataset) vanished(l layout, other string) error {
	e := &pipeline.Error{
		Op: "make table " + l.name, Kind: pipeline.Invalid, Err: fmt.Errorf("it is missing, and %s tells of rows in it", other),
		Hint: fmt.Sprintf("restore table %s.%s (BigQuery keeps a deleted one for some days), or rename %s.%s away as well, so that every window is read again",
			d.sql.Name, l.name, d.sql.Name, other),
	}
	if l.ledger {
		e.Err = fmt.Errorf("it is missing, and %s has rows: their ledger is gone", other)
		e.Hint = fmt.Sprintf("restore table %s.%s (BigQuery keeps a deleted one for some days); or, where the data may go, have a verification that repairs remove them, and the next sync reads what the vendors still have",
			d.sql.Name, l.name)
	}
	return e
}

// driftHint says what to do about a table with wrong columns.
func (d *dataset) driftHint(l layout) string {
	with := ""
	if l.push {
		return "Windrow never retypes a column: restore the table; nothing is sent on a guess"
	}
	if l.data {
		with = fmt.Sprintf(", and %s.%s with it so that every window is read again,", d.sql.Name, statement.LedgerTable)
	}
	return fmt.Sprintf("Windrow never retypes a column: rename table %s.%s away%s and sync again with --from, or name another dataset", d.sql.Name, l.name, with)
}

// ensureFence makes sure that the fence has a row: two transactions whose DELETE finds no row do not conflict. Several
// rows, made by several processes at once, do no harm.
func (d *dataset) ensureFence(ctx context.Context) error {
	const op = "make table " + statement.FenceTable
	var md *bigquery.TableMetadata
	err := d.jobs.Retry(ctx, func() (err error) {
		md, err = d.handle.Table(statement.FenceTable).Metadata(ctx)
		return err
	})
	if err != nil || md.NumRows > 0 {
		return apierror.Classify(op, err)
	}
	return apierror.Classify(op, d.jobs.Write(ctx, "windrow_turn_"+job.Nonce(), d.sql.FenceRow("none")))
}

// watermarksMeaning describes the view. The ledger knows WINDROW_FROM from syncs alone.
const watermarksMeaning = "how far each stream is settled without a hole, from its first day on: WINDROW_FROM as the last sync had it, else 30 days before the first sync"

// ensureView makes the view of watermarks, or renews the query of one that an earlier version has made.
func (d *dataset) ensureView(ctx context.Context) error {
	_, err := d.keepView(ctx, statement.WatermarksView, d.sql.Watermarks(), watermarksMeaning)
	return err
}

// keepView makes a view, or renews one whose query is another or that is to expire. made tells whether it did.
func (d *dataset) keepView(ctx context.Context, name, query, meaning string) (made bool, err error) {
	view := d.handle.Table(name)
	var md *bigquery.TableMetadata
	err = d.jobs.Retry(ctx, func() (err error) {
		md, err = view.Metadata(ctx)
		return err
	})
	if err == nil && md.Type != bigquery.ViewTable {
		return false, &pipeline.Error{Op: "make the view " + name, Kind: pipeline.Invalid, Err: fmt.Errorf("it is a %s, not a view", md.Type),
			Hint: fmt.Sprintf("rename %s.%s away: the name is Windrow's", d.sql.Name, name)}
	}
	if err == nil && (md.ViewQuery != query || md.Description != meaning || !md.ExpirationTime.IsZero()) {
		err = d.jobs.Retry(ctx, func() error {
			_, err := view.Update(ctx, bigquery.TableMetadataToUpdate{ViewQuery: query, Description: meaning, ExpirationTime: bigquery.NeverExpire}, md.ETag)
			return err
		})
		if apierror.Status(err) == http.StatusPreconditionFailed {
			return false, nil // another process does the same
		}
		return err == nil, apierror.Classify("renew the view "+name, err)
	}
	if apierror.Status(err) != http.StatusNotFound {
		return false, apierror.Classify("look for the view "+name, err)
	}
	err = d.jobs.Retry(ctx, func() error {
		return view.Create(ctx, &bigquery.TableMetadata{ViewQuery: query, Description: meaning})
	})
	if err == nil {
		err = d.unexpireView(ctx, name)
	}
	if apierror.Status(err) == http.StatusConflict {
		return false, nil
	}
	return err == nil, apierror.Classify("make the view "+name, err)
}

// Views implements [pipeline.ViewKeeper]. It asks nobody. The last view's description ends in a digest of all of them, so
// that one look tells whether they are as they should be.
func (s *Store) Views(context.Context) ([]pipeline.View, string, error) {
	place := views.Place{Dialect: views.BigQuery, Dataset: s.sql.Project + "." + s.sql.Name}
	list, err := views.Build(place)
	if err != nil {
		return nil, "", &pipeline.Error{Op: "write the views", Kind: pipeline.Internal, Err: err}
	}
	script := views.Script(place, list)
	digest := sha256.Sum256([]byte(script))
	list[len(list)-1].Description += fmt.Sprintf(". Views of this dataset: %x", digest[:6])
	return list, script, nil
}

// KeepViews implements [pipeline.ViewKeeper]. Views are metadata: making one runs no job and is billed nothing.
func (s *Store) KeepViews(ctx context.Context, renew bool) (list []pipeline.View, where string, err error) {
	list, _, err = s.Views(ctx)
	if err != nil {
		return nil, "", err
	}
	if renew {
		last, err := s.dataset.metadata(ctx, list[len(list)-1].Name)
		if err != nil || last.Description == list[len(list)-1].Description {
			return list, "", apierror.Classify("look for the views", err)
		}
		first, err := s.dataset.metadata(ctx, list[0].Name)
		if err != nil || first.Type == "" && last.Type == "" {
			return list, "", apierror.Classify("look for the views", err)
		}
	} else if err := s.dataset.ensure(ctx); err != nil {
		return nil, "", err
	}
	for _, v := range list {
		made, err := s.dataset.keepView(ctx, v.Name, v.SQL, v.Description)
		if err != nil {
			return nil, "", err
		}
		if made {
			where = s.sql.Project + "." + s.sql.Name
		}
	}
	return list, where, nil
}

// checkTables reports what is wrong with the tables that are there, and whether the credentials may write them:
// BigQuery looks at a statement that writes, without running it.
func (d *dataset) checkTables(ctx context.Context) error {
	list, err := layouts()
	if err != nil {
		return &pipeline.Error{Op: "check the tables", Kind: pipeline.Internal, Err: err}
	}
	for _, l := range list {
		md, _, err := d.look(ctx, l)
		if err == nil && md != nil {
			err = d.tryDelete(ctx, l)
		}
		if err != nil {
			return err
		}
	}
	err = d.jobs.Try(ctx, d.sql.FenceRow("none"))
	if apierror.Absent(err) {
		return nil // the first sync makes the tables
	}
	return err
}

// ensureStage makes a staging table that expires, unless the table is there.
func (d *dataset) ensureStage(ctx context.Context, name string, schema bigquery.Schema) error {
	from := d.jobs.Ended()
	if from.IsZero() {
		from = d.now().Add(mostAstray)
	}
	err := d.jobs.Retry(ctx, func() error {
		return d.handle.Table(name).Create(ctx, &bigquery.TableMetadata{
			Schema: bare(schema), ExpirationTime: from.Add(stageLife), Description: "rows of one commit on their way",
		})
	})
	if apierror.Status(err) == http.StatusConflict {
		return nil
	}
	return err
}

// dropStage tries to drop a staging table. A table that stays expires.
func (d *dataset) dropStage(ctx context.Context, name string) {
	patience := 10 * time.Second
	if ctx.Err() != nil {
		patience = time.Second // the process is to end
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	_ = d.handle.Table(name).Delete(ctx)
}
