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
)

// Lifecycle says when a registry may be written to.
type Lifecycle string

// The lifecycles.
const (
	StartupOnly Lifecycle = "startup-only" // [Registry]
	HotSwap     Lifecycle = "hot"          // [Hot]
)

// Info describes a registry.
type Info struct {
	Name      string
	Type      string // element type
	Lifecycle Lifecycle
	Version   uint64 // counts the writes that took effect
	Size      int    // entries
	Created   Site
}

// EntryInfo describes an entry.
type EntryInfo struct {
	Name       string
	Type       string // dynamic type of the value
	Registered Site
	At         time.Time
	Version    uint64 // of the registry, when the entry was written
	Hits       uint64 // lookups that found this name, also under earlier values
}

// Info describes the registry.
func (r *Registry[T]) Info() Info { return info(r.core, r.snapshot(), StartupOnly) }

// Entries yields what is known of each entry, sorted by name.
func (r *Registry[T]) Entries() iter.Seq[EntryInfo] { return entries(r.core, r.snapshot()) }

// Info describes the registry.
func (h *Hot[T]) Info() Info { return info(h.core, h.published.Load(), HotSwap) }

// Entries yields what is known of each entry of one version, sorted by name.
func (h *Hot[T]) Entries() iter.Seq[EntryInfo] { return entries(h.core, h.published.Load()) }

// Stats returns the registry's counts since it was created.
func (c *core) Stats() Stats {
	sum := newTabulation()
	sum.include(&c.counts.past, c.counts.each)
	return sum.stats()
}

func info[T any](c *core, s *snapshot[T], l Lifecycle) Info {
	return Info{
		Name: c.name, Type: c.elementType, Lifecycle: l,
		Version: s.version, Size: len(s.index), Created: c.created.site(""),
	}
}

func entries[T any](c *core, s *snapshot[T]) iter.Seq[EntryInfo] {
	return func(yield func(EntryInfo) bool) {
		home := c.home()
		for _, name := range s.names {
			e := s.index[name]
			claim := e.claim(home)
			if !yield(EntryInfo{
				Name: name, Type: claim.Type, Registered: claim.Site,
				At: e.at, Version: e.version, Hits: e.hits.load(),
			}) {
				return
			}
		}
	}
}
