package endtoend

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/report"
	"github.com/windrow-data/windrow/sinks/sinktest/soak"
)

// Each number of the report is what DuckDB makes of the lines of the ledger and of the files of history, runs and rejects,
// after weeks in which anything happens, about the nights on which clocks are put back: windows change after they settled,
// others are read before, fail, are waived, rejected in part, or cut anew in another zone or length, which supersedes others.
func TestEachNumberOfTheReportEqualsWhatDuckDBFindsInTheFiles(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "windrow")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "github.com/windrow-data/windrow/cmd/windrow").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	soak.Rounds(t, 3, 60, func(t *testing.T, random *rand.Rand) int {
		w := &weeks{site: newSite(t), random: random, zones: []string{"America/New_York", "America/Chicago", "America/Los_Angeles"}}
		w.pass()
		w.compare(w.made(binary))
		return 1
	})
}

// weeks are those in which anything happens to four streams.
type weeks struct {
	*site
	random *rand.Rand
	zones  []string
}

func (w *weeks) chance(share float64) bool { return w.random.Float64() < share }

func (w *weeks) pass() {
	w.streams = []pipeline.StreamID{"ucontact.agents", "chattonic.operators", "dialpad.calls", "dialpad.calls_stats"}
	w.world.Set(func(o *vendorsim.Options) { o.CallsPerDay, o.Seed = 8, w.random.Uint64() })
	w.from = "2025-09-28"
	w.env["WINDROW_DIALPAD_TIMEZONE"] = w.zones[0]
	w.env["WINDROW_UCONTACT_TIMEZONE"] = "America/New_York"
	w.world.SetNow(time.Date(2025, 10, 29, w.random.IntN(24), w.random.IntN(60), 0, 0, time.UTC))
	for range 8 {
		w.world.ClearFaults()
		if w.chance(0.6) {
			w.world.Set(func(o *vendorsim.Options) { o.Seed = w.random.Uint64(); o.CallsPerDay = 2 + w.random.IntN(30) })
		}
		if w.chance(0.3) {
			w.env["WINDROW_DIALPAD_TIMEZONE"] = w.zones[w.random.IntN(len(w.zones))]
		}
		if w.chance(0.4) {
			w.env["WINDROW_UCONTACT_WINDOW"] = []string{"6h", "1d", "7d"}[w.random.IntN(3)]
		}
		for range w.random.IntN(3) {
			f := vendorsim.Fault{Kind: vendorsim.FaultStatus, Code: http.StatusNotFound, Skip: w.random.IntN(20), Times: 1 + w.random.IntN(3)}
			switch w.random.IntN(3) {
			case 0:
				f.Host = "ucontact"
			case 1:
				f.Host, f.Path = "chattonic", "/api/v1/acme/stats/operator"
			default:
				f.Host, f.Method, f.Kind, f.Skip = "dialpad", http.MethodPost, vendorsim.FaultReportFails, 0
			}
			w.world.Inject(f)
		}
		if w.chance(0.5) {
			w.world.Inject(vendorsim.Fault{Host: "chattonic", Path: "/api/v1/acme/stats/operator", Kind: vendorsim.FaultReplace, Skip: w.random.IntN(10), Times: 1 + w.random.IntN(3),
				Body: `{"status":true,"operators":[{"_id":" "},{"_id":["1"]},7,{"_id":"1","displayName":"Bo","queriesAssigned":4}]}`})
		}
		w.intraday = w.chance(0.4)
		e := w.engine()
		e.MaxRejects.Share, e.Health.DriftWarns = 1, true
		if w.chance(0.7) {
			e.Select.From, e.Select.To = w.span()
			e.Select.Refetch = w.chance(0.5)
		}
		w.run(e)
		if w.chance(0.4) {
			waive := w.engine(string(w.streams[w.random.IntN(len(w.streams))]))
			waive.Select.From, waive.Select.To = w.span()
			if _, err := waive.Waive(w.Context(), "gone"); err != nil && pipeline.KindOf(err) != pipeline.Invalid { // nothing may be left to waive
				w.Fatal(err)
			}
		}
		w.world.SetNow(w.world.Now().Add(time.Duration(4+w.random.IntN(44)) * time.Hour))
	}
}

// span are days, before the first one too.
func (w *weeks) span() (from, to string) {
	first := time.Date(2025, 9, 20+w.random.IntN(45), 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 0, w.random.IntN(20))
	if ended := w.world.Now().AddDate(0, 0, -1); last.After(ended) {
		last = ended
	}
	if first.After(last) {
		first = last
	}
	return first.Format(time.DateOnly), last.Format(time.DateOnly)
}

// made is the report that the program makes.
func (w *weeks) made(binary string) (m report.Model) {
	w.Helper()
	var names []string
	for _, id := range w.streams {
		names = append(names, string(id))
	}
	cmd := exec.CommandContext(w.Context(), binary, "report", "--json", "--as-of", w.world.Now().Format(time.RFC3339))
	cmd.Env = append(os.Environ(), "WINDROW_SINK="+w.root, "WINDROW_FROM="+w.from, fmt.Sprintf("WINDROW_INTRADAY=%t", w.intraday), "WINDROW_STREAMS="+strings.Join(names, ","), "WINDROW_ARCHIVE=off")
	for name, value := range w.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var said strings.Builder
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &m)
	}
	if err != nil || said.Len() > 0 {
		w.Fatalf("%v\n%s", err, said.String())
	}
	return m
}

// ledger are DuckDB's views of what lies in _windrow: live are the commits that no later one overlaps, by the number of
// the file; hours those that commits and waivers cover.
const ledger = `WITH
lines AS (
	SELECT regexp_extract(filename, 'stream=([^/]*)/', 1) AS stream, regexp_extract(filename, '(\d+)\.(snapshot\.)?jsonl', 1)::BIGINT AS place, l
	FROM read_csv('ROOT/_windrow/ledger/*/*/*/*.jsonl*', delim = '\x01', header = false, quote = '', escape = '', columns = {'l': 'VARCHAR'}, filename = true)),
entries AS (
	SELECT stream, place, l->>'$.kind' AS kind, (l->>'$.window.start')::TIMESTAMPTZ AS s, (l->>'$.window.end')::TIMESTAMPTZ AS e, l->>'$.window.zone' AS zone,
		coalesce(l->>'$.settled', 'false') = 'true' AS settled, coalesce(l->>'$.unchanged', 'false') = 'true' AS unchanged, (l->>'$.read_at')::TIMESTAMPTZ AS read_at,
		(l->>'$.committed_at')::TIMESTAMPTZ AS committed_at, coalesce((l->>'$.counts.read')::BIGINT, 0) AS r, coalesce((l->>'$.counts.rows')::BIGINT, 0) AS loaded,
		coalesce((l->>'$.counts.rejected')::BIGINT, 0) AS j, coalesce((l->>'$.counts.outside')::BIGINT, 0) AS o, coalesce((l->>'$.counts.duplicate')::BIGINT, 0) AS d,
		coalesce(json_array_length(l, '$.supersedes'), 0) AS superseded
	FROM lines WHERE l LIKE '{"kind":%'),
commits AS (SELECT c.*, (SELECT min(x.place) FROM entries x WHERE x.kind = 'commit' AND x.stream = c.stream AND x.place > c.place AND x.s < c.e AND c.s < x.e) AS ended FROM entries c WHERE c.kind = 'commit'),
live AS (SELECT * FROM commits WHERE ended IS NULL),
waivers AS (SELECT stream, place, unnest(generate_series(s, e - INTERVAL 1 HOUR, INTERVAL 1 HOUR)) AS h FROM entries WHERE kind = 'waive'),
waived AS (
	SELECT DISTINCT stream, h FROM waivers v WHERE NOT EXISTS (SELECT 1 FROM commits c WHERE c.stream = v.stream AND c.s <= v.h AND v.h < c.e AND (c.place > v.place OR c.ended IS NULL OR c.ended > v.place))),
hours AS (
	SELECT stream, unnest(generate_series(s, e - INTERVAL 1 HOUR, INTERVAL 1 HOUR)) AS h, settled AS passed FROM live UNION ALL SELECT stream, h, true FROM waived),
failures AS (SELECT * FROM entries f WHERE kind = 'fail' AND NOT EXISTS (SELECT 1 FROM commits c WHERE c.stream = f.stream AND c.place > f.place AND c.s < f.e AND f.s < c.e)),
history AS (SELECT * FROM HISTORY)
`

var unasked = regexp.MustCompile(`^no window covers (\S+)/(\S+), and the vendor cannot be asked`)

// compare holds the report against the files.
func (w *weeks) compare(m report.Model) {
	w.Helper()
	exec.Command("cp", "-r", w.root, "/tmp/breadth/dbg").Run()
	history := "(VALUES ('', '', TIMESTAMPTZ '2025-01-01', TIMESTAMPTZ '2025-01-01', TIMESTAMPTZ '2025-01-01', false, 0, 0, '{}')) AS h(kind, stream, window_start, window_end, read_at, after_settle, rows_before, rows_after, measures)"
	if files, _ := filepath.Glob(filepath.Join(w.root, "_windrow", "history", "*", "*", "*.parquet")); len(files) > 0 {
		history = fmt.Sprintf("read_parquet('%s', union_by_name=true)", filepath.Join(w.root, "_windrow", "history", "*", "*", "*.parquet"))
	}
	with := strings.NewReplacer("ROOT", w.root, "HISTORY", history).Replace(ledger)
	same := func(of string, got []string, text string) {
		w.T.Helper()
		want := w.query(with + text)
		told := slices.Clone(got)
		slices.Sort(told)
		slices.Sort(want)
		if !slices.Equal(told, want) {
			told = slices.DeleteFunc(told, func(line string) bool { return slices.Contains(want, line) })
			want = slices.DeleteFunc(want, func(line string) bool { return slices.Contains(got, line) })
			w.Errorf("%s: the report alone tells\n%s\nand the files alone\n%s", of, strings.Join(told, "\n"), strings.Join(want, "\n"))
		}
	}
	now, limit := m.MadeAt.Time(), w.world.Now()
	if !now.Equal(limit.Truncate(time.Second)) {
		w.Errorf("made at %s, not %s", now, limit)
	}
	unix := func(at *pipeline.Instant) string {
		if at == nil {
			return "<nil>"
		}
		return fmt.Sprint(int64(*at))
	}
	var streams, states, months, ages, changes, days, odd, rejects, runs, spans, open []string
	for _, s := range m.Streams {
		lag := "<nil>"
		if s.LagSeconds != nil {
			lag = fmt.Sprint(*s.LagSeconds)
		}
		streams = append(streams, fmt.Sprintf("%s\t%s\t%s\t%d\t%d\t%d\t%s\t%s", s.Stream, unix(s.Watermark), lag, s.Settled, s.Provisional, s.Rows, unix(s.LastLook), unix(s.LastChange)))
		windows := map[report.State]int{}
		for _, of := range m.Spans {
			if of.Stream != s.Stream {
				continue
			}
			windows[of.State] += of.Windows
			switch of.State {
			case report.Open, report.Failed:
				open = append(open, fmt.Sprintf("('%s', '%s', make_timestamptz(%d), make_timestamptz(%d))", s.Stream, of.State, of.Start, of.End))
			case report.Waived:
				for h := of.Start; h < of.End; h = h.Add(time.Hour) {
					spans = append(spans, fmt.Sprintf("%s\t%d", s.Stream, h))
				}
			}
		}
		if s.Open != windows[report.Open]+windows[report.Failed] || s.Failed != windows[report.Failed] || s.Waived != windows[report.Waived] || s.Settled != windows[report.Settled]+windows[report.Empty] {
			w.Errorf("%+v has windows %v", s, windows)
		}
		states = append(states, fmt.Sprintf("%s\t%d\t%d\t%d", s.Stream, windows[report.Settled], windows[report.Empty], windows[report.Provisional]))
	}
	for _, of := range m.Months {
		months = append(months, fmt.Sprintf("%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d", of.Stream, of.Month, of.Windows, of.Read, of.Rows, of.Rejected, of.Outside, of.Duplicate))
	}
	for _, of := range m.Ages {
		ages = append(ages, fmt.Sprintf("%s\t%d\t%d\t%d", of.Stream, of.Days, of.Changes, of.All))
	}
	for _, of := range m.Changes {
		text, err := json.Marshal(of.Measures)
		must(w.T, err)
		changes = append(changes, fmt.Sprintf("%s\t%d\t%d\t%d\t%d\t%d\t%s", of.Stream, of.WindowStart, of.WindowEnd, of.ReadAt, of.RowsBefore, of.RowsAfter, text))
	}
	for _, of := range m.Volumes {
		tell := func(list []report.Day) (lines []string) {
			for _, d := range list {
				median := "<nil>"
				if d.Median != nil {
					median = fmt.Sprintf("%.1f", *d.Median)
				}
				lines = append(lines, fmt.Sprintf("%s\t%s\t%d\t%s\t%t", of.Stream, d.Date, d.Rows, median, d.Known))
			}
			return lines
		}
		days, odd = append(days, tell(of.Days)...), append(odd, tell(of.Odd)...)
	}
	for _, of := range m.Rejects {
		rejects = append(rejects, fmt.Sprintf("%s\t%s\t%d", of.Stream, of.Field, of.Rows))
	}
	for _, of := range m.Runs {
		exit := "<nil>"
		if of.Exit != nil {
			exit = fmt.Sprint(*of.Exit)
		}
		runs = append(runs, fmt.Sprintf("%s\t%d\t%s\t%s\t%d\t%d\t%d\t%d\t%d", of.SyncID, of.StartedAt, unix(of.FinishedAt), exit, of.Committed, of.Unchanged, of.Failed, of.Rows, of.Rejected))
	}

	zones := fmt.Sprintf("(VALUES ('ucontact.agents', '%s'), ('chattonic.operators', '%s'), ('dialpad.calls', '%[3]s'), ('dialpad.calls_stats', '%[3]s')) AS z(stream, zone)", w.env["WINDROW_UCONTACT_TIMEZONE"], w.env["WINDROW_CHATTONIC_TIMEZONE"], w.env["WINDROW_DIALPAD_TIMEZONE"])
	at := fmt.Sprintf("make_timestamptz(%d)", int64(m.MadeAt))
	// The watermark is the first hour that nothing settled covers.
	same("streams", streams, `, marks AS (
		SELECT z.stream, DATE '`+w.from+`' AT TIME ZONE z.zone AS first, (SELECT min(h) FROM (SELECT unnest(generate_series(DATE '`+w.from+`' AT TIME ZONE z.zone, `+at+`, INTERVAL 1 HOUR)) AS h)
			WHERE h NOT IN (SELECT p.h FROM hours p WHERE p.stream = z.stream AND p.passed)) AS w FROM `+zones+`)
		SELECT k.stream, CASE WHEN k.w > k.first THEN epoch_us(k.w) END, CASE WHEN k.w > k.first THEN epoch(`+at+`)::BIGINT - epoch(k.w)::BIGINT END,
			count(*) FILTER (settled), count(*) FILTER (NOT settled), coalesce(sum(loaded), 0)::BIGINT, epoch_us(max(read_at)),
			epoch_us(greatest(max(committed_at) FILTER (NOT unchanged), (SELECT max(h.read_at) FROM history h WHERE h.stream = k.stream AND h.kind = 'changed')))
		FROM marks k JOIN live l ON l.stream = k.stream GROUP BY k.stream, k.first, k.w`)
	same("states", states, `SELECT stream, count(*) FILTER (settled AND loaded + j > 0), count(*) FILTER (settled AND loaded + j = 0), count(*) FILTER (NOT settled) FROM live GROUP BY 1`)
	same("waived hours", spans, `SELECT stream, epoch_us(h) FROM waived`)
	same("months", months, `SELECT stream, strftime(s AT TIME ZONE zone, '%Y-%m'), count(*), sum(r)::BIGINT, sum(loaded)::BIGINT, sum(j)::BIGINT, sum(o)::BIGINT, sum(d)::BIGINT FROM live GROUP BY 1, 2`)
	same("ages", ages, `SELECT stream, age, sum(n) OVER (PARTITION BY stream ORDER BY age)::BIGINT, sum(n) OVER (PARTITION BY stream)::BIGINT FROM (
		SELECT stream, least(greatest(ceil(epoch_us(read_at - window_end) / 86400e6), 0), 366)::BIGINT AS age, count(*) AS n FROM history WHERE kind = 'changed' GROUP BY 1, 2)`)
	same("changes", changes, `SELECT stream, epoch_us(window_start), epoch_us(window_end), epoch_us(read_at), rows_before, rows_after, measures FROM history WHERE kind = 'changed' AND after_settle ORDER BY read_at DESC LIMIT 200`)
	volumes := `, day AS (
		SELECT stream, (s AT TIME ZONE zone)::DATE AS day, sum(loaded)::BIGINT AS n, sum(epoch(e) - epoch(s)) >= max(epoch(((s AT TIME ZONE zone)::DATE + 1)::TIMESTAMP AT TIME ZONE zone) - epoch((s AT TIME ZONE zone)::DATE::TIMESTAMP AT TIME ZONE zone)) AS known
		FROM live WHERE e <= ((s AT TIME ZONE zone)::DATE + 1)::TIMESTAMP AT TIME ZONE zone GROUP BY 1, 2),
	shown AS (SELECT stream, unnest(generate_series(greatest(max(day) - 89, min(day) FILTER (known)), max(day), INTERVAL 1 DAY))::DATE AS day FROM day GROUP BY 1),
	told AS (
		SELECT shown.stream, shown.day, coalesce(n, 0) AS n, coalesce(known, false) AS known,
			(SELECT CASE WHEN count(*) >= 3 THEN median(p.n) END FROM day p WHERE p.stream = shown.stream AND p.known AND p.day < shown.day AND p.day >= shown.day - 56 AND (shown.day - p.day) % 7 = 0) AS usual
		FROM shown LEFT JOIN day ON day.stream = shown.stream AND day.day = shown.day)
	SELECT stream, strftime(day, '%Y-%m-%d'), n, CASE WHEN usual IS NOT NULL THEN printf('%.1f', usual) END, known FROM told`
	same("days", days, volumes)
	same("odd days", odd, volumes+` WHERE known AND (usual >= 10 AND (n < usual / 2 OR n > 2 * usual) OR usual < 10 AND n > 100)`)
	same("runs", runs, fmt.Sprintf(`SELECT sync_id, epoch_us(started_at), epoch_us(finished_at), exit, coalesce(committed, 0), coalesce(unchanged, 0), coalesce(failed, 0), coalesce("rows", 0), coalesce(rejected, 0)
		FROM read_parquet('%s', union_by_name=true)`, filepath.Join(w.root, "_windrow", "runs", "**", "*.parquet")))
	if w.rejected() > 0 || len(rejects) > 0 {
		same("rejects", rejects, fmt.Sprintf(`SELECT stream, coalesce(field, ''), count(*) FROM read_parquet('%s', hive_partitioning=true, union_by_name=true) GROUP BY 1, 2`, filepath.Join(w.root, "_windrow", "rejects", "**", "*.parquet")))
	}

	// What is due: each hour of a window that has ended and that nothing covers, unless it is named as what the vendor
	// cannot be asked for; nothing else; failed where the last reading of any part failed.
	holes := []string{"('', TIMESTAMPTZ '1970-01-01', TIMESTAMPTZ '1970-01-01')"}
	for _, of := range m.ToDo {
		if found := unasked.FindStringSubmatch(of.What); found != nil {
			holes = append(holes, fmt.Sprintf("('%s', TIMESTAMPTZ '%s', TIMESTAMPTZ '%s')", of.Stream, found[1], found[2]))
		}
	}
	due := "(SELECT * FROM (VALUES ('', '', TIMESTAMPTZ '1970-01-01', TIMESTAMPTZ '1970-01-01')) AS v(stream, state, s, e) WHERE false) AS due"
	if len(open) > 0 {
		due = "(SELECT * FROM (VALUES " + strings.Join(open, ", ") + ") AS v(stream, state, s, e)) AS due"
	}
	for _, wrong := range w.query(with + `, holes AS (FROM (VALUES ` + strings.Join(holes, ", ") + `) AS v(stream, s, e)), due AS (FROM ` + due + `), expected AS (
			SELECT z.stream, unnest(generate_series(DATE '` + w.from + `' AT TIME ZONE z.zone, (` + at + ` AT TIME ZONE z.zone)::DATE::TIMESTAMP AT TIME ZONE z.zone - INTERVAL 1 HOUR - CASE WHEN z.stream LIKE 'dialpad.%' THEN INTERVAL 1 DAY WHEN z.stream = 'ucontact.agents' THEN INTERVAL 7 DAY ELSE INTERVAL 0 DAY END, INTERVAL 1 HOUR)) AS h FROM ` + zones + `)
		SELECT 'is not told as due', stream, h FROM expected x WHERE NOT EXISTS (SELECT 1 FROM hours p WHERE p.stream = x.stream AND p.h = x.h) AND NOT EXISTS (SELECT 1 FROM due d WHERE d.stream = x.stream AND d.s <= x.h AND x.h < d.e)
			AND NOT EXISTS (SELECT 1 FROM holes u WHERE u.stream = x.stream AND u.s <= x.h AND x.h < u.e)
		UNION ALL SELECT 'is named as a hole and covered', u.stream, u.s FROM holes u WHERE EXISTS (SELECT 1 FROM hours p WHERE p.stream = u.stream AND u.s <= p.h AND p.h < u.e)
		UNION ALL SELECT 'is due and whole, and has not failed', stream, s FROM due d WHERE state = 'open' AND NOT EXISTS (SELECT 1 FROM (SELECT unnest(generate_series(d.s, d.e - INTERVAL 1 HOUR, INTERVAL 1 HOUR)) AS h) x WHERE NOT EXISTS (SELECT 1 FROM hours p WHERE p.stream = d.stream AND p.h = x.h))
		UNION ALL SELECT 'failed, as told: ' || (state = 'failed'), stream, s FROM due d WHERE (state = 'failed') <> EXISTS (SELECT 1 FROM failures f WHERE f.stream = d.stream AND f.s < d.e AND d.s < f.e)`) {
		w.Error(wrong)
	}
	happened := w.query(with + `SELECT count(*) FILTER (superseded > 0), count(*) FILTER (kind = 'fail'), count(*) FILTER (kind = 'waive'), count(*) FILTER (j > 0), (SELECT count(*) FROM live WHERE NOT settled), (SELECT count(*) FROM history WHERE after_settle) FROM entries`)
	w.Logf("superseding, failures, waivers, rejecting, provisional, changes: %s; open %d, odd days %d, holes %d", happened, len(open), len(odd), len(holes)-1)
}
