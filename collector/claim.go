package collector

import (
	"errors"

	"github.com/roster-go/roster"
)

// claim registers all names of a collector in one transaction, or none. The
// caller holds r.mu.
func (r *Registry[V]) claim(reg *registration[V]) error {
	return r.hot.Update(func(d *roster.Draft[Collector[V]]) error {
		var clashes []error
		for _, name := range reg.names {
			if err := d.Register(name, reg.collector); err != nil {
				clashes = append(clashes, err)
			}
		}
		return errors.Join(clashes...)
	})
}

// disclaim removes all names of a collector in one transaction. The caller holds
// r.mu.
func (r *Registry[V]) disclaim(reg *registration[V]) error {
	return r.hot.Update(func(d *roster.Draft[Collector[V]]) error {
		var unknown []error
		for _, name := range reg.names {
			unknown = append(unknown, d.Unregister(name))
		}
		return errors.Join(unknown...)
	})
}
