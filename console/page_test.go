package console_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/console"
	"github.com/roster-go/roster/internal/assert"
)

func TestPageOfARegistry(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	codecs := roster.New[any](roster.Named("codecs"), roster.In(d), roster.Known(roster.Catalogue{
		"zstd": {{Import: "example.com/zstd", Note: "needs cgo"}},
	}))
	codecs.Register("json", "a codec")
	codecs.Register("gob", "the library's")
	codecs.Register("msgpack", "a codec")
	assert.NoError(t, codecs.Override("gob", 7))
	assert.True(t, codecs.TryRegister("json", 1) != nil, "the name is taken")
	for range 1234 {
		codecs.Get("json")
	}
	codecs.Get("jsn")
	codecs.Get("zstd")
	codecs.Get("brotli")
	d.Suspend("codecs", "msgpack", errors.New("it leaks"))
	codecs.Get("msgpack")
	codecs.Seal()

	index := words(browse(t, console.Handler(d), ""))
	assert.Contains(t, index, "1 registry", "codecs startup-only sealed 1 suspended 2 1,234 3 4 interface {}", "page_test.go:")
	page := words(browse(t, console.Handler(d), "/codecs"))
	assert.Contains(t, page,
		"codecs startup-only sealed", "2 entries", "1,234 lookups found", "3 asked for in vain", "1 suspended; 1 lookup refused",
		"Closed for writing github.com/roster-go/roster/console/page_test.go:",
		"json live 1,234 string github.com/roster-go/roster/console/page_test.go:", "github.com/roster-go/roster",
		"gob overrides string of github.com/roster-go/roster/console/page_test.go:",
		"msgpack suspended it leaks, since ", "by github.com/roster-go/roster/console/page_test.go:",
		"jsn 1 Did you mean json ?", `zstd 1 Add import _ "example.com/zstd" needs cgo`, "brotli 1 No name that is registered comes close.",
		"Registrations that failed", "json duplicate 1",
	)
	without(t, page, "Pins and leases") // of a registry that does not change
	runtime.KeepAlive(codecs)
}

func TestPageOfARegistryThatChanges(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	routes := roster.NewHot[*int](roster.Named("routes"), roster.In(d), roster.OnRetire(func(string, *int) error { return nil }))
	assert.NoError(t, routes.Reload(map[string]*int{"/": new(int), "/old": new(int)}))
	h := console.Handler(d)
	assert.Contains(t, words(browse(t, h, "/routes")), "Nobody holds a version or a value.", "Reloads, success 1", "added /")

	lease, err := routes.Lease("/")
	assert.NoError(t, err)
	assert.Contains(t, words(browse(t, h, "/routes")), "1 pin or lease", "lease of / live")
	assert.NoError(t, routes.Replace("/", new(int)))
	assert.NoError(t, routes.Unregister("/old"))
	page := words(browse(t, h, "/routes"))
	assert.Contains(t, page, "1 value is replaced or removed but still held.", "lease of / waited for",
		"3 removed /old", "2 replaced /", "1 added / added /old", "page_test.go:")

	_, answer := get(t, d, "/debug/registry/routes")
	shown := answer.Registries[0]
	assert.Equal(t, len(shown.Changes), 3)
	assert.Equal(t, shown.Changes[0].Removed, []string{"/old"})
	assert.Equal(t, shown.Changes[2].Added, []string{"/", "/old"})
	assert.Equal(t, shown.Stuck.Values, 1)
	assert.True(t, shown.Holders[0].Stuck, "the lease is waited for")
	lease.Release()
	assert.NoError(t, routes.Drain(t.Context()))
	assert.Contains(t, words(browse(t, h, "/routes")), "Nobody holds a version or a value.")
	runtime.KeepAlive(routes)
}

func TestHistoryIsBounded(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	routes := roster.NewHot[int](roster.Named("routes"), roster.In(d))
	for round := range 30 {
		entries := make(map[string]int)
		for i := range 100 {
			entries[fmt.Sprintf("%d/%02d", round, i)] = 1
		}
		assert.NoError(t, routes.Reload(entries))
	}
	_, answer := get(t, d, "/debug/registry/routes")
	changes := answer.Registries[0].Changes
	assert.Equal(t, len(changes), 20)
	assert.Equal(t, changes[0].Version, uint64(30))
	assert.Equal(t, len(changes[0].Added), 20)
	assert.Equal(t, len(changes[0].Removed), 20)
	assert.Equal(t, changes[0].More, 160)
	runtime.KeepAlive(routes)
}

func TestPageOfEachLifecycle(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	h := console.Handler(d)
	assert.Contains(t, words(browse(t, h, "")), "There is no registry.")
	base := roster.New[int](roster.Named("base"), roster.In(d))
	lazy := roster.NewLazy(loadsNothing, roster.Named("tenants"), roster.In(d))
	scopes := []*roster.Scope[int]{}
	for range 12 {
		scopes = append(scopes, roster.NewScope(base, roster.In(d)))
	}
	assert.Contains(t, words(browse(t, h, "/base")), "Nothing is registered.", "Every lookup found what it asked for.")
	assert.Contains(t, words(browse(t, h, "/tenants")), "Nothing is loaded.", "Nothing has changed that is still known.")
	page := words(browse(t, h, "/base%20%28scope%29"))
	assert.Contains(t, page, "12 registries are called so. The first 10 are shown", "10: created at")
	without(t, page, "11: created at")
	runtime.KeepAlive(base)
	runtime.KeepAlive(lazy)
	runtime.KeepAlive(scopes)
}

var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `javascript:alert(1)`, `' onmouseover='alert(1)`,
	`{{.}}`, `../../etc/passwd`, `..`, `.`, `a/../b`, `//evil.example`, `?q=x#y`, `100%`, `%2e%2e`, `a b`, `über/ö`, `console.css`,
}

func TestHostileNamesAreOnlyText(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	h := console.Handler(d)
	var registries []*roster.Registry[int]
	for _, name := range hostile {
		r := roster.New[int](roster.Named(name), roster.In(d))
		r.Register(name, 1)
		r.Get(name + "\xff\u202e\x00")
		registries = append(registries, r)
	}
	index := browse(t, h, "")
	without(t, index, "<script", "<img", `href="javascript`, "onmouseover='")
	links := regexp.MustCompile(`<th scope="row" class="name"><a href="([^"]*)">`).FindAllStringSubmatch(index, -1)
	assert.Equal(t, len(links), len(hostile))
	for _, link := range links {
		address := resolve(t, console.Path, link[1])
		w := ask(h, http.MethodGet, address, asBrowser)
		assert.Equal(t, fmt.Sprint(address, " ", w.Code), fmt.Sprint(address, " ", http.StatusOK))
		page := w.Body.String()
		without(t, page, "<script", "<img", `href="javascript`, "onmouseover='", "\xff", "\u202e", "\x00")
		assert.Contains(t, words(page), `\xff\u202e\x00"`)
		assert.Equal(t, resolve(t, address, regexp.MustCompile(`<a class="mark" href="([^"]*)"`).FindStringSubmatch(page)[1]), console.Path)
		assert.Contains(t, resolve(t, address, regexp.MustCompile(`rel="stylesheet" href="([^"]*)"`).FindStringSubmatch(page)[1]),
			console.Path+"?asset=console.css&v=")
	}
	w := ask(h, http.MethodGet, console.Path+"/%FF%FE%00%3Cscript%3E", asBrowser)
	assert.Equal(t, w.Code, http.StatusNotFound)
	without(t, w.Body.String(), "<script", "\xff")
	for _, q := range []string{`"><script>`, "\xff", "\u202e"} {
		without(t, browse(t, h, "?q="+url.QueryEscape(q)), "<script", "\xff", "\u202e")
	}
	runtime.KeepAlive(registries)
}

// What a person with a screen reader or a keyboard needs; a browser test holds
// the pages to more.
func TestPagesAreAccessible(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	h := console.Handler(d)
	routes := roster.NewHot[int](roster.Named("routes"), roster.In(d))
	for i := range 60 {
		routes.Register(fmt.Sprint("/", i), 1)
	}
	routes.Get("missing")
	twins := []any{roster.New[int](roster.Named("twin"), roster.In(d)), roster.New[int](roster.Named("twin"), roster.In(d))}
	fault := ask(h, http.MethodGet, console.Path+"/route", asBrowser)
	assert.Equal(t, fault.Code, http.StatusNotFound)
	for where, page := range map[string]string{
		"index": browse(t, h, "?q=t&sort=-hits"), "registry": browse(t, h, "/routes?sort=-hits&offset=10"),
		"twins": browse(t, h, "/twin"), "fault": fault.Body.String(),
	} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			assert.Contains(t, page, `<html lang="en">`, `<a class="skip" href="#main">`, `<main id="main"`, `<nav aria-label="Main">`, `<title>`)
			assert.Equal(t, strings.Count(page, "<h1"), 1)
			assert.Equal(t, strings.Count(page, "<table"), strings.Count(page, "<caption"))
			assert.Equal(t, strings.Count(page, "<th"), strings.Count(page, `scope="`)+strings.Count(page, "<thead"))
			assert.Equal(t, strings.Count(page, `<input id=`), strings.Count(page, "<label"))
			without(t, page, "style=", "<script", "onclick")
			ids := make(map[string]bool)
			for _, id := range regexp.MustCompile(` id="([^"]+)"`).FindAllStringSubmatch(page, -1) {
				assert.True(t, !ids[id[1]], "one element has the id "+id[1])
				ids[id[1]] = true
			}
			for _, of := range regexp.MustCompile(` (?:aria-labelledby|for)="([^"]+)"`).FindAllStringSubmatch(page, -1) {
				for id := range strings.FieldsSeq(of[1]) {
					assert.True(t, ids[id], "an element has the id "+id)
				}
			}
			labels := make(map[string]bool) // of landmarks
			for _, label := range regexp.MustCompile(`<(?:section|nav|form|div)[^>]* aria-label[^=]*="([^"]+)"`).FindAllStringSubmatch(page, -1) {
				assert.True(t, !labels[label[1]], "one landmark is called "+label[1])
				labels[label[1]] = true
			}
		})
	}
	assert.Equal(t, strings.Count(browse(t, h, "/routes?sort=-hits"), `aria-sort="descending"`), 1)
	assert.Contains(t, words(fault.Body.String()), `no registry is called "route"; did you mean "routes"?`, "Did you mean routes ?")
	runtime.KeepAlive(routes)
	runtime.KeepAlive(twins)
}
