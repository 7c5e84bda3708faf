package console

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/roster-go/roster/internal/assert"
)

func TestPrefersHTML(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]bool{
		"":                                   false,
		"*/*":                                false,
		"text/html":                          true,
		"TEXT/HTML; charset=utf-8":           true,
		"text/*":                             true,
		"text/*, application/*":              false,
		"application/json":                   false,
		"application/json, text/html":        false, // equal
		"application/json;q=0.9, text/html":  true,
		"application/json, text/html;q=0.9":  false,
		"text/html;q=0, */*":                 false,
		"text/html;q=0":                      false,
		"text/html;q=0.001":                  true,
		"text/html;q=1.5":                    false, // malformed
		"text/html;q=NaN":                    false,
		"text/html;q=":                       false,
		"text/html;level=1;q=0.7, */*;q=0.8": false,
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8":         true, // browsers
		"text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2":                    true,
		"application/vnd.custom+json, text/plain":                                 false,
		strings.Repeat("a/b,", 10_000) + "text/html":                              false, // beyond what is looked at
		",,;;//,*/html,text/,/html,html":                                          false,
		"text/html;q=0.5, text/html;q=0.9, application/json;q=0.7":                true,
		"application/json;q=0.2,application/*;q=1,text/html;q=0.5":                true, // the more specific range decides
		"text/html;q=0.5,application/json;q=0.4;ext=1,application/json;q=bad,*/*": true,
	} {
		r := httptest.NewRequest(http.MethodGet, Path, nil)
		r.Header.Set("Accept", accept)
		got := wantsPage(r, query{})
		assert.Equal(t, fmt.Sprintf("%.60s: %v", accept, got), fmt.Sprintf("%.60s: %v", accept, want))
		assert.True(t, wantsPage(r, query{Format: formatHTML}) && !wantsPage(r, query{Format: formatJSON}), "the parameter decides")
	}
}

func TestQueriesThatAreRefused(t *testing.T) {
	t.Parallel()
	for parameters, want := range map[string]string{
		"limit=0":                         "limit is a number from 1 to 1000",
		"limit=1001":                      "limit is a number from 1 to 1000",
		"limit=ten":                       "limit is a number from 1 to 1000",
		"offset=-1":                       "offset is a number from 0 to 2147483647",
		"offset=99999999999999999999":     "offset is a number from 0 to 2147483647",
		"format=xml":                      "format is json or html",
		"sort=" + strings.Repeat("a", 99): "sort names no column",
		"q=" + strings.Repeat("a", 257):   "q has 257 bytes; search for at most 256",
	} {
		v, err := url.ParseQuery(parameters)
		assert.NoError(t, err)
		_, err = parseQuery(v)
		assert.Equal(t, fmt.Sprint(err), want)
	}
	_, _, err := arrange(query{Sort: "colour"}, []entry{}, entryColumns, entry.matches)
	assert.Equal(t, fmt.Sprint(err), "sort is one of name, state, type, hits, version, at, registered, or one with a minus in front")
}

// A query is what its own links ask for, and its page is what a simple loop finds.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"", "q=a&sort=-hits&offset=10&limit=5", "limit=1000&format=html", "sort=name&sort=type", "q=%FF&offset=7", "offset=9&limit=1", "q=;&sort=-",
	} {
		f.Add(seed, "text/html,*/*;q=0.8")
	}
	f.Fuzz(func(t *testing.T, parameters, accept string) {
		r := httptest.NewRequest(http.MethodGet, Path, nil)
		r.Header.Set("Accept", accept)
		asPage := wantsPage(r, query{})
		if asPage && !strings.Contains(strings.ToLower(accept), "text/") {
			t.Errorf("a page for %q, which asks for no text", accept)
		}
		v, _ := url.ParseQuery(parameters)
		q, err := parseQuery(v)
		if err != nil {
			return
		}
		again, err := parseQuery(q.values())
		assert.NoError(t, err)
		again.Limit = q.Limit // the usual one is left out
		if !q.Descending || q.Sort != "" {
			assert.Equal(t, again, q)
		}

		var lines []entry
		for i := range 40 {
			lines = append(lines, entry{Name: fmt.Sprintf("n%02d", i), Hits: uint64(i * 7 % 5)})
		}
		var want []entry
		for _, line := range lines {
			if line.matches(strings.ToLower(q.Search)) {
				want = append(want, line)
			}
		}
		got, p, err := arrange(q, slices.Clone(lines), entryColumns, entry.matches)
		if err != nil {
			return
		}
		assert.Equal(t, p.Total, len(want))
		assert.Equal(t, p.Shown, len(got))
		if q.Limit > 0 && len(got) > q.Limit {
			t.Errorf("%d lines, limit %d", len(got), q.Limit)
		}
		if more := p.Offset+p.Shown < p.Total; more != (p.Next != nil) {
			t.Errorf("%+v", p)
		}
		for _, line := range got {
			if !slices.ContainsFunc(want, func(e entry) bool { return e.Name == line.Name }) {
				t.Errorf("%q does not match %q", line.Name, q.Search)
			}
		}
	})
}

// Paths and addresses of any kind are answered, and every link stays on the host.
func FuzzLocate(f *testing.F) {
	for _, seed := range []string{"", "/", Path, Path + "/", Path + "/a/b", Path + "/%2e%2e", "//evil.example/x", "/%", Path + "/%FF"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, path, raw string) {
		r := httptest.NewRequest(http.MethodGet, "http://host/", nil)
		r.URL = &url.URL{Path: path, RawPath: raw}
		r.RequestURI = "/prefix/" + raw
		p := locate(r)
		base, err := url.Parse("http://host/prefix/x/debug/registry")
		assert.NoError(t, err)
		for _, link := range []string{p.index, p.below, p.redirect, p.to("a"), p.to(".."), p.to(path), p.to("//evil")} {
			to, err := base.Parse(link)
			if err == nil && to.Host != "host" {
				t.Errorf("%q leads to %s", link, to)
			}
		}
	})
}
