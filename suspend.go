package roster

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// A Suspension is a name that the registries of one name in a [Directory] do
// not give out, whether they have it or not. [Directory.Suspend] makes it.
type Suspension struct {
	Registry string
	Name     string
	Why      error     // what the caller of Suspend said; nil if nothing
	Since    time.Time // when the name was suspended first

	by   callers
	home string
}

// By is the place that suspended the name.
func (s Suspension) By() Site { return s.by.site(s.home) }

// A SuspendedError reports a lookup of a name that is suspended (see
// [Directory.Suspend]). Whether the registry has the name it does not tell.
type SuspendedError struct {
	Registry string
	Name     string
	Why      error // may be nil
	Since    time.Time
}

func (e *SuspendedError) Error() string {
	why := "no reason was given"
	if e.Why != nil {
		why = e.Why.Error()
	}
	return fmt.Sprintf("roster: %s: %q is suspended since %s and not given out until it is resumed: %s",
		e.Registry, shortened(e.Name), e.Since.UTC().Format(time.RFC3339), why)
}

// Is makes errors.Is(err, ErrSuspended) true.
func (e *SuspendedError) Is(target error) bool { return target == ErrSuspended }

// Unwrap returns the reason.
func (e *SuspendedError) Unwrap() error { return e.Why }

// ErrSuspended is what a [SuspendedError] is, for errors.Is.
var ErrSuspended = errors.New("name suspended")

// Suspend makes every registry in the directory whose own name is registry stop
// giving name out, at once and until [Directory.Resume]: those that exist, and
// those that are created later. The entry stays as it is, and with it its value,
// its provenance and its counts; it is only not found: Get returns false, Lookup
// a [*SuspendedError] with why, and Names, All and Len leave it out, also those
// of pins and scopes that exist already. A debug page still sees the entry,
// with its [Suspension].
//
// When Suspend has returned, no lookup that starts afterwards gives the value
// out. Whoever holds a value keeps it, whether by a [Lease] or because a lookup
// returned it before; an iteration that has begun goes on.
//
// Suspension comes before everything else about an entry. A name need not be
// registered to be suspended: one that is registered meanwhile, or loaded, is
// hidden from the start. A [Registry.Seal] does not keep it off. A suspended name
// of a [Scope] is not looked up in the scope's parent; one of the parent may
// still be shadowed by the scope. What the writing side sees, a [Draft], an
// [Edition] or a validator, has the suspended entries in it, and the name is
// taken. A suspension is no version: [Hot.Changes] does not tell of it.
//
// Suspend never waits for a function that was given to a registry, such as
// that of [Hot.Update]. It does not reach registries that are [Unlisted].
// Suspending a name again replaces why.
func (d *Directory) Suspend(registry, name string, why error) {
	s := &Suspension{Registry: registry, Name: name, Why: why, Since: time.Now(), by: callersOf(0)}
	s.home = s.by.homePackage()
	d.mu.Lock()
	defer d.mu.Unlock()
	if before := d.suspended[registry][name]; before != nil {
		s.Since = before.Since
	}
	next := maps.Clone(d.suspended[registry])
	if next == nil {
		next = make(suspensions)
	}
	next[name] = s
	d.suspend(registry, next)
}

// Resume ends a suspension and reports whether there was one: the registries of
// that name give out again what they have under name, unchanged.
func (d *Directory) Resume(registry, name string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.suspended[registry][name] == nil {
		return false
	}
	next := maps.Clone(d.suspended[registry])
	delete(next, name)
	if len(next) == 0 {
		next = nil
	}
	d.suspend(registry, next)
	return true
}

// suspend makes next what the registries of that name do not give out. The
// caller holds d.mu: it keeps the order of suspensions the same for all
// registries, and is never taken by whoever holds a registry's lock.
func (d *Directory) suspend(registry string, next suspensions) {
	if next == nil {
		delete(d.suspended, registry)
	} else {
		d.suspended[registry] = next
	}
	for _, l := range d.listed {
		if l.name == registry {
			l.suspend(next)
		}
	}
}

// Suspensions lists what is suspended, sorted by registry and name.
func (d *Directory) Suspensions() []Suspension {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []Suspension
	for _, set := range d.suspended {
		for _, s := range set {
			list = append(list, *s)
		}
	}
	slices.SortFunc(list, func(a, b Suspension) int {
		return cmp.Or(cmp.Compare(a.Registry, b.Registry), cmp.Compare(a.Name, b.Name))
	})
	return list
}

// suspensions are the names that a registry does not give out. A set never
// changes; that of a registry without suspensions is nil, so that readers ask
// for no more than that.
type suspensions map[string]*Suspension

// refusal is the error of a lookup of name, or nil if it is not suspended.
func (s suspensions) refusal(name string) error {
	found := s[name]
	if found == nil {
		return nil
	}
	return &SuspendedError{Registry: found.Registry, Name: name, Why: found.Why, Since: found.Since}
}

// suspended is [suspensions.refusal] for the exported methods called Suspended.
// It counts a lookup that is refused.
func (c *core) suspended(under suspensions, name string) error {
	err := under.refusal(name)
	if err != nil {
		c.missed(under, name)
	}
	return err
}

// Suspended returns a [*SuspendedError] if name is suspended (see
// [Directory.Suspend]), which counts as a lookup that was refused, and nil
// otherwise. Whoever finds values of the registry in another way than by
// looking their names up asks it before he gives one out.
func (r *Registry[T]) Suspended(name string) error {
	under := r.published.Load().under
	if under == nil {
		return nil
	}
	return r.suspended(under, name)
}

// Suspended returns a [*SuspendedError] if name is suspended (see
// [Directory.Suspend]), which counts as a lookup that was refused, and nil
// otherwise. The index of an [Indexed] registry knows nothing of suspensions,
// so whoever finds an entry through it asks Suspended before he gives it out.
// It costs two loads while nothing is suspended.
func (h *Hot[T]) Suspended(name string) error {
	under := h.published.Load().under
	if under == nil {
		return nil
	}
	return h.suspended(under, name)
}

// Suspended returns a [*SuspendedError] if name is suspended, as
// [Hot.Suspended] does.
func (l *Lazy[T]) Suspended(name string) error { return l.hot.Suspended(name) }

// Suspended returns a [*SuspendedError] if name is suspended in the scope
// itself, as [Registry.Suspended] does.
func (s *Scope[T]) Suspended(name string) error { return s.own.Suspended(name) }
