package rostertest

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
)

// A probe is the registry that one rule is tested on.
type probe struct {
	Registry

	create  func() Registry // another one
	samples []any           // those made so far
}

// sample is the i-th value, the same one each time. It is not for concurrent use.
func (p *probe) sample(i int) any {
	for n := len(p.samples); n <= i; n++ {
		if p.Sample == nil {
			p.samples = append(p.samples, &token{n})
		} else {
			p.samples = append(p.samples, p.Sample(n))
		}
	}
	return p.samples[i]
}

// failf leaves the test of the rule: it is broken.
func (p *probe) failf(format string, args ...any) {
	panic(broken{fmt.Errorf(format, args...)})
}

// attempt calls a function that may refuse by an error or a panic, and returns the refusal.
// A runtime error passes through: it is a crash. The exception is a type assertion, by which
// an adapter refuses a value that the registry's element type cannot hold, such as nil for int.
func attempt(f func() error) (err error) {
	defer func() {
		switch v := recover().(type) {
		case nil:
		case *runtime.TypeAssertionError:
			err = v
		case runtime.Error:
			panic(v)
		case error:
			err = v
		default:
			err = fmt.Errorf("%v", v)
		}
	}()
	return f()
}

// register adds what has to be accepted.
func (p *probe) register(name string, v any) {
	if err := attempt(func() error { return p.Register(name, v) }); err != nil {
		p.failf("Register(%q, %v) of a free name is refused: %w", name, v, err)
	}
}

// registerAll adds sample i under the i-th name.
func (p *probe) registerAll(names ...string) {
	for i, name := range names {
		p.register(name, p.sample(i))
	}
}

// refuses calls a function that has to fail; what describes the call.
func (p *probe) refuses(what string, f func() error) {
	if attempt(f) == nil {
		p.failf("%s is accepted", what)
	}
}

// accepts calls a function that has to succeed; what describes the call.
func (p *probe) accepts(what string, f func() error) {
	if err := attempt(f); err != nil {
		p.failf("%s is refused: %w", what, err)
	}
}

// holds checks that every way to read the registry shows exactly want; when says after what.
// The order of names is a rule of its own.
func (p *probe) holds(when string, want map[string]any) {
	wanted := slices.Sorted(maps.Keys(want))
	if got := slices.Sorted(slices.Values(p.Names())); !slices.Equal(got, wanted) {
		p.failf("%s, Names() has %q, want %q", when, got, wanted)
	}
	for _, name := range wanted {
		if got, ok := p.Get(name); !ok || !p.same(got, want[name]) {
			p.failf("%s, Get(%q) = %v, %t, want %v, true", when, name, got, ok, want[name])
		}
		if p.Lookup == nil {
			continue
		}
		if got, err := p.Lookup(name); err != nil || !p.same(got, want[name]) {
			p.failf("%s, Lookup(%q) = %v, %v, want %v and no error", when, name, got, err, want[name])
		}
	}
	if p.All == nil {
		return
	}
	if got := maps.Collect(p.All()); !maps.EqualFunc(got, want, p.same) {
		p.failf("%s, All() yields %v, want %v", when, got, want)
	}
}

// lacks checks that a name is not there.
func (p *probe) lacks(when, name string) {
	if v, ok := p.Get(name); ok {
		p.failf("%s, Get(%q) = %v, true, want false", when, name, v)
	}
	if p.Lookup == nil {
		return
	}
	if v, err := p.Lookup(name); err == nil {
		p.failf("%s, Lookup(%q) = %v and no error", when, name, v)
	}
}

// together runs the functions at the same time, waits for all of them, and fails as the
// first that failed.
func (p *probe) together(functions ...func()) {
	start := make(chan struct{})
	errs := make([]error, len(functions))
	var running sync.WaitGroup
	for i, f := range functions {
		running.Go(func() {
			<-start
			errs[i] = errGoexit // if f never returns
			errs[i] = caught(f)
		})
	}
	close(start)
	running.Wait()
	for _, err := range errs {
		if err != nil {
			panic(broken{err})
		}
	}
}

// times is n functions that each call f with their number.
func times(n int, f func(i int)) []func() {
	functions := make([]func(), n)
	for i := range functions {
		functions[i] = func() { f(i) }
	}
	return functions
}
