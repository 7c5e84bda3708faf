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
			v.guard.announced(instance)
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
	v.publishDifferent(next)
	if v.synced {
		v.resyncs++
	}
	v.revision, v.synced = revision, true
	v.becomeReady()
	v.refresh()
}

// becomeReady closes ready. The caller holds v.mu.
func (v *View) becomeReady() {
	if !v.isReady() {
		close(v.ready)
	}
}

// Apply implements [Sink]. The changes become visible to readers together. A call that
// breaks the contract, because no Sync came before it or its revision is not higher than
// the last one, changes nothing.
func (v *View) Apply(revision int64, changes []Change) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.synced || revision <= v.revision {
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
		if !change.Removed {
			v.guard.announced(instance)
		}
		instances, copied := next[instance.Service]
		if !copied {
			instances = v.services[instance.Service]
		}
		i, found := position(instances, instance.ID)
		if change.Removed && !found || !change.Removed && found && instances[i].Equal(instance) {
			continue
		}
		if !copied {
			instances = append(make([]Instance, 0, len(instances)+1), instances...)
		}
		next[instance.Service] = changed(instances, i, found, change)
	}
	v.publish(next)
	v.revision = revision
}

// position is where an instance is in a list, or belongs, and whether it is there.
func position(instances []Instance, id string) (int, bool) {
	return slices.BinarySearchFunc(instances, id, func(instance Instance, id string) int {
		return cmp.Compare(instance.ID, id)
	})
}

// changed applies change to instances, which it may modify, at the position of its id.
func changed(instances []Instance, i int, found bool, change Change) []Instance {
	switch {
	case change.Removed:
		return slices.Delete(instances, i, i+1)
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
	if v.copy != nil && v.copy.serving {
		v.becomeReady()
	}
}

// Fresh implements [Sink].
func (v *View) Fresh(revision int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !v.synced {
		return
	}
	v.revision = max(v.revision, revision)
	v.refresh()
}

// refresh ends staleness. The caller holds v.mu.
func (v *View) refresh() {
	v.stale, v.staleSince, v.err = false, time.Time{}, nil
	if v.copy != nil {
		v.copy.serving = false
	}
}

// admit counts a fault and tells whether there was none. The caller holds v.mu.
func (v *View) admit(fault error) bool {
	if fault != nil {
		v.invalid++
	}
	return fault == nil
}

// publishDifferent publishes those of next that differ from what there is. The caller holds
// v.mu.
func (v *View) publishDifferent(next map[string][]Instance) {
	v.review(next)
	maps.DeleteFunc(next, func(service string, instances []Instance) bool {
		return slices.EqualFunc(v.services[service], instances, Instance.Equal)
	})
	v.install(next)
}

// publish publishes next, which is known to differ from what there is. The caller holds v.mu.
func (v *View) publish(next map[string][]Instance) {
	v.review(next)
	v.install(next)
}

// review puts back into next what is held back, if the view is protected.
func (v *View) review(next map[string][]Instance) {
	if v.guard == nil {
		return
	}
	now := time.Now()
	seen := now
	if v.copy != nil && v.copy.serving {
		seen = v.staleSince
	}
	v.guard.review(now, seen, v.services, v.instances, next)
}

// install gives the services of next their new instances, in one step for readers; a
// service without instances goes. The caller holds v.mu.
func (v *View) install(next map[string][]Instance) {
	if len(next) == 0 {
		return
	}
	shown := v.visible(next)
	for s := range v.subscribers {
		s.note(shown, v.shown)
	}
	known := false // of the last service, which matters if it is the only one
	for service := range shown {
		_, known = v.shown[service]
	}
	for service, instances := range next {
		v.instances += len(instances) - len(v.services[service])
		put(v.services, service, instances)
	}
	if v.copy != nil {
		v.copy.dirty = true
	}
	if len(v.hide) > 0 {
		for service, instances := range shown {
			put(v.shown, service, instances)
		}
	}
	if len(shown) == 0 {
		return
	}
	if err := v.tabulate(shown, known); err != nil {
		// Names are checked on their way in by rules at least as strict as the registry's.
		v.stale, v.staleSince, v.err = true, time.Now(), err
	}
	for s := range v.subscribers {
		s.wake()
	}
}

// put gives a service its instances; without any it goes.
func put(services map[string][]Instance, service string, instances []Instance) {
	if len(instances) == 0 {
		delete(services, service)
	} else {
		services[service] = slices.Clip(instances)
	}
}

// tabulate makes the table what v.shown is. They differ in the services of next; if it
// is only one, known says whether the table has it.
func (v *View) tabulate(next map[string][]Instance, known bool) error {
	if len(next) > 1 {
		return v.table.Reload(v.shown)
	}
	// One service is the common case, and costs less than a reload of all.
	for service := range next {
		instances, serving := v.shown[service]
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
