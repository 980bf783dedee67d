package endtoend

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/sinks/sinktest/soak"
)

// nightsSite is a kill site with a stream of each vendor and small days.
func nightsSite(t *testing.T, newSite siteMaker) *site {
	t.Helper()
	s := smallKillSite(t, newSite)
	s.world.Set(func(o *vendorsim.Options) { o.CallsPerDay, o.TextsPerDay = 4, 3 })
	s.group = pipeline.Grouping{}
	return s
}

// night syncs in that night after noon, on a machine that is by off.
func (s *site) night(n int, by time.Duration) pipeline.Summary {
	s.Helper()
	s.world.SetNow(noon.AddDate(0, 0, n))
	return s.run(s.skewed(by))
}

// sameAsAlone fails unless the warehouse is as one run alone makes it now.
func (s *site) sameAsAlone() {
	s.Helper()
	alone := s.empty(s.T)
	alone.mustRun(alone.skewed(0))
	sameRows(s.T, s.past(), alone.past())
}

// Nobody has to notice: nothing is read again but what every night reads.
func TestANightUnderAWrongClockAndThirteenTrueOnesLoseNoDay(t *testing.T) {
	onEither(t, func(t *testing.T, newSite siteMaker) {
		wrong := []time.Duration{240 * time.Hour}
		if soak.Whole() {
			wrong = append(wrong, skews...)
		}
		for _, by := range wrong {
			t.Run(by.String(), func(t *testing.T) {
				s := nightsSite(t, newSite)
				s.night(0, by)
				for n := 1; n <= 13; n++ {
					if sum := s.night(n, 0); sum.Exit != 0 {
						t.Fatalf("night %d: exit %d: %s", n, sum.Exit, failures(sum))
					}
				}
				s.sameAsAlone()
			})
		}
	})
}

// FROM is not set, so that the first sync's clock says where the stream begins.
func TestAFirstSyncOnAMachineThatIsAheadHidesNoDay(t *testing.T) {
	onEither(t, func(t *testing.T, newSite siteMaker) {
		s := nightsSite(t, newSite)
		s.from, s.streams = "", []pipeline.StreamID{"chattonic.operators"}
		s.night(0, 30*24*time.Hour)
		for n := 1; n <= 2; n++ {
			if sum := s.night(n, 0); sum.Exit != 0 {
				t.Fatalf("night %d: exit %d: %s", n, sum.Exit, failures(sum))
			}
		}
		const first = "2025-08-12" // 30 days before the first true night
		if isBigQuery(s.root) {
			if day, _ := s.viewed(); day.Time().Format(time.DateOnly) != first {
				t.Errorf("the view says that the first day is %s", day)
			}
		}
		alone := s.empty(t)
		alone.from = first
		alone.mustRun(alone.skewed(0))
		sameRows(t, s.past(), alone.past())
	})
}

func TestDataThatWasDeletedIsThereAgainAfterARefetch(t *testing.T) {
	onEither(t, func(t *testing.T, newSite siteMaker) {
		s := nightsSite(t, newSite)
		s.night(0, 0)
		want := s.past()
		ways := map[string]func(file string) error{
			"a file is deleted": os.Remove, "a day's folder is deleted": func(file string) error { return os.RemoveAll(filepath.Dir(file)) },
			"a file is emptied": func(file string) error { return os.Truncate(file, 0) },
			"a file is cut":     func(file string) error { return os.Truncate(file, 100) },
		}
		if isBigQuery(s.root) {
			ways = map[string]func(string) error{"a day's rows are deleted": nil}
		}
		for name, way := range ways {
			if way == nil {
				loseRows(t, s.root, rand.New(rand.NewPCG(1, 1)))
			} else {
				changing(t, s.root, func(dir string) { must(t, way(dataFiles(t, dir)[0])) })
			}
			e := s.skewed(0)
			e.Select.Refetch = true
			sum := s.mustRun(e)
			committed := 0
			for _, st := range sum.Streams {
				committed += st.Committed
			}
			if committed == 0 {
				t.Errorf("%s: every window counts as unchanged", name)
			}
			sameRows(t, s.past(), want)
		}
	})
}

// A backup of the third night comes back after the sixth: of the ledger, of the data, or of both.
func TestARestoredBackupLosesAndDoublesNothing(t *testing.T) {
	data, own := []string{"activity", "events"}, []string{"_windrow"}
	for name, parts := range map[string][]string{"the ledger": own, "the data": data, "both": append(data, own...)} {
		t.Run(name, func(t *testing.T) {
			onEither(t, func(t *testing.T, newSite siteMaker) {
				s := nightsSite(t, newSite)
				for n := range 3 {
					s.night(n, 0)
				}
				restore := s.backup(parts)
				for n := 3; n < 6; n++ {
					s.night(n, 0)
				}
				restore()
				if sum := s.night(6, 0); sum.Exit != 0 {
					t.Fatalf("exit %d: %s", sum.Exit, failures(sum))
				}
				if parts[0] == data[0] && len(parts) == len(data) { // the ledger says of days beyond the lookback that they are there
					e := s.skewed(0)
					e.Select.Refetch = true
					s.mustRun(e)
				}
				s.sameAsAlone()
			})
		})
	}
}

// backup keeps the parts of the warehouse and returns what brings them back.
func (s *site) backup(parts []string) (restore func()) {
	s.Helper()
	if isBigQuery(s.root) {
		return s.backupTables(parts)
	}
	kept, now := s.TempDir(), filesOf(s.T, s.root)
	for _, part := range parts {
		copyFolder(s.T, filepath.Join(now, part), filepath.Join(kept, part))
	}
	return func() {
		changing(s.T, s.root, func(dir string) {
			for _, part := range parts {
				must(s.T, os.RemoveAll(filepath.Join(dir, part)))
				copyFolder(s.T, filepath.Join(kept, part), filepath.Join(dir, part))
			}
		})
	}
}

func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	if _, err := os.Stat(from); os.IsNotExist(err) {
		return
	}
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		if d.IsDir() {
			return os.MkdirAll(target, 0o700)
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, body, 0o600)
	})
	must(t, err)
}

func (s *site) backupTables(parts []string) (restore func()) {
	s.Helper()
	run := func(sql string) { s.Helper(); must(s.T, serverOf(s.T, s.root).ExecDuckDB(s.Context(), sql)) }
	var kept []string
	for _, table := range tables(s.T, s.root) {
		for _, part := range parts {
			if strings.HasPrefix(table, part) && table != "_windrow_watermarks" {
				kept = append(kept, table)
				run(fmt.Sprintf(`CREATE TABLE "backup %s" AS SELECT * FROM %s`, table, inDataset(s.root, table)))
			}
		}
	}
	return func() {
		for _, table := range kept {
			run("DELETE FROM " + inDataset(s.root, table))
			run(fmt.Sprintf(`INSERT INTO %s SELECT * FROM "backup %s"`, inDataset(s.root, table), table))
		}
	}
}

// Somebody moves the times of the ledger into the future. What the vendor changes afterwards is taken in all the same; a
// file of the ledger that was edited is refused by its name.
func TestEditedTimesOfTheLedgerHoldUpNoReading(t *testing.T) {
	onEither(t, func(t *testing.T, newSite siteMaker) {
		s := nightsSite(t, newSite)
		s.night(0, 0)
		if !isBigQuery(s.root) {
			name := s.editLedgerFile()
			_, err := s.skewed(0).Plan(t.Context())
			if err == nil || pipeline.KindOf(err) != pipeline.Damaged || !strings.Contains(err.Error(), name) {
				t.Fatalf("%s was edited: %v", name, err)
			}
			return
		}
		must(t, serverOf(t, s.root).ExecDuckDB(t.Context(), "UPDATE "+inDataset(s.root, "_windrow_ledger")+" SET read_at = read_at + INTERVAL 400 DAY"))
		s.world.Edit(vendorsim.Edit{From: noon.AddDate(0, 0, -2), To: noon.AddDate(0, 0, -1), Vanish: true})
		s.world.Advance(24 * time.Hour)
		e := s.skewed(0)
		e.Select.Refetch = true
		s.mustRun(e)
		s.sameAsAlone()
	})
}

// editLedgerFile changes a digit of a read_at and returns the file's name.
func (s *site) editLedgerFile() (name string) {
	s.Helper()
	changing(s.T, s.root, func(dir string) {
		must(s.T, filepath.WalkDir(filepath.Join(dir, "_windrow", "ledger"), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || name != "" {
				return err
			}
			body, err := os.ReadFile(path)
			before, after, found := strings.Cut(string(body), `"read_at":"2025`)
			if err != nil || !found {
				return err
			}
			name = filepath.Base(path)
			return os.WriteFile(path, []byte(before+`"read_at":"2026`+after), 0o600)
		}))
	})
	if name == "" {
		s.Fatal("no file of the ledger has a read_at")
	}
	return name
}

func TestTheOpenDayIsReplacedByEveryRunAndSettlesAsAnyOther(t *testing.T) {
	s := newSite(t)
	s.from, s.intraday = "2025-09-10", true
	s.world.SetNow(noon.Add(20 * time.Minute)) // in the middle of an hour
	data := s.world.Data()
	agents := func() (want []string) {
		mexico, err := time.LoadLocation("America/Mexico_City")
		if err != nil {
			t.Fatal(err)
		}
		start, end := vendorsim.Day(2025, 9, 10, mexico)
		if now := s.world.Now(); now.Before(end) {
			end = now
		}
		var sum vendorsim.Metrics
		for _, agent := range []string{"Agent1", "Agent2", "Agent3"} {
			m, _ := data.AgentSpan(agent, start, end, time.Hour)
			sum = sum.Add(m)
		}
		return []string{fmt.Sprintf("%d\t%d", sum.InInteractions, sum.Connected)}
	}
	const agentSums = "SELECT sum(interactions_in)::BIGINT, sum(login_seconds)::BIGINT FROM {activity} WHERE stream = 'ucontact.agents' AND local_date = '2025-09-10'"
	provisional := func(id string, want int) {
		t.Helper()
		if st := s.status(id); st.Provisional != want || st.Settled != 0 || st.Watermark != nil {
			t.Errorf("%s at %s: %+v, want %d provisional windows", id, s.world.Now(), st, want)
		}
	}
	posts := func() int {
		n := 0
		for _, c := range s.world.Log() {
			if c.Method == "POST" && c.Host == "dialpad" {
				n++
			}
		}
		return n
	}

	s.mustSync()
	for _, id := range []string{"ucontact.agents", "ucontact.campaigns", "chattonic.operators", "chattonic.dashboard", "dialpad.calls", "dialpad.calls_stats"} {
		provisional(id, 1)
	}
	sameLines(t, s.query(agentSums), agents())
	now := s.world.Now().UnixMicro()
	sameLines(t, s.query("SELECT stream, count(*) FILTER (epoch_us(interval_end) > "+itoa(now)+"), count(*) FILTER (epoch_us(interval_end) = "+itoa(now)+") > 0 FROM {activity} WHERE stream <> 'chattonic.dashboard' AND stream <> 'ucontact.campaigns' GROUP BY 1 ORDER BY 1"),
		[]string{"chattonic.operators\t0\ttrue", "dialpad.calls_stats\t0\ttrue", "dialpad.onduty_time\t0\ttrue", "ucontact.agents\t0\ttrue"})
	first, ordered := s.query("SELECT count(*), max(started_at) <= make_timestamptz("+itoa(now)+") FROM {events} WHERE stream = 'dialpad.calls'"), posts()

	// The vendor makes its numbers of today anew every 30 minutes, and keeps an answer as long.
	s.world.Advance(29 * time.Minute)
	s.mustSync()
	sameLines(t, s.query(agentSums), agents())
	if again := posts(); again != ordered {
		t.Errorf("%d reports were ordered again within 30 minutes", again-ordered)
	}
	s.world.Advance(2 * time.Hour)
	s.mustSync()
	sameLines(t, s.query(agentSums), agents())
	if again := s.query("SELECT count(*), true FROM {events} WHERE stream = 'dialpad.calls'"); posts() == ordered || again[0] == first[0] {
		t.Errorf("%q calls, as two hours before", again)
	}
	provisional("dialpad.calls", 1)

	// Dialpad's day is not asked by days ago before it has settled; what there is of it stays. The next one is open.
	s.world.SetNow(time.Date(2025, 9, 11, 8, 0, 0, 0, time.UTC))
	before := s.query("SELECT count(*), max(extracted_at)::VARCHAR FROM {events} WHERE stream = 'dialpad.calls' AND local_date = '2025-09-10'")
	s.mustSync()
	sameLines(t, s.query("SELECT count(*), max(extracted_at)::VARCHAR FROM {events} WHERE stream = 'dialpad.calls' AND local_date = '2025-09-10'"), before)
	sameLines(t, s.query(agentSums), agents())
	s.world.SetNow(time.Date(2025, 9, 11, 18, 0, 0, 0, time.UTC))
	s.mustSync()
	chicago, err := time.LoadLocation("America/Chicago")
	if err != nil {
		t.Fatal(err)
	}
	start, end := vendorsim.Day(2025, 9, 10, chicago)
	calls := int64(0)
	for _, target := range vendorsim.CallCenters()[:2] {
		calls += data.CallTotals(target, start, end).Rows
	}
	if got := s.query("SELECT count(*) FROM {events} WHERE stream = 'dialpad.calls' AND local_date = '2025-09-10'"); got[0] != itoa(calls) {
		t.Errorf("%s calls of the settled day, want %d", got[0], calls)
	}
	if st := s.status("dialpad.calls"); st.Settled != 1 || st.Provisional != 1 || st.Watermark == nil || !st.Watermark.Time().Equal(end) {
		t.Errorf("%+v", st)
	}
}
