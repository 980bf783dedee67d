package engine

import (
	"testing"
	"time"
)

// No machine's own zone may matter (promise 9), least of all where it is UTC.
func TestMain(m *testing.M) {
	time.Local = time.FixedZone("elsewhere", 5*60*60+45*60)
	m.Run()
}
