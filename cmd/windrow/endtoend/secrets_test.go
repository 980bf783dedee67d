package endtoend

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/cmd/windrow/internal/warehousetest"
	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/testdata"
)

// What no secret is, and must be found wherever a secret is looked for: else the search sees nothing.
const (
	controlRow    = "control-of-a-row-5d0c"
	controlReject = "control-of-a-reject-5d0c"
	controlNote   = "control-of-a-note-5d0c"
)

func TestPromise13_NoSecretReachesTheWarehouse(t *testing.T) {
	onEither(t, func(t *testing.T, newSite siteMaker) {
		s := newSite(t)
		s.syncControls()
		s.world.Inject(vendorsim.Fault{Host: "ucontact", Kind: vendorsim.FaultStatus, Code: 400, Times: 2,
			Body: controlNote + " bad token Bearer " + s.env["WINDROW_UCONTACT_TOKEN"]})
		sum := s.sync()
		if sum.Exit != 3 {
			t.Fatalf("exit %d, want a failed window whose error is written down", sum.Exit)
		}
		s.sumUpLedgers()
		all := everything(t, s.root)
		s.findsControls(all)
		secrets := []string{s.env["WINDROW_UCONTACT_TOKEN"], s.env["WINDROW_CHATTONIC_PASSWORD"], s.env["WINDROW_DIALPAD_TOKEN"]}
		for _, secret := range secrets {
			if secret == "" || strings.Contains(failures(sum), secret) {
				t.Errorf("an error holds %q", secret)
			}
			for _, name := range warehousetest.Holding(all, secret) {
				t.Errorf("%s holds %q", name, secret)
			}
		}
		for _, call := range s.world.Log() {
			if call.Host == "download" && call.Authorization {
				t.Error("the download host was shown a credential")
			}
		}
	})
}

// syncControls brings the controls of a row and of a reject.
func (s *site) syncControls() {
	s.Helper()
	s.env["WINDROW_DIALPAD_TARGETS"] = vendorsim.CallCenters()[0].String()
	e := s.engine("dialpad.texts")
	e.Select.From, e.Select.To = "2025-09-08", "2025-09-08"
	s.world.Inject(vendorsim.Fault{Host: "download", Kind: vendorsim.FaultReplace, Body: testdata.Header("dialpad/texts/vendor.csv") + "\r\n" +
		strings.Repeat("2025-09-08 10:00:00,1,"+controlRow+",e,user,1,1,internal,+1,+2,,hi,,America/Chicago\r\n", 99) +
		controlReject + ",77,n,e,user,1,1,internal,+1,+2,,hi,,America/Chicago\r\n"})
	if sum := s.run(e); sum.Exit != 0 || streamOf(s.T, sum, "dialpad.texts").Rejected != 1 {
		s.Fatalf("exit %d, %+v%s", sum.Exit, sum.Streams, failures(sum))
	}
}

// sumUpLedgers adds to the ledger of the agents until a sink that sums ledgers up has done so.
func (s *site) sumUpLedgers() {
	s.Helper()
	key := pipeline.StreamKey{Account: "default", Stream: "ucontact.agents"}
	store := s.engine().Store
	start, end := s.dialpadDay(1)
	w := pipeline.Window{Span: pipeline.Span{Start: pipeline.InstantOf(start), End: pipeline.InstantOf(end)}, Zone: "UTC"}
	for range 40 {
		if err := store.Record(s.Context(), key, pipeline.Entry{Kind: pipeline.EntryFail, Window: w, ReadAt: pipeline.InstantOf(time.Now())}); err != nil {
			s.Fatal(err)
		}
		if isBigQuery(s.root) {
			return // it sums nothing up
		}
	}
	// The sum is made with the next commit.
	e := s.engine("ucontact.agents")
	e.Select.From, e.Select.To, e.Select.Refetch = "2025-09-09", "2025-09-09", true
	if sum := s.run(e); sum.Exit != 0 {
		s.Fatal(failures(sum))
	}
}

// findsControls fails unless the controls are found, and in every kind of file that is compressed.
func (s *site) findsControls(all map[string]string) {
	s.Helper()
	kinds := map[string][]string{ // parts of the files' names
		controlRow: {"events"}, controlReject: {"_windrow_rejects"}, controlNote: {"_windrow_ledger", "_windrow_runs"},
	}
	if !isBigQuery(s.root) {
		kinds = map[string][]string{
			controlRow: {".parquet" + warehousetest.Inside}, controlReject: {".parquet" + warehousetest.Inside},
			controlNote: {".zst" + warehousetest.Inside, "_windrow/runs/recent/"},
		}
	}
	for control, parts := range kinds {
		found := warehousetest.Holding(all, control)
		for _, part := range parts {
			if !slices.ContainsFunc(found, func(name string) bool { return strings.Contains(name, part) }) {
				s.Errorf("%s is not found in any %s, but in %q", control, part, found)
			}
		}
	}
}
