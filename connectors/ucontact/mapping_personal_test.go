package ucontact

import (
	"testing"

	"github.com/windrow-data/windrow/connectors/connectortest"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/transforms"
)

func TestAgentsArePersonalAndCampaignsAreNot(t *testing.T) {
	m := answerFor(t, "2025-09-08 00:00", "2025-09-09 00:00", "UTC", "60")
	m.Request.Resources = []string{"Ana Pérez", "Leo Paz"}
	document := `[
		{"date":"Sep 8, 2025, 9:00:00 AM","resource":"Ana P\u00e9rez","channel":"sms","inInteractions":"see Luz Soto","inQueue":7,"note":{"by":["Eva Gil"]}},
		{"date":"Sep 8, 2025, 25:00:00 AM","resource":"Leo Paz"}]`
	format := func(stream pipeline.StreamID) func(pipeline.Policy) pipeline.Format {
		stats, _ := statsTypeOf(stream)
		return func(p pipeline.Policy) pipeline.Format {
			return transforms.NewJSON(stats.mapping(&Settings{prefix: Prefix}, stats), transforms.JSONOptions{}, p)
		}
	}
	agents := connectortest.CheckPersonal(t, format(Agents), pipeline.Activity, &m, document, "Ana Pérez", "Luz Soto", "Eva Gil", "Leo Paz")
	name := connectortest.StandIn(pipeline.PersonalName, "Ana Pérez")
	if r := agents.Rows[0]; r["resource_id"] != name || r["resource_name"] != name || r["resource_type"] != "agent" || r["channel"] != "sms" {
		t.Errorf("got %v, want the agent as %s", r, name)
	}
	campaigns := connectortest.CheckPersonal(t, format(Campaigns), pipeline.Activity, &m, document, "Luz Soto", "Eva Gil", "Leo Paz")
	if r := campaigns.Rows[0]; r["resource_id"] != "Ana Pérez" || r["resource_name"] != "Ana Pérez" {
		t.Errorf("got %v, want the campaign by its name", r)
	}
}
