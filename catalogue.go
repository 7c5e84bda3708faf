package roster

import (
	"maps"
	"slices"
)

// A Provider is a package that registers a name when it is imported for its
// side effect.
type Provider struct {
	Import string // the path for the import declaration, for example "github.com/lib/pq"
	Note   string // what to know before choosing it, for example "needs cgo"; may be empty
}

// A Catalogue tells which packages are known to provide which names. It is
// advice for error texts: nothing is imported or registered because of it. A
// name may have several providers; the first is the one to recommend.
//
// The package providers has catalogues for the registries of the standard
// library and of widely used modules.
type Catalogue map[string][]Provider

// providers returns those of name, or else those of the catalogued name that
// name may be a slip of, with that name.
func (c Catalogue) providers(name string) (suggested string, providers []Provider) {
	if len(c) == 0 {
		return "", nil
	}
	if providers = c[name]; len(providers) > 0 {
		return "", slices.Clone(providers)
	}
	near := Nearest(name, slices.Sorted(maps.Keys(c)))
	if len(near) == 0 {
		return "", nil
	}
	return near[0], slices.Clone(c[near[0]])
}
