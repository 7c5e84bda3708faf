package consolepage

import (
	"bytes"
	"html/template"
	"net/http"
	"slices"

	"github.com/roster-go/roster/cmd/roster/internal/api"
)

// A page is made of parts, each of which is a template and is brought up to date by itself.
type page struct {
	path  string // below [Path]
	name  string // of its stream and its class
	title string
	nav   string // in the navigation; "" if it is not there
	parts []string

	// columns are how many of the parts are in each column: first those that are as wide as the
	// page. Nil means that all are.
	columns []int
}

// pagePlugin is the page of one plugin.
const pagePlugin = "plugin"

var pages = []page{
	{
		path: "", name: "overview", title: "Overview", nav: "Overview",
		parts: []string{"tiles", "attention", "pluginsbrief", "map", "missesbrief", "splitbrief"}, columns: []int{2, 2, 2},
	},
	{path: "/registries", name: "registries", title: "Registries", nav: "Registries", parts: []string{"registries"}},
	{path: "/misses", name: "misses", title: "Misses", nav: "Misses", parts: []string{"misses"}},
	{path: "/plugins", name: "plugins", title: "Plugins", nav: "Plugins", parts: []string{"plugins"}},
	{path: "/plugins/{arg}", name: pagePlugin, title: "Plugin", parts: []string{"plugin", "sandbox", "log"}},
	{path: "/capabilities", name: "capabilities", title: "Capabilities", nav: "Capabilities", parts: []string{"capabilities"}},
	{path: "/services", name: "services", title: "Services", nav: "Services", parts: []string{"staleness", "services"}},
	{path: "/regions", name: "regions", title: "Regions", nav: "Regions", parts: []string{"map", "lags", "regions"}},
	{path: "/kills", name: "kills", title: "Kill switch", nav: "Kills", parts: []string{"switch", "killorders", "runtimes", "given"}},
	{path: "/kills/{arg}", name: "order", title: "Order", parts: []string{"progress"}},
	{path: "/audit", name: "audit", title: "Audit trail", nav: "Audit", parts: []string{"audit"}},
}

func pageNamed(name string) *page {
	at := slices.IndexFunc(pages, func(p page) bool { return p.name == name })
	if at < 0 {
		return nil
	}
	return &pages[at]
}

// A view is what the templates of a page see.
type view struct {
	*snapshot

	Plugin *api.Plugin // of the page of a plugin
	Log    []LogLine
	Order  *Progress // of the page of an order
	Given  []Progress
	Map    regionMap
}

// view gathers what a page shows. It is nil if there is no such plugin or order.
func (c *Console) view(s *snapshot, p *page, arg string) *view {
	v := &view{snapshot: s}
	switch p.name {
	case pagePlugin:
		if v.Plugin = s.plugin(arg); v.Plugin == nil {
			return nil
		}
		v.Log = c.source.Log(arg)
	case "order":
		progress, known := c.orders.get(arg)
		if !known {
			return nil
		}
		v.Order = &progress
	case "kills":
		v.Given = c.orders.recent()
	case "overview", "regions":
		v.Map = drawMap(s.Regions, s.Lags)
	}
	return v
}

// A part is a rendered piece of a page.
type part struct {
	ID   string        `json:"id"`
	HTML template.HTML `json:"html"`
}

func (p *page) render(v *view) []part {
	parts := make([]part, len(p.parts))
	for i, name := range p.parts {
		var text bytes.Buffer
		if err := templates.ExecuteTemplate(&text, name, v); err != nil {
			text.Reset()
			_ = templates.ExecuteTemplate(&text, "broken", err) // it fills in a text
		}
		parts[i] = part{ID: name, HTML: template.HTML(text.String())} //nolint:gosec // it comes from a template that escapes
	}
	return parts
}

func (p *page) inColumns(parts []part) [][]part {
	if p.columns == nil {
		return [][]part{parts}
	}
	var columns [][]part
	for _, n := range p.columns {
		columns, parts = append(columns, parts[:n]), parts[n:]
	}
	return columns
}

// A layout is what the frame of a page sees.
type layout struct {
	Title   string
	Name    string
	Section string // whose link in the navigation is marked
	Nav     []*page
	Stream  string // its address, "" if the page does not change
	Refresh bool   // without a script the page loads itself again
	Host    string
	Region  string
	Version string
	Clock   string
	Zone    string // of the clock
	Columns [][]part
	Body    any // of a page without parts
	Caller  Caller
}

func (c *Console) layout(r *http.Request, s *snapshot, title, name, section string) layout {
	zone, _ := s.At.Local().Zone() //nolint:gosmopolitan // the daemon's own clock
	return layout{
		Caller: c.source.Caller(r), Title: title, Name: name, Section: section, Host: s.Host, Region: s.Region, Version: s.Version,
		Clock: clock(s.At), Zone: zone,
		Nav: inNavigation(),
	}
}

func inNavigation() []*page {
	var list []*page
	for i := range pages {
		if pages[i].nav != "" {
			list = append(list, &pages[i])
		}
	}
	return list
}

// servePage answers with a whole page.
func (c *Console) servePage(p *page) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		arg := r.PathValue("arg")
		s := c.snapshot(r.Context(), c.pageAge())
		v := c.view(s, p, arg)
		if v == nil {
			Refuse(w, http.StatusNotFound, "It is not here",
				"There is no "+p.name+" "+arg+" on this daemon. It may have been removed, or the daemon started again since.")
			return
		}
		l := c.layout(r, s, p.title, p.name, p.section())
		if arg != "" && p.name == pagePlugin {
			l.Title = arg
		}
		if v.Order != nil {
			l.Title = v.Order.Verb() + " " + v.Order.Request.Target.String()
			l.Refresh = !v.Order.Done
		}
		l.Stream = streamPath(p, arg)
		l.Columns = p.inColumns(p.render(v))
		writePage(w, http.StatusOK, "page", l)
	}
}

// section is the page in the navigation that this one belongs to.
func (p *page) section() string {
	switch p.name {
	case pagePlugin:
		return "plugins"
	case "order":
		return "kills"
	default:
		return p.name
	}
}

// Path is the address of the page.
func (p *page) Path() string { return Path + p.path }

// Label is its text in the navigation.
func (p *page) Label() string { return p.nav }

// Name is that of the page, for the mark of where one is.
func (p *page) Name() string { return p.name }

var templates = template.Must(template.New("console").Funcs(words).ParseFS(assets, "assets/*.html"))

// writePage answers with a template.
func writePage(w http.ResponseWriter, status int, name string, data any) {
	var text bytes.Buffer
	if err := templates.ExecuteTemplate(&text, name, data); err != nil {
		http.Error(w, "the page cannot be made: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = text.WriteTo(w) // a reader that went away needs no answer
}
