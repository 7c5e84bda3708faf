package console_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/console"
	"github.com/roster-go/roster/internal/assert"
)

const asBrowser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"

// ask sends a request to a handler, with an Accept header if there is one.
func ask(h http.Handler, method, target, accept string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// browse returns the page at a path below the handler's own.
func browse(t *testing.T, h http.Handler, below string) string {
	t.Helper()
	w := ask(h, http.MethodGet, console.Path+below, asBrowser)
	assert.Equal(t, w.Code, http.StatusOK)
	assert.Equal(t, w.Header().Get("Content-Type"), "text/html; charset=utf-8")
	return w.Body.String()
}

var tag = regexp.MustCompile(`<[^>]*>`)

// words is what a reader of a page sees, with single spaces.
func words(page string) string {
	text := strings.NewReplacer("&lt;", "<", "&gt;", ">", "&#34;", `"`, "&#39;", "'", "&amp;", "&").Replace(tag.ReplaceAllString(page, " "))
	return strings.Join(strings.Fields(text), " ")
}

// without is a check that a text has none of parts.
func without(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if strings.Contains(text, part) {
			t.Errorf("it has %q, which it should not: %s", part, text)
		}
	}
}

// resolve is where a relative link of the page at base leads.
func resolve(t *testing.T, base, link string) string {
	t.Helper()
	from, err := url.Parse("http://host" + base)
	assert.NoError(t, err)
	to, err := from.Parse(strings.ReplaceAll(link, "&amp;", "&"))
	assert.NoError(t, err)
	assert.Equal(t, to.Host, "host")
	return strings.TrimPrefix(to.String(), "http://host")
}

func loadsNothing(context.Context, string) (int, error) { return 0, roster.ErrUnknown }
