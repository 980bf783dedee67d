package dialpad

import (
	"strings"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/testdata"
)

// FuzzHeaders feeds each export with documents of any header: what the vendor sends there, nobody has published for
// some. Each row is loaded or rejected, none lacks a key column, and the error of a document is of a kind that the
// engine knows.
func FuzzHeaders(f *testing.F) {
	for _, name := range []string{"calls/vendor", "texts/vendor", "recordings/vendor", "recordings/awkward", "csat/vendor", "csat/dated", "dispositions/vendor", "onduty/vendor",
		"screenshare/unknown", "screenshare/nothing_known", "texts_stats/undated", "onduty_stats/by_user", "calls_stats/vendor_user"} {
		f.Add(testdata.Read("dialpad/" + name + ".csv"))
	}
	f.Add([]byte("date,date_a,datex,name,type,target_type\n2025-09-08,,,,,\n,,,,x,CallRouter\n"))
	f.Add([]byte("record_id,call_id,duration,reason\n0,nan,-,\"a,b\"\n"))
	set, faults := Config{Timezone: "America/Chicago", Token: "t", Targets: "callcenter:1", RecordingUnit: "milliseconds"}.Settings(Prefix)
	if len(faults) > 0 {
		f.Fatal(faults)
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		for _, e := range exports {
			format, m := e.format(set, pipeline.Policy{}), meta("callcenter:1")
			table := e.table
			if e.reduction != nil {
				table = e.reduction.Decoded
			}
			b := pipeline.NewBatch(table)
			for chunk, err := range format.Split(strings.NewReader(string(doc)), 1<<16) {
				if err == nil {
					err = format.Decode(m, chunk, b)
				}
				if err != nil {
					if err != pipeline.ErrIrregular && pipeline.KindOf(err) != pipeline.Malformed {
						t.Fatalf("%s: %v", e.name, err)
					}
					break
				}
				if err := b.Finish(); err != nil {
					t.Fatalf("%s: %v", e.name, err)
				}
			}
			b.Release()
		}
	})
}
