package dialpad

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// task is the source of one of several tasks that share the company's quota.
func task(t *testing.T, v *vendor, name, tasks int, quota string) *Source {
	t.Helper()
	return newTestSource(t, v, Options{Task: fmt.Sprint(name), Tasks: tasks}, func(c *Config) { c.PostQuota = quota })
}

// slowJournal takes as long as one in the cloud, so that tasks that look at the
// same moment see the same free places.
type slowJournal struct{ *fileJournal }

func (j slowJournal) Add(ctx context.Context, n pipeline.Note) error {
	time.Sleep(time.Second)
	err := j.fileJournal.Add(ctx, n)
	time.Sleep(time.Second)
	return err
}

func (j slowJournal) Since(ctx context.Context, k pipeline.TenantKey, from time.Time) ([]pipeline.Note, error) {
	time.Sleep(time.Second)
	notes, err := j.fileJournal.Since(ctx, k, from)
	time.Sleep(time.Second)
	return notes, err
}

// allTasks lets every task order so many reports at once, over one journal.
func allTasks(t *testing.T, v *vendor, path string, tasks, each int, quota string) *told {
	t.Helper()
	n := &told{}
	var wg sync.WaitGroup
	for i := range tasks {
		s := task(t, v, i, tasks, quota)
		wg.Go(func() {
			noErrors(t, fetchMany(t.Context(), t, s, slowJournal{&fileJournal{path: path}}, n, 2+i*each, each))
		})
	}
	wg.Wait()
	if len(v.posts) < tasks*each {
		t.Errorf("%d POSTs for %d reports", len(v.posts), tasks*each)
	}
	return n
}

var tenantUS = pipeline.TenantKey{Source: SourceID, Account: "us"}

// noteThen writes notes of so many POSTs, as an earlier run left them.
func noteThen(t *testing.T, path string, tag taskTag, posts int) {
	t.Helper()
	j := &fileJournal{path: path}
	for i := range posts {
		n := pipeline.Note{Tenant: tenantUS, At: time.Now().UTC().Add(time.Duration(i) * time.Microsecond), Kind: postNote, Text: string(tag) + "calls company"}
		if err := j.Add(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	time.Sleep(time.Second)
}

func TestPromise11_ATaskKeepsToItsPartOfTheQuota(t *testing.T) {
	for _, c := range []struct {
		quota string
		tasks int
		part  int
	}{{"6/1h", 3, 2}, {"7/1h", 3, 2}, {"5/1h", 2, 2}, {"5/1h", 5, 1}, {"2/1h", 5, 1}} {
		t.Run(fmt.Sprintf("%s among %d", c.quota, c.tasks), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v, n := newVendor(t), &told{}
				s := task(t, v, 1, c.tasks, c.quota)
				noErrors(t, fetchMany(t.Context(), t, s, newFileJournal(t), n, 2, 3*c.part))
				if most := mostPostsIn(v.posts, time.Hour); len(v.posts) != 3*c.part || most != c.part {
					t.Errorf("%d POSTs, up to %d in an hour", len(v.posts), most)
				}
				if !n.has(fmt.Sprintf("this task's part of the quota of %s reports, %d, is used up", c.quota, c.part)) {
					t.Errorf("nobody was told: %v", n.notices)
				}
			})
		})
	}
}

func TestPromise11_TasksTogetherKeepTheQuotaAndUseTheWholeOfIt(t *testing.T) {
	for _, tasks := range []int{2, 3} {
		t.Run(fmt.Sprint(tasks, " tasks"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newVendor(t)
				began := time.Now()
				allTasks(t, v, newFileJournal(t).path, tasks, 24/tasks, "6/1h")
				if most := mostPostsIn(v.posts, time.Hour); most != 6 {
					t.Errorf("up to %d POSTs in an hour, want 6", most)
				}
				if took := time.Since(began); took > 3*time.Hour+10*time.Minute {
					t.Errorf("24 POSTs at 6 an hour took %s", took)
				}
			})
		})
	}
}

// A quota of fewer POSTs than tasks: each may have one, and not all at once.
// All tasks look at the same moment, again and again.
func TestPromise11_FewerPlacesThanTasks(t *testing.T) {
	for _, c := range []struct{ posts, tasks int }{{1, 2}, {2, 3}, {3, 4}, {2, 16}} {
		t.Run(fmt.Sprintf("%d places, %d tasks", c.posts, c.tasks), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := newVendor(t)
				began, spans := time.Now(), time.Duration(2*c.tasks/c.posts)
				n := allTasks(t, v, newFileJournal(t).path, c.tasks, 2, fmt.Sprintf("%d/1h", c.posts))
				if most := mostPostsIn(v.posts, time.Hour); most != c.posts {
					t.Errorf("up to %d POSTs in an hour, want %d", most, c.posts)
				}
				if took := time.Since(began); took > (spans+1)*(time.Hour+5*time.Minute) {
					t.Errorf("%d POSTs took %s", len(v.posts), took)
				}
				if !n.has("another task took the last place") {
					t.Error("no two tasks ever met, so nothing was proven")
				}
			})
		})
	}
}

// Three tasks with two places each, of which earlier notes have taken some.
func TestPromise11_WhatOthersOrderedCountsForAllTasks(t *testing.T) {
	for _, c := range []struct {
		says  string
		tag   taskTag
		posts int
	}{
		{"a run that was alone", "", 4},
		{"a task of more than these", tagOf("4", 5), 1},
		{"a task of fewer than these", tagOf("0", 2), 3},
		{"two runs of the first of these at once", tagOf("0", 3), 3},
	} {
		t.Run(c.says, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v, path := newVendor(t), newFileJournal(t).path
				noteThen(t, path, c.tag, c.posts)
				began := time.Now()
				allTasks(t, v, path, 3, 4, "6/1h")
				first := 0
				for _, p := range v.posts {
					if p.at.Sub(began) < 59*time.Minute {
						first++
					}
				}
				if left := 6 - c.posts; first != left || mostPostsIn(v.posts, time.Hour) > 6 {
					t.Errorf("%d POSTs in the first hour, want the %d that are left of 6; up to %d in any", first, left, mostPostsIn(v.posts, time.Hour))
				}
			})
		})
	}
}

func TestPromise11_ATaskThatIsTriedAgainGoesOnWithItsOwnNotes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, path := newVendor(t), newFileJournal(t).path
		v.takes = 24 * time.Hour // no report is ever made: the kill comes before
		ctx, kill := context.WithTimeout(t.Context(), time.Minute)
		defer kill()
		for _, err := range fetchMany(ctx, t, task(t, v, 1, 3, "6/1h"), &fileJournal{path: path}, &told{}, 2, 2) {
			if err == nil {
				t.Error("a report was read before it was made")
			}
		}
		if len(v.posts) != 2 {
			t.Fatalf("the killed attempt made %d POSTs", len(v.posts))
		}
		v.takes = time.Second
		began := time.Now()
		noErrors(t, fetchMany(t.Context(), t, task(t, v, 2, 3, "6/1h"), &fileJournal{path: path}, &told{}, 20, 2))
		if waited := time.Since(began); waited > time.Minute {
			t.Errorf("another task waited %s for the part of the killed one", waited)
		}
		noErrors(t, fetchMany(t.Context(), t, task(t, v, 1, 3, "6/1h"), &fileJournal{path: path}, &told{}, 2, 1))
		if since := v.posts[4].at.Sub(v.posts[1].at); since < time.Hour {
			t.Errorf("the second attempt ordered its third report after %s", since)
		}
	})
}

func TestPromise11_ARunThatIsAloneCountsThePostsOfTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, path := newVendor(t), newFileJournal(t).path
		noErrors(t, fetchMany(t.Context(), t, task(t, v, 0, 2, "6/1h"), &fileJournal{path: path}, &told{}, 2, 3))
		s := newTestSource(t, v, Options{Task: "0"}, func(c *Config) { c.PostQuota = "6/1h" })
		noErrors(t, fetchMany(t.Context(), t, s, &fileJournal{path: path}, &told{}, 20, 4))
		if most := mostPostsIn(v.posts, time.Hour); len(v.posts) != 7 || most != 6 {
			t.Errorf("%d POSTs, up to %d in an hour", len(v.posts), most)
		}
	})
}

// Two of five had used their part up; among two tasks each has another.
func TestPromise11_AnotherNumberOfTasksHasOtherParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, path := newVendor(t), newFileJournal(t).path
		noteThen(t, path, tagOf("0", 5), 1)
		noteThen(t, path, tagOf("4", 5), 1)
		began := time.Now()
		allTasks(t, v, path, 2, 4, "6/1h")
		if most := mostPostsIn(v.posts, time.Hour); most > 6 {
			t.Errorf("up to %d POSTs in an hour", most)
		}
		if v.posts[3].at.Sub(began) > time.Minute || v.posts[4].at.Sub(began) < 59*time.Minute {
			t.Errorf("of the four free places the last was taken after %s, the first of the next after %s", v.posts[3].at.Sub(began), v.posts[4].at.Sub(began))
		}
	})
}

func TestANoteThatIsTakenBackTakesNoPlace(t *testing.T) {
	for says, after := range map[string]time.Duration{"before the task looks": 0, "while it waits": 30 * time.Second} {
		t.Run(says, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v, path := newVendor(t), newFileJournal(t).path
				note := pipeline.Note{Tenant: tenantUS, At: time.Now().UTC(), Kind: postNote, Text: string(tagOf("0", 2)) + "calls company"}
				back := note
				back.Kind = unsentNote
				add := func(n pipeline.Note) {
					if err := (&fileJournal{path: path}).Add(t.Context(), n); err != nil {
						t.Error(err)
					}
				}
				add(note)
				go func() {
					time.Sleep(after)
					add(back)
				}()
				time.Sleep(time.Second)
				began := time.Now()
				noErrors(t, fetchMany(t.Context(), t, task(t, v, 1, 2, "1/1h"), &fileJournal{path: path}, &told{}, 2, 1))
				if waited := v.posts[0].at.Sub(began); waited > journalAge {
					t.Errorf("the POST waited %s", waited)
				}
			})
		})
	}
}

func TestANoteNamesItsTaskWhereSeveralShareTheQuota(t *testing.T) {
	for _, c := range []struct {
		says string
		o    Options
		want string
	}{
		{"alone", Options{}, ""},
		{"one of one", Options{Task: "0", Tasks: 1}, ""},
		{"one of three", Options{Task: "2", Tasks: 3}, `task "2" of 3 `},
		{"a name of several words", Options{Task: `night "of" 9 runs`, Tasks: 12}, `task "night \"of\" 9 runs" of 12 `},
	} {
		t.Run(c.says, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v, j := newVendor(t), newFileJournal(t)
				s := newTestSource(t, v, c.o, nil)
				r := yesterday(t, s, "dialpad.calls")
				if _, _, err := fetch(t.Context(), s, r, j, nil); err != nil {
					t.Fatal(err)
				}
				notes, err := j.Since(t.Context(), s.tenant(), time.Time{})
				if err != nil || len(notes) != 1 {
					t.Fatalf("%d notes, %v", len(notes), err)
				}
				if rest, ok := strings.CutPrefix(notes[0].Text, c.want); !ok || !strings.HasPrefix(rest, "calls ") {
					t.Errorf("note %q", notes[0].Text)
				}
				if got := tagPattern.FindString(notes[0].Text); got != c.want {
					t.Errorf("read back as %q, want %q", got, c.want)
				}
			})
		})
	}
}

func TestATaskWithoutANameIsRefused(t *testing.T) {
	if _, err := New(testSettings(t, nil), Options{Account: "us", Tasks: 2}); pipeline.KindOf(err) != pipeline.Internal {
		t.Errorf("error %v", err)
	}
}

func TestTasksShareTheRateOfRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVendor(t)
		v.onLook = func(_ int, w http.ResponseWriter, _ string) bool {
			w.WriteHeader(http.StatusNotFound)
			return true
		}
		s := newTestSource(t, v, Options{Task: "0", Tasks: 4}, func(c *Config) { c.Rate = "2" })
		for range 3 {
			if err := s.Check(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if took := v.meets[2].Sub(v.meets[0]); took != 4*time.Second {
			t.Errorf("two more requests at a quarter of 2 a second took %s", took)
		}
	})
}
