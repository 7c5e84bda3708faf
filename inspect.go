package roster

import (
	"iter"
	"time"
)

// An Inspector is what a registry tells about itself for debugging. It is
// reached through a [Directory] and not meant for a program's logic.
type Inspector interface {
	// Name is the registry's own name.
	Name() string
	// Len is the number of entries.
	Len() int
	// Info describes the registry.
	Info() Info
	// Entries yields what is known of each entry of one version, sorted by name,
	// also of those that are suspended.
	Entries() iter.Seq[EntryInfo]
	// Stats returns the registry's counts.
	Stats() Stats
}

var (
	_ Inspector = (*Registry[int])(nil)
	_ Inspector = (*Hot[int])(nil)
	_ Inspector = (*Lazy[int])(nil)
	_ Inspector = (*Scope[int])(nil)
)

// Lifecycle says when a registry may be written to.
type Lifecycle string

// The lifecycles.
const (
	StartupOnly Lifecycle = "startup-only" // [Registry]
	HotSwap     Lifecycle = "hot"          // [Hot]
	LoadOnUse   Lifecycle = "lazy"         // [Lazy]
	Overlay     Lifecycle = "scope"        // [Scope]
)

// Info describes a registry.
type Info struct {
	Name      string
	Type      string // element type
	Lifecycle Lifecycle
	Version   uint64 // counts the writes that took effect
	Size      int    // entries that are given out
	Suspended int    // entries that are not, because they are suspended
	Created   Site
	Sealed    Site // the place that closed the registry for writing; zero while it is open
}

// EntryInfo describes an entry.
type EntryInfo struct {
	Name       string
	Type       string // dynamic type of the value
	Registered Site
	At         time.Time
	Version    uint64      // of the registry, when the entry was written
	Hits       uint64      // lookups that found this name, also under earlier values
	Overrides  *Claim      // what the value stands in for (see [Registry.Override]), or nil
	Suspended  *Suspension // if the entry is not given out, or nil
}

// Info describes the registry.
func (r *Registry[T]) Info() Info {
	t := r.published.Load()
	info := r.info(StartupOnly, t.version, t.live, t.hidden())
	info.Sealed = r.sealedAt()
	return info
}

// Entries yields what is known of each entry, sorted by name.
func (r *Registry[T]) Entries() iter.Seq[EntryInfo] {
	t := r.published.Load()
	return entries(r.core, t.sortedAll(), t.entry, t.under)
}

// Info describes the registry.
func (h *Hot[T]) Info() Info {
	v := h.published.Load()
	whole := v.entire().live
	info := h.info(HotSwap, v.number, whole, whole-v.live)
	if closed := h.closed.Load(); closed != nil {
		info.Sealed = closed.site(h.home())
	}
	return info
}

// Entries yields what is known of each entry of one version, sorted by name.
func (h *Hot[T]) Entries() iter.Seq[EntryInfo] {
	v := h.published.Load()
	return entries(h.core, v.entire().sorted(), v.entire().entry, v.under)
}

// Info describes the registry. Its size is what is loaded.
func (l *Lazy[T]) Info() Info {
	info := l.hot.Info()
	info.Lifecycle = LoadOnUse
	return info
}

// Entries yields what is known of each value that is loaded, sorted by name.
func (l *Lazy[T]) Entries() iter.Seq[EntryInfo] { return l.hot.Entries() }

// Info describes the scope. Its size is that of its own entries.
func (s *Scope[T]) Info() Info {
	t := s.own.published.Load()
	info := s.info(Overlay, t.version, t.live, t.hidden())
	info.Sealed = s.own.sealedAt()
	return info
}

// Entries yields what is known of each of the scope's own entries, sorted by
// name.
func (s *Scope[T]) Entries() iter.Seq[EntryInfo] { return s.own.Entries() }

// Stats returns the registry's counts since it was created.
func (c *core) Stats() Stats {
	sum := newTabulation()
	sum.include(&c.counts.past, c.counts.each)
	return sum.stats()
}

func (c *core) info(l Lifecycle, version uint64, all, hidden int) Info {
	return Info{
		Name: c.name, Type: c.elementType, Lifecycle: l,
		Version: version, Size: all - hidden, Suspended: hidden, Created: c.created.site(""),
	}
}

func entries[T any](c *core, names []string, entry func(name string) *entry[T], under suspensions) iter.Seq[EntryInfo] {
	return func(yield func(EntryInfo) bool) {
		places, hits := places{home: c.home()}, c.counts.hitsByName()
		for _, name := range names {
			e := entry(name)
			claim := Claim{Type: dynamicType(e.value), Site: places.of(e.site)}
			info := EntryInfo{
				Name: name, Type: claim.Type, Registered: claim.Site,
				At: e.at, Version: e.version, Hits: hits[name],
			}
			if s := under[name]; s != nil {
				shown := *s
				info.Suspended = &shown
			}
			if e.shadowed != nil {
				shadowed := Claim{Type: dynamicType(e.shadowed.value), Site: places.of(e.shadowed.site)}
				info.Overrides = &shadowed
			}
			if !yield(info) {
				return
			}
		}
	}
}

// places resolves call sites and remembers them: the entries of a large registry
// were mostly written at a few places.
type places struct {
	home  string
	known map[callers]Site
}

const maxPlaces = 1000 // remembered at a time

func (p *places) of(c callers) Site {
	if s, ok := p.known[c]; ok {
		return s
	}
	if p.known == nil || len(p.known) >= maxPlaces {
		p.known = make(map[callers]Site)
	}
	s := c.site(p.home)
	p.known[c] = s
	return s
}
