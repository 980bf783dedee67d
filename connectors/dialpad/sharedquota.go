package dialpad

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

const (
	// postNote is the kind of the journal's notes about POSTs of reports.
	postNote = "dialpad.post"
	// unsentNote is the kind of the notes that take a note of kind postNote back.
	// Such a note has the same time and text, and its POST was not sent.
	unsentNote = postNote + ".unsent"
	// journalAge is how old the view of the journal may get while less than half
	// of the quota is used up.
	journalAge = time.Minute
)

// taskTag begins the text of the notes of one of several tasks. It is empty for
// a process that is alone.
type taskTag string

// tagPattern finds the tag in the text of a note.
var tagPattern = regexp.MustCompile(`^task "(?:[^"\\]|\\.)*" of [0-9]+ `)

// tagOf is the tag of a task. The number of tasks is part of it: a task of
// another number has another share of the quota.
func tagOf(task string, tasks int) taskTag {
	if tasks <= 1 {
		return ""
	}
	return taskTag(fmt.Sprintf("task %q%s", task, tagEnd(tasks)))
}

func tagEnd(tasks int) string { return fmt.Sprintf(" of %d ", tasks) }

// among tells whether the task is one of so many.
func (t taskTag) among(tasks int) bool { return strings.HasSuffix(string(t), tagEnd(tasks)) }

// countedPost is a POST that uses up some of the quota.
type countedPost struct {
	at  time.Time
	tag taskTag // of the task that sent it
}

// sharedQuota counts POSTs: those of this process and those that the journal
// knows of other processes. Where several tasks share one run, each task keeps
// to its share of the quota as well.
//
// It is a value with neither lock nor clock: the time is handed in. Who uses it
// reads the journal ([sharedQuota.NeedsJournal]), waits ([sharedQuota.Room]),
// writes the note of a POST ([sharedQuota.Reserve]) and then either sends the
// POST ([sharedQuota.Sent]) or takes the note back ([sharedQuota.TakeBack]).
type sharedQuota struct {
	quota quota
	tasks int // processes that share the quota, at least 1
	share int // how many POSTs of the quota are this process's
	tag   taskTag

	others   []countedPost       // of other processes, as the journal has them
	own      map[int64]time.Time // of this process: noted at (µs) → certainly sent by
	lastNote time.Time
	readAt   time.Time // when the journal was read
}

func newSharedQuota(q quota, o Options) sharedQuota {
	return sharedQuota{quota: q, tasks: o.Tasks, share: o.Share(q.posts), tag: tagOf(o.Task, o.Tasks), own: map[int64]time.Time{}}
}

// occupied is how long a POST counts, from its note on. That is a little longer
// than the quota says, since a POST is sent some moments after its note.
func (q *sharedQuota) occupied() time.Duration { return q.quota.per + q.quota.per/60 }

// Counted lists the POSTs that count at now, oldest first.
func (q *sharedQuota) Counted(now time.Time) []countedPost {
	counts := func(at time.Time) bool { return at.Add(q.occupied()).After(now) }
	var posts []countedPost
	for _, p := range q.others {
		if counts(p.at) {
			posts = append(posts, p)
		}
	}
	for _, at := range q.own {
		if counts(at) {
			posts = append(posts, countedPost{at, q.tag})
		}
	}
	slices.SortFunc(posts, func(a, b countedPost) int { return a.at.Compare(b.at) })
	return posts
}

// Room says how long the whole quota, or this task's share of it, is used up at
// now, and which of the two. Zero: a POST may be noted.
func (q *sharedQuota) Room(now time.Time) (wait time.Duration, why string) {
	posts := q.Counted(now)
	if over := len(posts) - q.quota.posts; over >= 0 {
		wait = posts[over].at.Add(q.occupied()).Sub(now)
		why = fmt.Sprintf("the quota of %s reports is used up", q.quota)
		if q.tasks > 1 && now.Sub(posts[len(posts)-1].at) < journalAge {
			wait = min(wait, journalAge) // a note this young may be taken back
		}
	}
	mine := slices.DeleteFunc(posts, func(p countedPost) bool { return p.tag != q.tag })
	if over := len(mine) - q.share; over >= 0 {
		if until := mine[over].at.Add(q.occupied()).Sub(now); until > wait {
			wait = until
			why = fmt.Sprintf("this task's part of the quota of %s reports, %d, is used up", q.quota, q.share)
		}
	}
	return wait, why
}

// NeedsJournal tells whether the journal must be read before Room is believed:
// at first, now and then, and each time once half of the quota is used up.
func (q *sharedQuota) NeedsJournal(now time.Time) bool {
	return q.readAt.IsZero() || now.Sub(q.readAt) >= journalAge || 2*len(q.Counted(now)) >= q.quota.posts
}

// JournalFrom is how far back the journal must be read at now.
func (q *sharedQuota) JournalFrom(now time.Time) time.Time { return now.Add(-q.occupied()) }

// Learn takes in what the journal has, read at now. It returns the notes that lie in the future: a clock was wrong when
// they were made, so that nobody knows when their POSTs were sent, and they count for nothing.
func (q *sharedQuota) Learn(notes []pipeline.Note, now time.Time) (future []pipeline.Note) {
	notes = slices.DeleteFunc(slices.Clone(notes), func(n pipeline.Note) bool {
		ahead := n.At.After(now.Add(pipeline.ClockTolerance))
		if ahead {
			future = append(future, n)
		}
		return ahead
	})
	type key struct {
		at   int64
		text string
	}
	keyOf := func(n pipeline.Note) key { return key{n.At.UnixMicro(), n.Text} }
	unsent := map[key]bool{}
	for _, n := range notes {
		if n.Kind == unsentNote {
			unsent[keyOf(n)] = true
		}
	}
	q.readAt = now
	q.others = q.others[:0]
	for _, n := range notes {
		tag := taskTag(tagPattern.FindString(n.Text))
		_, known := q.own[n.At.UnixMicro()]
		mine := known && tag == q.tag
		if n.Kind == postNote && !mine && !unsent[keyOf(n)] {
			q.others = append(q.others, countedPost{n.At, tag})
		}
	}
	return future
}

// NoteTime is the time of the next note: now, but unlike that of any note before.
func (q *sharedQuota) NoteTime(now time.Time) time.Time {
	at := now.UTC().Truncate(time.Microsecond)
	if !at.After(q.lastNote) {
		at = q.lastNote.Add(time.Microsecond)
	}
	q.lastNote = at
	return at
}

// Reserve counts a POST whose note is in the journal.
func (q *sharedQuota) Reserve(note time.Time) { q.own[note.UnixMicro()] = note }

// TakeBack forgets a POST that was noted and not sent.
func (q *sharedQuota) TakeBack(note time.Time) { delete(q.own, note.UnixMicro()) }

// Sent counts a POST from now on: it may have reached the vendor this late. It
// forgets the POSTs of this process that no longer count.
func (q *sharedQuota) Sent(note, now time.Time) {
	q.own[note.UnixMicro()] = now
	for other, at := range q.own {
		if !at.Add(q.occupied()).After(now) {
			delete(q.own, other)
		}
	}
}

// Undisputed tells whether no other task can have taken the room that a note
// made at now has taken: the shares of all tasks and what else counts add up to
// no more than the quota.
func (q *sharedQuota) Undisputed(now time.Time) bool {
	return q.tasks <= 1 || q.worst(q.Counted(now)) <= q.quota.posts
}

// Overdrawn tells whether more POSTs are noted than the quota has.
func (q *sharedQuota) Overdrawn(now time.Time) bool { return len(q.Counted(now)) > q.quota.posts }

// worst is what the POSTs can come to while every task keeps to its share.
func (q *sharedQuota) worst(posts []countedPost) int {
	sum := 0
	tasks := map[taskTag]int{}
	for _, p := range posts {
		if p.tag.among(q.tasks) {
			tasks[p.tag]++
		} else {
			sum++
		}
	}
	for _, n := range tasks {
		sum += max(n, q.share)
	}
	return sum + max(0, q.tasks-len(tasks))*q.share
}
