package browser_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

// populate makes a daemon that has something of everything: shares, misses, a kill.
func populate(t *testing.T, d *daemon) {
	t.Helper()
	for range 60 {
		if status, body := d.call(t, "markdown.render", `{"markdown": "# a"}`); status != 200 {
			t.Fatal(status, body)
		}
	}
	for range 3 {
		d.call(t, "markdwn.render", `{}`)
	}
	d.call(t, url.PathEscape(`<img src=x onerror=alert(1)>`), `{}`)
	d.call(t, "invoice.pdf", `{}`)
	d.roster(t, "kill", "capability/text.stats", "--reason", "wrong counts since 14:00", "--by", "ann", "--force")
}

// Every page, on a phone and on a screen, in both colour schemes: axe-core finds nothing, nothing is
// wider than the page, the browser has nothing to complain about, and nothing leaves the machine.
func TestEveryPage(t *testing.T) {
	t.Parallel()
	daemons, links := startRegions(t, "eu", "us", "ap")
	eu := daemons["eu"]
	populate(t, eu)
	b := newTab(t)
	b.open(eu.url + "/console/regions")
	b.until(`document.querySelectorAll("svg.map .edge.ok").length === 6`)
	links["eu ap"].Cut()
	b.shows("#part-lags", "cut off")

	order := orderOnThePage(b, eu.url, "plugin/markdown-next")
	for _, page := range []struct{ name, path, shows string }{
		{"overview", "/console", "Needs attention"},
		{"registries", "/console/registries", "capabilities"},
		{"misses", "/console/misses", "markdwn.render"},
		{"plugins", "/console/plugins", "markdown-next"},
		{"plugin", "/console/plugins/markdown", "Sandbox"},
		{"plugin-killed", "/console/plugins/markdown-next", "killed"},
		{"capabilities", "/console/capabilities", "markdown.render"},
		{"services", "/console/services", "roster.control"},
		{"regions", "/console/regions", "cut off"},
		{"kills", "/console/kills", "wrong counts since 14:00"},
		{"order", strings.TrimPrefix(order, eu.url), "acknowledged by all"},
		{"audit", "/console/audit", "wrong counts since 14:00"},
		{"debug-index", "/debug/registry", "capabilities"},
		{"debug-registry", "/debug/registry/capabilities", "markdown.render"},
		{"kill", "/console/kill", "Step 1 of 2"},
		{"absent", "/console/absent", "There is no such page"},
	} {
		for _, width := range []int64{390, 1280} {
			for _, scheme := range []string{"light", "dark"} {
				name := fmt.Sprintf("%s-%d-%s", page.name, width, scheme)
				b.size(width, scheme)
				b.open(eu.url + page.path)
				b.shows("body", page.shows)
				for _, v := range b.violations() {
					t.Errorf("%s: axe: %s", name, v)
				}
				if over := eval[int](b, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); over > 0 {
					t.Errorf("%s is %d pixels wider than its page", name, over)
				}
				b.picture(name)
			}
		}
		if page.path == "/console/absent" {
			b.problems = nil // that it is not found
		}
		b.calm()
	}
	b.local(eu.url)
}

// orderOnThePage kills a target by the forms, and returns the address of the page of the order.
func orderOnThePage(b *tab, address, target string) string {
	b.t.Helper()
	b.open(address + "/console/kill?target=" + url.QueryEscape(target))
	b.fill("reason", "it leaks")
	b.fill("by", "ann")
	b.click(`main form button`)
	b.shows("h1", target+"?")
	_, name, _ := strings.Cut(target, "/")
	if b.holds(`document.getElementById("force") !== null`) {
		b.click("#force")
	}
	b.fill("confirm", name)
	b.click(`main form button`)
	b.shows("#outcome", "acknowledged by all")
	return eval[string](b, `location.href`)
}
