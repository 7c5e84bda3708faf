package roster

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
