package browser_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/chromedp/cdproto/emulation"
)

// A kill takes the reason and the name, is followed until all regions have acknowledged it, and a
// revival ends it.
func TestKillAndRevive(t *testing.T) {
	t.Parallel()
	daemons, _ := startRegions(t, "eu", "us")
	eu, us := daemons["eu"], daemons["us"]
	b := newTab(t)
	b.open(eu.url + "/console/kills")
	b.shows("main", "Nothing was ever killed")
	b.click(`a.button.danger`)
	b.fill("target", "capability/text.stats")
	b.fill("by", "ann")
	b.click(`main form button`)
	if !b.holds(`document.querySelector("input:invalid")?.id === "reason"`) {
		t.Error("the browser sends a kill without a reason")
	}
	b.fill("reason", "wrong counts")
	b.click(`main form button`)
	b.shows("h1", "Kill capability/text.stats?")
	b.shows("form", "It hits 2 implementations.")
	if v := b.violations(); len(v) > 0 {
		t.Errorf("axe on the second step: %q", v)
	}
	b.picture("kill-review-1280-light")
	b.click("#force")
	b.fill("confirm", "text.stat")
	b.click(`main form button`)
	b.shows("#problem", "Nothing was done")
	if status, body := eu.call(t, "text.stats", `{"text": "a"}`); status != http.StatusOK {
		t.Fatalf("after a slip in the name: %d %s", status, body)
	}
	b.fill("confirm", "text.stats")
	b.click(`main form button`)
	b.shows("#outcome", "acknowledged by all")
	b.shows("h2", "4 of 4 have acknowledged") // two hubs and two runtimes
	for _, d := range daemons {
		if status, body := d.call(t, "text.stats", `{"text": "a"}`); status != http.StatusForbidden || !strings.Contains(body, "wrong counts") {
			t.Errorf("after the kill: %d %s", status, body)
		}
	}

	b.open(us.url + "/console/kills")
	b.shows("#part-killorders", "wrong counts")
	b.click(`#part-killorders a.act`)
	b.fill("reason", "mended")
	b.fill("by", "bob")
	b.click(`main form button`)
	b.shows("h1", "Revive capability/text.stats?")
	b.fill("confirm", "text.stats")
	b.click(`main form button`)
	b.shows("#outcome", "acknowledged by all")
	for _, d := range daemons {
		eventually(t, "the capability serves again", func() bool {
			status, _ := d.call(t, "text.stats", `{"text": "a"}`)
			return status == http.StatusOK
		})
	}
}

// Without a script the forms do the same, and the page of the order loads itself again until all
// have acknowledged.
func TestKillWithoutScript(t *testing.T) {
	t.Parallel()
	daemons, _ := startRegions(t, "eu", "us")
	eu, us := daemons["eu"], daemons["us"]
	b := newTab(t)
	call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	us.signal(t, syscall.SIGSTOP) // so that it is waited for
	b.open(eu.url + "/console/kill?target=" + url.QueryEscape("plugin/markdown"))
	b.fill("reason", "it leaks")
	b.fill("by", "ann")
	b.click(`main form button`)
	b.shows("h1", "Kill plugin/markdown?")
	b.fill("confirm", "markdown")
	b.click(`main form button`)
	b.shows("#outcome", "waiting for acknowledgements")
	us.signal(t, syscall.SIGCONT)
	b.shows("#outcome", "acknowledged by all")
}

// A form of another site, and a page under a foreign name, are refused with a page that says so;
// nothing is killed.
func TestForgedRequestsAreRefused(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	forms := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, `<form method="post" action="%s/console/kill/order">`, d.url)
		for name, value := range map[string]string{"target": "plugin/markdown", "reason": "forged", "by": "mallory", "confirm": "markdown", "force": "1"} {
			_, _ = fmt.Fprintf(w, `<input type="hidden" name="%s" value="%s">`, name, value)
		}
		_, _ = fmt.Fprint(w, `<button>Win a prize</button></form>`)
	}))
	defer forms.Close()
	b := newTab(t)
	for _, from := range []string{forms.URL, strings.Replace(forms.URL, "127.0.0.1", foreignHost, 1)} {
		b.open(from)
		b.click("button")
		b.shows("h1", "This request was refused")
		b.shows("body", "a web page of another origin may not call this daemon")
	}
	b.picture("refused-1280-light")
	b.open(strings.Replace(d.url, "127.0.0.1", foreignHost, 1) + "/console")
	b.shows("h1", "This request was refused")
	b.shows("body", foreignHost)
	if v := b.violations(); len(v) > 0 {
		t.Errorf("axe on a refusal: %q", v)
	}
	if kills := d.roster(t, "ls", "kills"); strings.Contains(kills, "markdown") {
		t.Errorf("a forged form has killed:\n%s", kills)
	}
	if status, body := d.call(t, "markdown.render", `{"markdown": "a"}`); status != http.StatusOK {
		t.Errorf("after forged forms: %d %s", status, body)
	}
}

// startProgram runs a program until the test ends.
func startProgram(t *testing.T, program string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
	return cmd
}
