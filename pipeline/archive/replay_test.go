package archive_test

import (
	"bytes"
	"context"
	"io"
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

// replayDays replays the days of the test.
func replayDays(t *testing.T, sim connectortest.Simulated, source pipeline.Source, kept archive.Archive, store pipeline.Store) pipeline.Summary {
	t.Helper()
	e := engine.Engine{Store: store, Clock: sim.Clock, Now: sim.Clock, MaxRejects: engine.RejectLimit{Share: 0.01}, Concurrency: 4}
	sum, err := e.Replay(t.Context(), found{kept, source}, func(pipeline.AccountID) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

// found finds what is kept, with the streams of a source.
type found struct {
	kept   archive.Archive
	source pipeline.Source
}

func (f found) Find(ctx context.Context, k pipeline.StreamKey, committed []pipeline.Entry, failed func(pipeline.Window) bool) ([]pipeline.Rereading, []pipeline.Unkept, error) {
	s, err := archive.Load(ctx, f.kept, k)
	if err != nil {
		return nil, nil, err
	}
	again, unkept := s.Find(committed, failed, func(map[string]string) pipeline.Stream {
		all := f.source.Streams()
		return all[slices.IndexFunc(all, func(of pipeline.Stream) bool { return of.Key == k })]
	})
	return again, unkept, nil
}

// reopen has the windows of a stream read again whatever the ledger says.
func reopen(t *testing.T, store pipeline.Store, k pipeline.StreamKey) {
	t.Helper()
	for _, e := range committed(t, store, k) {
		e.Kind = pipeline.EntryReopen
		if err := store.Record(t.Context(), k, e); err != nil {
			t.Fatal(err)
		}
	}
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
			store, plain := memory.New(memory.Options{}), memory.New(memory.Options{})
			synced := syncDays(t, sim, archive.Tee(source, kept, 0), store)
			syncDays(t, sim, source, plain)
			calls := sim.Calls()
			later := sim
			later.Clock = func() time.Time { return sim.Clock().Add(24 * time.Hour) }
			before := make(map[pipeline.StreamKey][]pipeline.Entry)
			for _, st := range synced.Streams {
				k := pipeline.StreamKey{Account: st.Account, Stream: st.Stream}
				before[k] = committed(t, store, k)
				reopen(t, store, k)
			}
			replayed := replayDays(t, later, source, kept, store)
			if sim.Calls() != calls {
				t.Errorf("the replay made %d calls", sim.Calls()-calls)
			}
			if kept.opened != 0 {
				t.Errorf("%d answers were left open", kept.opened)
			}

			rows := 0
			for _, st := range synced.Streams {
				k := pipeline.StreamKey{Account: st.Account, Stream: st.Stream}
				i := slices.IndexFunc(replayed.Streams, func(of pipeline.StreamSummary) bool { return of.Stream == st.Stream })
				if i < 0 {
					t.Fatalf("%s was not replayed", k)
				}
				of := replayed.Streams[i]
				if st.Failed > 0 || of.Failed > 0 || of.Committed+of.Unchanged != 3 || of.Read != st.Read || of.Rows != st.Rows || of.Outside != st.Outside || of.Duplicate != st.Duplicate {
					t.Errorf("%s: synced %+v, replayed %+v", k, st, of)
				}
				want, without, got := before[k], committed(t, plain, k), committed(t, store, k)
				if len(want) != 3 || len(got) != 3 || len(without) != 3 {
					t.Fatalf("%s: %d windows synced, %d replayed", k, len(want), len(got))
				}
				for i := range want {
					rows += int(want[i].Counts.Rows)
					if got[i].Fingerprint != want[i].Fingerprint || got[i].Counts != want[i].Counts || got[i].Settings != want[i].Settings || got[i].Settled != want[i].Settled {
						t.Errorf("%s: replayed %+v, synced %+v", want[i].Window, got[i], want[i])
					}
					if got[i].ReadAt != want[i].ReadAt || got[i].ExtractedAt != want[i].ExtractedAt || got[i].Order != want[i].Order || got[i].SyncID == want[i].SyncID {
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
			if vendor == "ucontact" && !slices.ContainsFunc(kept.documents(), func(d document) bool { return d.reading.Document.Of > 1 }) {
				t.Error("no answer came in parts")
			}
		})
	}
}

func TestAWindowOfWhoseAnswerSomethingIsMissingStaysAsItIs(t *testing.T) {
	for says, lose := range map[string]func(d *document) bool{ // reports whether it is gone
		"a document is gone":            func(*document) bool { return true },
		"the answer was not whole":      func(d *document) bool { d.reading.Document = pipeline.Part{}; return false },
		"a second request is not there": func(d *document) bool { d.reading.Request.Of = 2; return false },
		"a second part is not there":    func(d *document) bool { d.reading.Document.Of = 2; return false },
		"it was refused":                func(d *document) bool { d.reading.Verdict = archive.Broken; return false },
		"it is of an older reading":     func(d *document) bool { d.reading.Order--; return false },
	} {
		sim := simulated(t)
		source, kept, store := opened(t, sim, "ucontact"), newShelf(), memory.New(memory.Options{})
		syncDays(t, sim, archive.Tee(source, kept, 0), store)
		k := pipeline.StreamKey{Account: "mx", Stream: ucontact.Agents}
		before := committed(t, store, k)
		for i := range kept.kept {
			if d := &kept.kept[i]; d.meta.Request.Stream == ucontact.Agents && d.meta.Request.Windows[0] == before[1].Window {
				if lose(d) {
					kept.kept = slices.Delete(kept.kept, i, i+1)
				}
				break
			}
		}
		sum := replayDays(t, sim, source, kept, store)
		agents := sum.Streams[0]
		if agents.Stream != ucontact.Agents || agents.Failed != 1 || agents.Unchanged != 2 || agents.Errors[0].ErrorKind != "not_archived" || sum.Streams[1].Failed != 0 || sum.Exit != pipeline.ExitFailed {
			t.Errorf("%s: %+v", says, sum.Streams)
		}
		after := committed(t, store, k)
		if after[1].SyncID != before[1].SyncID || after[0].SyncID == before[0].SyncID {
			t.Errorf("%s: the window was touched, or its neighbour was not", says)
		}
		l, err := store.Ledger(t.Context(), k)
		if _, failed := l.Failed(before[1].Window.Span); failed || err != nil {
			t.Errorf("%s: the window is due now (%v)", says, err)
		}
	}
}

func TestTheNewestWholeAnswerIsReplayed(t *testing.T) {
	sim := simulated(t)
	source, kept := opened(t, sim, "ucontact"), newShelf()
	store, other := memory.New(memory.Options{}), memory.New(memory.Options{})
	tee := archive.Tee(source, kept, 0)
	syncDays(t, sim, tee, store)
	k := pipeline.StreamKey{Account: "mx", Stream: ucontact.Agents}
	first := committed(t, store, k)
	later := sim // a later reading, of which this ledger knows nothing
	later.Clock = func() time.Time { return sim.Clock().Add(time.Hour) }
	syncDays(t, later, archive.Tee(opened(t, later, "ucontact"), kept, 0), other)
	replayDays(t, later, source, kept, store)
	for i, e := range committed(t, store, k) {
		if e.ReadAt <= first[i].ReadAt || e.Fingerprint != committed(t, other, k)[i].Fingerprint {
			t.Errorf("%s: replayed the reading of %s, the newest is of %s", e.Window, e.ReadAt, committed(t, other, k)[i].ReadAt)
		}
	}
	// After a failure that may be what failed.
	e := committed(t, store, k)[0]
	older := first[0]
	s, err := archive.Load(t.Context(), kept, k)
	if err != nil {
		t.Fatal(err)
	}
	stream := func(map[string]string) pipeline.Stream { return pipeline.Stream{Key: k} }
	again, _ := s.Find([]pipeline.Entry{older}, func(pipeline.Window) bool { return true }, stream)
	if len(again) != 1 || again[0].Commits[0].ReadAt != older.ReadAt {
		t.Errorf("after a failure %+v", again)
	}
	if again, _ = s.Find([]pipeline.Entry{e}, func(pipeline.Window) bool { return false }, stream); len(again) != 1 || again[0].Commits[0].ReadAt != e.ReadAt {
		t.Errorf("%+v", again)
	}
}

func TestAnAnswerWhoseWindowIsRefusedAtItsEndIsMarkedBroken(t *testing.T) {
	sim := simulated(t)
	source, kept, store := opened(t, sim, "ucontact"), newShelf(), memory.New(memory.Options{})
	limit := engine.RejectLimit{Share: 0.01}
	e := engine.Engine{
		Store: store, Sources: []pipeline.Source{archive.Tee(garbled{source}, kept, 0)}, Streams: []pipeline.StreamID{ucontact.Campaigns},
		Select: plan.Selection{From: "2025-09-08", To: "2025-09-08"}, Clock: sim.Clock, Now: sim.Clock, MaxRejects: limit, Concurrency: 1,
	}
	sum, err := e.Sync(t.Context())
	if err != nil || len(sum.Streams) != 1 || sum.Streams[0].Failed != 1 {
		t.Fatalf("%+v, %v", sum, err)
	}
	documents := kept.documents()
	if len(documents) == 0 {
		t.Fatal("nothing is kept")
	}
	for _, d := range documents {
		if d.reading.Verdict != archive.Broken {
			t.Errorf("%s is kept as %s; the window failed with %v", d.meta.Request.Windows[0], d.reading.Verdict, sum.Streams[0].Errors)
		}
	}
}

// garbled is a source whose documents are well-formed and have no row that can be read.
type garbled struct{ pipeline.Source }

func (g garbled) Fetch(ctx context.Context, r pipeline.Request, env pipeline.Env, yield func(pipeline.Body) error) error {
	return g.Source.Fetch(ctx, r, env, func(b pipeline.Body) error {
		whole := b.Open
		b.Open = func(ctx context.Context) (io.ReadCloser, error) {
			body, err := whole(ctx)
			if err != nil {
				return nil, err
			}
			text, err := io.ReadAll(body)
			if err != nil {
				return nil, err
			}
			return io.NopCloser(bytes.NewReader(bytes.ReplaceAll(text, []byte(", 2025, "), []byte(", then, ")))), body.Close()
		}
		return yield(b)
	})
}
