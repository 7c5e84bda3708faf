package roster

import (
	"cmp"
	"errors"
	"slices"
)

// CollectConflicts makes [Registry.Register] keep a clash instead of panicking,
// so that [Registry.Verify] can report all of them at once. The first
// registration of a name stays.
func CollectConflicts() RegistryOption {
	return registryOption(func(s *settings) { s.collect = true })
}

// KeepIdentical makes registering a value again under its own name no
// conflict: the first registration stays. Values that cannot be compared, such
// as functions, are never identical.
func KeepIdentical() RegistryOption {
	return registryOption(func(s *settings) { s.keepIdentical = true })
}

// Override puts v in the place of whatever is registered under name, or will be:
// its effect does not depend on whether it comes before or after the
// registration, so it does not depend on the order in which packages
// initialise. It is a verb of its own, so that nobody overrides by accident,
// and [EntryInfo] shows both places.
//
// The error is a [*NameError] or [*NilError] for bad input, a [*DuplicateError]
// if the name is overridden already, a [*SealedError], or an [*OverrideError]
// if the name was looked up before. If lookups are not counted, the registry
// cannot know of them and allows the override. An override of a name that
// nobody registers is reported by [Registry.Verify].
func (r *Registry[T]) Override(name string, v T) error {
	site := callersOf(0)
	if err := check(r.core, name, v, site); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.closed(name, site); err != nil {
		return err
	}
	t := r.published.Load()
	stand := newEntry(v, site, t.version+1)
	stand.override = true
	n, taken := t.find(name)
	if !taken {
		r.add(t, name, stand)
		return nil
	}
	existing := t.entries[n]
	if existing == nil {
		r.change(t, n, stand)
		return nil
	}
	if existing.override {
		r.counts.duplicated(name, n)
		return overriddenTwice(r.core, name, existing, v, site)
	}
	if lookups := t.hits.count(n); lookups > 0 {
		home := r.home()
		return &OverrideError{
			Registry: r.name, Name: name, Existing: existing.claim(home), Lookups: lookups, Site: site.site(home),
		}
	}
	r.change(t, n, stand.over(existing))
	return nil
}

func overriddenTwice[T any](c *core, name string, existing *entry[T], v T, site callers) error {
	clash := duplicate(c, name, existing, v, site)
	clash.clash, clash.cure = "is overridden twice", "remove one of the two overrides"
	return clash
}

// over returns an override with what it stands in for.
func (e *entry[T]) over(shadowed *entry[T]) *entry[T] {
	stand := *e
	stand.shadowed = shadowed
	return &stand
}

// Verify reports what is wrong with the registry as a whole: every clash that
// [CollectConflicts] kept back, as a [*DuplicateError] each, and every override
// of a name that nobody registers, as an [*OverrideError]. The errors are
// joined, sorted by name. Call it when all packages have initialised.
func (r *Registry[T]) Verify() error {
	r.mu.Lock()
	conflicts := slices.Clone(r.conflicts)
	t := r.published.Load()
	r.mu.Unlock()

	type fault struct {
		name string
		err  error
	}
	var faults []fault
	for _, clash := range conflicts {
		faults = append(faults, fault{clash.Name, clash})
	}
	var others []string
	for _, name := range t.sorted() {
		if n, _ := t.find(name); !t.entries[n].override || t.entries[n].shadowed != nil {
			others = append(others, name)
		}
	}
	for n, e := range t.entries {
		if e != nil && e.override && e.shadowed == nil {
			home := r.home()
			faults = append(faults, fault{t.names[n], &OverrideError{
				Registry: r.name, Name: t.names[n], Existing: e.claim(home), Nearest: Nearest(t.names[n], others), Site: e.site.site(home),
			}})
		}
	}
	slices.SortStableFunc(faults, func(a, b fault) int { return cmp.Compare(a.name, b.name) })
	joined := make([]error, len(faults))
	for i, f := range faults {
		joined[i] = f.err
	}
	return errors.Join(joined...)
}
