package console

import (
	"embed"
	"fmt"
	"html/template"
	"maps"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/roster-go/roster"
)

//go:embed assets/*.html
var assets embed.FS

// Limits of what a page shows where JSON shows all.
const (
	maxCopies = 10 // registries of one name
	maxMissed = 25 // names that were asked for in vain
)

var templates = func() map[string]*template.Template {
	functions := template.FuncMap{
		"text": printable, "clock": clock, "stamp": stamp, "where": where, "module": module,
		"count": grouped, "plural": plural, "other": func(name string) bool { return name == roster.OtherName },
	}
	all := make(map[string]*template.Template)
	for _, name := range []string{"index.html", "registry.html", "fault.html"} {
		all[name] = template.Must(template.New(name).Funcs(functions).ParseFS(assets, "assets/layout.html", "assets/"+name))
	}
	return all
}()

// A frame is what surrounds every page.
type frame struct {
	Title   string
	Index   string // links, relative
	Style   string
	JSON    string
	IsIndex bool
	Program string
	Now     time.Time

	place place
}

// To is a link to the registries called name.
func (f frame) To(name string) string { return f.place.to(name) }

// program is the name of the process, which tells pages of several apart.
var program = filepath.Base(os.Args[0])

func (c *console) frame(title string, where place) frame {
	shown, _ := censor{redact: c.redact}.text(FileName, "", program)
	return frame{
		Title: title, Index: where.index, Style: where.index + "?asset=" + assetName + "&v=" + styleVersion,
		Program: shown, Now: time.Now(), place: where,
	}
}

type indexPage struct {
	frame

	Registries, Entries, Suspended int
	Hits, Misses                   uint64
	Rows                           []summary
	Headings                       []heading
	Filter                         filter
	Pager                          pager
}

type registryPage struct {
	frame

	Name   string
	Total  int // registries of the name
	Left   int // of them that are not on the page
	Copies []registryView
}

type registryView struct {
	detail

	ID, Number  string
	Of          string // what labels begin with, if there are several registries
	Level       int    // of the headings of its parts
	JSON        string // link
	Headings    []heading
	Filter      filter
	Pager       pager
	MissedLeft  int
	HolderCount int
	Refusals    []count // registrations that failed
	Changing    bool    // the registry changes while the program runs
	Loads       bool    // it loads what it does not have
	Rule, Cure  string
	ChangeLimit int
}

type faultPage struct {
	frame

	Error, Near string
}

// A heading is that of a column.
type heading struct {
	Label, Link, Sorted string
	Numeric             bool
}

func headings[T any](q query, at string, columns []column[T], labels []heading) []heading {
	list := make([]heading, len(labels))
	for i, l := range labels {
		list[i] = heading{Label: l.Label, Numeric: l.Numeric}
		for _, c := range columns {
			if c.name != l.Link {
				continue
			}
			next := q
			next.Offset, next.Sort, next.Descending = 0, c.name, c.falling
			if sorted := q.Sort; sorted == c.name || sorted == "" && c.name == columns[0].name {
				list[i].Sorted, next.Descending = "ascending", true
				if q.Descending {
					list[i].Sorted, next.Descending = "descending", false
				}
			}
			list[i].Link = link(at, next)
		}
	}
	return list
}

// link is relative to the page: its own address with other parameters.
func link(name string, q query) string {
	v := q.values()
	if name == "." || name == ".." {
		v.Set("name", name)
	}
	return "?" + v.Encode()
}

// A filter is the form for a search.
type filter struct {
	ID, Name, Label, Search, Clear string
	Keep                           map[string]string // other parameters
}

func newFilter(q query, at, id, name string) filter {
	all := q
	all.Search, all.Offset = "", 0
	f := filter{ID: id, Name: name, Label: "Name, type or package", Search: printable(q.Search), Clear: link(at, all), Keep: make(map[string]string)}
	parameters, _ := url.ParseQuery(strings.TrimPrefix(f.Clear, "?"))
	for name := range maps.Keys(parameters) {
		f.Keep[name] = parameters.Get(name)
	}
	return f
}

// A pager leads to the lines before and behind those of the page.
type pager struct {
	Label, Range, Previous, Next string
	Total                        int
}

func newPager(q query, at, label string, p *page) pager {
	g := pager{Label: label, Total: p.Total, Range: grouped(p.Total)}
	if p.Shown < p.Total {
		g.Range = fmt.Sprintf("%s to %s of %s", grouped(min(p.Offset+1, p.Total)), grouped(p.Offset+p.Shown), grouped(p.Total))
	}
	if p.Offset > 0 {
		previous := q
		previous.Offset = max(0, p.Offset-q.Limit)
		g.Previous = link(at, previous)
	}
	if p.Next != nil {
		next := q
		next.Offset = *p.Next
		g.Next = link(at, next)
	}
	return g
}

// printable is text as it can be shown: what does not print, turns the
// direction of reading, or is not UTF-8 is written as Go would quote it.
func printable(text string) string {
	if utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return text
	}
	return strconv.Quote(text)
}

// where is a place in the source, as short as it is unambiguous.
func where(s site) string {
	pkg := strings.TrimSuffix(s.Package, "_test")
	file := s.File
	switch {
	case file == "":
		return printable(pkg)
	case pkg == "main":
		file = path.Base(filepath.ToSlash(file))
	case pkg != "":
		file = pkg + "/" + path.Base(filepath.ToSlash(file))
	}
	if s.Line > 0 {
		file += ":" + strconv.Itoa(s.Line)
	}
	return printable(file)
}

// module is the module of a place and its version, if that is more than that of
// the program itself.
func module(s site) string {
	switch s.Version {
	case "":
		return printable(s.Module)
	case "(devel)":
		return printable(s.Module) + " (devel)"
	}
	return printable(s.Module + "@" + s.Version)
}

func clock(t any) string { return instant(t).UTC().Format("2006-01-02 15:04:05") + " UTC" }
func stamp(t any) string { return instant(t).UTC().Format(time.RFC3339Nano) }

func instant(t any) time.Time {
	switch t := t.(type) {
	case time.Time:
		return t
	case *time.Time:
		return *t
	}
	return time.Time{}
}

// grouped writes a number with a comma before each three digits.
func grouped(n any) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func plural(n any, one, many string) string {
	if fmt.Sprint(n) == "1" {
		return one
	}
	return many
}
