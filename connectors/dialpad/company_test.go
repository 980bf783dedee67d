package dialpad

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
	"github.com/windrow-data/windrow/pipeline/plan"
	"github.com/windrow-data/windrow/sinks/memory"
)

// Nights of one account, whose exports name a company: the first one that is named is the account's.
func TestRowsOfAnotherCompanyAreNeverCommitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sleepUntil(time.Date(2000, 1, 10, 20, 0, 0, 0, time.UTC))
		v, store := newVendor(t), memory.New(memory.Options{})
		defer store.Close()
		for night, c := range []struct {
			header    string
			companies []string // of the rows
			exit      int
			says      string
		}{
			{"", []string{"", ""}, pipeline.ExitDone, "dialpad.test"},
			{"", []string{"7", "", "7"}, pipeline.ExitDone, "dialpad.test/7"},
			{",company", []string{"8"}, pipeline.ExitDone, "dialpad.test/7"}, // a report without the column tells nothing
			{"", []string{"8", "8"}, pipeline.ExitInvalid, "the sink has the data of dialpad.test/7, and these are of dialpad.test/8"},
			{"", []string{"7", "8"}, pipeline.ExitInvalid, "the sink has the data of dialpad.test/7, and these are of dialpad.test/8"},
			{"", []string{"7"}, pipeline.ExitDone, "dialpad.test/7"},
		} {
			v.onFile = func(_ int, w http.ResponseWriter, _ *http.Request) bool {
				column := "company_id"
				if c.header != "" {
					column = "company"
				}
				fmt.Fprintf(w, "call_id,date_started,entry_point_call_id,timezone,%s,is_internal\n", column)
				for i, company := range c.companies {
					fmt.Fprintf(w, "%d,2000-01-09 10:00:00,,UTC,%s,false\n", 100*night+i+1, company)
				}
				return true
			}
			s := newTestSource(t, v, Options{}, nil)
			e := engine.Engine{
				Store: store, Sources: []pipeline.Source{s}, Streams: []pipeline.StreamID{"dialpad.calls"}, Clock: time.Now, Now: time.Now, Concurrency: 2,
				Select: plan.Selection{From: "2000-01-09", To: "2000-01-09", Refetch: true}, MaxRejects: engine.RejectLimit{Share: 0.5},
			}
			sum, err := e.Sync(t.Context())
			if sum.Exit != c.exit {
				t.Fatalf("night %d: exit %d, %v: %+v", night, sum.Exit, err, sum.Streams)
			}
			l, lerr := store.Ledger(t.Context(), s.Streams()[0].Key)
			if lerr != nil {
				t.Fatal(lerr)
			}
			rows := store.Rows(s.Streams()[0].Key)
			switch told := fmt.Sprint(l.Owner()); {
			case c.exit == pipeline.ExitDone && (told != c.says || len(rows) != len(c.companies)):
				t.Errorf("night %d: the ledger has %s, the table %d rows", night, told, len(rows))
			case c.exit != pipeline.ExitDone && (told != "dialpad.test/7" || len(rows) != 1 || !strings.Contains(fmt.Sprint(err), c.says)):
				t.Errorf("night %d: the ledger has %s, the table %d rows; %v", night, told, len(rows), err)
			}
			time.Sleep(24 * time.Hour) // past the vendor's cache
		}
	})
}
