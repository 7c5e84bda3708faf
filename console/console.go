// Package console serves what a program's registries hold, for people and
// tools that debug it: every registry of a [roster.Directory], every entry
// with the place that registered it, what was asked for in vain and what to do
// about it, what changed, who holds what, and the exact counts of lookups. The
// answers are pages for browsers and JSON for programs.
//
// # Concurrency properties
//
// A handler is safe for concurrent use and keeps nothing between requests.
// Entries of one registry in an answer are of one version; its counts, its
// changes and its holders may be of a later moment, and registries of one answer
// of different ones. No lookup waits for a page.
package console

import (
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/roster-go/roster"
)

// Path is where [Handler] expects to be mounted, and what lies below it.
const Path = "/debug/registry"

// Handler serves, as pages to whoever prefers text/html, and otherwise, or with
// ?format=json, as JSON:
//
//	GET /debug/registry         the registries, without their entries
//	GET /debug/registry/{name}  the registries of that name, with entries and counts
//
// Mount it on both paths, on a prefix of yours with [http.StripPrefix], or on a
// listener of its own, where / is the same as /debug/registry. Links of the pages
// are relative, so each of these works.
//
// The parameters q (a part of a name, type, package or file), sort (a column; with
// a minus in front, the other way round), offset and limit (1 to 1,000) choose
// what is listed. Without limit a page has 50 lines, and JSON has all of them.
//
// It shows import paths, file names and names that callers asked for in vain, so
// do not expose it to strangers, and hide with [Redact] what not even colleagues
// should see. It only reads, and sends nothing that a browser may keep, frame,
// or let another site read. It does not check who asks.
//
// If d is nil the process-wide directory is served. An unknown name is answered
// with status 404 and, in JSON, an object {"error": …} that lists the known ones.
func Handler(d *roster.Directory, opts ...Option) http.Handler {
	if d == nil {
		d = roster.DefaultDirectory()
	}
	c := &console{directory: d}
	for _, opt := range opts {
		opt(c)
	}
	return c
}

// An Option changes what a [Handler] shows.
type Option func(*console)

type console struct {
	directory *roster.Directory
	redact    func(Field) (shown string, ok bool) // or nil
}

func (c *console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		c.fail(w, r, fault{Status: http.StatusMethodNotAllowed, Error: "the pages only read: use GET, not " + printable(r.Method)})
		return
	}
	where := locate(r)
	if where.redirect != "" {
		w.Header().Set("Location", where.redirect)
		w.WriteHeader(http.StatusPermanentRedirect)
		return
	}
	parameters := r.URL.Query()
	if where.name == "" && parameters.Get("asset") == assetName {
		serveStyle(w, r)
		return
	}
	if where.name == "" {
		where.name = parameters.Get("name")
	}
	q, err := parseQuery(parameters)
	if err != nil {
		c.fail(w, r, fault{Status: http.StatusBadRequest, Error: err.Error()})
		return
	}
	asPage := wantsPage(r, q)
	if asPage && q.Limit == 0 {
		q.Limit = pageLimit
	}
	if where.name == "" {
		c.serveIndex(w, q, where, asPage)
		return
	}
	c.serveRegistry(w, q, where, asPage)
}

// A place is what a request asks for, and how its page links to others.
type place struct {
	name     string // of the registry; empty for the index
	index    string // relative link to the index
	below    string // relative link to what names of registries are appended to
	redirect string // relative; where the index is instead, or ""
}

// locate reads the path, which may be below Path or, if a prefix was stripped,
// below the root. Links are relative to the path as the client sees it, whose end
// is the same.
func locate(r *http.Request) place {
	escaped := r.URL.EscapedPath()
	rest, below := strings.CutPrefix(escaped, Path)
	switch {
	case below && rest == "":
		return place{index: "./" + path.Base(Path), below: "./" + path.Base(Path) + "/"}
	case below && rest == "/":
		return place{redirect: "../" + path.Base(Path)}
	case below && rest[0] == '/':
		up := strings.Repeat("../", strings.Count(rest, "/")-1)
		return place{name: unescape(rest[1:]), index: "./" + up + "../" + path.Base(Path), below: "./" + up}
	case escaped == "": // a prefix was stripped to the end; the client's path says how it ends
		asked, _, _ := strings.Cut(r.RequestURI, "?")
		return place{redirect: "./" + path.Base(asked) + "/"}
	}
	rest = strings.TrimPrefix(escaped, "/")
	up := "./" + strings.Repeat("../", strings.Count(rest, "/"))
	return place{name: unescape(rest), index: up, below: up}
}

// unescape is the path as it was meant; one that is not escaped correctly does
// not come this far.
func unescape(escaped string) string {
	name, err := url.PathUnescape(escaped)
	if err != nil {
		return escaped
	}
	return name
}

// to is a relative link to the registries called name.
func (p place) to(name string) string {
	if name == "." || name == ".." { // a browser would take them for folders
		return p.index + "?name=" + name
	}
	return p.below + url.PathEscape(name)
}
