package rostertest

import (
	"iter"
	"reflect"
	"time"
)

// A Registry is what the conformance kit tests: the methods of a registry, as functions.
// Method values will often do, as in
//
//	rostertest.Registry{Register: r.TryRegister, Get: r.Get, Names: r.Names, Lookup: r.Lookup}
//
// and a registry of one element type T is adapted with function literals that assert it:
// v.(T), or v, _ := v.(T) if T is an interface, to let nil through; see the example. Register,
// Get and Names are required. Rules about a function that is nil are not checked, and the log
// of [Run] says so.
//
// A function that changes the registry refuses by returning an error or by panicking with
// one, or with a text. A runtime error, such as a write to a nil map, is never a refusal,
// and the functions that read never panic.
type Registry struct {
	Register func(name string, v any) error     // adds v under a free name
	Get      func(name string) (v any, ok bool) // the value of a name
	Names    func() []string                    // all names, sorted

	Lookup     func(name string) (any, error)     // Get for names that people type
	All        func() iter.Seq2[string, any]      // the entries of one version, sorted by name
	Replace    func(name string, v any) error     // changes the value of a taken name
	Unregister func(name string) error            // frees a taken name
	Reload     func(entries map[string]any) error // makes entries all there is
	Seal       func()                             // ends registration

	// Sample returns the values to register, for a registry of one element type. It is
	// called with numbers from 0 to 255, and different numbers give values that can be told
	// apart. If it is nil, the registry takes values of any type.
	Sample func(i int) any

	// Same tells whether two values that Sample returned are the same one. It is needed only
	// where == and reflect.DeepEqual cannot tell, which is so for functions.
	Same func(a, b any) bool

	// Deadline is how long one rule may take before the registry counts as hanging; 0 means
	// 10 seconds, and rules take some hundredths of a second.
	Deadline time.Duration
}

const (
	defaultDeadline = 10 * time.Second
	maxSamples      = 256
)

// has tells whether the registry has the function that a rule needs.
func (r Registry) has(function string) bool {
	return function == "" || !reflect.ValueOf(r).FieldByName(function).IsNil()
}

// A token is the value that the kit registers if the registry takes any type.
type token struct{ number int }

func (r Registry) same(a, b any) bool {
	if r.Same != nil && a != nil && b != nil {
		return r.Same(a, b)
	}
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	switch {
	case !x.IsValid() || !y.IsValid():
		return x.IsValid() == y.IsValid()
	case x.Type() != y.Type():
		return false
	case x.Comparable() && y.Comparable():
		return x.Equal(y)
	case x.Kind() == reflect.Func:
		return x.Pointer() == y.Pointer()
	default:
		return reflect.DeepEqual(a, b)
	}
}

// typedNils are values that are not nil as interfaces but hold a nil.
func (p *probe) typedNils() []any {
	if p.Sample == nil {
		return []any{(*token)(nil), (func())(nil), map[string]int(nil), chan int(nil)}
	}
	if t := reflect.TypeOf(p.sample(0)); canBeNil(t) {
		return []any{reflect.Zero(t).Interface()}
	}
	return nil
}

// zeros are values that are zero and not nil.
func (p *probe) zeros() []any {
	if p.Sample == nil {
		return []any{0, false, "", struct{}{}}
	}
	if t := reflect.TypeOf(p.sample(0)); !canBeNil(t) && t.Kind() != reflect.Slice {
		return []any{reflect.Zero(t).Interface()}
	}
	return nil
}

// canBeNil leaves slices out: a nil slice is an empty one and works.
func canBeNil(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Func, reflect.Map, reflect.Chan, reflect.UnsafePointer:
		return true
	default:
		return false
	}
}
