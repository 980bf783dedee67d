package archive_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/windrow-data/windrow/connectors"
	"github.com/windrow-data/windrow/connectors/connectortest"
	"github.com/windrow-data/windrow/connectors/dialpad"
	"github.com/windrow-data/windrow/connectors/ucontact"
	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/archive"
	"github.com/windrow-data/windrow/pipeline/engine"
	"github.com/windrow-data/windrow/pipeline/plan"
	"github.com/windrow-data/windrow/sinks/memory"
)

// simulated serves small vendors that take no time.
func simulated(t *testing.T) connectortest.Simulated {
	t.Helper()
	o := vendorsim.Options{CallsPerDay: 20, TextsPerDay: 10, UContact: vendorsim.UContactOptions{Token: "token"}}
	o.Dialpad = vendorsim.DialpadOptions{Token: "token", ProcessingPolls: -1, Limits: vendorsim.DialpadLimits{Rate: -1}}
	return connectortest.Simulate(t, o)
}

// syncDays moves the days of the test from a source into a store.
func syncDays(t *testing.T, sim connectortest.Simulated, source pipeline.Source, store pipeline.Store) pipeline.Summary {
	t.Helper()
	e := engine.Engine{
		Store: store, Sources: []pipeline.Source{source}, Select: plan.Selection{From: "2025-09-08", To: "2025-09-10"},
		Clock: sim.Clock, Now: sim.Clock, MaxRejects: engine.RejectLimit{Share: 0.01}, Concurrency: 4,
	}
	sum, err := e.Sync(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// committed lists the windows of a stream as the ledger has them.
func committed(t *testing.T, store pipeline.Store, k pipeline.StreamKey) (list []pipeline.Entry) {
	t.Helper()
	l, err := store.Ledger(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range l.Entries() {
		if e.Kind == pipeline.EntryCommit {
			list = append(list, e)
		}
	}
	slices.SortFunc(list, func(a, b pipeline.Entry) int { return int(a.Window.Start - b.Window.Start) })
	return list
}

func opened(t *testing.T, sim connectortest.Simulated, vendor string) pipeline.Source {
	t.Helper()
	o := connectors.Options{Account: "mx", Clock: sim.Clock, Now: sim.Clock, RetryFor: time.Minute, Transport: sim.Transport}
	var source pipeline.Source
	var err error
	switch vendor {
	case "ucontact":
		set, faults := ucontact.Config{
			URL: sim.Servers.UContactURL, Token: "token", Timezone: "America/Mexico_City", Agents: "Agent1,Agent2", Campaigns: "Ventas,Soporte<-", Rate: "1000",
		}.Settings(ucontact.Prefix)
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		source, err = ucontact.New(set, o)
	case "dialpad":
		set, faults := dialpad.Config{
			URL: sim.Servers.DialpadURL, Token: "token", Timezone: "America/Chicago",
			Targets:   vendorsim.CallCenters()[0].String() + "," + vendorsim.CallCenters()[1].String(),
			PollFirst: "1ms", PollEvery: "1ms", Rate: "1000",
		}.Settings(dialpad.Prefix)
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		source, err = dialpad.New(set, o)
	}
	if err != nil {
		t.Fatal(err)
	}
	return source
}

func TestAReplayEqualsTheSyncAndCallsNoVendor(t *testing.T) {
	for vendor, fault := range map[string]vendorsim.Fault{
		"ucontact": {Host: "ucontact", Kind: vendorsim.FaultStatus, Code: http.StatusRequestTimeout}, // the first answer comes in parts
		"dialpad":  {Host: "download", Kind: vendorsim.FaultCut},                                     // the first download breaks off
	} {
		t.Run(vendor, func(t *testing.T) {
			sim := simulated(t)
			sim.World.Inject(fault)
			source, kept := opened(t, sim, vendor), newShelf()
			first, second, plain := memory.New(memory.Options{}), memory.New(memory.Options{}), memory.New(memory.Options{})
			synced := syncDays(t, sim, archive.Tee(source, kept), first)
			syncDays(t, sim, source, plain)
			calls := sim.Calls()
			later := sim
			later.Clock = func() time.Time { return sim.Clock().Add(24 * time.Hour) }
			replayed := syncDays(t, later, archive.Replay(source, kept), second)
			if sim.Calls() != calls {
				t.Errorf("the replay made %d calls", sim.Calls()-calls)
			}
			if kept.opened != 0 {
				t.Errorf("%d answers were left open", kept.opened)
			}

			rows := 0
			for i, st := range synced.Streams {
				k := pipeline.StreamKey{Account: st.Account, Stream: st.Stream}
				of := replayed.Streams[i]
				if st.Failed > 0 || of.Failed > 0 || of.Committed != 3 || of.Read != st.Read || of.Rows != st.Rows || of.Outside != st.Outside || of.Duplicate != st.Duplicate {
					t.Errorf("%s: synced %+v, replayed %+v", k, st, of)
				}
				want, without, got := committed(t, first, k), committed(t, plain, k), committed(t, second, k)
				if len(want) != 3 || len(got) != 3 || len(without) != 3 {
					t.Fatalf("%s: %d windows synced, %d replayed", k, len(want), len(got))
				}
				for i := range want {
					rows += int(want[i].Counts.Rows)
					if got[i].Fingerprint != want[i].Fingerprint || got[i].Counts != want[i].Counts || got[i].Settings != want[i].Settings {
						t.Errorf("%s: replayed %+v, synced %+v", want[i].Window, got[i], want[i])
					}
					if got[i].ReadAt != want[i].ReadAt || got[i].ExtractedAt != want[i].ExtractedAt || got[i].SyncID == want[i].SyncID {
						t.Errorf("%s: the replay is not of the reading at %s: %+v", want[i].Window, want[i].ReadAt, got[i])
					}
					if without[i].Fingerprint != want[i].Fingerprint {
						t.Errorf("%s: the archive changed what was read", want[i].Window)
					}
				}
			}
			if rows == 0 {
				t.Error("no row was read: nothing was compared")
			}
			if vendor == "ucontact" && len(kept.documents()) == len(kept.answers) {
				t.Error("no answer came in parts")
			}
		})
	}
}

func TestAWindowWhoseAnswerIsNotKeptStaysAsItIs(t *testing.T) {
	sim := simulated(t)
	source, kept, store := opened(t, sim, "ucontact"), newShelf(), memory.New(memory.Options{})
	syncDays(t, sim, archive.Tee(source, kept), memory.New(memory.Options{}))
	lost := 0
	for key, documents := range kept.answers {
		if r := documents[0].meta.Request; r.Stream == ucontact.Agents && lost == 0 {
			delete(kept.answers, key)
			lost++
		}
	}
	sum := syncDays(t, sim, archive.Replay(source, kept), store)
	agents := sum.Streams[0]
	if agents.Stream != ucontact.Agents || agents.Failed != 1 || agents.Committed != 2 || agents.Errors[0].ErrorKind != "refused" || sum.Streams[1].Failed != 0 {
		t.Errorf("%+v", sum.Streams)
	}
}

func TestAReplayNeedsNoCredentialsAndObeysItsContext(t *testing.T) {
	kept := newShelf()
	if err := archive.Tee(texts("one"), kept).Fetch(t.Context(), asked, pipeline.Env{}, func(b pipeline.Body) error { _, err := whole(b); return err }); err != nil {
		t.Fatal(err)
	}
	source := archive.Replay(texts(), kept)
	if err := source.Check(t.Context()); err != nil {
		t.Errorf("check: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	yields := 0
	err := source.Fetch(ended, asked, pipeline.Env{}, func(pipeline.Body) error { yields++; return nil })
	if pipeline.KindOf(err) != pipeline.Stopped || yields > 0 {
		t.Errorf("%d yields, %v", yields, err)
	}
	if err := source.Fetch(t.Context(), asked, pipeline.Env{}, func(pipeline.Body) error { return errBroken }); !errors.Is(err, errBroken) {
		t.Errorf("the reader's error is lost: %v", err)
	}
}
