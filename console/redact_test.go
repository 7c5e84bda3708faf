package console_test

import (
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/console"
	"github.com/roster-go/roster/internal/assert"
)

type secretType struct{ _ int }

// secrets hides all that has "secret" in it, and calls "acme" something else.
func secrets(f console.Field) (string, bool) {
	if strings.Contains(strings.ToLower(f.Text), "secret") {
		return "", false
	}
	return strings.ReplaceAll(f.Text, "acme", "customer"), true
}

// secretive is a directory whose registries have secrets wherever a text can stand.
func secretive(t *testing.T) (d *roster.Directory, keep []any) {
	t.Helper()
	d = roster.NewDirectory()
	catalogue := roster.Known(roster.Catalogue{
		"zstd":       {{Import: "example.com/secret/zstd", Note: "secret note"}, {Import: "example.com/acme/zstd", Note: "secret note"}},
		"secretzstd": {{Import: "example.com/zstd"}},
	})
	hidden := roster.New[int](roster.Named("secret-registry"), roster.In(d))
	hidden.Register("visible-in-hidden", 1)
	shown := roster.NewHot[any](roster.Named("acme-routes"), roster.In(d), catalogue, roster.OnRetire(func(string, any) error { return nil }))
	assert.NoError(t, shown.Reload(map[string]any{
		"acme-home": 1, "secret-home": 2, "typed": &secretType{}, "suspended": 1, "secret-suspended": 1, "plain": 1,
	}))
	for _, missed := range []string{"secret-hom", "secret-missed", "acme-hom", "zstd", "secretzst", "plan"} {
		shown.Get(missed)
	}
	labelled := shown.PinFor(roster.NewOwner(0).For("secret-owner"))
	for _, held := range []string{"secret-home", "acme-home"} {
		_, err := shown.Lease(held)
		assert.NoError(t, err)
		assert.NoError(t, shown.Replace(held, 3))
	}
	assert.NoError(t, shown.Unregister("secret-home"))
	shown.Register("secret-added", 1)
	assert.True(t, shown.TryRegister("secret-added", 1) != nil, "it is taken")
	assert.True(t, shown.TryRegister("\x00secret-invalid", 1) != nil, "it does not print")
	d.Suspend("acme-routes", "suspended", errors.New("a secret reason"))
	d.Suspend("acme-routes", "secret-suspended", errors.New("another reason"))
	over := roster.New[any](roster.Named("over"), roster.In(d))
	over.Register("x", &secretType{})
	assert.NoError(t, over.Override("x", 1))
	return d, []any{hidden, shown, over, &labelled}
}

func TestRedactedTextsDoNotLeak(t *testing.T) {
	t.Parallel()
	d, keep := secretive(t)
	open := console.Handler(d)
	closed := console.Handler(d, console.Redact(secrets))
	paths := []string{
		"", "?q=secret", "?q=acme", "?q=customer", "?sort=-type", "?q=registry", "/customer-routes", "/customer-routes?q=secret", "/customer-routes?q=home",
		"/customer-routes?sort=-registered&limit=3&offset=1", "/customer-routes?sort=-type", "/over", "/secret-registr", "/secret-registry",
		"/acme-route", "/acme-routes", "/customer-route", "/x?limit=bad", "?name=secret-registry", "/visible",
	}
	for _, path := range paths {
		for _, accept := range []string{"", asBrowser} {
			body := ask(closed, http.MethodGet, console.Path+path, accept).Body.String()
			for _, echo := range []string{"secret-registry", "secret-registr", "acme-routes", "acme-route", "secret", "acme"} {
				// What the client sent may come back to it.
				asked := strings.TrimPrefix(strings.TrimPrefix(path, "/"), "?name=")
				if asked == echo || strings.HasSuffix(path, "q="+echo) || strings.HasSuffix(path, "q="+echo+"&limit=3") {
					body = strings.ReplaceAll(body, echo, "")
				}
			}
			if leak := strings.Index(strings.ToLower(body), "secret"); leak >= 0 {
				t.Errorf("GET %s (%s): a secret: %s", path, accept, around(body, leak))
			}
			if leak := strings.Index(body, "acme"); leak >= 0 {
				t.Errorf("GET %s (%s): the true name: %s", path, accept, around(body, leak))
			}
			without(t, body, "visible-in-hidden")
		}
	}
	// The check finds what it should: without the option there is all of that.
	everything := ask(open, http.MethodGet, console.Path+"/acme-routes", "").Body.String()
	assert.Contains(t, everything, "secret-home", "secret-added", "secret-missed", "secretType", "a secret reason", "secret note", "secret-invalid", "secret-owner", "acme-home")
	assert.Contains(t, ask(open, http.MethodGet, console.Path, "").Body.String(), "secret-registry")
	assert.Contains(t, ask(open, http.MethodGet, console.Path+"/secret-registr", "").Body.String(), "secret-registry")

	page := words(browse(t, closed, "/customer-routes"))
	assert.Contains(t, page, "customer-home live", "plain live", "customer-hom 1 Did you mean customer-home ?", `Add import _ "example.com/customer/zstd"`,
		"lease of customer-home waited for", "replaced customer-home")
	runtime.KeepAlive(keep)
}

func around(text string, at int) string { return text[max(0, at-80):min(len(text), at+80)] }

// Whoever asks for what is hidden is answered as if it did not exist.
func TestHiddenIsLikeAbsent(t *testing.T) {
	t.Parallel()
	d, keep := secretive(t)
	h := console.Handler(d, console.Redact(secrets))
	for _, accept := range []string{"", asBrowser} {
		hidden := ask(h, http.MethodGet, console.Path+"/secret-registry", accept)
		absent := ask(h, http.MethodGet, console.Path+"/secret-registrz", accept)
		assert.Equal(t, hidden.Code, http.StatusNotFound)
		normal := func(body string) string {
			return stampless(strings.ReplaceAll(body, "secret-registry", "secret-registrz"))
		}
		assert.Equal(t, normal(hidden.Body.String()), normal(absent.Body.String()))
		old := ask(h, http.MethodGet, console.Path+"/acme-routes", accept)
		assert.Equal(t, old.Code, http.StatusNotFound) // it is found under its new name only
	}
	for _, q := range []string{"secret", "acme", "another"} {
		_, found, _ := strings.Cut(ask(h, http.MethodGet, console.Path+"/customer-routes?q="+q, "").Body.String(), `"entries": `)
		assert.True(t, strings.HasPrefix(found, "[]"), "a search for "+q+" finds nothing")
	}
	runtime.KeepAlive(keep)
}

func stampless(page string) string {
	before, rest, found := strings.Cut(page, "<time")
	if !found {
		return page
	}
	_, after, _ := strings.Cut(rest, "</time>")
	return before + after
}

func TestRedactSites(t *testing.T) {
	t.Parallel()
	d := roster.NewDirectory()
	r := roster.New[int](roster.Named("r"), roster.In(d))
	r.Register("a", 1)
	kinds := make(map[console.Kind]bool)
	hide := console.Redact(func(f console.Field) (string, bool) {
		kinds[f.Kind] = true
		assert.True(t, f.Registry == "r" || f.Kind == console.FileName, "which registry it is about")
		return f.Text, f.Kind == console.RegistryName || f.Kind == console.EntryName
	})
	w := ask(console.Handler(d, hide), http.MethodGet, console.Path+"/r", "")
	without(t, w.Body.String(), "redact_test", "console_test", "github.com", "int\"", "(devel)")
	assert.Contains(t, w.Body.String(), `"line": 0`)
	assert.Equal(t, len(kinds), 7)

	twice := console.Handler(d, console.Redact(secrets), console.Redact(func(f console.Field) (string, bool) {
		if f.Kind == console.EntryName {
			return fmt.Sprint("<", f.Text, ">"), true
		}
		return f.Text, true
	}))
	assert.Contains(t, ask(twice, http.MethodGet, console.Path+"/r", "").Body.String(), `\u003ca\u003e`)
	assert.Contains(t, words(browse(t, twice, "/r")), "<a> live")
	runtime.KeepAlive(r)
}
