package show

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/windrow-data/windrow/pipeline"
	"github.com/windrow-data/windrow/pipeline/engine"
)

// barWidth leaves room behind the bar for time and rows on 80 columns, and for what it waits for on more.
const barWidth = 16

// Screen is the size of a terminal, in characters.
type Screen struct{ Columns, Lines int }

// Bars shows one progress bar a stream on a terminal. What is written to it
// appears above the bars. It is safe for concurrent use.
type Bars struct {
	out       io.Writer
	container *mpb.Progress
	now       func() time.Time
	began     time.Time

	most int // as many as stand on the screen at once: what has left it cannot be drawn over

	mu   sync.Mutex
	rows map[pipeline.StreamKey]*barRow
}

// barRow is one stream's bar.
type barRow struct {
	bar *mpb.Bar

	mu     sync.Mutex
	wait   string
	until  time.Time
	rows   int64
	failed int
	moved  time.Time // when a window last came to an end; zero: none has
}

// NewBars begins to show bars on out, a terminal of that size. Close it.
func NewBars(out io.Writer, now func() time.Time, size Screen, options ...mpb.ContainerOption) *Bars {
	return &Bars{
		out: out, now: now, began: now(), most: size.Lines - 2,
		// The library draws by itself, and asks for the size, where it is given a file alone.
		container: mpb.New(append([]mpb.ContainerOption{mpb.WithOutput(out), mpb.WithAutoRefresh(), mpb.WithWidth(size.Columns - 1)}, options...)...),
		rows:      map[pipeline.StreamKey]*barRow{},
	}
}

// Write prints a line above the bars, or plainly once they are closed.
func (b *Bars) Write(p []byte) (int, error) {
	if n, err := b.container.Write(p); err == nil {
		return n, nil
	}
	return b.out.Write(p)
}

// Close draws the bars a last time and leaves them on the screen, a blank line below.
func (b *Bars) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.rows {
		r.bar.Abort(false) // harmless on a bar that is complete
	}
	b.container.Wait()
	if len(b.rows) > 0 {
		fmt.Fprintln(b.out)
	}
}

func (b *Bars) observe(e engine.Event) {
	b.mu.Lock()
	r := b.rows[e.Stream]
	if r == nil && e.Kind == engine.EventPlanned && e.Total > 0 && len(b.rows) < b.most {
		if added := b.add(name(e.Stream.Stream, e.Stream.Account), e.Total); added != nil {
			b.rows[e.Stream] = added
		}
	}
	b.mu.Unlock()
	if r == nil {
		return
	}
	switch e.Kind {
	case engine.EventWaiting, engine.EventAwaited:
		r.waits(e.Text, e.Until)
	case engine.EventReading:
		r.waits("", time.Time{})
	case engine.EventFailed:
		r.ends(b.now(), 0, 1)
		r.bar.Increment()
	case engine.EventCommitted, engine.EventUnchanged, engine.EventYielded:
		r.ends(b.now(), e.Counts.Rows, 0)
		r.bar.Increment()
	}
}

// add returns nil where no bar can be shown.
func (b *Bars) add(label string, total int) *barRow {
	r := &barRow{}
	state := decor.Meta(decor.Any(func(s decor.Statistics) string { return r.state(b.began, b.now(), s.Completed || s.Aborted) }), r.painted)
	bar, err := b.container.Add(int64(total), mpb.BarStyle().Build(),
		mpb.BarWidth(barWidth), mpb.PrependDecorators(decor.Name(label, decor.WCSyncSpaceR), decor.CountersNoUnit("%d/%d windows", decor.WCSyncSpace)),
		mpb.AppendDecorators(state))
	if err != nil { // the terminal is gone: nobody looks any more
		return nil
	}
	r.bar = bar
	return r
}

func (r *barRow) waits(text string, until time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.wait, r.until = text, until
}

func (r *barRow) ends(now time.Time, rows int64, failed int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.moved, r.rows, r.failed = now, r.rows+rows, r.failed+failed
}

// painted is what stands behind the bar, red once a window has failed.
func (r *barRow) painted(text string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed > 0 {
		return red.of(text)
	}
	return text
}

// state is what stands behind a bar: how long it has taken, rows, failures, and what it waits for.
func (r *barRow) state(began, now time.Time, over bool) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	took := now.Sub(began)
	if over && !r.moved.IsZero() {
		took = r.moved.Sub(began)
	}
	text := fmt.Sprintf("%s, %s", took.Round(time.Second), plural(r.rows, "row"))
	if r.failed > 0 {
		text += fmt.Sprintf(", %d failed", r.failed)
	}
	if over || r.wait == "" {
		return text
	}
	text += "; " + r.wait
	if left := r.until.Sub(now); left > 0 {
		text += fmt.Sprintf(", next look in %d s", (left+time.Second-1)/time.Second)
	}
	return text
}
