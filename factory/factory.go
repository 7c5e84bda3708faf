package factory

import (
	"context"
	"errors"
	"reflect"
	"runtime/debug"

	"github.com/roster-go/roster"
)

// A Factory makes a P from a config. What type the config has is known to the
// factory alone, so that factories with different ones fit into one registry. It
// never changes and is safe for concurrent use.
type Factory[P any] struct {
	*config

	build func(ctx context.Context, config reflect.Value) (P, error)
}

// A config is what a factory knows of its config type.
type config struct {
	shape    *shape
	defaults reflect.Value
	site     roster.Site
}

// An Option adjusts a factory whose config is a C.
type Option[C any] func(*C)

// Defaults is the config that a factory starts from: what the given config leaves
// out keeps the value it has here. Lists and maps are replaced as a whole. A field
// that is required has no default.
func Defaults[C any](c C) Option[C] { return func(d *C) { *d = c } }

// Of makes a factory of a constructor and panics with a [*TypeError] if the type C
// cannot be a config. It is meant for starting up.
//
// C is a struct. The tag `json` names a field or leaves it out ("-"), as for
// encoding/json, but upper and lower case differ. `doc:"…"` describes it,
// `config:"required"` demands it wherever its object is given, and `url:"…"` says
// which part of a URL it is:
//
//	host, port   of the address, or both together as address
//	user         name of the user
//	password     for which [Secret] is the right type
//	path         with its leading slash, or without it as tail
//	fragment     what is behind #
//
// Fields are booleans, numbers, strings, [time.Duration], []byte (base64), [Secret],
// types that implement [encoding.TextUnmarshaler] or [json.Unmarshaler], and structs,
// pointers, slices, arrays and maps of these; a pointer may be null. Embedded structs
// are part of the outer one. A field that is not exported is not a part of the
// config.
func Of[P, C any](build func(ctx context.Context, config C) (P, error), opts ...Option[C]) *Factory[P] {
	f, err := newFactory(build, opts)
	if err != nil {
		panic(err)
	}
	return f
}

func newFactory[P, C any](build func(ctx context.Context, config C) (P, error), opts []Option[C]) (*Factory[P], error) {
	goType, site := reflect.TypeFor[C](), roster.CallerSite(0)
	refused := func(fault string) (*Factory[P], error) {
		return nil, &TypeError{Type: goType.String(), Fault: fault, Site: site}
	}
	if build == nil {
		return refused("the constructor is nil")
	}
	s, err := new(study).shapeOf(goType, "")
	if err != nil {
		return refused(err.Error())
	}
	if s.kind != object {
		return refused("it is not a struct with fields")
	}
	var defaults C
	for _, opt := range opts {
		opt(&defaults)
	}
	from := reflect.ValueOf(&defaults).Elem()
	if err := defaultFault(s, from, nil); err != nil {
		return refused(err.Error())
	}
	return &Factory[P]{
		config: &config{shape: s, defaults: clone(s, from), site: site},
		build: func(ctx context.Context, config reflect.Value) (P, error) {
			c, _ := reflect.TypeAssert[C](config)
			return build(ctx, c)
		},
	}, nil
}

// A Registrar is a registry of factories of any lifecycle.
type Registrar[P any] interface {
	TryRegister(name string, f *Factory[P]) error
}

// Register makes a factory and registers it. It panics with the error of
// [TryRegister] if that fails, as is right in an init function.
func Register[P, C any](r Registrar[P], name string, build func(context.Context, C) (P, error), opts ...Option[C]) {
	if err := TryRegister(r, name, build, opts...); err != nil {
		panic(err)
	}
}

// TryRegister makes a factory and registers it. The error is a [*TypeError] or that
// of the registry's TryRegister.
func TryRegister[P, C any](r Registrar[P], name string, build func(context.Context, C) (P, error), opts ...Option[C]) error {
	f, err := newFactory(build, opts)
	if err != nil {
		return err
	}
	return r.TryRegister(name, f)
}

// decode reads, fills and validates a config.
func (c *config) decode(v *value, data []byte) (reflect.Value, *ConfigError) {
	d := decoder{data: data}
	x := clone(c.shape, c.defaults)
	d.decode(v, c.shape, x, nil)
	if len(d.faults) == 0 {
		d.validate(c.shape, x, nil)
	}
	if len(d.faults) == 0 {
		return x, nil
	}
	return x, &ConfigError{Site: c.site, Faults: d.faults, More: d.more}
}

var errNothing = errors.New("it returned neither a product nor an error")

// make calls the constructor.
func (f *Factory[P]) make(ctx context.Context, registry, name string, config reflect.Value) (product P, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &roster.PanicError{Registry: registry, Name: name, Value: v, Site: f.site, Stack: debug.Stack()}
		}
		if err == nil && isNil(product) {
			err = errNothing
		}
		if err != nil {
			var none P
			product, err = none, &BuildError{Registry: registry, Name: name, Site: f.site, Err: err}
		}
	}()
	return f.build(ctx, config)
}

func isNil(product any) bool {
	switch x := reflect.ValueOf(product); x.Kind() { //nolint:exhaustive // The others cannot be nil.
	case reflect.Invalid:
		return true
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Func, reflect.Chan, reflect.Interface:
		return x.IsNil()
	}
	return false
}
