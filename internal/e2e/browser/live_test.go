package browser_test

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/chromedp/chromedp"
)

// same says that the page has not been loaded again since it was marked.
const same = `window.marked === true`

func (b *tab) mark() { eval[bool](b, `window.marked = true`) }

// What happens shows up on an open page without loading it again; focus and scrolling stay.
func TestLiveUpdate(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	b := newTab(t)

	b.open(d.url + "/console/misses")
	b.mark()
	b.shows("main", "Nobody has asked in vain")
	d.call(t, "markdwn.render", `{}`)
	b.shows("tr", "markdwn.render")
	b.shows("tr", "Did you mean markdown.render?")
	b.shows("#said", "markdwn.render was asked for in vain")
	b.until(same)

	b.size(390, "light") // a table is wider than a phone
	b.open(d.url + "/console/plugins")
	b.mark()
	b.shows("#p-markdown", "ready")
	const scrolled = `document.querySelector("#part-plugins .scroll").scrollLeft`
	eval[bool](b, `document.getElementById("k-markdown").focus(), `+scrolled+` = 40, true`)
	left := eval[float64](b, scrolled)
	if left == 0 {
		t.Error("the table of plugins does not scroll on a phone, so nothing can be said of its scrolling")
	}
	pid, err := strconv.Atoi(strings.TrimPrefix(eval[string](b, `document.querySelector("#p-markdown .muted + *, #p-markdown td .muted").textContent`), "process "))
	if err != nil {
		t.Fatal(err)
	}
	process, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	b.until(`document.querySelector("#p-markdown .num").textContent === "1" && document.querySelector("#p-markdown .badge").textContent === "ready"`)
	b.shows("#said", "Plugin markdown")
	if focused := eval[string](b, `document.activeElement.id`); focused != "k-markdown" {
		t.Errorf("the focus went from the plugin's button to %q", focused)
	}
	if now := eval[float64](b, scrolled); now != left {
		t.Errorf("the table was scrolled from %v to %v", left, now)
	}
	b.size(1280, "light")
	b.until(same)

	b.open(d.url + "/console/services")
	b.mark()
	if eval[bool](b, `document.body.textContent.includes("text-service")`) {
		t.Error("the service is there before it is registered")
	}
	roster, _ := buildPrograms(t)
	registered := startProgram(t, roster, "register", "text-service", "127.0.0.1:9", "--health", "none", "--address", d.url, "--", "sleep", "600")
	b.shows("h2", "text-service")
	b.until(same)
	if err := registered.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	b.until(`!document.querySelector("main").textContent.includes("text-service")`)
	b.until(same)
	b.calm()
	b.local(d.url)
}

// The page says since when it is stale, whether the daemon hangs or is gone, and recovers by itself.
// An open page does not keep the daemon from stopping.
func TestStaleBanner(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	b := newTab(t)
	b.open(d.url + "/console")
	b.mark()
	b.until(`document.querySelector("#clock").textContent.length === 8`)
	fresh := `document.getElementById("stale").textContent === ""`
	stale := `/^Stale since \d\d:\d\d:\d\d\./.test(document.getElementById("stale").textContent)`
	b.until(fresh)

	d.signal(t, syscall.SIGSTOP)
	b.until(stale)
	b.picture("stale-1280-light")
	if v := b.violations(); len(v) > 0 {
		t.Errorf("axe on a stale page: %q", v)
	}
	d.signal(t, syscall.SIGCONT)
	b.until(fresh)

	d.signal(t, syscall.SIGKILL)
	d.gone(t)
	b.until(stale)
	d.start(t)
	b.until(fresh)

	before := d.cmd
	d.stop(t)
	if !before.ProcessState.Success() {
		t.Errorf("the daemon ended with %v while a page was open", before.ProcessState)
	}
	b.until(stale)
	b.until(same)
	b.local(d.url)
}

// What is first on the page for a keyboard leads to its content.
func TestSkipLink(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	b := newTab(t)
	b.open(d.url + "/")
	b.until(`location.pathname === "/console"`)
	b.do(chromedp.KeyEvent("\t"))
	b.until(`document.activeElement.className === "skip" && document.activeElement.getBoundingClientRect().top >= 0`)
	b.do(chromedp.KeyEvent("\r"))
	b.until(`document.activeElement.id === "main"`)
}
