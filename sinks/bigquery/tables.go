package bigquery

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"cloud.google.com/go/bigquery"

	"github.com/windrow-data/windrow/pipeline"
)

// stageLife is how long a staging table stays that nobody dropped.
const stageLife = 24 * time.Hour

// ensure makes the dataset and the tables that are missing, and adds the
// columns that are. It looks once in the life of a store.
func (s *Store) ensure(ctx context.Context) error {
	s.setup.Lock()
	defer s.setup.Unlock()
	s.mu.Lock()
	ready := s.ready
	s.mu.Unlock()
	if ready {
		return nil
	}
	if err := s.ensureDataset(ctx); err != nil {
		return err
	}
	list, err := layouts()
	if err != nil {
		return &pipeline.Error{Op: "make the tables", Kind: pipeline.Internal, Err: err}
	}
	for _, l := range list {
		if err := s.ensureTable(ctx, l); err != nil {
			return err
		}
	}
	if err := s.ensureTurn(ctx); err != nil {
		return err
	}
	if err := s.ensureView(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	s.ready = true
	s.mu.Unlock()
	pipeline.Point(ctx, "bigquery.ready")
	return nil
}

// forget makes the next write look at the dataset again: something was missing.
// What was read of it may be gone as well.
func (s *Store) forget() {
	s.mu.Lock()
	s.ready, s.located = false, false
	clear(s.logs)
	s.mu.Unlock()
}

func (s *Store) ensureDataset(ctx context.Context) error {
	if there, err := s.locate(ctx); there || err != nil {
		return err
	}
	err := s.again(ctx, func() error {
		return s.dataset().Create(ctx, &bigquery.DatasetMetadata{
			Location: s.place(), Description: "Contact-centre statistics, synced by Windrow",
		})
	})
	if err != nil && httpStatus(err) != http.StatusConflict {
		return fault("create the dataset", err)
	}
	_, err = s.locate(ctx) // another process may have made it elsewhere
	return err
}

// look finds a table and the columns that it lacks; md is nil where there is
// none and one may be made. What must not be made or changed is an error.
func (s *Store) look(ctx context.Context, l layout) (md *bigquery.TableMetadata, added bigquery.Schema, err error) {
	err = s.again(ctx, func() (err error) {
		md, err = s.dataset().Table(l.name).Metadata(ctx)
		return err
	})
	if httpStatus(err) == http.StatusNotFound {
		return nil, nil, s.mayMake(ctx, l)
	}
	if err != nil {
		return nil, nil, fault("look at table "+l.name, err)
	}
	if added, err = l.check(md); err != nil {
		return nil, nil, &pipeline.Error{Op: "check table " + l.name, Kind: pipeline.Invalid, Err: err, Hint: s.driftHint(l)}
	}
	return md, added, nil
}

func (s *Store) ensureTable(ctx context.Context, l layout) error {
	table := s.dataset().Table(l.name)
	for range 3 { // between two looks another process may act
		md, added, err := s.look(ctx, l)
		if err != nil {
			return err
		}
		if md == nil {
			err := s.again(ctx, func() error { return table.Create(ctx, l.metadata()) })
			if httpStatus(err) == http.StatusConflict {
				continue
			}
			return fault("make table "+l.name, err)
		}
		if len(added) == 0 {
			return nil
		}
		schema := append(slices.Clone(md.Schema), added...)
		err = s.again(ctx, func() error {
			_, err := table.Update(ctx, bigquery.TableMetadataToUpdate{Schema: schema}, md.ETag)
			return err
		})
		if err == nil {
			return nil
		}
		if httpStatus(err) != http.StatusPreconditionFailed {
			return fault("add columns to table "+l.name, err)
		}
	}
	return &pipeline.Error{Op: "make table " + l.name, Kind: pipeline.Unavailable,
		Err: fmt.Errorf("other processes kept changing it")}
}

// mayMake refuses to make a table anew whose rows the ledger takes for
// committed: it would stay empty, for windows that read the same again write
// nothing. All tables are made before the ledger gets its first row.
func (s *Store) mayMake(ctx context.Context, l layout) error {
	if !l.data {
		return nil
	}
	ledger, err := s.metadata(ctx, ledgerTable)
	if err != nil {
		return fault("make table "+l.name, err)
	}
	if ledger.NumRows == 0 {
		return nil
	}
	again, err := s.metadata(ctx, l.name)
	if err != nil || again.Schema != nil { // another process has made it meanwhile, and committed
		return fault("make table "+l.name, err)
	}
	return &pipeline.Error{Op: "make table " + l.name, Kind: pipeline.Invalid,
		Err: fmt.Errorf("it is missing, and %s tells of rows in it", ledgerTable),
		Hint: fmt.Sprintf("restore table %s.%s (BigQuery keeps a deleted one for some days), or rename %s.%s away as well, so that every window is read again",
			s.names.dataset, l.name, s.names.dataset, ledgerTable)}
}

// driftHint says what to do about a table that is not as it should be.
func (s *Store) driftHint(l layout) string {
	with := ""
	if l.data {
		with = fmt.Sprintf(", and %s.%s with it so that every window is read again,", s.names.dataset, ledgerTable)
	}
	return fmt.Sprintf("Windrow never retypes a column: rename table %s.%s away%s and sync again with --from, or name another dataset", s.names.dataset, l.name, with)
}

func (l layout) metadata() *bigquery.TableMetadata {
	md := &bigquery.TableMetadata{Schema: l.schema, Description: l.description}
	if l.partition != "" {
		md.TimePartitioning = &bigquery.TimePartitioning{Type: bigquery.DayPartitioningType, Field: l.partition}
	}
	if len(l.cluster) > 0 {
		md.Clustering = &bigquery.Clustering{Fields: l.cluster}
	}
	return md
}

// check compares a table that is there with the layout.
func (l layout) check(md *bigquery.TableMetadata) (added bigquery.Schema, err error) {
	if md.Type != "" && md.Type != bigquery.RegularTable {
		return nil, fmt.Errorf("it is a %s, not a table", md.Type)
	}
	if have := md.TimePartitioning; l.partition != "" && (have == nil || have.Field != l.partition) {
		return nil, fmt.Errorf("it is not partitioned by %s", l.partition)
	}
	return drift(md.Schema, l.schema)
}

// ensureTurn makes sure that the turn has a row: a DELETE that finds none makes
// no two transactions conflict. Several rows, by several processes at once, do no harm.
func (s *Store) ensureTurn(ctx context.Context) error {
	const op = "make table " + turnTable
	var md *bigquery.TableMetadata
	err := s.again(ctx, func() (err error) {
		md, err = s.dataset().Table(turnTable).Metadata(ctx)
		return err
	})
	if err != nil || md.NumRows > 0 {
		return fault(op, err)
	}
	return fault(op, s.write(ctx, "windrow_turn_"+nonce(), s.names.takeTurn("none")))
}

// watermarksMeaning: the ledger has WINDROW_FROM from syncs alone.
const watermarksMeaning = "how far each stream is settled without a hole, from its first day on: WINDROW_FROM as the last sync had it, else 30 days before the first sync"

// ensureView makes the view, or gives one that an earlier version made its query.
func (s *Store) ensureView(ctx context.Context) error {
	view, query := s.dataset().Table(watermarksView), s.names.watermarks()
	var md *bigquery.TableMetadata
	err := s.again(ctx, func() (err error) {
		md, err = view.Metadata(ctx)
		return err
	})
	if err == nil && md.Type == bigquery.ViewTable && md.ViewQuery != query {
		err = s.again(ctx, func() error {
			_, err := view.Update(ctx, bigquery.TableMetadataToUpdate{ViewQuery: query, Description: watermarksMeaning}, md.ETag)
			return err
		})
		if httpStatus(err) == http.StatusPreconditionFailed {
			return nil // another process does the same
		}
		return fault("renew the view "+watermarksView, err)
	}
	if httpStatus(err) != http.StatusNotFound {
		return fault("look for the view "+watermarksView, err)
	}
	err = s.again(ctx, func() error {
		return view.Create(ctx, &bigquery.TableMetadata{ViewQuery: query, Description: watermarksMeaning})
	})
	if httpStatus(err) == http.StatusConflict {
		return nil
	}
	return fault("make the view "+watermarksView, err)
}

// ensureStage makes an expiring staging table, if it is not there.
func (s *Store) ensureStage(ctx context.Context, name string, schema bigquery.Schema) error {
	err := s.again(ctx, func() error {
		return s.dataset().Table(name).Create(ctx, &bigquery.TableMetadata{
			Schema: bare(schema), ExpirationTime: s.now().Add(stageLife), Description: "rows of one commit on their way",
		})
	})
	if httpStatus(err) == http.StatusConflict {
		return nil
	}
	return err
}

// dropStage drops a staging table, as far as that is possible: it expires anyway.
func (s *Store) dropStage(ctx context.Context, name string) {
	patience := 10 * time.Second
	if ctx.Err() != nil {
		patience = time.Second // the process is to end
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	_ = s.dataset().Table(name).Delete(ctx)
}

// bare is the schema without descriptions.
func bare(s bigquery.Schema) bigquery.Schema {
	out := make(bigquery.Schema, len(s))
	for i, f := range s {
		c := *f
		c.Description = ""
		out[i] = &c
	}
	return out
}
