package chattonic_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/windrow-data/windrow/connectors/chattonic"
	"github.com/windrow-data/windrow/connectors/connectortest"
	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/connectors/vendorsim/postoffice"
	"github.com/windrow-data/windrow/pipeline"
)

func TestConformance(t *testing.T) {
	const secret = "s3cr3t-0123456789"
	for name, config := range map[string]chattonic.Config{
		"with a token": {Token: secret, Codename: "acme"},
		"with a login": {Username: "reports@acme.example", Password: secret},
	} {
		t.Run(name, func(t *testing.T) {
			connectortest.Run(t, func(t *testing.T) connectortest.Setup {
				sim := connectortest.Simulate(t, vendorsim.Options{ChatTonic: vendorsim.ChatTonicOptions{Password: secret, StaticToken: config.Token}})
				c := config
				c.URL, c.Timezone, c.DurationUnit = sim.Servers.ChatTonicURL, "America/Argentina/Buenos_Aires", "seconds"
				set, faults := c.Settings(chattonic.Prefix)
				if len(faults) > 0 {
					t.Fatal(faults)
				}
				source, err := chattonic.New(set, chattonic.Options{
					Account: "mx", Clock: sim.Clock, Now: sim.Clock, RetryFor: time.Minute, Transport: sim.Transport,
				})
				if err != nil {
					t.Fatal(err)
				}
				return connectortest.Setup{
					Source: source, Account: "mx", Busy: sim.Busy(), Extracted: sim.Clock, Secrets: []string{secret},
					Trouble: sim.Trouble("chattonic", "chattonic", "/api/v1/acme/stats", secret), Calls: sim.Calls,
					Without: []pipeline.StreamID{chattonic.NPS}, // TestConformanceOfAMailbox reads it
				}
			})
		})
	}
}

// TestConformanceOfAMailbox: the exports of NPS answers are read from real IMAP, by the same promises as the vendor's answers.
func TestConformanceOfAMailbox(t *testing.T) {
	const token = "s3cr3t-0123456789"
	office, err := postoffice.Open("NPS") // outside of the bubbles: in one that listens to a socket no time passes
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(office.Close)
	connectortest.Run(t, func(t *testing.T) connectortest.Setup {
		office.Misbehave(postoffice.Fault{})
		office.Refuse(postoffice.Refusal{})
		sim := connectortest.Simulate(t, vendorsim.Options{ChatTonic: vendorsim.ChatTonicOptions{StaticToken: token}})
		deliver := func(export string) {
			if err := errors.Join(office.Clear("NPS"), office.Deliver("NPS", []byte(mailed("1@x", sim.Clock().Format(time.RFC1123Z), export)), sim.Clock())); err != nil {
				t.Error(err)
			}
		}
		good := sim.World.NPSExport(sim.Clock().AddDate(0, -2, 0), sim.Clock())
		deliver(good)
		set, faults := chattonic.Config{
			URL: sim.Servers.ChatTonicURL, Token: token, Codename: "acme", Timezone: npsZone, NPSFrom: "imap://" + postoffice.User + "@" + office.Plain + "/NPS",
			NPSPassword: postoffice.Password, NPSColumns: "score=Puntuación,date=Fecha,text=Comentario",
		}.Settings(chattonic.Prefix)
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		source, err := chattonic.New(set, chattonic.Options{
			Account: "mx", Clock: sim.Clock, Now: sim.Clock, RetryFor: time.Minute, Transport: sim.Transport, Disk: disk,
		})
		if err != nil {
			t.Fatal(err)
		}
		onWire := sim.Trouble("chattonic", "chattonic", "/api/v1/acme/stats", token)
		inMailbox := map[connectortest.Trouble]func(){
			connectortest.Down:      func() { office.Misbehave(postoffice.Fault{CutAfter: 1, Times: 1}) },
			connectortest.Throttles: func() { office.Refuse(postoffice.Refusal{Code: "LIMIT", Times: 1}) },
			connectortest.Refuses: func() {
				office.Refuse(postoffice.Refusal{Code: "AUTHENTICATIONFAILED", Text: "not known: " + postoffice.Password})
			},
			connectortest.BreaksOff: func() { office.Misbehave(postoffice.Fault{CutAfter: 5000}) },
			connectortest.Page:      func() { deliver("<html><head><title>Welcome</title></head></html>") },
			connectortest.Blank:     func() { deliver("") },
		}
		return connectortest.Setup{
			Source: onlyNPS{source}, Account: "mx", Busy: sim.Busy(), Extracted: sim.Clock, Secrets: []string{token, postoffice.Password},
			Trouble: func(kind connectortest.Trouble) {
				onWire(kind)
				office.Misbehave(postoffice.Fault{})
				office.Refuse(postoffice.Refusal{})
				deliver(good)
				inMailbox[kind]()
			},
			Calls:  func() int { return sim.Calls() + office.Sessions() },
			Memory: asking(set, sim),
		}
	})
}

// onlyNPS is a source of which the exports alone are read.
type onlyNPS struct{ pipeline.Source }

func (s onlyNPS) Streams() []pipeline.Stream {
	return slices.DeleteFunc(s.Source.Streams(), func(of pipeline.Stream) bool { return of.Key.Stream != chattonic.NPS })
}

// asking is the ledger of a stream whose vendor was asked an hour ago to mail the day before the busy one: a file without
// dates that came since is that day's.
func asking(set *chattonic.Settings, sim connectortest.Simulated) remembered {
	calendar := chattonic.Streams(set, "mx", pipeline.Policy{})[2].Calendar
	day := calendar.Window(calendar.Window(pipeline.InstantOf(sim.Busy())).Start - 1)
	l := pipeline.NewLedger()
	l.Apply(pipeline.Entry{
		Kind: pipeline.EntryAsk, Window: pipeline.Window{Span: day, Zone: npsZone}, ReadAt: pipeline.InstantOf(sim.Clock().Add(-time.Hour)), Note: pipeline.AskTaken,
	})
	return remembered{l}
}

// remembered is a ledger that nothing is added to.
type remembered struct{ ledger *pipeline.Ledger }

func (remembered) First() pipeline.Instant                               { return pipeline.NoInstant }
func (m remembered) Ledger(context.Context) (*pipeline.Ledger, error)    { return m.ledger.Clone(), nil }
func (remembered) Record(ctx context.Context, _ ...pipeline.Entry) error { return ctx.Err() }
