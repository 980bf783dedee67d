package dialpad

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/windrow-data/windrow/pipeline"
)

// unsentNote is the kind of the notes that take one of kind postNote back: the
// same time and text, and no POST.
const unsentNote = postNote + ".unsent"

// markPattern is how the text of a task's notes begins.
var markPattern = regexp.MustCompile(`^task "(?:[^"\\]|\\.)*" of [0-9]+ `)

// markOf begins the text of the notes of one of several tasks. Their number is
// part of it: a task of another number has another part of the quota.
func markOf(task string, tasks int) string { return fmt.Sprintf("task %q%s", task, markEnd(tasks)) }

func markEnd(tasks int) string { return fmt.Sprintf(" of %d ", tasks) }

// place is a POST that counts against the quota.
type place struct {
	at   time.Time
	mark string // of the task that it is of; empty: of a process that was alone
}

func (g *gate) noteOf(at time.Time, kind string, p posting) pipeline.Note {
	return pipeline.Note{Tenant: g.tenant, At: at, Kind: kind, Text: g.mark + p.text}
}

// full says how long all places, or this task's part of them, are taken.
func (g *gate) full(posts []place, now time.Time) (time.Duration, string) {
	var wait time.Duration
	why := ""
	if over := len(posts) - g.quota.posts; over >= 0 {
		wait = posts[over].at.Add(g.occupied()).Sub(now)
		why = fmt.Sprintf("the quota of %s reports is used up", g.quota)
		if g.tasks > 1 && now.Sub(posts[len(posts)-1].at) < journalAge {
			wait = min(wait, journalAge) // a note this young may be taken back
		}
	}
	mine := slices.DeleteFunc(posts, func(p place) bool { return p.mark != g.mark })
	if over := len(mine) - g.part; over >= 0 {
		if until := mine[over].at.Add(g.occupied()).Sub(now); until > wait {
			wait = until
			why = fmt.Sprintf("this task's part of the quota of %s reports, %d, is used up", g.quota, g.part)
		}
	}
	return wait, why
}

// occupied is how long a POST takes a place, counted from its note: a little
// longer than the quota says, since it is sent some moments after the note.
func (g *gate) occupied() time.Duration { return g.quota.per + g.quota.per/60 }

// known lists the POSTs that take a place now, oldest first.
func (g *gate) known(now time.Time) []place {
	g.mu.Lock()
	defer g.mu.Unlock()
	taken := func(sent time.Time) bool { return sent.Add(g.occupied()).After(now) }
	var posts []place
	for _, p := range g.others {
		if taken(p.at) {
			posts = append(posts, p)
		}
	}
	for note, sent := range g.own {
		if taken(sent) {
			posts = append(posts, place{sent, g.mark})
		} else {
			delete(g.own, note)
		}
	}
	slices.SortFunc(posts, func(a, b place) int { return a.at.Compare(b.at) })
	return posts
}

// refresh reads the journal, where other processes note their POSTs too: at
// first, now and then, and each time once half of the quota is used up.
func (g *gate) refresh(ctx context.Context, j pipeline.Journal, now time.Time) error {
	half := 2*len(g.known(now)) >= g.quota.posts
	g.mu.Lock()
	fresh := !g.journalRead.IsZero() && now.Sub(g.journalRead) < journalAge
	g.mu.Unlock()
	if fresh && !half {
		return nil
	}
	return g.reread(ctx, j, now)
}

func (g *gate) reread(ctx context.Context, j pipeline.Journal, now time.Time) error {
	notes, err := j.Since(ctx, g.tenant, now.Add(-g.occupied()))
	if err != nil {
		return err
	}
	type note struct {
		at   int64
		text string
	}
	unsent := map[note]bool{}
	for _, n := range notes {
		if n.Kind == unsentNote {
			unsent[note{n.At.UnixMicro(), n.Text}] = true
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.journalRead = now
	g.others = g.others[:0]
	for _, n := range notes {
		mark := markPattern.FindString(n.Text)
		_, known := g.own[n.At.UnixMicro()]
		ours := known && mark == g.mark
		if n.Kind == postNote && !ours && !unsent[note{n.At.UnixMicro(), n.Text}] {
			g.others = append(g.others, place{n.At, mark})
		}
	}
	return nil
}

// certain tells whether the POST that is noted may be sent. Where the parts of
// all tasks do not add up to the quota, two tasks may have seen the same free
// place: each looks at the journal once more behind its own note. Of notes that
// are too many the last one sees all others, so that what is sent is never too
// much. A note that found no place is taken back, and after a random pause its
// task tries again.
func (g *gate) certain(ctx context.Context, p posting, note time.Time) (bool, error) {
	if g.tasks <= 1 || g.worst(g.known(note)) <= g.quota.posts {
		return true, nil
	}
	now := g.now()
	if err := g.reread(ctx, p.journal, now); err != nil {
		return false, err
	}
	if len(g.known(now)) <= g.quota.posts {
		return true, nil
	}
	if err := p.journal.Add(ctx, g.noteOf(note, unsentNote, p)); err != nil {
		return false, err
	}
	g.mu.Lock()
	delete(g.own, note.UnixMicro())
	g.mu.Unlock()
	pause := time.Second + rand.N(time.Duration(g.tasks)*4*time.Second)
	return false, g.sleep(ctx, p, fmt.Sprintf("another task took the last place in the quota of %s reports", g.quota), pause)
}

// worst is what the places can come to while every task keeps to its part.
func (g *gate) worst(posts []place) int {
	sum := 0
	tasks := map[string]int{}
	for _, p := range posts {
		if strings.HasSuffix(p.mark, markEnd(g.tasks)) {
			tasks[p.mark]++
		} else {
			sum++
		}
	}
	for _, n := range tasks {
		sum += max(n, g.part)
	}
	return sum + max(0, g.tasks-len(tasks))*g.part
}
