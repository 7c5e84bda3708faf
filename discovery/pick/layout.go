package pick

import "github.com/roster-go/roster/discovery"

// A member is an instance that a pool may pick.
type member struct {
	endpoint *endpoint
	instance *discovery.Instance // in the list, which never changes
	index    int                 // in the list
	tier     int
	down     bool // cannot be called now, as the pool's owner says
}

// A layout is what follows from a list of instances alone. It is immutable.
type layout struct {
	members  []member        // all that the caller talks to, in the order of the list
	tiers    [tiers][]member // those that calls go to
	totals   [tiers]int      // of tiers, with those that are down
	rings    [tiers]*ring    // over tiers; only with ConsistentHash
	serving  int             // in all tiers
	service  string
	known    int // in the list
	draining int // of them
}

// draining tells whether an instance is leaving.
func draining(i *discovery.Instance) bool { return i.Draining }

// newLayout arranges a list, which must not change any more. What it has in common with
// the layout before, it takes from there.
func (p *Pool) newLayout(list []discovery.Instance, ready func(*discovery.Instance) bool, before *layout) *layout {
	l := &layout{service: before.service, known: len(list)}
	members := make([]member, 0, len(list))
	endpoints := make(map[endpointKey]*endpoint, len(list))
	for i := range list {
		instance := &list[i]
		if draining(instance) {
			l.draining++
		}
		key := keyOf(instance)
		if endpoints[key] != nil {
			continue
		}
		e := p.endpoints[key]
		if e == nil {
			e = &endpoint{key: key}
		}
		endpoints[key] = e
		tier := tierOf(instance, p.opts.Region, p.opts.Zone)
		members = append(members, member{endpoint: e, instance: instance, index: i, tier: tier, down: ready != nil && !ready(instance)})
	}
	p.endpoints = endpoints
	if len(list) > 0 {
		l.service = list[0].Service
	}

	l.members = subset(members, p.opts.Subset, p.opts.Client)
	l.serve(false)
	if l.serving == 0 {
		l.serve(true)
	}
	if p.opts.Policy == ConsistentHash {
		for i, t := range l.tiers {
			l.rings[i] = before.rings[i].follow(identities(t))
		}
	}
	return l
}

// serve fills the tiers with the members that drain, or with those that do not.
func (l *layout) serve(leaving bool) {
	l.totals = [tiers]int{}
	for _, m := range l.members {
		if draining(m.instance) != leaving {
			continue
		}
		l.totals[m.tier]++
		if !m.down {
			l.tiers[m.tier] = append(l.tiers[m.tier], m)
			l.serving++
		}
	}
}

// identities returns what the ring knows the members by. IDs are unique in a view; in a
// list where they are not, the address tells instances apart.
func identities(members []member) []uint64 {
	ids := make([]uint64, len(members))
	taken := make(map[uint64]bool, len(members))
	for i, m := range members {
		id := identity(m.instance)
		if taken[id] {
			id = mix(id) + hashText(m.instance.Address)
		}
		taken[id] = true
		ids[i] = id
	}
	return ids
}
