package discovery

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Sync implements [Sink]. The view compares all with what it has: what is equal is left
// as it is and reported to nobody.
func (v *View) Sync(revision int64, all []Instance) {
	v.mu.Lock()
	defer v.mu.Unlock()
	next := make(map[string][]Instance)
	for _, instance := range all {
		if v.admit(instance.Validate()) {
			next[instance.Service] = append(next[instance.Service], instance)
		}
	}
	for _, instances := range next {
		slices.SortFunc(instances, func(a, b Instance) int { return cmp.Compare(a.ID, b.ID) })
	}
	for service := range v.services {
		if _, kept := next[service]; !kept {
			next[service] = nil
		}
	}
	v.publish(next)
	v.revision = revision
	if v.synchronised() {
		v.resyncs++
	} else {
		close(v.ready)
	}
	v.refresh()
}

// Apply implements [Sink]. The changes become visible to readers together. A call that
// breaks the contract, because no Sync came before it or its revision is not higher than
// the last one, changes nothing.
func (v *View) Apply(revision int64, changes []Change) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.synchronised() || revision <= v.revision {
		return
	}
	next := make(map[string][]Instance)
	for _, change := range changes {
		instance := change.Instance
		fault := instance.Key().Validate()
		if !change.Removed {
			fault = instance.Validate()
		}
		if !v.admit(fault) {
			continue
		}
		instances, copied := next[instance.Service]
		if !copied {
			instances = slices.Clone(v.services[instance.Service])
		}
		next[instance.Service] = changed(instances, change)
	}
	v.publish(next)
	v.revision = revision
}

// changed applies change to instances, which it may modify.
func changed(instances []Instance, change Change) []Instance {
	i, found := slices.BinarySearchFunc(instances, change.Instance.ID, func(instance Instance, id string) int {
		return cmp.Compare(instance.ID, id)
	})
	switch {
	case change.Removed && found:
		return slices.Delete(instances, i, i+1)
	case change.Removed:
		return instances
	case found:
		instances[i] = change.Instance
		return instances
	default:
		return slices.Insert(instances, i, change.Instance)
	}
}

// Stale implements [Sink]. Readers keep seeing the last state.
func (v *View) Stale(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.stale {
		v.stale = true
		v.staleSince = time.Now()
	}
	v.err = err
}

// Fresh implements [Sink].
func (v *View) Fresh(revision int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.synchronised() {
		return
	}
	v.revision = max(v.revision, revision)
	v.refresh()
}

// refresh ends staleness. The caller holds v.mu.
func (v *View) refresh() {
	v.stale, v.staleSince, v.err = false, time.Time{}, nil
}

// admit counts a fault and tells whether there was none. The caller holds v.mu.
func (v *View) admit(fault error) bool {
	if fault != nil {
		v.invalid++
	}
	return fault == nil
}

// publish gives the services of next their new instances, in one step for readers; a
// service without instances goes. The caller holds v.mu.
func (v *View) publish(next map[string][]Instance) {
	maps.DeleteFunc(next, func(service string, instances []Instance) bool {
		return slices.EqualFunc(v.services[service], instances, Instance.Equal)
	})
	if len(next) == 0 {
		return
	}
	for s := range v.subscribers {
		s.note(next, v.services)
	}
	known := false // of the last service, which matters if it is the only one
	for service, instances := range next {
		_, known = v.services[service]
		v.instances += len(instances) - len(v.services[service])
		if len(instances) == 0 {
			delete(v.services, service)
		} else {
			v.services[service] = slices.Clip(instances)
		}
	}
	if err := v.tabulate(next, known); err != nil {
		// Names are checked on their way in by rules at least as strict as the registry's.
		v.stale, v.staleSince, v.err = true, time.Now(), err
	}
	for s := range v.subscribers {
		s.wake()
	}
}

// tabulate makes the table what v.services is. They differ in the services of next; if it
// is only one, known says whether the table has it.
func (v *View) tabulate(next map[string][]Instance, known bool) error {
	if len(next) > 1 {
		return v.table.Reload(v.services)
	}
	// One service is the common case, and costs less than a reload of all.
	for service := range next {
		instances, serving := v.services[service]
		switch {
		case serving && known:
			return v.table.Replace(service, instances)
		case serving:
			return v.table.TryRegister(service, instances)
		default:
			return v.table.Unregister(service)
		}
	}
	return nil
}
