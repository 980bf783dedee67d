package views_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/sinks/views"
)

const dbtModels = "../../deploy/dbt/models"

// The package's models say what the views say: nobody has changed the ones without the others.
func TestTheModelsOfDBTAreThoseOnFile(t *testing.T) {
	made, err := views.DBT()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range made {
		file := filepath.Join(dbtModels, filepath.FromSlash(name))
		if *update {
			if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if was, err := os.ReadFile(file); err != nil || string(was) != text {
			t.Errorf("%s is not as the views' templates make it, %v: `go test ./sinks/views -update` writes it", file, err)
		}
	}
	err = filepath.WalkDir(dbtModels, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dbtModels, path)
		if made[filepath.ToSlash(name)] == "" && strings.Contains(string(text), "Made of sinks/views") {
			t.Errorf("%s is of a view that is no more: remove it", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// onDBTFile is what the package's files become over a Parquet warehouse; .ci/deploy/dbt renders them.
type onDBTFile struct {
	Root                            string
	Models, Empty, Tests, Freshness []struct{ Name, SQL string }
}

// dbtOnFile reads it, with the folder of a warehouse in the place of the one that it was rendered for.
func dbtOnFile(t *testing.T, folder string) (of onDBTFile) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "dbt.json"))
	if err == nil {
		err = json.Unmarshal(bytes.ReplaceAll(text, []byte("ROOT/"), []byte(folder+"/")), &of)
	}
	if err != nil || len(of.Models) < 20 || len(of.Empty) != len(of.Models) || len(of.Tests) < 40 || len(of.Freshness) < 3 {
		t.Fatalf("%d models, %d tests, %v", len(of.Models), len(of.Tests), err)
	}
	return of
}

// The models of dbt, over the files that the views are over, have the views' rows; no test of the package finds a
// wrong one.
func TestTheModelsOfDBTHaveTheRowsOfTheViews(t *testing.T) {
	folder := t.TempDir()
	of := dbtOnFile(t, folder)
	views := store(t, of.Root)
	db := open(t)
	for _, m := range of.Models { // as tables: the tests read some of them many times
		exec(t, db, `CREATE TABLE "`+m.Name+`" AS `+m.SQL)
	}
	compared := 0
	for _, v := range []struct{ view, model string }{
		{"calls", ""}, {"call_legs", ""}, {"agent_day", ""}, {"campaign_channel_day", ""}, {"dashboard_interval", ""}, {"satisfaction", ""}, {"duty_day", ""},
		{"restatements", ""}, {"runs", ""}, {"rejects", ""}, {"changed_dates", ""}, {"activity", "stg_windrow__activity"}, {"events", "stg_windrow__events"},
		{"history", "stg_windrow__history"}, {"(SELECT * EXCLUDE (watermark) FROM streams WHERE rows > 0)", "(SELECT * EXCLUDE (watermark) FROM streams)"},
		{"service_level(60, 20, 'screen')", "service_level WHERE interval_minutes = 60 AND threshold_seconds = 20 AND variant = 'screen'"},
		{"service_level(1440, 90, 'abandons_left_out')", "service_level WHERE interval_minutes = 1440 AND threshold_seconds = 90 AND variant = 'abandons_left_out'"},
		{"queue_interval(30)", "queue_interval WHERE interval_minutes = 30"},
	} {
		if v.model == "" {
			v.model = v.view
		}
		ours, theirs := sorted(query(t, views, "SELECT * FROM "+v.view)), sorted(query(t, db, "SELECT * FROM "+v.model))
		if !slices.Equal(ours, theirs) {
			t.Errorf("%s: dbt has\n%s\nand the view\n%s", v.view, strings.Join(theirs, "\n"), strings.Join(ours, "\n"))
		}
		compared += len(ours)
	}
	if compared < 900 {
		t.Errorf("only %d rows were compared", compared)
	}
	for _, test := range of.Tests {
		if wrong := query(t, db, test.SQL); len(wrong) > 0 {
			t.Errorf("%s finds %v", test.Name, wrong)
		}
	}
	var found []string
	for _, f := range of.Freshness {
		found = append(found, f.Name+" "+printed(query(t, db, f.SQL)[0]))
	}
	if want := "activity 2025-09-09T11:00:00Z, events 2025-11-03T13:00:00Z, _windrow_ledger 2025-11-03T13:00:00Z"; strings.Join(found, ", ") != want {
		t.Errorf("the newest readings are %v", found)
	}
}

// A warehouse without any file, as a first `dbt build` may find it.
func TestTheModelsOfDBTOverNothingHaveNoRows(t *testing.T) {
	of := dbtOnFile(t, t.TempDir())
	db := open(t)
	for _, m := range of.Empty {
		exec(t, db, `CREATE VIEW "`+m.Name+`" AS `+m.SQL)
		if n := query(t, db, `SELECT count(*) FROM "`+m.Name+`"`)[0][0]; n != int64(0) {
			t.Errorf("%s has %v rows", m.Name, n)
		}
	}
}
