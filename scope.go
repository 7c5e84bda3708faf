package roster

import (
	"errors"
	"iter"
	"slices"
	"strings"
)

// A Scope overlays another view with entries of its own: for a tenant, a test, a
// request. A lookup finds the scope's own entry first and the parent's otherwise,
// so that the parent's changes show through. Create one with [NewScope].
//
// The scope's own entries are startup-only, as in a [Registry]. Registering a
// name that the parent has is a clash; [Scope.Override] is the verb that shadows
// it. The parent never changes. A scope that is no longer referenced is
// collected and leaves its directory.
//
// A Scope is safe for concurrent use.
type Scope[T any] struct {
	*core
	own    *Registry[T]
	parent View[T]
}

var _ View[int] = (*Scope[int])(nil)

// scopeSuffix tells the scopes of a registry from the registry where they are
// counted.
const scopeSuffix = " (scope)"

// NewScope creates an empty scope over parent, which may be any registry, a
// [Pin], or another scope. Without the option [Named] it is called after its
// parent.
func NewScope[T any](parent View[T], opts ...RegistryOption) *Scope[T] {
	s := newSettings[T]()
	s.name = parent.Name()
	if name := s.name + scopeSuffix; !strings.HasSuffix(s.name, scopeSuffix) && len(name) <= MaxNameLen {
		s.name = name
	}
	for _, opt := range opts {
		opt.forRegistry(&s)
	}
	c := newCore[T](&s)
	scope := &Scope[T]{core: c, own: newRegistry[T](c, &s), parent: parent}
	if !s.unlisted {
		list(s.directory, scope, c)
	}
	return scope
}

// Register adds v under name and panics with the error of [Scope.TryRegister] if
// that fails.
func (s *Scope[T]) Register(name string, v T) {
	s.own.collected(s.register(name, v, callersOf(0)))
}

// TryRegister adds v under a name that neither the scope nor its parent has. Its
// errors are those of [Registry.TryRegister]. A name that the parent gets
// afterwards is shadowed.
func (s *Scope[T]) TryRegister(name string, v T) error { return s.register(name, v, callersOf(0)) }

func (s *Scope[T]) register(name string, v T, site callers) error {
	if existing := peek(s.parent, name); existing != nil {
		if s.own.policy.keepIdentical && same(existing.value, v) {
			return nil
		}
		s.counts.past.duplicate.add(name, 1)
		clash := duplicate(s.core, name, existing, v, site)
		clash.clash = "is taken by " + s.parent.Name()
		clash.cure = "use Override to shadow it, or register under another name"
		return clash
	}
	return s.own.register(name, v, site)
}

// Override shadows the parent's entry of name within the scope. [EntryInfo]
// shows both places. The error is a [*NameError] or [*NilError] for bad input, a
// [*DuplicateError] if the scope has the name itself, a [*SealedError], or an
// [*OverrideError] if the parent does not have the name.
func (s *Scope[T]) Override(name string, v T) error {
	site := callersOf(0)
	if err := check(s.core, name, v, site); err != nil {
		return err
	}
	shadowed := peek(s.parent, name) // before the lock: it may call code of somebody else's
	near := []string(nil)
	if shadowed == nil {
		near = Nearest(name, s.parent.Names())
	}
	s.own.mu.Lock()
	defer s.own.mu.Unlock()
	if err := s.own.closed(name, site); err != nil {
		return err
	}
	t := s.own.published.Load()
	if existing := t.entry(name); existing != nil {
		s.counts.past.duplicate.add(name, 1)
		if existing.override {
			return overriddenTwice(s.core, name, existing, v, site)
		}
		return duplicate(s.core, name, existing, v, site)
	}
	stand := newEntry(v, site, t.version+1)
	stand.override = true
	stand.shadowed = shadowed
	if shadowed == nil {
		at := site.site(s.home())
		return &OverrideError{
			Registry: s.name, Name: name, Existing: Claim{Type: dynamicType(v), Site: at}, Nearest: near, Site: at,
		}
	}
	s.own.add(t, name, stand)
	return nil
}

// Seal closes the scope for writing, as [Registry.Seal] does.
func (s *Scope[T]) Seal() { s.own.seal(callersOf(0), "sealed") }

// Verify reports the clashes that [CollectConflicts] kept back, as
// [Registry.Verify] does.
func (s *Scope[T]) Verify() error { return s.own.Verify() }

// Get returns the scope's own value of name, or else its parent's, and whether
// there is one. A hit is counted where the value is, a miss at the outermost
// parent.
func (s *Scope[T]) Get(name string) (T, bool) {
	v, ok, under := s.mine(name)
	switch {
	case ok:
		return v, true
	case under != nil && under[name] != nil:
		s.missed(under, name)
		return v, false
	}
	return s.parent.Get(name)
}

// Lookup is [Scope.Get] with an error: an [*UnknownError], a [*SuspendedError],
// or what else the parent's Lookup returns.
func (s *Scope[T]) Lookup(name string) (T, error) {
	v, ok, under := s.mine(name)
	if ok {
		return v, nil
	}
	if under != nil && under[name] != nil {
		return v, s.suspended(under, name)
	}
	v, err := s.parent.Lookup(name)
	if parents, ok := errors.AsType[*UnknownError](err); ok {
		mine := s.unknown(name, s.Names(), callersOf(0))
		if len(mine.Providers) == 0 && len(mine.Nearest) == 0 {
			mine.Suggested, mine.Providers = parents.Suggested, parents.Providers
		}
		mine.early = parents.early // the parent is told when the name comes
		return v, mine
	}
	return v, err
}

// mine finds name among the scope's own entries, and tells what is suspended.
func (s *Scope[T]) mine(name string) (T, bool, suspensions) {
	t := s.own.published.Load()
	if t.sealing {
		s.own.sealAtFirstUse(callersOf(1))
	}
	v, ok := t.found(name)
	return v, ok, t.under
}

// Names lists the names of the scope and its parent in sorted order. The slice
// is the caller's.
func (s *Scope[T]) Names() []string {
	own := s.own.published.Load()
	names := append(s.parent.Names(), own.sorted()...)
	slices.Sort(names)
	names = slices.Compact(names)
	if own.under == nil {
		return names
	}
	return slices.DeleteFunc(names, func(name string) bool { return own.under[name] != nil })
}

// All yields the entries of the scope and its parent in sorted order, those of
// the version that each has at the call.
func (s *Scope[T]) All() iter.Seq2[string, T] {
	own, parent := s.own.published.Load(), s.parent.All()
	return func(yield func(string, T) bool) {
		mine := own.sorted()
		// mineBefore yields the scope's own entries before name, and name's.
		mineBefore := func(name string, end bool) (yielded, shadowed bool) {
			for len(mine) > 0 && (end || mine[0] <= name) {
				shadowed = mine[0] == name
				if !yield(mine[0], own.entry(mine[0]).value) {
					return false, shadowed
				}
				mine = mine[1:]
			}
			return true, shadowed
		}
		for name, v := range parent {
			yielded, shadowed := mineBefore(name, false)
			shadowed = shadowed || own.under[name] != nil
			if !yielded || !shadowed && !yield(name, v) {
				return
			}
		}
		mineBefore("", true)
	}
}

// Len is the number of names of the scope and its parent.
func (s *Scope[T]) Len() int { return len(s.Names()) }

// peek returns what view has under name, suspended or not, without counting a
// lookup, or nil.
func peek[T any](view View[T], name string) *entry[T] {
	if v, ok := view.(interface{ peek(name string) *entry[T] }); ok {
		return v.peek(name)
	}
	v, ok := view.Get(name) // a view of somebody else's making
	if !ok {
		return nil
	}
	return &entry[T]{value: v}
}

func (r *Registry[T]) peek(name string) *entry[T] { return r.published.Load().entry(name) }
func (h *Hot[T]) peek(name string) *entry[T]      { return h.current().entry(name) }
func (l *Lazy[T]) peek(name string) *entry[T]     { return l.hot.peek(name) }
func (d *Draft[T]) peek(name string) *entry[T]    { return d.next.entry(name) }

func (p Pin[T]) peek(name string) *entry[T] {
	if !p.held() {
		return nil
	}
	return p.v.entry(name)
}

func (s *Scope[T]) peek(name string) *entry[T] {
	if e := s.own.peek(name); e != nil {
		return e
	}
	return peek(s.parent, name)
}
