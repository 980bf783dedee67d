package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"unicode/utf8"

	"golang.org/x/sync/semaphore"

	"github.com/windrow-data/windrow/pipeline"
)

// BodyLimit is a size that a body must not pass.
type BodyLimit struct {
	Bytes   int64  // without compression; 0: no limit
	Setting string // what the user knows the limit as: the message that it was passed names it
}

// String is the limit for people.
func (l BodyLimit) String() string {
	n, unit := l.Bytes, "bytes"
	for _, larger := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if n == 0 || n%1024 != 0 {
			break
		}
		n, unit = n/1024, larger
	}
	return fmt.Sprintf("%d %s", n, unit)
}

// boundedBody counts the bytes of a body, ends it at the limit, and ends it with its context.
type boundedBody struct {
	io.ReadCloser
	ctx   context.Context
	limit BodyLimit
	read  int64

	// Of the bodies that need more than the memory of a range for one, the process reads one at a time.
	large      *semaphore.Weighted
	sinceRange int  // bytes since the last range
	isLarge    bool // the next range holds large
	ended      bool // the ranges that come now may all lie in what was read for one
}

// aboveRange is how much more than rangeBytes a body may read for one range before that is a large one.
const aboveRange = 64 << 10

// Read implements [io.Reader].
func (b *boundedBody) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	if b.sinceRange > rangeBytes+aboveRange {
		if err := b.Reserve(); err != nil {
			return 0, err
		}
	}
	n, err := b.ReadCloser.Read(p)
	b.sinceRange += n
	b.ended = b.ended || err == io.EOF
	if b.read += int64(n); b.limit.Bytes > 0 && b.read > b.limit.Bytes {
		return 0, bodyTooLong(b.limit)
	}
	return n, err
}

// Reserve is the body's [pipeline.Reserve]. Who waits holds the room of one range, which nobody needs who holds large.
func (b *boundedBody) Reserve() error {
	if b.isLarge {
		return nil
	}
	if err := b.large.Acquire(b.ctx, 1); err != nil {
		return err
	}
	b.isLarge = true
	return nil
}

// Proven tells what the body knows of its end.
func (b *boundedBody) Proven() bool { return pipeline.IsProven(b.ReadCloser) }

// endRange begins another range. done gives back what the range before holds beyond its room, once nothing of it is in
// memory.
func (b *boundedBody) endRange() (done func()) {
	if b.ended {
		return func() {} // until giveBack
	}
	held := b.isLarge
	b.isLarge, b.sinceRange = false, 0
	return func() {
		if held {
			b.releaseLarge()
		}
	}
}

// giveBack gives back what the last ranges hold beyond their room, once nothing of the body is in memory.
func (b *boundedBody) giveBack() {
	if b.isLarge {
		b.isLarge = false
		b.releaseLarge()
	}
}

func (b *boundedBody) releaseLarge() {
	runtime.GC() // what a large range left behind would stand beside the next one
	b.large.Release(1)
}

// errBodyTooLong marks the error of a body that passes the limit: asking again would only bring it again.
var errBodyTooLong = errors.New("the answer is longer than it may be")

// bodyTooLong is the error of a body that passes the limit.
func bodyTooLong(l BodyLimit) error {
	return &pipeline.Error{
		Op: "read", Kind: pipeline.Unavailable, Cause: pipeline.TooLong, Err: fmt.Errorf("%w: %s", errBodyTooLong, l),
		Hint: fmt.Sprintf("if the report is right, set %s to more; else ask for shorter windows or fewer targets", l.Setting),
	}
}

const (
	// hopelessRejects is how many rejects a document may have before its first good row.
	hopelessRejects = 10_000
	// leastRow is the number of bytes of the shortest row there is, its separator included.
	leastRow = 2
)

// checkHope fails the document once its rejects cannot pass any more, whatever follows.
func (c *bodyCutter) checkHope(limit RejectLimit, most BodyLimit) error {
	if c.rejected == 0 {
		return nil
	}
	if c.rejected == c.read && c.rejected > hopelessRejects {
		return tooManyRejects(c.first, "", "all of the first %d rows were rejected, and the document is not read any further", c.rejected)
	}
	if most.Bytes == 0 {
		return nil
	}
	// As many rows as could follow, all of them good.
	left := max(most.Bytes-c.bytes, 0) / leastRow
	if float64(c.rejected)/float64(c.read+left) <= limit.Share {
		return nil
	}
	return tooManyRejects(c.first, limit.Setting, "%d of the first %d rows were rejected: whatever follows within %s (%s), that is more than the share of %g that %s allows",
		c.rejected, c.read, most, most.Setting, limit.Share, limit.Setting)
}

// checkRejects fails a reading of which more than the allowed share was rejected. It divides: 29 of 100 is 0.29 also as
// a binary fraction, but 0.29 times 100 is less than 29.
func checkRejects(read, rejected int64, limit RejectLimit, first []pipeline.Reject) error {
	if rejected == 0 || float64(rejected)/float64(read) <= limit.Share {
		return nil
	}
	if read == 1 {
		return tooManyRejects(first, "", "the only row was rejected, more than the share of %g that %s allows", limit.Share, limit.Setting)
	}
	if rejected == read {
		return tooManyRejects(first, "", "all of %d rows were rejected, more than the share of %g that %s allows", read, limit.Share, limit.Setting)
	}
	return tooManyRejects(first, limit.Setting, "%d of %d rows were rejected, more than the share of %g that %s allows", rejected, read, limit.Share, limit.Setting)
}

// tooManyRejects is the error of a reading of which too much was rejected. first are its first rejects; setting is the limit,
// empty where another one would load nothing.
func tooManyRejects(first []pipeline.Reject, setting, format string, args ...any) error {
	return &pipeline.Error{
		Op: "read", Kind: pipeline.TooManyRejects,
		Err:  &pipeline.RejectedRows{Text: fmt.Sprintf(format, args...) + firstReject(first), First: first},
		Hint: rejectsHint(first, setting) + "; nothing was committed and what was there stays",
	}
}

// rejectsHint says what may be behind rejects, by the first of them, and what helps.
func rejectsHint(first []pipeline.Reject, setting string) string {
	why := "the vendor may write this field otherwise now, or answer for what was not asked"
	switch {
	case len(first) == 0 || first[0].Field == "":
		why = "the vendor may write rows in another form now"
	case first[0].Shape == "":
		why = "the vendor may not fill this field any more"
	}
	if setting == "" {
		return why + "; tell the vendor"
	}
	return why + "; tell the vendor, or set " + setting + " to more to load the other rows without these"
}

const (
	// keptRejects is how many of a document's first rejects outlive a reading that fails.
	keptRejects = pipeline.ShownRejects
	// keptRaw bounds the bytes of the text of each of them.
	keptRaw = 4 << 10
)

// keepFirst adds a reject to the first ones, unless there are enough.
func keepFirst(first []pipeline.Reject, r pipeline.Reject) []pipeline.Reject {
	if len(first) == keptRejects {
		return first
	}
	r.Raw = cutRaw(r.Raw, keptRaw)
	return append(first, r)
}

// cutRaw is a text of so many bytes at most, whose rest is not kept in memory.
func cutRaw(text string, most int) string {
	if len(text) <= most {
		return text
	}
	end := most
	for end > most-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return string([]byte(text[:end]))
}
