package bigquery

import (
	"testing"

	"github.com/windrow-data/windrow/sinks/sinktest"
)

func TestPromise01_ACommitReplacesItsWindow(t *testing.T)         { sinktest.Promise(t, driver, 1) }
func TestPromise02_DataAndLedgerAgreeWhateverBreaks(t *testing.T) { sinktest.Promise(t, driver, 2) }
func TestPromise06_AnEqualReadingWritesNoData(t *testing.T)       { sinktest.Promise(t, driver, 6) }
func TestPromise07_TwoRunsAtOnceEqualOne(t *testing.T)            { sinktest.Promise(t, driver, 7) }
func TestPromise08_WindowsOfOtherBoundsLeaveOneSetOfRows(t *testing.T) {
	sinktest.Promise(t, driver, 8)
}
func TestTheRestOfASinksContract(t *testing.T) { sinktest.Promise(t, driver, 0) }
