package roster

import (
	"reflect"
	"time"
)

// core is what the registries of all lifecycles and element types share.
type core struct {
	name        string
	elementType string
	created     callers
	counts      *stats
	counted     bool
	catalogue   Catalogue
	early       earlyLookups
	source      string    // of entries, in logs
	loads       *loadLogs // of the directory; nil if the registry is in none
}

// newCore is called by the exported constructor of a registry.
func newCore[T any](s *settings) *core {
	created := callersOf(1)
	elementType := reflect.TypeFor[T]().String()
	if fault := checkName(s.name); fault != "" {
		panic(&NameError{Registry: elementType, Name: s.name, Fault: fault, Site: created.site("")})
	}
	return &core{
		name: s.name, elementType: elementType, created: created,
		counts: newStats(), counted: !s.uncounted, catalogue: s.catalogue, source: linkedIn,
	}
}

// Name is the registry's own name: the one given with [Named], or its element
// type.
func (c *core) Name() string { return c.name }

// home is the package that created the registry.
func (c *core) home() string { return c.created.homePackage() }

// missed counts a lookup that found nothing, or nothing that may be given out.
func (c *core) missed(under suspensions, name string) {
	switch {
	case !c.counted:
	case under[name] != nil:
		c.counts.past.refused.add(name, 1)
	default:
		c.counts.past.misses.add(name, 1)
	}
}

// check refuses what must never become an entry, and counts the refusal.
func check[T any](c *core, name string, v T, site callers) error {
	if fault := checkName(name); fault != "" {
		c.counts.past.invalid.add(name, 1)
		return &NameError{Registry: c.name, Name: name, Fault: fault, Site: site.site(c.home())}
	}
	if what := nilness(v); what != "" {
		c.counts.past.invalid.add(name, 1)
		return &NilError{Registry: c.name, Name: name, What: what, Site: site.site(c.home())}
	}
	return nil
}

// An entry is what is known of one value under one name. It never changes; a
// replacement is a new entry.
type entry[T any] struct {
	value   T
	site    callers
	at      time.Time
	version uint64 // of the registry that first had the entry

	override bool      // put there by a verb that says so
	shadowed *entry[T] // what an override stands in for; nil if nothing yet
}

func (e *entry[T]) claim(home string) Claim {
	return Claim{Type: dynamicType(e.value), Site: e.site.site(home)}
}
