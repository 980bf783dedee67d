package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/windrow-data/windrow/cmd/windrow/internal/config"
	"github.com/windrow-data/windrow/pipeline/engine"
)

func TestTheEngineCallsItsLimitsAsTheUserDoes(t *testing.T) {
	for name, value := range map[string]string{
		"SINK": t.TempDir(), "MAX_REJECTS": "0.25", "MAX_UNREADABLE": "0.75", "ON_DRIFT": "warn", "DIALPAD_TOKEN": "k", "DIALPAD_TIMEZONE": "UTC",
	} {
		t.Setenv("WINDROW_"+name, value)
	}
	a := newApp(&strings.Builder{}, &strings.Builder{}, time.Now)
	s, err := a.configure()
	if err != nil {
		t.Fatal(err)
	}
	err = a.withEngine(t.Context(), s, func(e *engine.Engine) error {
		(&selection{from: "2025-09-01"}).apply(e)
		if e.MaxRejects != (engine.RejectLimit{Share: 0.25, Setting: "WINDROW_MAX_REJECTS"}) {
			t.Errorf("the limit of rejects is %+v", e.MaxRejects)
		}
		if e.Health.MaxUnreadable != (engine.RejectLimit{Share: 0.75, Setting: "WINDROW_MAX_UNREADABLE"}) {
			t.Errorf("the limit of unreadable values is %+v", e.Health.MaxUnreadable)
		}
		if !e.Health.DriftWarns || e.Health.DriftSetting != "WINDROW_ON_DRIFT=warn" {
			t.Errorf("drift is %+v", e.Health)
		}
		for _, setting := range []string{e.MaxRejects.Setting, e.Health.MaxUnreadable.Setting} {
			if !slices.ContainsFunc(declaredVariables(vendors), func(v config.Variable) bool { return v.Name == setting }) {
				t.Errorf("%s does not exist", setting)
			}
		}
		if e.Select.FromName != "--from" || e.Select.ToName != "--to" {
			t.Errorf("the bounds are %q and %q", e.Select.FromName, e.Select.ToName)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
