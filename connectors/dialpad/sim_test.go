package dialpad

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-data/windrow/connectors/vendorsim"
	"github.com/windrow-data/windrow/pipeline"
)

const simTargets = 2

// simulated starts the simulated vendor inside the bubble, at three in the
// afternoon of a Wednesday in November 2025, and a source that reads it.
func simulated(t *testing.T, o vendorsim.Options, changes ...func(*Config)) (*vendorsim.World, *Source) {
	t.Helper()
	sleepUntil(time.Date(2025, 11, 5, 20, 0, 0, 0, time.UTC))
	o.CallsPerDay, o.TextsPerDay = 20, 10
	o.Dialpad.Zone = zone(t, "America/New_York")
	w := vendorsim.New(o)
	run, err := w.StartInMemory(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(run.Close)
	transport := run.Transport()
	t.Cleanup(transport.CloseIdleConnections)
	s := newTestSource(t, transport, Options{}, func(c *Config) {
		c.URL, c.Token = run.DialpadURL, "dialpad-key"
		c.Targets = vendorsim.CallCenters()[0].String() + "," + vendorsim.CallCenters()[1].String()
		for _, change := range changes {
			change(c)
		}
	})
	return w, s
}

// read parses a body as the engine does and returns the rows' times and the rejects.
func read(ctx context.Context, b pipeline.Body, st pipeline.Stream) ([]pipeline.Instant, int, error) {
	r, err := b.Open(ctx)
	if err != nil {
		return nil, 0, err
	}
	defer r.Close()
	batch := pipeline.NewBatch(st.Decoded())
	defer batch.Release()
	for chunk, err := range st.Format.Split(r, 1<<20) {
		if err == nil {
			err = st.Format.Decode(&b.Meta, chunk, batch)
		}
		if err != nil {
			return nil, 0, err
		}
	}
	return slices.Clone(batch.Times), batch.Rejects.Len(), nil
}

func TestEveryStreamReadsTheSimulatedVendor(t *testing.T) {
	for _, e := range exports {
		t.Run(e.name, func(t *testing.T) { readsTheVendor(t, e) })
	}
}

func readsTheVendor(t *testing.T, e export) {
	synctest.Test(t, func(t *testing.T) {
		w, s := simulated(t, vendorsim.Options{})
		st := streamOf(t, s, e.id())
		due := windowsOf(t, "1d", "America/New_York", "2025-11-01", 4) // one of 25 hours
		plan := s.Plan(st, due)
		reports := simTargets
		if e.undated {
			reports *= len(due)
		}
		var mu sync.Mutex
		perDay := map[day]int{}
		var wg sync.WaitGroup
		for _, r := range requestsOf(plan) {
			wg.Go(func() {
				err := s.Fetch(t.Context(), r, pipeline.Env{Journal: newFileJournal(t)}, func(b pipeline.Body) error {
					times, rejects, err := read(t.Context(), b, st)
					mu.Lock()
					defer mu.Unlock()
					for _, at := range times {
						if !b.Meta.Days.Span.Has(at) {
							t.Errorf("%s: a row of %s", r.Scope, at)
						}
						perDay[dayOf(at, s.set.zone)]++
					}
					if rejects > 0 {
						t.Errorf("%s: %d rejects", r.Scope, rejects)
					}
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if first := dayOf(due[0].Start, s.set.zone); perDay[first+3] == 0 {
			t.Errorf("rows on %v", perDay)
		}
		if posts := w.Count("dialpad", "POST", ""); posts != reports {
			t.Errorf("%d POSTs, want %d", posts, reports)
		}
	})
}

func requestsOf(plan []pipeline.Extraction) (all []pipeline.Request) {
	for _, x := range plan {
		all = append(all, x.Requests...)
	}
	return all
}

func TestPromise13_NoDownloadStyleSeesTheKeyElsewhere(t *testing.T) {
	for _, style := range []vendorsim.DownloadStyle{
		vendorsim.DownloadSigned, vendorsim.DownloadFromAPI, vendorsim.DownloadRedirect, vendorsim.DownloadAPIRedirect,
	} {
		t.Run(fmt.Sprint(style), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := vendorsim.Options{}
				o.Dialpad.Download = style
				w, s := simulated(t, o)
				_, text, err := fetch(t.Context(), s, yesterday(t, s, "dialpad.calls"), newFileJournal(t), nil)
				if err != nil || len(text) < 1000 {
					t.Errorf("%d bytes, %v", len(text), err)
				}
				for _, c := range w.Log() {
					if c.Authorization && c.Host != "dialpad" {
						t.Errorf("the key went to %s %s", c.Host, c.Path)
					}
				}
			})
		})
	}
}

// Whatever request fails, the report is read: the sweep moves the fault on
// until a run has no such request any more.
func TestAReportSurvivesTheFailureOfAnyOneRequest(t *testing.T) {
	for kind, says := range map[vendorsim.FaultKind]string{
		vendorsim.FaultReset: "reset", vendorsim.FaultLost: "lost", vendorsim.FaultStatus: "500", vendorsim.FaultCut: "cut",
	} {
		t.Run(says, func(t *testing.T) {
			for n, clean := 1, false; !clean; n++ {
				synctest.Test(t, func(t *testing.T) {
					w, s := simulated(t, vendorsim.Options{})
					w.FailNthWith(n, kind)
					r, j := yesterday(t, s, "dialpad.calls"), newFileJournal(t)
					_, _, err := fetch(t.Context(), s, r, j, nil)
					if kind == vendorsim.FaultCut && pipeline.KindOf(err) == pipeline.Unavailable {
						_, _, err = fetch(t.Context(), s, r, j, nil) // a body that breaks off is the engine's to fetch again
					}
					if err != nil {
						t.Errorf("request %d: %v", n, err)
					}
					notes, _ := j.Since(t.Context(), s.tenant(), time.Time{})
					if posts := w.Count("dialpad", "POST", ""); posts != len(notes) {
						t.Errorf("request %d: %d POSTs and %d notes", n, posts, len(notes))
					}
					clean = len(w.Log()) < n
				})
				if n > 50 {
					t.Fatal("the sweep does not end")
				}
			}
		})
	}
}
