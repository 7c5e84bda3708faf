package roster

import (
	"reflect"
	"time"
)

// An Option adjusts a registry of any lifecycle when it is created.
type Option interface {
	RegistryOption
	HotOption
	LazyOption
}

// A RegistryOption adjusts a [Registry] or a [Scope] when it is created.
type RegistryOption interface{ forRegistry(s *settings) }

// A HotOption adjusts a [Hot] registry when it is created.
type HotOption interface{ forHot(s *settings) }

// A LazyOption adjusts a [Lazy] registry when it is created.
type LazyOption interface{ forLazy(s *settings) }

// A ChangingOption adjusts a registry that values can leave.
type ChangingOption interface {
	HotOption
	LazyOption
}

type (
	option         func(*settings)
	registryOption func(*settings)
	hotOption      func(*settings)
	lazyOption     func(*settings)
	changingOption func(*settings)
)

func (o option) forRegistry(s *settings)         { o(s) }
func (o option) forHot(s *settings)              { o(s) }
func (o option) forLazy(s *settings)             { o(s) }
func (o registryOption) forRegistry(s *settings) { o(s) }
func (o hotOption) forHot(s *settings)           { o(s) }
func (o lazyOption) forLazy(s *settings)         { o(s) }
func (o changingOption) forHot(s *settings)      { o(s) }
func (o changingOption) forLazy(s *settings)     { o(s) }

// settings are what options adjust. Some hold functions of a type that the
// constructor knows.
type settings struct {
	name      string
	directory *Directory
	unlisted  bool
	uncounted bool
	catalogue Catalogue

	collect, keepIdentical, sealAtFirstUse bool // Registry

	retire      any // func(string, T) error
	closing     bool
	validate    []any // of func(View[T]) error
	stuckAfter  time.Duration
	reportStuck func(*StuckError)

	retryAfter time.Duration // Lazy
}

func newSettings[T any]() settings {
	name := reflect.TypeFor[T]().String()
	if checkName(name) != "" { // the text of a type literal may be too long
		name = reflect.TypeFor[T]().Kind().String()
	}
	return settings{name: name, directory: DefaultDirectory()}
}

// Named gives a registry its name, the one that error texts, metrics and the
// debug pages use. Without it a registry is called after its element type, so
// that New[http.Handler]() is "http.Handler".
//
// A name that no registry entry could have (see [NameError]) makes the
// constructor panic: it is a mistake in the program, not in its input.
func Named(name string) Option {
	return option(func(s *settings) { s.name = name })
}

// In lists the registry in d instead of the process-wide [DefaultDirectory].
func In(d *Directory) Option {
	return option(func(s *settings) {
		if d != nil {
			s.directory = d
		}
	})
}

// Unlisted keeps the registry out of every directory: out of metrics and debug
// pages. It is meant for registries that live as long as a request.
func Unlisted() Option {
	return option(func(s *settings) { s.unlisted = true })
}

// Uncounted turns the counting of lookups off, hits and misses, which makes a
// lookup faster by a few nanoseconds. Registrations are still counted.
func Uncounted() Option {
	return option(func(s *settings) { s.uncounted = true })
}

// Known lets the registry's error texts name the import that provides a name
// that is not registered. Of several catalogues the last one that has a name
// counts.
func Known(catalogue Catalogue) Option {
	return option(func(s *settings) {
		merged := make(Catalogue, len(s.catalogue)+len(catalogue))
		for _, from := range []Catalogue{s.catalogue, catalogue} {
			for name, providers := range from {
				merged[name] = append([]Provider(nil), providers...)
			}
		}
		s.catalogue = merged
	})
}
