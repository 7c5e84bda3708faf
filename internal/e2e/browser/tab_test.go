package browser_test

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

//go:embed testdata/axe/axe.min.js
var axe string

// foreignHost is a name that the browser takes for this machine, as after DNS rebinding.
const foreignHost = "evil.example"

// A tab is a page of a browser. It takes note of all that it asks for and complains about.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu       sync.Mutex // guards the fields below
	requests []string
	problems []string
}

// newTab opens a browser of its own, which ends with the test. CI has one; elsewhere a test is left out without it.
func newTab(t *testing.T) *tab {
	t.Helper()
	program := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			program = path
			break
		}
	}
	if program == "" {
		const missing = "these tests need the browser Chromium, and there is none on the PATH: apt-get install chromium, on Debian"
		if os.Getenv("CI") != "" {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.WSURLReadTimeout(limit),
		// Nothing outside of this machine has an address.
		chromedp.Flag("host-resolver-rules", "MAP "+foreignHost+" 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
	)
	if os.Geteuid() == 0 { // Chromium's own sandbox does not run as root
		options = append(options, chromedp.NoSandbox)
	}
	allocator, endBrowser := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, endTab := chromedp.NewContext(allocator)
	t.Cleanup(func() { endTab(); endBrowser() })
	b := &tab{t: t, ctx: ctx}
	b.do(chromedp.Stop()) // opens it
	if err := chromedp.Listen(ctx, b.note); err != nil {
		t.Fatal(err)
	}
	call(b, network.Enable, network.EnableParams{})
	call(b, log.Enable, cdp.Empty{})
	b.size(1280, "light")
	return b
}

// note is called in order, and must not wait.
func (b *tab) note(ev any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := ev.(type) {
	case *network.EventRequestWillBeSent:
		b.requests = append(b.requests, e.Request.URL)
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			b.problems = append(b.problems, fmt.Sprintf("%s: %s (%s)", e.Entry.Level, e.Entry.Text, e.Entry.URL))
		}
	case *runtime.EventExceptionThrown:
		b.problems = append(b.problems, "exception: "+e.ExceptionDetails.Text)
	}
}

func (b *tab) within() (context.Context, context.CancelFunc) {
	return context.WithTimeout(b.ctx, limit)
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx := b.ctx
	if chromedp.FromContext(ctx) != nil && chromedp.FromContext(ctx).Browser != nil { // the first one makes the browser, whose life the context is
		var cancel context.CancelFunc
		ctx, cancel = b.within()
		defer cancel()
	}
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

func call[P, R any](b *tab, command cdp.Command[P, R], params P) R {
	b.t.Helper()
	ctx, cancel := b.within()
	defer cancel()
	result, err := chromedp.Call(ctx, command, params)
	if err != nil {
		b.t.Fatal(err)
	}
	return result
}

// eval is the value of an expression on the page.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, cancel := b.within()
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	return value
}

// holds is whether an expression is true, and false while the page is not there.
func (b *tab) holds(expression string) bool {
	ctx, cancel := b.within()
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[bool](expression))
	return err == nil && value
}

// until waits until an expression is true, also across pages.
func (b *tab) until(expression string) {
	b.t.Helper()
	for deadline := time.Now().Add(limit); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if b.holds(expression) {
			return
		}
	}
	b.t.Fatalf("not within %v: %s\nthe page says:\n%s", limit, expression, eval[string](b, `document.body.innerText`))
}

// shows waits until the page, or what the selector selects, has the text.
func (b *tab) shows(selector, text string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`[...document.querySelectorAll(%s)].some(e => e.textContent.replace(/\s+/g, " ").includes(%s))`, quoted(selector), quoted(text)))
}

func quoted(text string) string {
	data, err := json.Marshal(text)
	if err != nil {
		panic(err) // it is a string
	}
	return string(data)
}

func (b *tab) open(address string) {
	b.t.Helper()
	b.do(chromedp.Navigate(address))
}

// size makes the tab one of a phone or of a screen, in a colour scheme.
func (b *tab) size(width int64, scheme string) {
	b.t.Helper()
	const phone, height, tall = 640, 900, 844
	metrics := emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: 1}
	if width < phone {
		metrics.Height, metrics.Mobile, metrics.DeviceScaleFactor = tall, true, 2
	}
	call(b, emulation.SetDeviceMetricsOverride, metrics)
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}},
	})
}

// fill writes into a field, as somebody who types.
func (b *tab) fill(id, text string) {
	b.t.Helper()
	b.until(fmt.Sprintf(`document.getElementById(%s) !== null`, quoted(id)))
	eval[string](b, fmt.Sprintf(`document.getElementById(%s).value = ""`, quoted(id)))
	b.do(chromedp.SendKeys(chromedp.CSS("#"+id), text))
}

// click clicks what the selector selects, once it is there.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// picture keeps a picture of the whole page.
func (b *tab) picture(name string) {
	b.t.Helper()
	dir := os.Getenv("ROSTER_SCREENSHOTS")
	if dir == "" {
		dir = b.t.ArtifactDir()
	}
	ctx, cancel := b.within()
	defer cancel()
	const png = 100
	data, err := chromedp.Run(ctx, chromedp.FullScreenshot(png))
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), data, 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// violations are what axe-core finds on the page.
func (b *tab) violations() []string {
	b.t.Helper()
	ctx, cancel := b.within()
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Evaluate[chromedp.Void](axe)); err != nil {
		b.t.Fatal(err)
	}
	return eval[[]string](b, `axe.run(document, {resultTypes: ["violations"]}).then(r =>
		r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + n.html + " " + n.failureSummary)))`)
}

// local fails the test if the tab has asked for anything that is not on this machine.
func (b *tab) local(address string) {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.requests) == 0 {
		b.t.Error("no request was seen")
	}
	allowed, err := url.Parse(address)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, request := range b.requests {
		u, err := url.Parse(request)
		if err != nil || u.Scheme != "data" && u.Host != allowed.Host {
			b.t.Errorf("the page asks for %s", request)
		}
	}
}

// calm fails the test if the page has complained, as of a policy that it broke.
func (b *tab) calm() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.problems) > 0 {
		b.t.Errorf("the browser says:\n%s", strings.Join(b.problems, "\n"))
	}
	b.problems = nil
}
