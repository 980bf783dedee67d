package calendar

import (
	"testing"
	"time"
)

// No machine's own zone may matter (promise 9), least of all where it is UTC.
func TestMain(m *testing.M) {
	time.Local = time.FixedZone("elsewhere", 5*60*60+45*60)
	m.Run()
}

func TestEveryNameOfAZoneThatIsProposedExists(t *testing.T) {
	names := ZoneNames()
	for _, name := range names {
		if _, err := time.LoadLocation(name); err != nil {
			t.Error(err)
		}
	}
	if len(names) < 500 {
		t.Errorf("%d names", len(names))
	}
}
