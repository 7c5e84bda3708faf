package roster

import "iter"

// A View is the reading half of every registry. Code that only looks things up
// takes a View and works with a startup-only and with a hot registry alike.
//
// All methods are safe for concurrent use and see one consistent version each.
type View[T any] interface {
	// Name is the registry's own name.
	Name() string
	// Get returns the value registered under name and whether there is one.
	Get(name string) (T, bool)
	// Lookup is Get with an error, an *UnknownError, that tells a person what
	// is registered and which names come close.
	Lookup(name string) (T, error)
	// Names lists the registered names in sorted order. The slice is the
	// caller's own.
	Names() []string
	// All yields the entries of one version in sorted order.
	All() iter.Seq2[string, T]
	// Len is the number of entries.
	Len() int
}

var (
	_ View[int] = (*Registry[int])(nil)
	_ View[int] = (*Hot[int])(nil)
)
