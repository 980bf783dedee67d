package chattonic

import (
	"strings"
	"testing"

	"github.com/windrow-data/windrow/connectors/connectortest"
	"github.com/windrow-data/windrow/pipeline"
)

func TestOperatorsArePersonalAndQueuesAreNot(t *testing.T) {
	m := dayOf(t)
	document := operators(`{"_id":"1","displayName":"Ana Gil","name":{"givenName":"Anamaria","familyName":"Gilmore"},"originsName":"Sales","status":"online"},
		{"_id":"2","name":{"givenName":"Luz","familyName":"Soto"},"mail":"luz@example.com","queriesResolved":"ask Eva","phones":[{"home":"+5491155501234"}]},
		{"displayName":"Leo Paz"}`)
	format := func(p pipeline.Policy) pipeline.Format { return operatorsFormat(&Settings{prefix: Prefix}, p) }
	got := connectortest.CheckPersonal(t, format, pipeline.Activity, &m, document,
		"Ana Gil", "Anamaria", "Gilmore", "Luz Soto", `"Soto"`, "luz@example.com", "ask Eva", "+5491155501234", "Leo Paz")
	if r := got.Rows[0]; r["resource_name"] != connectortest.StandIn(pipeline.PersonalName, "Ana Gil") || r["resource_id"] != "1" ||
		!strings.Contains(r["extras"], `"originsName":"Sales"`) || !strings.Contains(r["extras"], `"status":"online"`) {
		t.Errorf("got %v", r)
	}
	if r := got.Rows[1]; r["resource_name"] != connectortest.StandIn(pipeline.PersonalName, "Luz Soto") {
		t.Errorf("the name made of its parts is %q", r["resource_name"])
	}
}
