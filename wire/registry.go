package wire

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/roster-go/roster"
)

// A Registry knows the wire names of types that implement the interface I. Create
// one with [New]. It is safe for concurrent use.
type Registry[I any] struct {
	types    *roster.Registry[*Type]
	envelope Envelope

	mu     sync.Mutex // serialises changes of byType; readers do not take it
	byType atomic.Pointer[map[reflect.Type]*Type]
	inGob  atomic.Bool // encoding/gob may be used
}

// A Type is what a registry knows of a type. Registries hold it under its name and
// under each of its aliases.
type Type struct {
	Name     string
	Aliases  []string
	Version  int // that is written; 1 unless the option [Version] says otherwise
	Go       string
	goType   reflect.Type
	plain    bool            // a struct that encoding/json encodes field by field
	opening  string          // of its envelope
	upgrades map[int]upgrade // by the version they start from
}

// New creates a registry for the interface type I, whose values are encoded in
// envelope. Its options are those of a [roster.Registry]. It panics if I is not an
// interface type, or if the envelope has no field for the name.
func New[I any](envelope Envelope, opts ...roster.RegistryOption) *Registry[I] {
	t := reflect.TypeFor[I]()
	if t.Kind() != reflect.Interface {
		panic(fmt.Sprintf("roster: wire.New[%s]: it is not an interface type (at %s)", t, roster.CallerSite(0)))
	}
	if envelope.name == "" || envelope.name == envelope.value {
		panic(fmt.Sprintf("roster: wire.New[%s]: the envelope needs a field for the name, and another one for the value (at %s)",
			t, roster.CallerSite(0)))
	}
	r := &Registry[I]{
		types:    roster.New[*Type](append([]roster.RegistryOption{roster.Named(t.String())}, opts...)...),
		envelope: envelope,
	}
	r.byType.Store(&map[reflect.Type]*Type{})
	return r
}

// Types is the registry of the names and aliases.
func (r *Registry[I]) Types() roster.View[*Type] { return r.types }

// Register gives the type T a name in r and panics with the error of [TryRegister]
// if that fails. It is meant for init functions.
func Register[T, I any](r *Registry[I], name string, opts ...Option) {
	if err := TryRegister[T](r, name, opts...); err != nil {
		panic(err)
	}
}

// TryRegister gives the type T a name in r. Values are decoded as T, so if methods
// of I have pointer receivers T is a pointer type. The error is one of
// [roster.Registry.TryRegister] for the name and each alias, or a [*TypeError]; the
// registry is then as it was.
func TryRegister[T, I any](r *Registry[I], name string, opts ...Option) error {
	t := &Type{Name: name, Version: 1, goType: reflect.TypeFor[T](), upgrades: make(map[int]upgrade)}
	t.Go, t.plain = t.goType.String(), encodesFields(t.goType)
	for _, opt := range opts {
		opt(t)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if fault := r.fault(t); fault != "" {
		return &TypeError{Registry: r.types.Name(), Name: name, Type: t.Go, Fault: fault, Site: roster.CallerSite(0)}
	}
	var err error
	if t.opening, err = r.envelope.opening(t); err != nil {
		return err
	}
	if err := r.registerNames(t); err != nil {
		return err
	}
	known := maps.Clone(*r.byType.Load())
	known[t.goType] = t
	r.byType.Store(&known)
	return nil
}

// registerNames registers t under all of its names, or under none. The caller holds
// r.mu.
func (r *Registry[I]) registerNames(t *Type) error {
	names := append([]string{t.Name}, t.Aliases...)
	// A registry of their own finds names that are malformed or there twice.
	alone := roster.New[*Type](roster.Named(r.types.Name()), roster.Unlisted())
	for _, name := range names {
		if err := alone.TryRegister(name, t); err != nil {
			return err
		}
	}
	// A name that is taken comes first, so that nothing is registered before it fails.
	taken := make(map[string]bool) // also by types that are suspended
	for _, other := range *r.byType.Load() {
		taken[other.Name] = true
		for _, alias := range other.Aliases {
			taken[alias] = true
		}
	}
	if i := slices.IndexFunc(names, func(name string) bool { return taken[name] }); i > 0 {
		names[0], names[i] = names[i], names[0]
	}
	for _, name := range names {
		if err := r.types.TryRegister(name, t); err != nil {
			return err
		}
	}
	return nil
}

// fault says why t cannot be registered, or "".
func (r *Registry[I]) fault(t *Type) string {
	want := reflect.TypeFor[I]()
	switch other := (*r.byType.Load())[t.goType]; {
	case t.goType.Kind() == reflect.Interface:
		return "it is an interface type; register the types that implement it"
	case !t.goType.Implements(want):
		if reflect.PointerTo(t.goType).Implements(want) {
			return fmt.Sprintf("it does not implement %s, but *%s does; register that", want, t.Go)
		}
		return fmt.Sprintf("it does not implement %s", want)
	case other != nil:
		return fmt.Sprintf("it is registered as %q already; a type has one name, and others are aliases", other.Name)
	}
	for _, name := range append([]string{t.Name}, t.Aliases...) {
		if strings.Contains(name, versionMark) {
			return fmt.Sprintf("the name %q has an %s, which separates a name from its version", name, versionMark)
		}
	}
	if field := r.envelope.clash(t.goType); field != "" {
		return fmt.Sprintf("its field %s is called %q in JSON, like the one for the name; rename it, or use the envelope Wrapped",
			field, r.envelope.name)
	}
	return t.upgradeFault()
}

// A TypeError reports a type that cannot be registered.
type TypeError struct {
	Registry string
	Name     string
	Type     string
	Fault    string
	Site     roster.Site
}

func (e *TypeError) Error() string {
	return fmt.Sprintf("roster: %s: cannot register %s as %q: %s (at %s)", e.Registry, e.Type, e.Name, e.Fault, e.Site)
}

// tag is what names t on the wire.
func (t *Type) tag() string {
	if t.Version == 1 {
		return t.Name
	}
	return fmt.Sprint(t.Name, versionMark, t.Version)
}
