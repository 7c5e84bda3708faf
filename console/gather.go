package console

import (
	"cmp"
	"slices"

	"github.com/roster-go/roster"
)

// Limits of what is told of one registry.
const (
	maxChanges      = 20     // latest changes
	maxChangedNames = 20     // names of each list of a change
	maxHolders      = 100    // pins and leases
	maxComparisons  = 20_000 // of names that were missed with names that are there
)

// A subject is a registry that is shown, under the name that is shown.
type subject struct {
	roster.Inspector
	censor

	shownAs string
}

// subjects are the registries that are shown, in order by their shown names.
func (c *console) subjects() []subject {
	var list []subject
	for _, r := range c.directory.Registries() {
		s := subject{Inspector: r, censor: censor{redact: c.redact, registry: r.Name()}}
		var ok bool
		if s.shownAs, ok = s.text(RegistryName, "", r.Name()); ok {
			list = append(list, s)
		}
	}
	if c.redact != nil {
		slices.SortStableFunc(list, func(a, b subject) int { return cmp.Compare(a.shownAs, b.shownAs) })
	}
	return list
}

func (s subject) summary() summary {
	i := s.Info()
	shown := summary{
		Name: s.shownAs, Type: s.shown(TypeName, "", i.Type), Lifecycle: i.Lifecycle,
		Version: i.Version, Size: i.Size, Suspended: i.Suspended, Created: s.site("", i.Created),
	}
	if !i.Sealed.IsZero() {
		sealed := s.site("", i.Sealed)
		shown.Sealed = &sealed
	}
	if reporter, ok := s.Inspector.(roster.Reporter); ok {
		t := reporter.Traffic()
		shown.Hits, shown.Misses, shown.Refused = t.Hits, t.Misses, t.Refused
	}
	return shown
}

// detail tells all of a registry that q asks for.
func (s subject) detail(q query) (detail, error) {
	d := detail{summary: s.summary(), Entries: []entry{}}
	there := make(map[string]bool) // by true name: all entries
	for e := range s.Entries() {
		there[e.Name] = true
		if shown, ok := s.entry(e); ok {
			d.Entries = append(d.Entries, shown)
		}
	}
	if s.redact != nil {
		slices.SortStableFunc(d.Entries, func(a, b entry) int { return cmp.Compare(a.Name, b.Name) })
	}
	var err error
	if d.Entries, d.Page, err = arrange(q, d.Entries, entryColumns, entry.matches); err != nil {
		return d, err
	}
	s.count(&d, q, there)
	s.missed(&d, there)
	if historian, ok := s.Inspector.(roster.Historian); ok {
		s.changes(&d, historian.History(maxChanges))
		s.holders(&d, historian)
	}
	return d, nil
}

var entryColumns = []column[entry]{
	{name: "name", compare: func(a, b entry) int { return cmp.Compare(a.Name, b.Name) }},
	{name: "state", falling: true, compare: func(a, b entry) int { return cmp.Compare(a.state(), b.state()) }},
	{name: "type", compare: func(a, b entry) int { return cmp.Compare(a.Type, b.Type) }},
	{name: "hits", falling: true, compare: func(a, b entry) int { return cmp.Compare(a.Hits, b.Hits) }},
	{name: "version", falling: true, compare: func(a, b entry) int { return cmp.Compare(a.Version, b.Version) }},
	{name: "at", falling: true, compare: func(a, b entry) int { return a.At.Compare(b.At) }},
	{name: "registered", compare: func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.Registered.File, b.Registered.File), cmp.Compare(a.Registered.Line, b.Registered.Line))
	}},
}

// state grows with how much an entry is out of the ordinary.
func (e entry) state() int {
	switch {
	case e.Suspended != nil:
		return 2
	case e.Overrides != nil:
		return 1
	}
	return 0
}

func (e entry) matches(search string) bool {
	return contains(search, e.Name, e.Type, e.Registered.Package, e.Registered.File)
}

func (s subject) entry(e roster.EntryInfo) (shown entry, ok bool) {
	name, ok := s.name(e.Name)
	if !ok {
		return entry{}, false
	}
	shown = entry{
		Name: name, Type: s.shown(TypeName, e.Name, e.Type), Registered: s.site(e.Name, e.Registered),
		At: e.At, Version: e.Version, Hits: e.Hits,
	}
	if o := e.Overrides; o != nil {
		shown.Overrides = &claim{Type: s.shown(TypeName, e.Name, o.Type), Registered: s.site(e.Name, o.Site)}
	}
	if held := e.Suspended; held != nil {
		shown.Suspended = &suspension{Since: held.Since, By: s.site(e.Name, held.By())}
		if held.Why != nil {
			shown.Suspended.Why = s.shown(Remark, e.Name, held.Why.Error())
		}
	}
	return shown, true
}

// count tells how often things happened. An answer with a limit leaves out the
// counts of entries that it does not list: what remains is bounded.
func (s subject) count(d *detail, q query, there map[string]bool) {
	listed := make(map[string]bool, len(d.Entries))
	for _, e := range d.Entries {
		listed[e.Name] = true
	}
	stats := s.Stats()
	counts := func(all []roster.Count) []count {
		list := []count{}
		for _, c := range all {
			name, ok := s.name(c.Name)
			if ok && (q.Limit == 0 || listed[name] || !there[c.Name]) {
				list = append(list, count{Name: name, Outcome: c.Outcome, Count: c.N})
			}
		}
		return list
	}
	d.Lookups = counts(stats.Lookups)
	d.Registrations = counts(stats.Registrations)
	d.Reloads = counts(stats.Reloads)
}

// missed tells what was asked for in vain. What may be meant is worked out for
// the most wanted names, as far as maxComparisons go.
func (s subject) missed(d *detail, there map[string]bool) {
	d.Missed = []miss{}
	reporter, ok := s.Inspector.(roster.Reporter)
	if !ok {
		return
	}
	comparisons := maxComparisons
	for _, c := range reporter.Missed() {
		name, ok := s.name(c.Name)
		if !ok {
			continue
		}
		m := miss{Name: name, Count: c.N, Registered: there[c.Name]}
		comparisons -= len(there)
		if c.Name != roster.OtherName && !m.Registered && comparisons >= 0 {
			s.advise(&m, reporter.Explain(c.Name))
		}
		d.Missed = append(d.Missed, m)
	}
}

func (s subject) advise(m *miss, e *roster.UnknownError) {
	m.Nearest, _ = s.names(e.Nearest, len(e.Nearest))
	if e.Suggested != "" {
		suggested, ok := s.name(e.Suggested)
		if !ok {
			return
		}
		m.Suggested = suggested
	}
	for _, p := range e.Providers {
		if path, ok := s.text(PackagePath, e.Name, p.Import); ok {
			m.Providers = append(m.Providers, provider{Import: path, Note: s.shown(Remark, e.Name, p.Note)})
		}
	}
}

func (s subject) changes(d *detail, history []roster.Change) {
	for _, c := range history {
		shown := change{Version: c.Version, At: c.At}
		for _, list := range []struct {
			names []string
			shown *[]string
		}{{c.Added, &shown.Added}, {c.Replaced, &shown.Replaced}, {c.Removed, &shown.Removed}} {
			some, more := s.names(list.names, maxChangedNames)
			*list.shown = some
			shown.More += more
		}
		if len(shown.Added)+len(shown.Replaced)+len(shown.Removed) == 0 {
			continue // all of it is hidden
		}
		shown.By = s.site(only(c), c.By())
		d.Changes = append(d.Changes, shown)
	}
}

// only is the name that c changed, if it is a single one.
func only(c roster.Change) string {
	names := slices.Concat(c.Added[:min(2, len(c.Added))], c.Replaced[:min(2, len(c.Replaced))], c.Removed[:min(2, len(c.Removed))])
	if len(names) != 1 {
		return ""
	}
	return names[0]
}

func (s subject) holders(d *detail, historian roster.Historian) {
	waiting := make(map[roster.Holder]bool)
	if e := historian.Stuck(); e != nil {
		retiring, ok := s.name(e.Retiring)
		if ok || e.Values > 0 {
			d.Stuck = &stuck{Values: e.Values, Retiring: retiring}
		}
		for _, h := range e.Holders {
			waiting[h] = true
		}
	}
	for _, h := range historian.Holders() {
		name, ok := s.name(h.Name)
		if !ok {
			continue
		}
		shown := holder{
			Kind: h.Kind, Name: name, Version: h.Version, Label: s.shown(OwnerLabel, h.Name, h.Label),
			At: s.site(h.Name, h.Site), Stuck: waiting[h],
		}
		if !h.Superseded.IsZero() {
			shown.Superseded = &h.Superseded
		}
		d.Holders = append(d.Holders, shown)
	}
	slices.SortStableFunc(d.Holders, func(a, b holder) int { return -cmp.Compare(rank(a), rank(b)) })
	d.MoreHolders = max(0, len(d.Holders)-maxHolders)
	d.Holders = d.Holders[:len(d.Holders)-d.MoreHolders]
}

// rank puts those first who keep something from being retired.
func rank(h holder) int {
	if h.Stuck {
		return 1
	}
	return 0
}
