package roster

import (
	"fmt"
	"reflect"

	"github.com/roster-go/roster/internal/hook"
)

func init() { hook.Override = substitute } //nolint:gochecknoinits // a variable of a package below, which nothing else sets

// substitute is [hook.Override].
func substitute(registry any, name string, v any) (restore func(), err error) {
	r, ok := registry.(interface {
		substitute(name string, v any, site callers) (func(), error)
	})
	if !ok {
		return nil, fmt.Errorf("roster: a %T is not a registry whose values can be overridden", registry)
	}
	return r.substitute(name, v, callersOf(1)) // the caller of rostertest.Override
}

// valueOf checks what a test wants to put into a registry.
func valueOf[T any](c *core, name string, v any) (value T, err error) {
	if fault := checkName(name); fault != "" {
		return value, &NameError{Registry: c.name, Name: name, Fault: fault}
	}
	value, ok := v.(T)
	if !ok {
		return value, fmt.Errorf("roster: %s: %q cannot be overridden with a %T, the registry holds %s",
			c.name, name, v, reflect.TypeFor[T]())
	}
	if what := nilness(value); what != "" {
		return value, &NilError{Registry: c.name, Name: name, What: what}
	}
	return value, nil
}

func (r *Registry[T]) substitute(name string, v any, site callers) (restore func(), err error) {
	value, err := valueOf[T](r.core, name, v)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	original := r.published.Load().entry(name)
	r.set(name, newEntry(value, site, r.published.Load().version+1))
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.set(name, original)
	}, nil
}

// set publishes e, which may be nil, as the entry of name, without counting. The
// caller holds r.mu.
func (r *Registry[T]) set(name string, e *entry[T]) {
	t := r.published.Load()
	if n, known := t.find(name); known {
		r.published.Store(t.changed(n, e))
		return
	}
	next := t.with(name, e, r.counted)
	r.counts.extend(next.names, next.hits)
	r.published.Store(next)
}

func (h *Hot[T]) substitute(name string, v any, site callers) (restore func(), err error) {
	value, err := valueOf[T](h.core, name, v)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	original := h.peek(name)
	if err := h.set(name, newEntry(value, site, h.Version()+1), site); err != nil {
		return nil, err
	}
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if err := h.set(name, original, site); err != nil {
			panic(err) // what was there before the test no longer fits what was written since
		}
	}, nil
}

func (l *Lazy[T]) substitute(name string, v any, site callers) (restore func(), err error) {
	return l.hot.substitute(name, v, site)
}

func (s *Scope[T]) substitute(name string, v any, site callers) (restore func(), err error) {
	return s.own.substitute(name, v, site)
}

// set publishes e, which may be nil, as the entry of name, without counting and
// without retiring what it replaces. The caller holds h.mu.
func (h *Hot[T]) set(name string, e *entry[T], site callers) error {
	d := h.draft(site)
	defer d.end()
	d.set(name, e)
	df := d.diff()
	df.dead = nil
	d.widen()
	if err := h.index(&d.next, d.base, &df.change); err != nil {
		return err
	}
	h.counts.extend(d.next.names, d.next.hits)
	h.install(d, df)
	return nil
}
