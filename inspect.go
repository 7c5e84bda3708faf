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
	// Entries yields what is known of each entry of one version, sorted by name.
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
	Size      int    // entries
	Created   Site
	Sealed    Site // the place that closed the registry for writing; zero while it is open
}

// EntryInfo describes an entry.
type EntryInfo struct {
	Name       string
	Type       string // dynamic type of the value
	Registered Site
	At         time.Time
	Version    uint64 // of the registry, when the entry was written
	Hits       uint64 // lookups that found this name, also under earlier values
	Overrides  *Claim // what the value stands in for (see [Registry.Override]), or nil
}

// Info describes the registry.
func (r *Registry[T]) Info() Info {
	t := r.published.Load()
	info := r.info(StartupOnly, t.version, t.live)
	info.Sealed = r.sealedAt()
	return info
}

// Entries yields what is known of each entry, sorted by name.
func (r *Registry[T]) Entries() iter.Seq[EntryInfo] {
	t := r.published.Load()
	return entries(r.core, t.sorted(), t.entry)
}

// Info describes the registry.
func (h *Hot[T]) Info() Info {
	v := h.published.Load()
	info := h.info(HotSwap, v.number, v.live)
	if closed := h.closed.Load(); closed != nil {
		info.Sealed = closed.site(h.home())
	}
	return info
}

// Entries yields what is known of each entry of one version, sorted by name.
func (h *Hot[T]) Entries() iter.Seq[EntryInfo] {
	v := h.published.Load()
	return entries(h.core, v.sorted(), v.entry)
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
	info := s.info(Overlay, t.version, t.live)
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

func (c *core) info(l Lifecycle, version uint64, size int) Info {
	return Info{
		Name: c.name, Type: c.elementType, Lifecycle: l,
		Version: version, Size: size, Created: c.created.site(""),
	}
}

func entries[T any](c *core, names []string, entry func(name string) *entry[T]) iter.Seq[EntryInfo] {
	return func(yield func(EntryInfo) bool) {
		home, hits := c.home(), c.counts.hitsByName()
		for _, name := range names {
			e := entry(name)
			claim := e.claim(home)
			info := EntryInfo{
				Name: name, Type: claim.Type, Registered: claim.Site,
				At: e.at, Version: e.version, Hits: hits[name],
			}
			if e.shadowed != nil {
				shadowed := e.shadowed.claim(home)
				info.Overrides = &shadowed
			}
			if !yield(info) {
				return
			}
		}
	}
}
