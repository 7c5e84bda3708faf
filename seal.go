package roster

// SealAtFirstUse closes a [Registry] for writing at its first lookup after
// packages have initialised, for services that want every reader to see the
// same entries. Lookups on a goroutine that is running a package's init do not
// close it; one on a goroutine that an init function started does.
func SealAtFirstUse() RegistryOption {
	return registryOption(func(s *settings) { s.sealAtFirstUse = true })
}

// Seal closes the registry for writing: from now on every write fails with a
// [*SealedError] that names both places. Sealing again changes nothing.
func (r *Registry[T]) Seal() { r.seal(callersOf(0), "sealed") }

func (r *Registry[T]) seal(site callers, how string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sealed != nil {
		return
	}
	r.sealed, r.how = &site, how
	if t := r.published.Load(); t.sealing {
		closed := *t
		closed.sealing = false
		closed.unusual = closed.isUnusual()
		r.published.Store(&closed)
	}
}

// sealedAt is the place that sealed the registry, or zero.
func (r *Registry[T]) sealedAt() Site {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sealed == nil {
		return Site{}
	}
	return r.sealed.site(r.home())
}

func (r *Registry[T]) sealAtFirstUse(site callers) {
	if !initialising() {
		r.seal(site, "sealed by its first lookup,")
	}
}

// closed refuses a write to a sealed registry. The caller holds r.mu.
func (r *Registry[T]) closed(name string, site callers) error {
	if r.sealed == nil {
		return nil
	}
	home := r.home()
	return &SealedError{Registry: r.name, Name: name, Site: site.site(home), Sealed: r.sealed.site(home), how: r.how}
}
