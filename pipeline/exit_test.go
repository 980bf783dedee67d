package pipeline_test

import (
	"testing"

	"github.com/windrow-data/windrow/pipeline"
)

func TestAnErrorEndsTheProgramWithTheCodeOfItsKind(t *testing.T) {
	special := map[pipeline.Kind]int{pipeline.Invalid: 2, pipeline.Unauthorized: 4, pipeline.Stopped: 130, pipeline.Locked: 3}
	for k := pipeline.Internal; k <= pipeline.Locked; k++ {
		want := 1
		if code, ok := special[k]; ok {
			want = code
		}
		if got := pipeline.ExitOf(k); got != want {
			t.Errorf("%v: exit code %d, want %d", k, got, want)
		}
	}
}

func TestARunWhosePartsFailedHasTheCodeOfTheGravest(t *testing.T) {
	for e, want := range map[pipeline.Ending]int{
		{}:                                  0,
		{Failed: true}:                      3,
		{Stopped: true}:                     130,
		{Stopped: true, Failed: true}:       130,
		{Damaged: true, Failed: true}:       1,
		{Unauthorized: true}:                4,
		{Unauthorized: true, Failed: true}:  4,
		{Unauthorized: true, Stopped: true}: 4,
	} {
		if got := e.Exit(); got != want {
			t.Errorf("%+v: exit code %d, want %d", e, got, want)
		}
	}
}
