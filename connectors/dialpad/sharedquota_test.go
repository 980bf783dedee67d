package dialpad

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// noon is when the journals of these tests are read.
var noon = time.Date(2025, 9, 10, 12, 0, 0, 0, time.UTC)

// quotaOf is the quota of one of so many tasks, with a journal of POSTs so many
// minutes before noon, all of one tag.
func quotaOf(t *testing.T, text string, tasks int, tag taskTag, minutes ...int) *sharedQuota {
	t.Helper()
	parsed, err := parseQuota(text)
	if err != nil {
		t.Fatal(err)
	}
	q := newSharedQuota(parsed, Options{Task: "0", Tasks: tasks})
	var notes []pipeline.Note
	for _, m := range minutes {
		notes = append(notes, pipeline.Note{At: noon.Add(time.Duration(-m) * time.Minute), Kind: postNote, Text: string(tag) + "calls company"})
	}
	q.Learn(notes, noon)
	return &q
}

func TestPromise11_RoomIsWhatTheJournalLeaves(t *testing.T) {
	mine, other := tagOf("0", 2), tagOf("1", 2)
	for _, c := range []struct {
		says    string
		quota   string
		tasks   int
		tag     taskTag
		minutes []int // of the journal's POSTs, before noon
		wait    time.Duration
		why     string
	}{
		{"nothing was sent", "3/1h", 1, "", nil, 0, ""},
		{"some room is left", "3/1h", 1, "", []int{50, 10}, 0, ""},
		{"all room is used up until the oldest no longer counts", "3/1h", 1, "", []int{50, 20, 10}, 11 * time.Minute, "the quota of 3/1h reports is used up"},
		{"the order of the notes does not matter", "3/1h", 1, "", []int{10, 50, 20}, 11 * time.Minute, "the quota of 3/1h reports is used up"},
		{"more than the quota was sent", "3/1h", 1, "", []int{50, 40, 30, 20, 10}, 31 * time.Minute, "the quota of 3/1h reports is used up"},
		{"a POST counts a little longer than the quota's span", "1/1h", 1, "", []int{60}, time.Minute, "the quota of 1/1h reports is used up"},
		{"and not longer than that", "1/1h", 1, "", []int{61}, 0, ""},
		{"a task's own share is used up", "4/1h", 2, mine, []int{40, 30}, 21 * time.Minute, "this task's part of the quota of 4/1h reports, 2, is used up"},
		{"another task's share is not its own", "4/1h", 2, other, []int{40, 30}, 0, ""},
		{"the tasks of another run used all of it up", "2/1h", 2, tagOf("0", 3), []int{40, 30}, 21 * time.Minute, "the quota of 2/1h reports is used up"},
		{"a young note of another task may be taken back", "1/1h", 2, other, []int{0}, journalAge, "the quota of 1/1h reports is used up"},
		{"a young note counts whole for a process that is alone", "1/1h", 1, "", []int{0}, 61 * time.Minute, "the quota of 1/1h reports is used up"},
	} {
		t.Run(c.says, func(t *testing.T) {
			if wait, why := quotaOf(t, c.quota, c.tasks, c.tag, c.minutes...).Room(noon); wait != c.wait || why != c.why {
				t.Errorf("%v, %q; want %v, %q", wait, why, c.wait, c.why)
			}
		})
	}
}

func TestPromise11_AnOwnPostCountsFromWhenItWasSent(t *testing.T) {
	q := quotaOf(t, "1/1h", 1, "")
	note := q.NoteTime(noon)
	q.Reserve(note)
	if wait, _ := q.Room(noon); wait != 61*time.Minute {
		t.Errorf("noted: %v", wait)
	}
	q.Sent(note, noon.Add(10*time.Minute))
	if wait, _ := q.Room(noon.Add(10 * time.Minute)); wait != 61*time.Minute {
		t.Errorf("sent ten minutes later: %v", wait)
	}
	// The journal has the same note and must not count it once more.
	q.Learn([]pipeline.Note{{At: note, Kind: postNote, Text: "calls company"}}, noon.Add(time.Hour))
	if n := len(q.Counted(noon.Add(time.Hour))); n != 1 {
		t.Errorf("counted %d times", n)
	}
	if wait, _ := q.Room(noon.Add(71 * time.Minute)); wait != 0 {
		t.Errorf("after its span: %v", wait)
	}
}

func TestPromise11_ANoteTakenBackDoesNotCount(t *testing.T) {
	q := quotaOf(t, "1/1h", 2, "")
	note := q.NoteTime(noon)
	q.Reserve(note)
	q.TakeBack(note)
	theirs := pipeline.Note{At: noon.Add(-time.Minute), Kind: postNote, Text: string(tagOf("1", 2)) + "calls company"}
	back := theirs
	back.Kind = unsentNote
	q.Learn([]pipeline.Note{theirs, back}, noon)
	if posts := q.Counted(noon); len(posts) != 0 {
		t.Errorf("counted %v", posts)
	}
	other := theirs
	other.Text += " too"
	q.Learn([]pipeline.Note{theirs, other, back}, noon)
	if posts := q.Counted(noon); len(posts) != 1 {
		t.Errorf("of two notes of one time, one taken back, %v count", posts)
	}
}

func TestPromise11_TheJournalIsReadBeforeItIsNeeded(t *testing.T) {
	fresh := newSharedQuota(quota{posts: 4, per: time.Hour}, Options{})
	if !fresh.NeedsJournal(noon) {
		t.Error("a journal that was never read is not needed")
	}
	for _, c := range []struct {
		says    string
		minutes []int
		later   time.Duration
		want    bool
	}{
		{"just read, less than half used up", []int{10}, 0, false},
		{"read a moment ago", []int{10}, journalAge - 1, false},
		{"read a minute ago", []int{10}, journalAge, true},
		{"half used up", []int{10, 20}, 0, true},
		{"half was used up an hour ago", []int{61, 62}, 0, false},
	} {
		if got := quotaOf(t, "4/1h", 1, "", c.minutes...).NeedsJournal(noon.Add(c.later)); got != c.want {
			t.Errorf("%s: %v", c.says, got)
		}
	}
}

func TestPromise11_RoomIsDisputedWhereSharesDoNotAddUp(t *testing.T) {
	for _, c := range []struct {
		says    string
		quota   string
		tasks   int
		tag     taskTag
		minutes []int
		want    bool
	}{
		{"alone", "1/1h", 1, "", []int{1, 2, 3}, true},
		{"shares that add up", "4/1h", 2, "", nil, true},
		{"an odd quota leaves room", "5/1h", 2, "", []int{1}, true},
		{"an earlier run took of the shares", "4/1h", 2, "", []int{1}, false},
		{"a task within its share takes nothing of the others", "4/1h", 2, tagOf("1", 2), []int{1, 2}, true},
		{"a task that had more than its share", "4/1h", 2, tagOf("1", 2), []int{1, 2, 3}, false},
		{"tasks of another number", "4/1h", 2, tagOf("1", 3), []int{1}, false},
		{"more tasks than POSTs", "2/1h", 3, "", nil, false},
	} {
		if got := quotaOf(t, c.quota, c.tasks, c.tag, c.minutes...).Undisputed(noon); got != c.want {
			t.Errorf("%s: undisputed %v", c.says, got)
		}
	}
}

func TestNoTwoNotesHaveOneTime(t *testing.T) {
	q := quotaOf(t, "9/1h", 1, "")
	first := q.NoteTime(noon.Add(500 * time.Nanosecond))
	second, third := q.NoteTime(noon.Add(600*time.Nanosecond)), q.NoteTime(noon.Add(-time.Hour))
	if !first.Equal(noon) || !second.Equal(noon.Add(time.Microsecond)) || !third.Equal(noon.Add(2*time.Microsecond)) {
		t.Errorf("%s, %s, %s", first, second, third)
	}
}

func TestPromise11_PausesOfAVendorThatThrottles(t *testing.T) {
	throttled := func(after time.Duration) error {
		return &pipeline.Error{Op: "POST", Kind: pipeline.Throttled, RetryAfter: after, Err: errors.New("429")}
	}
	down := &pipeline.Error{Op: "POST", Kind: pipeline.Unavailable, Err: errors.New("502")}
	about := func(from, to int) [2]time.Duration {
		return [2]time.Duration{time.Duration(from) * time.Second, time.Duration(to) * time.Second}
	}
	type answer struct {
		after time.Duration // since noon
		err   error
	}
	for _, c := range []struct {
		says    string
		answers []answer
		until   [2]time.Duration // since noon
		probing bool
	}{
		{"none", nil, about(0, 0), false},
		{"one without a time", []answer{{0, throttled(0)}}, about(8, 12), true},
		{"many at once are one sign", []answer{{0, throttled(0)}, {time.Second, throttled(0)}, {2 * time.Second, throttled(0)}}, about(8, 12), true},
		{"the next one pauses for longer", []answer{{0, throttled(0)}, {time.Minute, throttled(0)}}, about(60+16, 60+24), true},
		{"the vendor's time counts", []answer{{0, throttled(time.Hour)}}, about(3600, 3600), true},
		{"the later time counts", []answer{{0, throttled(time.Hour)}, {time.Second, throttled(time.Minute)}}, about(3600, 3600), true},
		{"an outage says nothing", []answer{{0, throttled(time.Minute)}, {2 * time.Minute, down}}, about(60, 60), true},
		{"a POST that gets through ends it", []answer{{0, throttled(time.Minute)}, {2 * time.Minute, nil}}, about(60, 60), false},
		{"and pauses begin anew", []answer{{0, throttled(0)}, {time.Minute, throttled(0)}, {2 * time.Minute, nil}, {3 * time.Minute, throttled(0)}}, about(180+8, 180+12), true},
	} {
		t.Run(c.says, func(t *testing.T) {
			b := newThrottleBackoff()
			b.Until = noon
			for _, a := range c.answers {
				b.Answered(a.err, noon.Add(a.after))
			}
			if pause := b.Until.Sub(noon); pause < c.until[0] || pause > c.until[1] || b.Probing != c.probing {
				t.Errorf("until %v, probing %v", pause, b.Probing)
			}
		})
	}
}

func TestATagIsReadBackFromANote(t *testing.T) {
	for _, tag := range []taskTag{"", tagOf("0", 2), tagOf(`night "of" 9 runs`, 12)} {
		if got := taskTag(tagPattern.FindString(fmt.Sprint(string(tag), `calls company of 3 `))); got != tag {
			t.Errorf("%q is read back as %q", tag, got)
		}
	}
}
