package page

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

var (
	folder  string          // where the pages are
	names   []string        // of the pages
	browser context.Context //nolint:containedctx // chromedp's handle of the browser
)

func TestMain(m *testing.M) {
	code, err := withPages(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// withPages has the pages made and a browser started.
func withPages(m *testing.M) (int, error) {
	var err error
	if folder, err = os.MkdirTemp("", "windrow-pages-"); err != nil {
		return 1, err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // a temporary folder
	root, err := filepath.Abs("../..")
	if err != nil {
		return 1, err
	}
	made := exec.Command("go", "test", "./cmd/windrow/internal/page", "-run", "TestAPageIsSmall", "-count=1", "-args", "-pages", folder)
	made.Dir = root
	if out, err := made.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("make the pages: %w\n%s", err, out)
	}
	found, err := filepath.Glob(filepath.Join(folder, "*.html"))
	if err != nil || len(found) < 5 {
		return 1, fmt.Errorf("%d pages were made, %w", len(found), err)
	}
	for _, f := range found {
		names = append(names, strings.TrimSuffix(filepath.Base(f), ".html"))
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), options...)
	defer stop()
	var end context.CancelFunc
	browser, end = chromedp.NewContext(alloc)
	defer end()
	if err := chromedp.Run(browser); err != nil {
		return 1, fmt.Errorf("start chromium, Debian's package of that name: %w", err)
	}
	return m.Run(), nil
}

// tab is a page in the browser, and what the browser said about it.
type tab struct {
	ctx context.Context

	mu       sync.Mutex
	requests []string
	said     []string
}

// look is how a page is looked at.
type look struct {
	name     string
	features []*emulation.MediaFeature
	width    int64
	media    string
	noScript bool
}

func feature(name, value string) *emulation.MediaFeature {
	return &emulation.MediaFeature{Name: name, Value: value}
}

var looks = []look{
	{name: "light at 1440", width: 1440, features: []*emulation.MediaFeature{feature("prefers-color-scheme", "light")}},
	{name: "light at 320", width: 320, features: []*emulation.MediaFeature{feature("prefers-color-scheme", "light")}},
	{name: "dark at 800", width: 800, features: []*emulation.MediaFeature{feature("prefers-color-scheme", "dark")}},
	{name: "forced colours", width: 1440, features: []*emulation.MediaFeature{feature("forced-colors", "active")}},
	{name: "printed", width: 800, media: "print", features: []*emulation.MediaFeature{feature("prefers-color-scheme", "light")}},
}

// open opens a page in a tab of its own.
func open(t *testing.T, name string, l look) *tab {
	t.Helper()
	ctx, end := chromedp.NewContext(browser)
	t.Cleanup(end)
	ctx, late := context.WithTimeout(ctx, 4*time.Minute)
	t.Cleanup(late)
	of := &tab{ctx: ctx}
	chromedp.ListenTarget(ctx, func(ev any) {
		of.mu.Lock()
		defer of.mu.Unlock()
		switch ev := ev.(type) {
		case *network.EventRequestWillBeSent:
			of.requests = append(of.requests, ev.Request.URL)
		case *log.EventEntryAdded:
			of.said = append(of.said, ev.Entry.Text)
		case *runtime.EventConsoleAPICalled:
			of.said = append(of.said, fmt.Sprintf("console.%s", ev.Type))
		case *runtime.EventExceptionThrown:
			of.said = append(of.said, ev.ExceptionDetails.Error())
		case *page.EventJavascriptDialogOpening:
			of.said = append(of.said, "a dialog: "+ev.Message)
		}
	})
	err := chromedp.Run(ctx, network.Enable(), log.Enable(), runtime.Enable(),
		emulation.SetScriptExecutionDisabled(l.noScript),
		emulation.SetEmulatedMedia().WithMedia(l.media).WithFeatures(l.features),
		chromedp.EmulateViewport(l.width, 900),
		chromedp.Navigate("file://"+filepath.Join(folder, name+".html")),
	)
	if err != nil {
		t.Fatal(err)
	}
	return of
}

// ask evaluates an expression, also where the page's own scripts are off.
func ask[T any](t *testing.T, of *tab, expression string) (v T) {
	t.Helper()
	if err := chromedp.Run(of.ctx, chromedp.Evaluate(expression, &v, func(p *runtime.EvaluateParams) *runtime.EvaluateParams {
		return p.WithAwaitPromise(true)
	})); err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return v
}

func eachPage(t *testing.T, do func(t *testing.T, name string)) {
	for _, name := range names {
		t.Run(name, func(t *testing.T) { do(t, name) })
	}
}

// No request leaves a page but the one for itself, and the browser has nothing to say: no error, no refusal of the page's
// own policy, no dialog.
func TestAPageIsQuietAndAsksForNothing(t *testing.T) {
	eachPage(t, func(t *testing.T, name string) {
		for _, l := range looks {
			of := open(t, name, l)
			ask[bool](t, of, "document.fonts.ready.then(() => true)")
			of.mu.Lock()
			if len(of.requests) != 1 || !strings.HasPrefix(of.requests[0], "file://") {
				t.Errorf("%s: %d requests: %s", l.name, len(of.requests), of.requests)
			}
			if len(of.said) > 0 {
				t.Errorf("%s: the browser says %q", l.name, of.said)
			}
			of.mu.Unlock()
			if title := ask[string](t, of, "document.title"); !strings.HasPrefix(title, "Windrow: ") {
				t.Errorf("%s: the title is %q", l.name, title)
			}
		}
	})
}

// axe-core finds nothing to complain of.
func TestAPageIsAccessible(t *testing.T) {
	script, err := os.ReadFile(os.Getenv("AXE"))
	if err != nil {
		t.Fatalf("AXE must name axe-core's axe.min.js, as .ci/run page does: %v", err)
	}
	eachPage(t, func(t *testing.T, name string) {
		for _, l := range looks {
			if l.media == "print" {
				continue
			}
			if name == "five-years" && l.name != looks[0].name {
				continue // the same elements in larger numbers: axe takes a minute for them
			}
			of := open(t, name, l)
			ask[any](t, of, string(script)+"\n;0")
			ask[bool](t, of, "document.querySelectorAll('details').forEach(d => { d.open = true }) || true")
			for _, fault := range ask[[]string](t, of, `axe.run(document, {resultTypes: ['violations']}).then(r => r.violations.flatMap(v => v.nodes.slice(0, 3).map(n => v.id + ': ' + n.html.slice(0, 160))))`) {
				t.Errorf("%s: %s", l.name, fault)
			}
		}
	})
}

// Nothing is wider than the window but what scrolls by itself.
func TestAPageFitsItsWindow(t *testing.T) {
	eachPage(t, func(t *testing.T, name string) {
		for _, l := range looks {
			of := open(t, name, l)
			if w := ask[int64](t, of, "document.scrollingElement.scrollWidth"); w > l.width {
				t.Errorf("%s: the page is %d wide", l.name, w)
			}
			if l.width < 1440 && l.media != "print" || name == "hostile" {
				continue
			}
			if hidden := ask[int64](t, of, hiddenOfStreams); hidden > 0 {
				t.Errorf("%s: %d pixels of the table of streams are to be scrolled to", l.name, hidden)
			}
			if broken := ask[[]string](t, of, brokenWords); len(broken) > 0 {
				t.Errorf("%s: words of the table of streams are broken: %q", l.name, broken)
			}
		}
	})
}

// hiddenOfStreams is how much of the table of streams does not show, of its names and figures beside each other.
const hiddenOfStreams = `(e => e ? e.scrollWidth - e.clientWidth : 0)(document.querySelector('#streams .scroll'))`

// brokenWords are the cells of one word that have several lines.
const brokenWords = `[...document.querySelectorAll('#streams th, #streams td')].filter(e => !e.querySelector('svg') && !/\s/.test(e.textContent.trim())).filter(e => {
	const r = document.createRange();
	r.selectNodeContents(e);
	return r.getBoundingClientRect().height > 1.5 * r.getClientRects()[0]?.height;
}).map(e => e.textContent)`

// figures are the texts of all cells, headings and sentences, without what the script adds.
const figures = `[...document.querySelectorAll('h1,h2,h3,th,td,li,p,summary,svg[aria-label]')].filter(e => !e.closest('#filter,#old')).map(e => {
	const c = e.cloneNode(true);
	c.querySelectorAll('button,#age').forEach(x => x.remove());
	return (e.getAttribute('aria-label') || '') + c.textContent.trim();
})`

func TestAPageTellsTheSameWithoutItsScript(t *testing.T) {
	eachPage(t, func(t *testing.T, name string) {
		with, without := open(t, name, looks[0]), open(t, name, look{width: 1440, noScript: true})
		a, b := ask[[]string](t, with, figures), ask[[]string](t, without, figures)
		if len(a) < 10 || strings.Join(a, "\n") != strings.Join(b, "\n") {
			t.Errorf("%d texts with the script, %d without, or others", len(a), len(b))
		}
		if n := ask[int](t, without, "document.querySelectorAll('button').length"); n != 0 {
			t.Errorf("%d buttons that do nothing", n)
		}
	})
}

// What a stream is called cannot act.
func TestHostileTextIsInert(t *testing.T) {
	of := open(t, "hostile", looks[0])
	if n := ask[int](t, of, "document.scripts.length"); n != 1 {
		t.Errorf("%d scripts", n)
	}
	if title := ask[string](t, of, "document.title"); title == "owned" {
		t.Error("the page's title was changed by what a stream is called")
	}
	if text := ask[string](t, of, "document.querySelector('#streams tbody th').textContent"); !strings.Contains(text, "<script>") {
		t.Errorf("the stream is called %q", text)
	}
}

// The page works from the keyboard: all that scrolls or opens is reached, and shows that it is.
func TestAPageIsReachedByTheKeyboard(t *testing.T) {
	of := open(t, "bad-night", looks[0])
	if n := ask[int](t, of, "[...document.querySelectorAll('.scroll')].filter(e => e.tabIndex !== 0 || !e.getAttribute('role')).length"); n != 0 {
		t.Errorf("%d parts scroll and cannot be reached", n)
	}
	if err := chromedp.Run(of.ctx, chromedp.KeyEvent("\t")); err != nil {
		t.Fatal(err)
	}
	if got := ask[string](t, of, "document.activeElement.tagName + ' ' + getComputedStyle(document.activeElement).outlineStyle"); got != "A solid" {
		t.Errorf("after a tab the focus is on %s", got)
	}
}

// A filter hides other streams; an old page says so; a command can be copied.
func TestTheScriptAddsWhatItSays(t *testing.T) {
	of := open(t, "bad-night", looks[0])
	if old := ask[bool](t, of, "document.getElementById('old').hidden"); old {
		t.Error("a page of long ago does not say that it is old")
	}
	if n := ask[int](t, of, `(() => { const i = document.querySelector('#filter input'); i.value = 'stream02'; i.dispatchEvent(new Event('input')); return [...document.querySelectorAll('#streams tbody tr')].filter(r => !r.hidden).length })()`); n != 1 {
		t.Errorf("the filter leaves %d streams", n)
	}
	if n := ask[int](t, of, "document.querySelectorAll('.todo code + button').length"); n == 0 {
		t.Error("no command can be copied")
	}
}

// The gates of the page of five years: elements before a details is opened, and the first paint, the best of five.
func TestAPageOfFiveYearsIsLight(t *testing.T) {
	best := 1e9
	for range 5 {
		of := open(t, "five-years", looks[0])
		best = min(best, ask[float64](t, of, `new Promise(done => {
			const paint = () => performance.getEntriesByName('first-paint')[0];
			const look = () => paint() ? done(paint().startTime) : setTimeout(look, 20);
			look();
		})`))
		if n := ask[int](t, of, "[...document.querySelectorAll('*')].filter(e => !e.parentElement || !e.parentElement.closest('details:not([open])') || e.closest('summary')).length"); n > 3000 {
			t.Errorf("%d elements", n)
		}
	}
	t.Logf("first paint after %.0f ms", best)
	if best > 500 {
		t.Errorf("the first paint comes after %.0f ms", best)
	}
}
