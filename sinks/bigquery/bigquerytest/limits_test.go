package bigquerytest_test

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/bigquery"
	"google.golang.org/api/googleapi"

	"github.com/windrow-data/windrow/sinks/bigquery/bigquerytest"
)

func TestAResumableUploadSurvivesALostPiece(t *testing.T) {
	b := newBench(t)
	ids := make([]string, 40_000)
	for i := range ids {
		var raw [16]byte
		_, _ = rand.Read(raw[:])
		ids[i] = hex.EncodeToString(raw[:])
	}
	file := b.file(monday, ids...)
	if len(file) < 600_000 {
		t.Fatalf("the file of %d bytes is too small for three pieces", len(file))
	}
	lost := b.server.Inject(bigquerytest.Rule{Match: bigquerytest.OnMethod("jobs.insert.upload"), Nth: 2, Fault: bigquerytest.UnavailableAfter})
	b.must(b.load("activity", "load-1", file, func(l *bigquery.Loader, _ *bigquery.ReaderSource) {
		l.MediaOptions = []googleapi.MediaOption{googleapi.ChunkSize(256 << 10)}
	}))
	n, err := b.server.Query(b.ctx, project, "SELECT COUNT(DISTINCT id) FROM `d.activity`")
	b.must(err)
	if n[0][0] != int64(len(ids)) || lost.Broke() != 1 {
		t.Errorf("%v rows after %d lost pieces", n[0][0], lost.Broke())
	}
	if j := b.server.Jobs(); len(j) != 1 || j[0].UploadedBytes != int64(len(file)) || j[0].Partitions != 1 || j[0].Rows != int64(len(ids)) {
		t.Errorf("jobs %+v", j)
	}
}

func TestTheLastPieceLostLeavesTheJobDone(t *testing.T) {
	b := newBench(t)
	b.server.Inject(bigquerytest.Rule{Match: func(c bigquerytest.Call) bool { return c.Method == "jobs.insert" && c.Kind == bigquerytest.Load }, Fault: bigquerytest.LostAfter})
	_ = b.load("s1", "load-1", b.file(monday, "a"))
	if j := b.server.Jobs(); len(j) != 1 || j[0].State != "DONE" || j[0].Failed() {
		t.Errorf("jobs %+v", j)
	}
}

func TestOnlyTouchedPartitionsAreScanned(t *testing.T) {
	b := newBench(t)
	b.must(b.load("s1", "load-1", b.file(monday, "a", "b")))
	b.must(b.run("merge-1", replace("s1", "2025-09-08", "one")))
	b.must(b.load("s2", "load-2", b.file(tuesday, "c")))
	b.must(b.run("merge-2", replace("s2", "2025-09-09", "two")))
	b.must(b.run("delete-1", "DELETE FROM `acme-1.d.activity` WHERE id = 'nobody'"))
	b.must(b.run("delete-2", "DELETE FROM `acme-1.d.activity` AS t WHERE (t.local_date BETWEEN DATE '2025-09-09' AND DATE '2025-09-09') AND id = 'nobody'"))
	jobs := b.server.Jobs()
	whole, part, merge := jobs[4], jobs[5], jobs[3]
	if len(whole.FullScans) != 1 || whole.FullScans[0] != "d.activity" || len(part.FullScans) != 0 || len(merge.FullScans) != 0 {
		t.Errorf("full scans: whole %v, part %v, merge %v", whole.FullScans, part.FullScans, merge.FullScans)
	}
	if whole.BytesProcessed <= 2*part.BytesProcessed {
		t.Errorf("three rows cost %d bytes, one of them %d", whole.BytesProcessed, part.BytesProcessed)
	}
}

func TestAQueryDearerThanItsCapDoesNothing(t *testing.T) {
	b := newBench(t)
	b.must(b.load("s1", "load-1", b.file(monday, "a")))
	q := b.client.Query(replace("s1", "2025-09-08", "one"))
	q.JobID, q.MaxBytesBilled = "capped", 1<<20
	j, err := q.Run(b.ctx)
	b.must(err)
	if err := b.wait(j); reason(err) != "bytesBilledLimitExceeded" {
		t.Errorf("got %v", err)
	}
	if got := b.ids(); got != "" {
		t.Errorf("activity holds %q", got)
	}
}

func TestSeveralSourceRowsForOneTargetRowAreRefused(t *testing.T) {
	b := newBench(t)
	b.must(b.load("activity", "load-0", b.file(monday, "a")))
	b.must(b.load("s1", "load-1", b.file(monday, "a", "a")))
	const merge = "MERGE `acme-1.d.activity` T USING `acme-1.d.s1` S ON T.id = S.id WHEN MATCHED THEN UPDATE SET n = S.n WHEN NOT MATCHED THEN INSERT (id, local_date) VALUES (S.id, S.local_date)"
	if err := b.run("merge-1", merge); err == nil || !strings.Contains(err.Error(), "at most one source row") {
		t.Errorf("got %v", err)
	}
	b.must(b.load("s2", "load-2", b.file(monday, "a", "z")))
	b.must(b.run("merge-2", strings.Replace(merge, "d.s1", "d.s2", 1)))
	if got := b.ids(); got != "a z" {
		t.Errorf("activity holds %q", got)
	}
}

func TestTablesExpireAndViewsFollow(t *testing.T) {
	b := newBench(t)
	now := time.Now()
	stage := b.client.Dataset("d").Table("s1")
	b.must(stage.Create(b.ctx, &bigquery.TableMetadata{Schema: schema(), ExpirationTime: now.Add(time.Hour), Labels: map[string]string{"k": "v"}}))
	view := b.client.Dataset("d").Table("v")
	b.must(view.Create(b.ctx, &bigquery.TableMetadata{ViewQuery: "SELECT entry, MAX(`at`) AS latest FROM `acme-1.d.ledger` GROUP BY entry"}))
	b.must(b.run("add", "INSERT INTO `acme-1.d.ledger` (entry, at) VALUES ('x', TIMESTAMP '2025-01-01 00:00:00+00')"))
	it, err := b.client.Query("SELECT latest FROM `acme-1.d.v`").Read(b.ctx)
	b.must(err)
	var row []bigquery.Value
	b.must(it.Next(&row))
	if at, ok := row[0].(time.Time); !ok || at.Year() != 2025 {
		t.Errorf("the view says %v", row)
	}
	md, err := stage.Metadata(b.ctx)
	b.must(err)
	if md.Labels["k"] != "v" || md.ExpirationTime.IsZero() {
		t.Errorf("metadata %+v", md)
	}
	b.server.SetNow(func() time.Time { return now.Add(2 * time.Hour) })
	if _, err := stage.Metadata(b.ctx); reason(err) != "notFound" {
		t.Errorf("an expired table: %v", err)
	}
	b.must(stage.Create(b.ctx, &bigquery.TableMetadata{Schema: schema()}))
}

func TestColumnsAreAddedAndNeverRetyped(t *testing.T) {
	b := newBench(t)
	table := b.client.Dataset("d").Table("activity")
	md, err := table.Metadata(b.ctx)
	b.must(err)
	wider := append(schema(), &bigquery.FieldSchema{Name: "more", Type: bigquery.FloatFieldType, Description: "new"})
	md, err = table.Update(b.ctx, bigquery.TableMetadataToUpdate{Schema: wider}, md.ETag)
	b.must(err)
	if len(md.Schema) != 6 || md.Description != "rows" || md.TimePartitioning.Field != "local_date" || md.Clustering.Fields[0] != "id" {
		t.Errorf("metadata %+v", md)
	}
	_, err = table.Update(b.ctx, bigquery.TableMetadataToUpdate{Schema: wider}, "0")
	if e := (*googleapi.Error)(nil); !errors.As(err, &e) || e.Code != 412 {
		t.Errorf("an old etag: %v", err)
	}
	for what, change := range map[string]func(bigquery.Schema) bigquery.Schema{
		"dropped": func(s bigquery.Schema) bigquery.Schema { return s[1:] },
		"retyped": func(s bigquery.Schema) bigquery.Schema { s[3].Type = bigquery.StringFieldType; return s },
		"required": func(s bigquery.Schema) bigquery.Schema {
			return append(s, &bigquery.FieldSchema{Name: "r", Type: "STRING", Required: true})
		},
	} {
		s := change(append(schema(), wider[5]))
		if _, err := table.Update(b.ctx, bigquery.TableMetadataToUpdate{Schema: s}, ""); reason(err) != "invalid" {
			t.Errorf("a column %s: %v", what, err)
		}
	}
}

func TestWhatIsNotModelledSaysItsName(t *testing.T) {
	b := newBench(t)
	for sql, want := range map[string]string{
		"SELECT SHA256(entry) FROM `d.ledger`":                                 "the function SHA256",
		"SELECT GREATEST(1, NULL)":                                             "the function GREATEST",
		"DECLARE x INT64; SELECT x":                                            "DECLARE",
		"IF TRUE THEN SELECT 1; END IF":                                        "the statement IF",
		"SELECT * FROM `d.ledger$20250101`":                                    "decorators",
		"SELECT * FROM `d`.INFORMATION_SCHEMA.TABLES":                          "INFORMATION_SCHEMA",
		"UPDATE `d.ledger` SET entry = s.id FROM `d.activity` AS s WHERE TRUE": "UPDATE … FROM",
		"DELETE FROM `d.ledger`":                                               "must have a WHERE clause",
		"SELECT STRUCT(1 AS a)":                                                "STRUCT",
	} {
		if err := b.run("", sql); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", sql, err, want)
		}
	}
	if err := b.client.Dataset("d").Table("x").Inserter().Put(b.ctx, &bigquery.ValuesSaver{Schema: schema()[:1], Row: []bigquery.Value{"a"}}); err == nil || !strings.Contains(err.Error(), "insertAll") {
		t.Errorf("streaming inserts: %v", err)
	}
}

func TestGoogleSQLMeansWhatItMeansInBigQuery(t *testing.T) {
	b := newBench(t)
	b.must(b.load("activity", "load-0", b.file(monday, "a", "b", "c")))
	for sql, want := range map[string]string{
		"SELECT CONCAT('a', NULL) IS NULL":                                                                              "true",
		`SELECT r'\n', "it's", '\x41\u00e9'`:                                                                            `\n it's Aé`,
		"SELECT ARRAY_AGG(id ORDER BY n DESC LIMIT 1)[OFFSET(0)] FROM `d.activity`":                                     "c",
		"SELECT ANY_VALUE(id HAVING MAX n), COUNTIF(n > 0), SUM(n) FROM `d.activity`":                                   "c 2 3",
		"SELECT STRING_AGG(id, ',' ORDER BY id) FROM `d.activity` WHERE id NOT IN UNNEST(['a'])":                        "b,c",
		"SELECT STRING_AGG(id, ',' ORDER BY id) FROM `d.activity` WHERE id IN UNNEST(@ids) AND at > @since":             "a,b",
		"SELECT * EXCEPT (n, at, tags, local_date) FROM `d.activity` QUALIFY ROW_NUMBER() OVER (ORDER BY n) = 2":        "b",
		"SELECT TIMESTAMP_DIFF(TIMESTAMP '2025-01-02 00:00:00Z', TIMESTAMP '2025-01-01 00:30:00Z', HOUR)":               "23",
		"SELECT DATE_DIFF(DATE '2025-02-01', DATE '2025-01-31', MONTH), UNIX_SECONDS(TIMESTAMP '1970-01-01 00:00:01Z')": "1 1",
		"SELECT CAST(TIMESTAMP_TRUNC(at, HOUR) = TIMESTAMP '2025-09-08' AS STRING) FROM `d.activity` LIMIT 1":           "true",
		"SELECT x FROM (SELECT 1 AS x UNION ALL SELECT NULL UNION DISTINCT SELECT 1) ORDER BY x LIMIT 1":                "<nil>",
		"WITH w AS (SELECT id FROM `d`.activity), v AS (SELECT id FROM w) SELECT COUNT(*) FROM v":                       "3",
		"SELECT SAFE_CAST('x' AS INT64), CAST(1 AS FLOAT64) / 2, 1 / 2":                                                 "<nil> 0.5 0.5",
	} {
		q := b.client.Query(sql)
		if strings.Contains(sql, "@") {
			q.Parameters = []bigquery.QueryParameter{{Name: "ids", Value: []string{"a", "b"}}, {Name: "since", Value: monday}}
		}
		it, err := q.Read(b.ctx)
		if err != nil {
			t.Errorf("%s: %v", sql, err)
			continue
		}
		var row []bigquery.Value
		b.must(it.Next(&row))
		if got := strings.Trim(fmt.Sprint(row), "[]"); got != want {
			t.Errorf("%s\ngives %s, want %s", sql, got, want)
		}
	}
}

func TestLongResultsComeInPages(t *testing.T) {
	b := newBench(t)
	ids := make([]string, 2500)
	for i := range ids {
		ids[i] = fmt.Sprintf("%04d", i)
	}
	b.must(b.load("activity", "load-0", b.file(monday, ids...)))
	it, err := b.client.Query("SELECT id FROM `d.activity` ORDER BY id").Read(b.ctx)
	b.must(err)
	for i := range ids {
		var row []bigquery.Value
		b.must(it.Next(&row))
		if row[0] != ids[i] {
			t.Fatalf("row %d is %v", i, row)
		}
	}
}

func TestASlowJobIsCancelledOrAttachedTo(t *testing.T) {
	b := newBench(t)
	b.must(b.load("s1", "load-1", b.file(monday, "a")))
	b.server.Inject(bigquerytest.Rule{Match: bigquerytest.OnJobs(bigquerytest.Script), Times: 2, Polls: 4})
	j, err := b.submit("slow-1", replace("s1", "2025-09-08", "one"))
	b.must(err)
	b.must(j.Cancel(b.ctx))
	if err := b.wait(j); reason(err) != "stopped" {
		t.Errorf("the cancelled job ended with %v", err)
	}
	if _, err = b.submit("slow-2", replace("s1", "2025-09-08", "one")); err != nil {
		t.Fatal(err)
	}
	if got := b.ids(); got != "" {
		t.Errorf("before its end a job shows %q", got)
	}
	again, err := b.client.JobFromIDLocation(b.ctx, "slow-2", "EU")
	b.must(err)
	b.must(b.wait(again))
	if got := b.ids(); got != "a" {
		t.Errorf("activity holds %q", got)
	}
	b.server.HideStatistics(true)
	st, err := again.Status(b.ctx)
	b.must(err)
	if st.Statistics != nil && st.Statistics.Details != nil {
		t.Errorf("hidden statistics %+v", st.Statistics)
	}
}

func TestExpirationsAreInheritedAndEmptyTables(t *testing.T) {
	b := newBench(t)
	now := time.Now().UTC().Truncate(24 * time.Hour).Add(12 * time.Hour)
	b.server.SetNow(func() time.Time { return now })
	d := b.client.Dataset("short")
	b.must(d.Create(b.ctx, &bigquery.DatasetMetadata{DefaultTableExpiration: 48 * time.Hour, DefaultPartitionExpiration: 24 * time.Hour}))
	days := func() *bigquery.TimePartitioning {
		return &bigquery.TimePartitioning{Type: bigquery.DayPartitioningType, Field: "local_date"}
	}
	own := days()
	own.Expiration = 72 * time.Hour
	for name, tt := range map[string]struct {
		md         *bigquery.TableMetadata
		table      time.Time
		partitions time.Duration
	}{
		"plain":       {&bigquery.TableMetadata{Schema: schema()}, now.Add(48 * time.Hour), 0},
		"named":       {&bigquery.TableMetadata{Schema: schema(), ExpirationTime: now.Add(time.Hour)}, now.Add(time.Hour), 0},
		"view":        {&bigquery.TableMetadata{ViewQuery: "SELECT id FROM `acme-1.d.activity`"}, now.Add(48 * time.Hour), 0},
		"partitioned": {&bigquery.TableMetadata{Schema: schema(), TimePartitioning: days()}, time.Time{}, 24 * time.Hour},
		"of its own":  {&bigquery.TableMetadata{Schema: schema(), TimePartitioning: own}, time.Time{}, 72 * time.Hour},
	} {
		table := d.Table(strings.ReplaceAll(name, " ", "_"))
		b.must(table.Create(b.ctx, tt.md))
		md, err := table.Metadata(b.ctx)
		b.must(err)
		if md.ExpirationTime.UnixMilli() != tt.table.UnixMilli() && !(md.ExpirationTime.IsZero() && tt.table.IsZero()) {
			t.Errorf("%s: the table expires at %s, want %s", name, md.ExpirationTime, tt.table)
		}
		if p := md.TimePartitioning; p != nil && p.Expiration != tt.partitions {
			t.Errorf("%s: partitions expire after %s, want %s", name, p.Expiration, tt.partitions)
		}
	}

	add := func(id string, daysAgo int) string {
		return "INSERT INTO `acme-1.short.partitioned` (id, local_date) VALUES ('" + id + "', DATE '" + now.AddDate(0, 0, -daysAgo).Format(time.DateOnly) + "')"
	}
	ids := func() (list []any) {
		rows, err := b.server.Query(b.ctx, "acme-1", "SELECT id FROM short.partitioned ORDER BY id")
		b.must(err)
		for _, r := range rows {
			list = append(list, r[0])
		}
		return list
	}
	b.must(b.run("add-1", add("today", 0)))
	b.must(b.run("add-2", add("yesterday", 1)))
	b.must(b.run("add-3", add("older", 2)))
	if got := ids(); len(got) != 2 {
		t.Errorf("a row was written into an expired partition: %v", got)
	}
	now = now.Add(24 * time.Hour)
	if got := ids(); len(got) != 1 || got[0] != "today" {
		t.Errorf("a day later the table holds %v", got)
	}
	table := d.Table("partitioned")
	_, err := table.Update(b.ctx, bigquery.TableMetadataToUpdate{TimePartitioning: days()}, "") // the client sends null
	b.must(err)
	now = now.AddDate(1, 0, 0)
	if got := ids(); len(got) != 1 {
		t.Errorf("without an expiration the table holds %v", got)
	}
}
