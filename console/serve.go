package console

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/roster-go/roster"
)

// policy is the content security policy of the pages: a style from where the page
// comes from, forms that lead there, and nothing else.
const policy = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

const assetName = "console.css"

// styleVersion changes with the style, so that a browser may keep it for good.
var styleVersion = func() string {
	sum := sha256.Sum256([]byte(stylesheet))
	return hex.EncodeToString(sum[:6])
}()

func serveStyle(w http.ResponseWriter, r *http.Request) {
	guard(w)
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(stylesheet)))
	if r.URL.Query().Get("v") == styleVersion {
		w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	} else {
		w.Header().Set("Cache-Control", "no-cache")
	}
	_, _ = w.Write([]byte(stylesheet)) // a reader that went away needs no answer
}

// guard keeps answers from being read, framed or guessed at by others.
func guard(w http.ResponseWriter) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", policy)
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
}

var indexColumns = []column[summary]{
	{name: "name", compare: func(a, b summary) int { return cmp.Compare(a.Name, b.Name) }},
	{name: "lifecycle", compare: func(a, b summary) int { return cmp.Compare(a.Lifecycle, b.Lifecycle) }},
	{name: "size", falling: true, compare: func(a, b summary) int { return cmp.Compare(a.Size, b.Size) }},
	{name: "hits", falling: true, compare: func(a, b summary) int { return cmp.Compare(a.Hits, b.Hits) }},
	{name: "misses", falling: true, compare: func(a, b summary) int { return cmp.Compare(a.Misses, b.Misses) }},
	{name: "version", falling: true, compare: func(a, b summary) int { return cmp.Compare(a.Version, b.Version) }},
	{name: "type", compare: func(a, b summary) int { return cmp.Compare(a.Type, b.Type) }},
}

func (s summary) matches(search string) bool {
	return contains(search, s.Name, s.Type, string(s.Lifecycle), s.Created.Package, s.Created.File)
}

func (c *console) serveIndex(w http.ResponseWriter, q query, where place, asPage bool) {
	rows := []summary{}
	shown := indexPage{frame: c.frame("Registries", where)}
	for _, s := range c.subjects() {
		row := s.summary()
		rows = append(rows, row)
		shown.Entries += row.Size
		shown.Suspended += row.Suspended
		shown.Hits += row.Hits
		shown.Misses += row.Misses
	}
	shown.Registries = len(rows)
	rows, p, err := arrange(q, rows, indexColumns, summary.matches)
	if err != nil {
		c.failAs(w, where, asPage, fault{Status: http.StatusBadRequest, Error: err.Error()})
		return
	}
	if !asPage {
		write(w, http.StatusOK, index{Registries: rows, Page: p})
		return
	}
	asJSON := q
	asJSON.Format, asJSON.Offset, asJSON.Limit = formatJSON, 0, 0
	shown.JSON, shown.IsIndex = link("", asJSON), true
	shown.Rows = rows
	shown.Headings = headings(q, "", indexColumns, []heading{
		{Label: "Name", Link: "name"}, {Label: "Lifecycle", Link: "lifecycle"},
		{Label: "Entries", Link: "size", Numeric: true}, {Label: "Hits", Link: "hits", Numeric: true},
		{Label: "Misses", Link: "misses", Numeric: true}, {Label: "Version", Link: "version", Numeric: true},
		{Label: "Values", Link: "type"}, {Label: "Created"},
	})
	shown.Filter = newFilter(q, "", "registries", "Search registries")
	shown.Pager = newPager(q, "", "Pages of registries", p)
	render(w, http.StatusOK, "index.html", shown)
}

func (c *console) serveRegistry(w http.ResponseWriter, q query, where place, asPage bool) {
	all := c.subjects()
	var found []subject
	for _, s := range all {
		if s.shownAs == where.name {
			found = append(found, s)
		}
	}
	if found == nil {
		c.failAs(w, where, asPage, unknown(where.name, all))
		return
	}
	total := len(found)
	if asPage {
		found = found[:min(total, maxCopies)]
	}
	details := make([]detail, 0, len(found))
	for _, s := range found {
		d, err := s.detail(q)
		if err != nil {
			c.failAs(w, where, asPage, fault{Status: http.StatusBadRequest, Error: err.Error()})
			return
		}
		details = append(details, d)
	}
	if !asPage {
		write(w, http.StatusOK, struct {
			Registries []detail `json:"registries"`
		}{details})
		return
	}
	shown := registryPage{frame: c.frame(printable(where.name), where), Name: where.name, Total: total, Left: total - len(found)}
	asJSON := q
	asJSON.Format, asJSON.Offset, asJSON.Limit = formatJSON, 0, 0
	shown.JSON = link(where.name, asJSON)
	for i, d := range details {
		_, changing := found[i].Inspector.(roster.Historian)
		v := view(q, where.name, i+1, total > 1, d, changing)
		v.JSON = shown.JSON
		shown.Copies = append(shown.Copies, v)
	}
	render(w, http.StatusOK, "registry.html", shown)
}

// view is what a page shows of a registry.
func view(q query, name string, number int, several bool, d detail, changing bool) registryView {
	v := registryView{
		detail: d, Level: 2, ID: "r" + strconv.Itoa(number), Number: strconv.Itoa(number),
		Changing: changing, ChangeLimit: maxChanges,
	}
	v.Headings = headings(q, name, entryColumns, []heading{
		{Label: "Name", Link: "name"}, {Label: "State", Link: "state"}, {Label: "Hits", Link: "hits", Numeric: true},
		{Label: "Type", Link: "type"}, {Label: "Registered at", Link: "registered"},
		{Label: "Version", Link: "version", Numeric: true}, {Label: "Time", Link: "at"},
	})
	which := ""
	if several {
		which = " of " + v.Number
		v.Of, v.Level = v.ID+" ", 3
	}
	v.Filter = newFilter(q, name, v.ID, "Search entries"+which)
	v.Pager = newPager(q, name, "Pages of entries"+which, d.Page)
	v.HolderCount = len(d.Holders) + d.MoreHolders
	v.MissedLeft = max(0, len(d.Missed)-maxMissed)
	v.Missed = d.Missed[:len(d.Missed)-v.MissedLeft]
	for _, c := range d.Registrations {
		if c.Outcome != roster.Success {
			v.Refusals = append(v.Refusals, c)
		}
	}
	v.Rule, v.Cure = "while the program starts; nothing is replaced or removed",
		"Import the package that registers it, for its side effect."
	switch d.Lifecycle {
	case roster.HotSwap:
		v.Rule, v.Cure = "at any time, each as a new version", "Register or reload what belongs here."
	case roster.LoadOnUse:
		v.Rule, v.Cure, v.Loads = "a lookup loads what is not there", "The first lookup of a name loads it.", true
	case roster.Overlay:
		v.Rule, v.Cure = "over what the parent has", "Lookups find what the parent has."
	case roster.StartupOnly:
	}
	return v
}

func unknown(name string, all []subject) fault {
	var known []string
	for _, s := range all {
		known = append(known, s.shownAs)
	}
	known = slices.Compact(known)
	f := fault{Status: http.StatusNotFound, Known: known[:min(len(known), maxLimit)]}
	hint := ""
	if near := roster.Nearest(name, known); len(near) > 0 {
		f.near = near[0]
		hint = fmt.Sprintf("; did you mean %q?", f.near)
	}
	f.Error = fmt.Sprintf("no registry is called %q%s; GET %s lists them", name, hint, Path)
	return f
}

func (c *console) fail(w http.ResponseWriter, r *http.Request, f fault) {
	c.failAs(w, locate(r), wantsPage(r, query{Format: r.URL.Query().Get("format")}), f)
}

func (c *console) failAs(w http.ResponseWriter, where place, asPage bool, f fault) {
	if !asPage {
		write(w, f.Status, f)
		return
	}
	shown := faultPage{frame: c.frame(http.StatusText(f.Status), where), Error: f.Error, Near: f.near}
	render(w, f.Status, "fault.html", shown)
}

func write(w http.ResponseWriter, status int, answer any) {
	body, err := json.MarshalIndent(answer, "", "  ")
	if err != nil { // every answer is a struct of strings, numbers and times
		http.Error(w, "cannot encode the answer: "+err.Error(), http.StatusInternalServerError)
		return
	}
	send(w, status, "application/json; charset=utf-8", append(body, '\n'))
}

func render(w http.ResponseWriter, status int, name string, shown any) {
	var body bytes.Buffer // whole before any of it is sent: an error must not look like a page
	if err := templates[name].Execute(&body, shown); err != nil {
		http.Error(w, "cannot write the page: "+err.Error(), http.StatusInternalServerError)
		return
	}
	send(w, status, "text/html; charset=utf-8", body.Bytes())
}

func send(w http.ResponseWriter, status int, contentType string, body []byte) {
	guard(w)
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Add("Vary", "Accept")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a reader that went away needs no answer
}
