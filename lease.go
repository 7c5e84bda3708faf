package roster

// A Lease holds one value of a [Hot] registry: the value is not retired before
// the lease is released, however often its name is replaced or removed. Unlike
// a [Pin] it keeps nothing else, so that it may be held for long.
//
// A Lease is a small value that may be copied; all copies are one lease, which
// is released once. It is safe for concurrent use.
type Lease[T any] struct {
	h     *Hot[T]
	name  string
	e     *entry[T]
	hold  *hold[T]
	state uint64
}

// Lease looks name up and holds its value. The error is an [*UnknownError] or a
// [*SuspendedError].
func (h *Hot[T]) Lease(name string) (Lease[T], error) { return h.lease(name, callersOf(0)) }

func (h *Hot[T]) lease(name string, site callers) (Lease[T], error) {
	hold, state := h.drain.hold()
	hold.owner.Store(&Owner{site: site})
	for {
		v := h.published.Load()
		lease := Lease[T]{h: h, name: name, e: v.entry(name), hold: hold, state: state}
		if lease.e == nil {
			v.get(h.core, name) // counts the miss
			lease.Release()
			if err := v.under.refusal(name); err != nil {
				return Lease[T]{}, err
			}
			return Lease[T]{}, h.unknown(name, v.sorted(), site)
		}
		if old := hold.lease.Swap(&lease); old != nil {
			h.drain.dropped()
		} else if old := hold.version.Swap(nil); old != nil {
			h.drain.left(old.tenure)
		}
		if h.published.Load() == v {
			v.get(h.core, name) // counts the hit
			return lease, nil
		}
	}
}

// Name is the name that was looked up.
func (l Lease[T]) Name() string { return l.name }

// Value is the value. It must not be used after the release.
func (l Lease[T]) Value() T { return l.e.value }

// Release lets the value go. Releasing a lease again does nothing.
func (l Lease[T]) Release() {
	if l.hold != nil && l.hold.letGo(l.state) {
		l.h.drain.dropped()
	}
}
