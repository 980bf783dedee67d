// Package pushledger keeps a send ledger in two tables of a BigQuery dataset: _windrow_push has a row for each change, and
// the one row of _windrow_push_turn is replaced by every writer, so that BigQuery cancels one of two at once. Each row
// proves itself, and each log that no row of it is missing. Start at [Ledger].
package pushledger

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"sync"
	"time"

	"cloud.google.com/go/bigquery"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/push"
	sink "github.com/windrow-data/windrow/sinks/bigquery"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/apierror"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/job"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/statement"
	"github.com/windrow-data/windrow/sinks/internal/process"
)

const (
	callTime = 5 * time.Minute
	// mostTries is how often an append is tried that other writers keep out.
	mostTries = 20
)

// Ledger is a [push.Ledger] in a dataset.
type Ledger struct {
	client *bigquery.Client
	jobs   *job.Runner
	sql    statement.Dataset
	tables *sink.PushTables
	pace   time.Duration

	mu    sync.Mutex
	ready bool // the tables are there
}

var (
	_ push.Ledger  = (*Ledger)(nil)
	_ push.Witness = (*Ledger)(nil)
)

// Open returns the ledger in the dataset of a sink's address. It sends nothing: a missing dataset is an empty ledger.
func Open(ctx context.Context, dsn string, o sink.Options) (*Ledger, error) {
	const op = "open the send ledger"
	sql, location, err := sink.Parse(dsn)
	if err != nil {
		return nil, &pipeline.Error{Op: op, Kind: pipeline.Invalid, Err: err, Hint: "name a dataset, for example " + sink.ExampleAddress}
	}
	client, err := sink.NewClient(ctx, op, sql.Project, o)
	if err != nil {
		return nil, err
	}
	pace := cmp.Or(o.Pace, time.Second)
	jobs := job.NewRunner(client, cmp.Or(location, sink.DefaultLocation), o.MaxBytesBilled, pace)
	return &Ledger{client: client, sql: sql, pace: pace, jobs: jobs, tables: sink.NewPushTables(client, sql, location, jobs)}, nil
}

// Close implements [push.Ledger].
func (l *Ledger) Close() error { return l.client.Close() }

// Run implements [push.Witness].
func (l *Ledger) Run() string { return process.Name() }

// Life implements [push.Witness]. BigQuery knows nobody: those of this machine are known.
func (l *Ledger) Life(_ context.Context, run string) push.Life { return process.Life(run) }

func logOf(k push.Key) (log, key string, err error) {
	text, err := json.Marshal(k)
	if k == (push.Key{}) {
		return "terms", string(text), err
	}
	sum := sha256.Sum256(text)
	return fmt.Sprintf("%x", sum[:16]), string(text), err
}

func proofOf(log, key, change string, position, item int64) int64 {
	sum := crc32.NewIEEE()
	fmt.Fprintf(sum, "%s %d %d\n%s\n%s", log, position, item, key, change)
	return int64(sum.Sum32())
}

// ensure makes the dataset and the tables where they are missing.
func (l *Ledger) ensure(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ready {
		return nil
	}
	if err := l.tables.Ensure(ctx); err != nil {
		return err
	}
	// Only writers who replace a row conflict. A second row does no harm.
	if err := l.jobs.Write(ctx, "windrow_push_turn_"+job.Nonce(), l.sql.PushFenceRow("")); err != nil {
		return err
	}
	l.ready = true
	return nil
}

// legible reports whether the ledger is there, and makes sure that all of its rows may be read.
func (l *Ledger) legible(ctx context.Context) (there bool, err error) {
	if there, err = l.tables.Locate(ctx); err == nil && there {
		err = l.tables.SeesAll(ctx)
	}
	return there, err
}

// Read implements [push.Ledger].
func (l *Ledger) Read(ctx context.Context, k push.Key, after push.Position, fold func(push.Change) error) (push.Position, error) {
	const op = "read the send ledger"
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	log, key, err := logOf(k)
	there := false
	if err == nil {
		there, err = l.legible(ctx)
	}
	if err != nil || !there {
		return after, apierror.Classify(op, err)
	}
	r := reading{log: log, key: key, fold: fold, position: int64(after), item: 1, items: 1} //nolint:gosec // a position that this ledger gave
	err = l.jobs.ReadBulky(ctx, l.sql.ReadPush(log, uint64(after)), func() { r.seen = 0 }, r.take)
	switch {
	case r.failed != nil:
		return r.whole(), r.failed
	case apierror.Absent(err):
		return after, nil
	case err == nil && r.item != r.items:
		err = damaged(r.at(r.position), "a row is missing")
	case err == nil:
		err = ctx.Err()
	}
	return r.whole(), apierror.Classify(op, err)
}

// reading hands over the rows of a log as they come, so that no log lies in memory. The rows that were handed over are
// passed over where BigQuery fails for a while and is asked again.
type reading struct {
	log, key              string
	fold                  func(push.Change) error
	position, item, items int64 // of the last row
	taken, seen           int   // rows; seen in this answer
	failed                error // of fold, or for what is damaged
}

func (r *reading) at(position int64) string {
	return fmt.Sprintf("%s, log %s, position %d", statement.PushTable, r.log, position)
}

// whole is the last position of which every row was handed over.
func (r *reading) whole() push.Position {
	at := r.position
	if r.item != r.items {
		at--
	}
	return push.Position(at) //nolint:gosec // no position is negative
}

func (r *reading) take(row []bigquery.Value) error {
	if r.seen++; r.seen <= r.taken {
		return nil
	}
	c, err := r.judge(row)
	if err == nil {
		err = r.fold(c)
	}
	if err == nil {
		r.position, r.item, r.items = integer(row[0]), integer(row[1]), integer(row[2])
		r.taken++
	}
	r.failed = err
	return err
}

// judge reads a row, which must be the one behind the last.
func (r *reading) judge(row []bigquery.Value) (c push.Change, err error) {
	at, n, of := integer(row[0]), integer(row[1]), integer(row[2])
	key, _ := row[4].(string)
	text, _ := row[5].(string)
	name := fmt.Sprintf("%s, item %d", r.at(at), n)
	next := at == r.position && n == r.item+1 && of == r.items || at == r.position+1 && n == 1 && r.item == r.items
	switch format := integer(row[3]); {
	case format > statement.PushFormat:
		return c, newer(name, fmt.Sprintf("it is of form %d", format))
	case !next:
		return c, damaged(r.at(r.position+1), "a row is missing, and later ones are there")
	case key != r.key:
		return c, damaged(name, "it is of another key")
	case integer(row[6]) != proofOf(r.log, key, text, at, n):
		return c, damaged(name, "its proof does not fit")
	}
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return c, damaged(name, "it is no change")
	}
	if !c.State.Known() && c.Terms == nil {
		return c, newer(name, fmt.Sprintf("it has the state %q", c.State))
	}
	return c, nil
}

func integer(v bigquery.Value) int64 {
	n, _ := v.(int64)
	return n
}

func damaged(name, problem string) error {
	return &pipeline.Error{Op: "read the send ledger", Kind: pipeline.Damaged, Err: fmt.Errorf("%s is damaged: %s", name, problem),
		Hint: "restore the table from a snapshot; nothing is sent on a guess"}
}

func newer(name, problem string) error {
	return &pipeline.Error{Op: "read the send ledger", Kind: pipeline.Damaged, Err: fmt.Errorf("%s was written by a newer version of windrow: %s", name, problem),
		Hint: "use that version or a later one"}
}

// Append implements [push.Ledger]. Of two writers at once BigQuery cancels one, and who has written is read back.
func (l *Ledger) Append(ctx context.Context, k push.Key, after push.Position, changes ...push.Change) (push.Position, error) {
	const op = "write the send ledger"
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	log, key, err := logOf(k)
	lines := make([]statement.PushLine, len(changes))
	for i, c := range changes {
		var body []byte
		if err == nil {
			body, err = json.Marshal(c)
		}
		lines[i] = statement.PushLine{Key: key, Change: string(body), Proof: proofOf(log, key, string(body), int64(after)+1, int64(i)+1)} //nolint:gosec // as above
	}
	if err == nil {
		err = l.ensure(ctx)
	}
	if err != nil {
		return after, apierror.Classify(op, err)
	}
	pipeline.Point(ctx, "pushledger.begun")
	for try := 1; ; try++ {
		writer := job.Nonce()
		script, err := l.sql.AppendPush(log, uint64(after), writer, lines)
		if err != nil {
			return after, &pipeline.Error{Op: op, Kind: pipeline.Invalid, Err: err, Hint: "push with a lower --batch"}
		}
		failed := l.jobs.Write(ctx, "windrow_push_"+writer, script)
		by, err := l.writer(ctx, log, after)
		switch {
		case err != nil:
			return after, apierror.Classify(op, errors.Join(failed, err))
		case by == writer:
			pipeline.Point(ctx, "pushledger.added")
			return after + 1, nil
		case by != "" || failed == nil:
			return after, push.ErrMoved
		case try == mostTries || ctx.Err() != nil || pipeline.KindOf(apierror.Classify(op, failed)) == pipeline.Unauthorized:
			return after, apierror.Classify(op, failed)
		}
		if err := pipeline.Sleep(ctx, l.pace*time.Duration(try)); err != nil {
			return after, apierror.Classify(op, err)
		}
	}
}

// writer is who has written behind a position; empty: nobody.
func (l *Ledger) writer(ctx context.Context, log string, after push.Position) (by string, err error) {
	err = l.jobs.Read(ctx, l.sql.PushWriter(log, uint64(after)), func() { by = "" }, func(row []bigquery.Value) error {
		by, _ = row[0].(string)
		return nil
	})
	return by, err
}

// Keys implements [push.Ledger].
func (l *Ledger) Keys(ctx context.Context) (keys []push.Key, err error) {
	const op = "list the send ledger"
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	if there, err := l.legible(ctx); err != nil || !there {
		return nil, apierror.Classify(op, err)
	}
	var damage error
	err = l.jobs.Read(ctx, l.sql.PushLogs(), func() { keys, damage = nil, nil }, func(row []bigquery.Value) error {
		log, _ := row[0].(string)
		key, _ := row[1].(string)
		k, known := keyOf(log, key)
		switch {
		case !known:
			damage = damaged(statement.PushTable+", log "+log, "it is of another key")
		case k != push.Key{}:
			keys = append(keys, k)
		}
		return nil
	})
	if apierror.Absent(err) {
		return nil, nil
	}
	slices.SortFunc(keys, push.Key.Compare)
	return keys, apierror.Classify(op, errors.Join(err, damage))
}

// keyOf reads the key of a log.
func keyOf(log, key string) (k push.Key, known bool) {
	if json.Unmarshal([]byte(key), &k) != nil {
		return k, false
	}
	of, _, err := logOf(k)
	return k, err == nil && of == log
}
