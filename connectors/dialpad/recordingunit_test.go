package dialpad

import (
	"fmt"
	"strings"
	"testing"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/transforms"
)

// A recording of more than a day says that its unit is another: the duration stays in extras and is counted.
func TestADurationThatIsTooLongForItsUnitIsNotLoaded(t *testing.T) {
	for _, c := range []struct{ unit, duration, seconds, hint string }{
		{"seconds", "86400", "86400", ""}, {"minutes", "1440", "86400", ""}, {"milliseconds", "86400000", "86400", ""}, {"seconds", "0:01:30", "90", ""},
		{"seconds", "86401", "", "milliseconds may fit"}, {"minutes", "1441", "", "seconds or milliseconds may fit"}, {"seconds", "-1", "", "milliseconds may fit"},
	} {
		s := &Settings{prefix: Prefix, asked: asked{recordingUnit: c.unit}}
		doc := document("call_id,date,duration,timezone", map[string]string{"call_id": "1", "date": "2025-09-08 12:00:00", "duration": c.duration, "timezone": "UTC"})
		rows, read, err := decode(t, transforms.NewCSV(recordingsMapping(s), pipeline.Policy{}), pipeline.Events, meta("company"), doc)
		if err != nil || len(rows) != 1 || rows[0]["talk_seconds"] != c.seconds {
			t.Fatalf("%s %s: %v, %v, %v", c.duration, c.unit, rows, read.Rejects, err)
		}
		if kept := strings.Contains(rows[0]["extras"], fmt.Sprintf("%q", c.duration)); kept != (c.seconds == "") {
			t.Errorf("%s %s: extras %s", c.duration, c.unit, rows[0]["extras"])
		}
		if hint := recordingsMapping(s).Fields[recordingDuration].Hint; c.hint != "" && !strings.Contains(hint, "WINDROW_DIALPAD_RECORDING_UNIT is "+c.unit+", in which recordings would last for more than a day: "+c.hint) {
			t.Errorf("hint %q", hint)
		}
	}
}
