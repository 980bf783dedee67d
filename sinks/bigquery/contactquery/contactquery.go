// Package contactquery reads contacts out of BigQuery: the rows of a query, for a push. It writes nothing, and knows
// nothing of the tables that a sync fills; of package bigquery it has the client, the cap on what a query bills, and what
// an error means. Start at [Open].
package contactquery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	gcp "cloud.google.com/go/bigquery"
	"cloud.google.com/go/civil"
	"google.golang.org/api/iterator"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/push"
	"github.com/windrow-data/windrow/sinks/bigquery"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/apierror"
	"github.com/windrow-data/windrow/sinks/bigquery/internal/job"
)

// Example is an address for messages.
const Example = bigquery.Scheme + "://my-project?query=@contacts.sql"

// Query is the result of a query: see [push.Rows]. Its rows are read a page at a time.
type Query struct {
	client *gcp.Client
	schema gcp.Schema
	names  []string
	rows   *gcp.RowIterator
	first  []gcp.Value // the first row; nil where there is none
}

var _ push.Rows = (*Query)(nil)

// address is what an address says.
type address struct{ project, sql, location string }

// parse reads bigquery://project?query=@file.sql&location=EU. A query without @ is the text itself.
func parse(text string) (a address, err error) {
	rest, ok := strings.CutPrefix(text, bigquery.Scheme+"://")
	if !ok {
		return a, errors.New("it does not begin with " + bigquery.Scheme + "://")
	}
	rest, parameters, _ := strings.Cut(rest, "?")
	if a.project = strings.TrimSuffix(rest, "/"); !bigquery.IsProject(a.project) {
		return a, fmt.Errorf("%q is no project id", a.project)
	}
	query, err := url.ParseQuery(parameters)
	if err != nil {
		return a, errors.New("the part after the question mark cannot be read")
	}
	for name := range query {
		if name != "query" && name != "location" {
			return a, fmt.Errorf("unknown parameter %q; query and location are known", name)
		}
	}
	if a.location = query.Get("location"); a.location != "" && !bigquery.IsLocation(a.location) {
		return a, fmt.Errorf("%q is no location", a.location)
	}
	a.sql = query.Get("query")
	if name, is := strings.CutPrefix(a.sql, "@"); is {
		b, err := os.ReadFile(name)
		if err != nil {
			return a, fmt.Errorf("the query: %w", err)
		}
		a.sql = strings.TrimPrefix(string(b), "\uFEFF")
	}
	if strings.TrimSpace(a.sql) == "" {
		return a, errors.New("it names no query")
	}
	return a, nil
}

const op = "read the query"

// Open runs the query of an address within the cap of the options, and waits for its first rows. BigQuery looks at the query
// first: what is no SELECT is refused, and never run. An error of the query itself is of kind Invalid, others are what
// [apierror.Classify] says.
func Open(ctx context.Context, from string, o bigquery.Options) (_ *Query, err error) {
	a, err := parse(from)
	if err != nil {
		return nil, &pipeline.Error{Op: op, Kind: pipeline.Invalid, Err: err, Hint: "for example " + Example}
	}
	if o.MaxBytesBilled <= 0 {
		return nil, &pipeline.Error{Op: op, Kind: pipeline.Internal, Err: errors.New("queries have no cap on what they bill")}
	}
	q := &Query{}
	if q.client, err = bigquery.NewClient(ctx, op, a.project, o); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = q.client.Close() // the error says more
		}
	}()
	// BigQuery's client repeats requests; a job that failed for a while is run again here, for a query changes nothing.
	again := job.NewRunner(q.client, a.location, o.MaxBytesBilled, cmp.Or(o.Pace, time.Second))
	if err := again.Retry(ctx, func() error { return q.run(ctx, a, o.MaxBytesBilled) }); err != nil {
		return nil, classified(err)
	}
	return q, nil
}

// run runs the query, and reads its first row, with which its columns are known.
func (q *Query) run(ctx context.Context, a address, cap int64) error {
	query := q.client.Query(a.sql)
	query.Location, query.MaxBytesBilled, query.DryRun = a.location, cap, true
	looked, err := query.Run(ctx)
	if err != nil {
		return err
	}
	if status := looked.LastStatus(); status != nil && status.Statistics != nil {
		if s, is := status.Statistics.Details.(*gcp.QueryStatistics); is && s.StatementType != "" && s.StatementType != "SELECT" {
			return &pipeline.Error{Op: op, Kind: pipeline.Invalid, Err: fmt.Errorf("it is no SELECT but %s", s.StatementType), Hint: "a push only reads; nothing was run"}
		}
	}
	query.DryRun = false
	started, err := query.Run(ctx)
	if err != nil {
		return err
	}
	if q.rows, err = started.Read(ctx); err != nil {
		return err
	}
	q.first, q.names = nil, nil
	if err := q.rows.Next(&q.first); err != nil && !errors.Is(err, iterator.Done) {
		return err
	}
	q.schema = q.rows.Schema
	for _, field := range q.schema {
		if slices.Contains(q.names, field.Name) {
			return &pipeline.Error{Op: op, Kind: pipeline.Invalid, Err: fmt.Errorf("two columns are called %s", field.Name), Hint: "name each column by AS"}
		}
		q.names = append(q.names, field.Name)
	}
	return nil
}

// classified says what an error of BigQuery means for a push.
func classified(err error) error {
	out := apierror.Classify(op, err)
	var e *pipeline.Error
	if !errors.As(out, &e) || e.Kind != pipeline.SinkFailed {
		return out
	}
	mine := *e
	switch reason := apierror.Reason(err); {
	case reason == "bytesBilledLimitExceeded":
		mine.Kind, mine.Hint = pipeline.Invalid, "the query would read more than WINDROW_BIGQUERY_MAX_BYTES_BILLED; raise it, or have the query read less"
	case reason == "invalidQuery" || apierror.Status(err) == http.StatusBadRequest:
		mine.Kind, mine.Hint = pipeline.Invalid, "correct the query; nothing was sent"
	case apierror.Absent(err):
		mine.Kind, mine.Hint = pipeline.Invalid, "correct the query, or say where its tables are by location=EU"
	}
	return &mine
}

// Columns implements [push.Rows].
func (q *Query) Columns() []string { return q.names }

// Close implements [push.Rows].
func (q *Query) Close() error { return apierror.Classify(op, q.client.Close()) }

// Read implements [push.Rows].
func (q *Query) Read(ctx context.Context, each func(push.Row) error) error {
	row := push.Row{}
	for values := q.first; values != nil; {
		if err := ctx.Err(); err != nil {
			return err
		}
		row = push.Row{Number: row.Number + 1, Cells: row.Cells[:0]}
		for i, field := range q.schema {
			cell, err := cellOf(values[i], field)
			if err != nil {
				row.Problem, row.Remedy = field.Name+" cannot be written as JSON", "no member may come twice"
			}
			row.Cells = append(row.Cells, cell)
		}
		if err := each(row); err != nil {
			return err
		}
		values = values[:0]
		if err := q.rows.Next(&values); errors.Is(err, iterator.Done) {
			return nil
		} else if err != nil {
			return classified(err)
		}
	}
	return ctx.Err()
}

// cellOf is a value of a column. A list and a struct are JSON.
func cellOf(v gcp.Value, field *gcp.FieldSchema) (push.Cell, error) {
	list, nested := v.([]gcp.Value)
	if !nested {
		return scalar(v, field)
	}
	text, err := appendNested(nil, list, field)
	if err != nil {
		return push.Cell{}, err
	}
	canonical, err := push.Canonical(text)
	return push.Cell{Kind: push.Nested, Text: string(canonical)}, err
}

func appendNested(dst []byte, list []gcp.Value, field *gcp.FieldSchema) ([]byte, error) {
	if field.Repeated {
		one := *field
		one.Repeated = false
		dst = append(dst, '[')
		for i, v := range list {
			if i > 0 {
				dst = append(dst, ',')
			}
			var err error
			if dst, err = appendValue(dst, v, &one); err != nil {
				return nil, err
			}
		}
		return append(dst, ']'), nil
	}
	dst = append(dst, '{')
	for i, member := range field.Schema {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(push.Cell{Kind: push.Text, Text: member.Name}.AppendJSON(dst), ':')
		var err error
		if dst, err = appendValue(dst, list[i], member); err != nil {
			return nil, err
		}
	}
	return append(dst, '}'), nil
}

func appendValue(dst []byte, v gcp.Value, field *gcp.FieldSchema) ([]byte, error) {
	if list, nested := v.([]gcp.Value); nested {
		return appendNested(dst, list, field)
	}
	if text, is := v.(string); is && field.Type != gcp.JSONFieldType {
		return push.Cell{Kind: push.Text, Text: text}.AppendJSON(dst), nil
	}
	cell, err := scalar(v, field)
	return cell.AppendJSON(dst), err
}

// scalar is a value that is neither a list nor a struct. A time is what its clock shows: of a TIMESTAMP, UTC's.
func scalar(v gcp.Value, field *gcp.FieldSchema) (push.Cell, error) {
	const wall = "2006-01-02 15:04:05.999999"
	switch v := v.(type) {
	case nil:
		return push.Cell{}, nil
	case string:
		if field.Type == gcp.JSONFieldType {
			return push.CellOf([]byte(strings.TrimSpace(v)))
		}
		return push.TextOf(v), nil
	case int64:
		return push.Cell{Kind: push.Number, Text: fmt.Sprint(v)}, nil
	case float64:
		return push.NumberOf(v, 64), nil
	case bool:
		return push.Cell{Kind: push.Bool, Text: fmt.Sprint(v)}, nil
	case *big.Rat:
		text := v.FloatString(38) // the digits of a BIGNUMERIC
		if v.IsInt() {
			text = v.Num().String()
		}
		if strings.Contains(text, ".") {
			text = strings.TrimRight(text, "0")
		}
		return push.Cell{Kind: push.Number, Text: text}, nil
	case time.Time:
		return push.Cell{Kind: push.WallTime, Text: v.UTC().Format(wall)}, nil
	case civil.DateTime:
		return push.Cell{Kind: push.WallTime, Text: v.In(time.UTC).Format(wall)}, nil
	case []byte:
		return push.TextOf(string(v)), nil
	}
	return push.TextOf(fmt.Sprint(v)), nil // a DATE, a TIME, an INTERVAL
}
