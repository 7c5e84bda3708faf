// Package console serves what a program's registries hold, for people and
// tools that debug it: every registry of a [roster.Directory], every entry
// with the place that registered it, and the exact counts of lookups.
//
// # Concurrency properties
//
// A handler is safe for concurrent use and keeps nothing between requests.
// Each registry of an answer is shown at one version; registries of one answer
// may be shown at different moments.
package console

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/roster-go/roster"
)

// Path is where [Handler] expects to be mounted, and what lies below it.
const Path = "/debug/registry"

// Handler serves, as JSON:
//
//	GET /debug/registry         the registries, without their entries
//	GET /debug/registry/{name}  the registries of that name, with entries and counts
//
// Mount it on both paths. It shows import paths, file names and names that
// callers asked for in vain, so do not expose it to strangers.
//
// If d is nil the process-wide directory is served. An unknown name is
// answered with status 404 and a JSON object {"error": …} that lists the known ones.
func Handler(d *roster.Directory) http.Handler {
	if d == nil {
		d = roster.DefaultDirectory()
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Path, func(w http.ResponseWriter, _ *http.Request) {
		write(w, http.StatusOK, index{Registries: summaries(d)})
	})
	mux.HandleFunc("GET "+Path+"/{name...}", func(w http.ResponseWriter, r *http.Request) {
		serveRegistry(w, d, r.PathValue("name"))
	})
	return mux
}

// The answers. Field names are part of the interface: tools read them.
type (
	index struct {
		Registries []summary `json:"registries"`
	}

	summary struct {
		Name      string           `json:"name"`
		Type      string           `json:"type"`
		Lifecycle roster.Lifecycle `json:"lifecycle"`
		Version   uint64           `json:"version"`
		Size      int              `json:"size"`
		Created   site             `json:"created"`
		Sealed    *site            `json:"sealed,omitempty"` // while it is closed for writing
	}

	detail struct {
		summary
		Entries       []entry `json:"entries"`
		Lookups       []count `json:"lookups"`
		Registrations []count `json:"registrations"`
		Reloads       []count `json:"reloads"`
	}

	entry struct {
		Name       string    `json:"name"`
		Type       string    `json:"type"`
		Registered site      `json:"registered"`
		At         time.Time `json:"at"`
		Version    uint64    `json:"version"`
		Hits       uint64    `json:"hits"`
		Overrides  *claim    `json:"overrides,omitempty"`
	}

	claim struct {
		Type       string `json:"type"`
		Registered site   `json:"registered"`
	}

	count struct {
		Name    string         `json:"name,omitempty"`
		Outcome roster.Outcome `json:"outcome"`
		Count   uint64         `json:"count"`
	}

	site struct {
		File     string `json:"file"`
		Line     int    `json:"line"`
		Function string `json:"function"`
		Package  string `json:"package"`
		Module   string `json:"module"`
		Version  string `json:"version"`
	}
)

func serveRegistry(w http.ResponseWriter, d *roster.Directory, name string) {
	var found []detail
	var known []string
	for _, r := range d.Registries() {
		known = append(known, r.Name())
		if r.Name() == name {
			found = append(found, describe(r))
		}
	}
	if found == nil {
		hint := ""
		if near := roster.Nearest(name, known); len(near) > 0 {
			hint = fmt.Sprintf("; did you mean %q?", near[0])
		}
		write(w, http.StatusNotFound, struct {
			Error string   `json:"error"`
			Known []string `json:"known"`
		}{fmt.Sprintf("no registry is called %q%s; GET %s lists them", name, hint, Path), known})
		return
	}
	write(w, http.StatusOK, struct {
		Registries []detail `json:"registries"`
	}{found})
}

func summaries(d *roster.Directory) []summary {
	list := []summary{}
	for _, r := range d.Registries() {
		list = append(list, summarize(r))
	}
	return list
}

func summarize(r roster.Inspector) summary {
	i := r.Info()
	s := summary{
		Name: i.Name, Type: i.Type, Lifecycle: i.Lifecycle,
		Version: i.Version, Size: i.Size, Created: site(i.Created),
	}
	if !i.Sealed.IsZero() {
		sealed := site(i.Sealed)
		s.Sealed = &sealed
	}
	return s
}

func describe(r roster.Inspector) detail {
	d := detail{summary: summarize(r), Entries: []entry{}}
	for e := range r.Entries() {
		shown := entry{
			Name: e.Name, Type: e.Type, Registered: site(e.Registered),
			At: e.At, Version: e.Version, Hits: e.Hits,
		}
		if o := e.Overrides; o != nil {
			shown.Overrides = &claim{Type: o.Type, Registered: site(o.Site)}
		}
		d.Entries = append(d.Entries, shown)
	}
	stats := r.Stats()
	d.Lookups = counts(stats.Lookups)
	d.Registrations = counts(stats.Registrations)
	d.Reloads = counts(stats.Reloads)
	return d
}

func counts(cs []roster.Count) []count {
	list := make([]count, len(cs))
	for i, c := range cs {
		list[i] = count{Name: c.Name, Outcome: c.Outcome, Count: c.N}
	}
	return list
}

func write(w http.ResponseWriter, status int, answer any) {
	body, err := json.MarshalIndent(answer, "", "  ")
	if err != nil { // every answer is a struct of strings, numbers and times
		http.Error(w, "cannot encode the answer: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // a reader that went away needs no answer
}
