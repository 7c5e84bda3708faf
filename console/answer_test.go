package console_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/console"
	"github.com/roster-go/roster/internal/assert"
)

func TestAnswersAreGuarded(t *testing.T) {
	t.Parallel()
	h := console.Handler(roster.NewDirectory())
	for _, path := range []string{"", "/missing", "?limit=0", "?asset=console.css"} {
		for _, accept := range []string{"", asBrowser} {
			header := ask(h, http.MethodGet, console.Path+path, accept).Header()
			assert.Equal(t, header.Get("X-Content-Type-Options"), "nosniff")
			assert.Equal(t, header.Get("Cross-Origin-Resource-Policy"), "same-origin")
			assert.Equal(t, header.Get("Referrer-Policy"), "no-referrer")
			assert.Equal(t, header.Get("Content-Security-Policy"), "default-src 'none'; style-src 'self'; "+
				"img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
			if !strings.Contains(path, "asset") {
				assert.Equal(t, header.Get("Vary"), "Accept")
				assert.Equal(t, header.Get("Cache-Control"), "no-store")
			}
		}
	}
	style := ask(h, http.MethodGet, console.Path+"?asset=console.css", "")
	assert.Equal(t, style.Body.String(), console.Stylesheet())
	assert.Equal(t, style.Header().Get("Content-Type"), "text/css; charset=utf-8")
}

func TestOtherMethodsAreRefused(t *testing.T) {
	t.Parallel()
	h := console.Handler(roster.NewDirectory())
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, "X-ODD"} {
		for _, accept := range []string{"", asBrowser} {
			w := ask(h, method, console.Path+"/codecs", accept)
			assert.Equal(t, w.Code, http.StatusMethodNotAllowed)
			assert.Equal(t, w.Header().Get("Allow"), "GET, HEAD")
			assert.Contains(t, w.Body.String(), "only read")
		}
	}
}

func TestHeadHasNoBody(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(console.Handler(roster.NewDirectory()))
	defer server.Close()
	answer, err := http.Head(server.URL + console.Path)
	assert.NoError(t, err)
	defer answer.Body.Close()
	assert.Equal(t, answer.StatusCode, http.StatusOK)
	assert.True(t, answer.ContentLength > 0, "the length of the answer to GET")
}

func TestMounts(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	codecs := roster.New[int](roster.Named("codecs/v2"), roster.In(d))
	h := console.Handler(d)
	plain, stripped, both := http.NewServeMux(), http.NewServeMux(), http.NewServeMux()
	plain.Handle(console.Path, h)
	plain.Handle(console.Path+"/", h)
	stripped.Handle("/in/registries/", http.StripPrefix("/in/registries", h))
	both.Handle("/admin/", http.StripPrefix("/admin", h))
	exact := http.NewServeMux()
	exact.Handle("/in/registries", http.StripPrefix("/in/registries", h))
	exact.Handle("/in/registries/", http.StripPrefix("/in/registries", h))
	for _, tt := range []struct {
		mount http.Handler
		index string
	}{
		{plain, console.Path},
		{stripped, "/in/registries/"},
		{both, "/admin" + console.Path},
		{both, "/admin/"},
		{exact, "/in/registries/"},
		{h, "/"},
		{h, console.Path},
	} {
		index := ask(tt.mount, http.MethodGet, tt.index, asBrowser)
		assert.Equal(t, fmt.Sprint(tt.index, " ", index.Code), fmt.Sprint(tt.index, " ", http.StatusOK))
		link := attribute(t, index.Body.String(), `class="name"><a href="`)
		for _, address := range []string{
			resolve(t, tt.index, link), strings.TrimSuffix(tt.index, "/") + "/codecs/v2",
		} {
			page := ask(tt.mount, http.MethodGet, address, asBrowser)
			assert.Equal(t, fmt.Sprint(address, " ", page.Code), fmt.Sprint(address, " ", http.StatusOK))
			assert.Contains(t, page.Body.String(), "<h1>codecs/v2</h1>")
			assert.Equal(t, resolve(t, address, attribute(t, page.Body.String(), `class="mark" href="`)), tt.index)
			style := resolve(t, address, attribute(t, page.Body.String(), `rel="stylesheet" href="`))
			assert.Equal(t, ask(tt.mount, http.MethodGet, style, "text/css").Body.String(), console.Stylesheet())
		}
	}
	for path, want := range map[string]string{console.Path + "/": console.Path, "/admin" + console.Path + "/": "/admin" + console.Path} {
		mount := http.Handler(plain)
		if strings.HasPrefix(path, "/admin") {
			mount = both
		}
		w := ask(mount, http.MethodGet, path, "")
		assert.Equal(t, w.Code, http.StatusPermanentRedirect)
		assert.Equal(t, resolve(t, path, w.Header().Get("Location")), want)
	}
	w := ask(exact, http.MethodGet, "/in/registries", "")
	assert.Equal(t, resolve(t, "/in/registries", w.Header().Get("Location")), "/in/registries/")
	runtime.KeepAlive(codecs)
}

func attribute(t *testing.T, page, before string) string {
	t.Helper()
	_, rest, found := strings.Cut(page, before)
	assert.True(t, found, "the page has "+before)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

func TestPaging(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	routes := roster.NewHot[int](roster.Named("routes"), roster.In(d))
	entries := make(map[string]int)
	for i := range 10_000 {
		entries[fmt.Sprintf("/%05d", i)] = 1
	}
	assert.NoError(t, routes.Reload(entries))
	for range 7 {
		routes.Get("/04321")
	}
	routes.Get("/nowhere")
	h := console.Handler(d)

	seen, requests := make(map[string]bool), 0
	for next := 0; ; requests++ { // every entry is on exactly one page
		_, a := get(t, d, fmt.Sprintf("%s/routes?limit=1000&offset=%d", console.Path, next))
		r := a.Registries[0]
		assert.Equal(t, r.Page.Total, 10_000)
		assert.Equal(t, r.Page.Shown, len(r.Entries))
		assert.True(t, len(r.Lookups) <= 2, "the counts are of what is listed, and of what is not there")
		for _, e := range r.Entries {
			assert.True(t, !seen[e.Name], "on one page: "+e.Name)
			seen[e.Name] = true
		}
		if r.Page.Next == nil {
			break
		}
		next = *r.Page.Next
	}
	assert.Equal(t, []int{len(seen), requests}, []int{10_000, 9})
	_, all := get(t, d, console.Path+"/routes") // as it has always been
	assert.Equal(t, len(all.Registries[0].Entries), 10_000)

	page := browse(t, h, "/routes?sort=-hits")
	assert.Equal(t, strings.Count(page, `<th scope="row" class="name">/0`), 50)
	assert.Contains(t, words(page), "1 to 50 of 10,000 entries", "Time /04321 live 7 ", "1 to 50 of 10,000 Next")
	second := resolve(t, console.Path+"/routes", attribute(t, page, `rel="next" href="`))
	assert.Equal(t, second, console.Path+"/routes?offset=50&sort=-hits")
	assert.Contains(t, words(browse(t, h, strings.TrimPrefix(second, console.Path))), "51 to 100 of 10,000 entries", "Previous 51 to 100 of 10,000 Next")
	assert.Contains(t, words(browse(t, h, "/routes?q=/0432&offset=5&limit=5")), "6 to 10 of 10 entries that match “/0432”", "Previous 6 to 10 of 10")
	assert.Contains(t, words(browse(t, h, "/routes?q=nothing")), "No entry matches “nothing”.")
	assert.Contains(t, words(browse(t, h, "/routes?offset=99999")), "The list ends before this page. Previous 10,000 to 10,000 of 10,000")
	for _, bad := range []string{"/routes?sort=colour", "?sort=colour", "/routes?limit=1001", "?offset=-1"} {
		for _, accept := range []string{"", asBrowser} {
			w := ask(h, http.MethodGet, console.Path+bad, accept)
			assert.Equal(t, w.Code, http.StatusBadRequest)
			assert.True(t, strings.Contains(w.Body.String(), "sort is one of name, ") || strings.Contains(w.Body.String(), " is a number from "), "what is wrong")
		}
	}
	runtime.KeepAlive(routes)
}

func TestMissesHaveAdvice(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	codecs := roster.New[int](roster.Named("codecs"), roster.In(d), roster.Known(roster.Catalogue{"zstd": {{Import: "example.com/zstd"}}}))
	codecs.Register("gzip", 1)
	codecs.Get("gzp")
	codecs.Get("zsdt")
	codecs.Get("later")
	codecs.Register("later", 1)
	_, a := get(t, d, console.Path+"/codecs")
	missed := a.Registries[0].Missed
	assert.Equal(t, len(missed), 3)
	assert.Equal(t, missed[0].Nearest, []string{"gzip"})
	assert.Equal(t, missed[2].Suggested, "zstd")
	assert.Equal(t, missed[2].Providers[0].Import, "example.com/zstd")
	assert.Contains(t, words(browse(t, console.Handler(d), "/codecs")), "later 1 It is registered by now")
	before, err := json.Marshal(codecs.Traffic())
	assert.NoError(t, err)
	browse(t, console.Handler(d), "/codecs")
	after, err := json.Marshal(codecs.Traffic())
	assert.NoError(t, err)
	assert.Equal(t, string(after), string(before)) // looking counts nothing
	runtime.KeepAlive(codecs)
}
