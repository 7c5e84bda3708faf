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
}

func newCore[T any](opts []Option) (*core, *Directory) {
	elementType := reflect.TypeFor[T]().String()
	s := newSettings(elementType, opts)
	c := &core{name: s.name, elementType: elementType, created: callersOf(1), counts: newStats()}
	if fault := checkName(s.name); fault != "" {
		panic(&NameError{Registry: elementType, Name: s.name, Fault: fault, Site: c.created.site("")})
	}
	return c, s.directory
}

// Name is the registry's own name: the one given with [Named], or its element
// type.
func (c *core) Name() string { return c.name }

// home is the package that created the registry.
func (c *core) home() string { return c.created.homePackage() }

// check refuses what must never become an entry, and counts the refusal.
func check[T any](c *core, name string, v *T, site callers) error {
	if fault := checkName(name); fault != "" {
		c.counts.refused(name, Invalid)
		return &NameError{Registry: c.name, Name: name, Fault: fault, Site: site.site(c.home())}
	}
	if what := nilness(v); what != "" {
		c.counts.refused(name, Invalid)
		return &NilError{Registry: c.name, Name: name, What: what, Site: site.site(c.home())}
	}
	return nil
}

func newEntry[T any](hits counter, v T, site callers, version uint64) *entry[T] {
	return &entry[T]{value: v, hits: hits, site: site, at: time.Now(), version: version}
}

func (e *entry[T]) claim(home string) Claim {
	return Claim{Type: dynamicType(&e.value), Site: e.site.site(home)}
}
