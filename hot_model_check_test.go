package roster_test

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
)

// settle lets go of the values that nobody can see any more, and waits for the
// registry to have retired them.
func (m *hotModel) settle() {
	m.dead = slices.DeleteFunc(m.dead, func(e *oldEntry) bool { return !m.held(e) })
	owned := make(map[*device]bool)
	for _, e := range m.live {
		owned[e.value] = true
	}
	for _, e := range m.dead {
		owned[e.value] = true
	}
	m.handed = slices.DeleteFunc(m.handed, func(p *device) bool {
		if !owned[p] {
			p.isRetired(m.t)
		}
		return !owned[p]
	})
}

// held reports whether a pin or a lease can see an entry that is gone.
func (m *hotModel) held(e *oldEntry) bool {
	return slices.ContainsFunc(m.leases, func(l heldLease) bool { return l.entry == e }) ||
		slices.ContainsFunc(m.pins, func(p heldPin) bool { return e.born <= p.version && p.version < e.died })
}

func (m *hotModel) compare() {
	assert.Equal(m.t, m.h.Version(), m.version)
	m.sees(m.h, m.live)
	if m.random.IntN(10) == 0 {
		m.inspect()
	}
	if len(m.pins) > 0 {
		p := m.pins[m.random.IntN(len(m.pins))]
		assert.Equal(m.t, p.Version(), p.version)
		m.sees(p, p.sees)
	}
	for _, l := range m.leases {
		if l.Value() != l.entry.value || !l.Value().inUse() {
			m.t.Fatalf("device %d is leased and is retired, or the lease has another", l.entry.value.generation)
		}
	}
	for _, p := range m.spare {
		if !p.inUse() {
			m.t.Fatalf("device %d was refused, which leaves it with the caller, and is retired", p.generation)
		}
	}
	for _, p := range m.handed {
		if !p.inUse() {
			m.t.Fatalf("device %d can be seen and is retired", p.generation)
		}
	}
	switch m.random.IntN(20) {
	case 0:
		m.compareHolders()
	case 1:
		m.compareCounts()
	case 2:
		m.follow()
	default:
	}
}

// sees compares what a view shows without counting.
func (m *hotModel) sees(view roster.View[*device], all map[string]*oldEntry) {
	want := maps.Clone(all)
	maps.DeleteFunc(want, func(name string, _ *oldEntry) bool { return m.hidden[name] })
	m.shows(view, want)
}

// shows compares what a view shows, be it suspended or not.
func (m *hotModel) shows(view roster.View[*device], want map[string]*oldEntry) {
	names := slices.Sorted(maps.Keys(want))
	assert.True(m.t, slices.Equal(view.Names(), names), "the names of the version")
	assert.Equal(m.t, view.Len(), len(want))
	i := 0
	for name, v := range view.All() {
		if name != names[i] || v != want[name].value || !v.inUse() {
			m.t.Fatalf("entry %d is %q, device %d, in use: %t; want %q, device %d", i,
				name, v.generation, v.inUse(), names[i], want[names[i]].value.generation)
		}
		i++
	}
	assert.Equal(m.t, i, len(want))
}

// inspect compares what a debug page shows: all entries, suspended or not.
func (m *hotModel) inspect() {
	names, suspended := []string{}, 0
	for e := range m.h.Entries() {
		names = append(names, e.Name)
		assert.Equal(m.t, e.Suspended != nil, m.hidden[e.Name])
		assert.Equal(m.t, e.Version, m.live[e.Name].born)
		if e.Suspended != nil {
			suspended++
		}
	}
	assert.True(m.t, slices.Equal(names, slices.Sorted(maps.Keys(m.live))), "the entries with those that are suspended")
	assert.Equal(m.t, m.h.Info().Suspended, suspended)
	assert.Equal(m.t, m.h.Info().Size, len(names)-suspended)
}

// compareHolders compares who is said to hold what, and drains if nobody does.
func (m *hotModel) compareHolders() {
	type key struct {
		kind, name string
		version    uint64
	}
	order := func(a, b key) int {
		return cmp.Or(cmp.Compare(a.version, b.version), cmp.Compare(a.kind, b.kind), cmp.Compare(a.name, b.name))
	}
	keys := func(holders []roster.Holder) []key {
		ks := make([]key, 0, len(holders))
		for _, h := range holders {
			ks = append(ks, key{h.Kind, h.Name, h.Version})
		}
		return slices.SortedFunc(slices.Values(ks), order)
	}
	all, guilty := []key{}, []key{}
	for _, l := range m.leases {
		k := key{"lease", l.entry.name, l.entry.born}
		all = append(all, k)
		if l.entry.died > 0 {
			guilty = append(guilty, k)
		}
	}
	for _, p := range m.pins {
		k := key{"pin", "", p.version}
		all = append(all, k)
		if slices.ContainsFunc(m.dead, func(e *oldEntry) bool { return e.born <= p.version && p.version < e.died }) {
			guilty = append(guilty, k)
		}
	}
	slices.SortFunc(all, order)
	slices.SortFunc(guilty, order)
	assert.True(m.t, slices.Equal(keys(m.h.Holders()), all), "who holds something")
	if len(m.dead) == 0 {
		drained(m.t, m.h)
		return
	}
	err := stuck(m.t, m.h)
	assert.Equal(m.t, err.Values, len(m.dead))
	assert.True(m.t, slices.Equal(keys(err.Holders), guilty), "who holds what waits")
}

// follow compares the changes since it last did.
func (m *hotModel) follow() {
	if m.seen == m.version {
		return
	}
	for c := range m.h.Changes(context.Background(), m.seen) {
		m.seen++
		want := m.changes[m.seen-1]
		assert.Equal(m.t, c.Version, m.seen)
		assert.Equal(m.t, c.Missed, uint64(0))
		assert.True(m.t, slices.Equal(c.Added, want.Added), "names added")
		assert.True(m.t, slices.Equal(c.Replaced, want.Replaced), "names replaced")
		assert.True(m.t, slices.Equal(c.Removed, want.Removed), "names removed")
		if m.seen == m.version {
			return
		}
	}
}

// hotCounts are the counts a registry must have.
type hotCounts struct {
	success, duplicate, hits, misses, refused, invalid map[string]uint64
	reloads, failed                                    uint64
}

func newHotCounts() hotCounts {
	return hotCounts{
		success: make(map[string]uint64), duplicate: make(map[string]uint64), hits: make(map[string]uint64),
		misses: make(map[string]uint64), refused: make(map[string]uint64), invalid: make(map[string]uint64),
	}
}

func (c *hotCounts) look(name string, found bool) {
	if found {
		c.hits[name]++
	} else {
		c.bounded(c.misses, name)
	}
}

// bounded counts for the first hundred names, and for the others together.
func (c *hotCounts) bounded(counts map[string]uint64, name string) {
	const most = 100
	if _, known := counts[name]; !known {
		distinct := len(counts)
		if _, other := counts[roster.OtherName]; other {
			distinct--
		}
		if distinct == most {
			name = roster.OtherName
		}
	}
	counts[name]++
}

// compareCounts compares by name what is exact by name: misses, malformed names,
// and everything as long as no name had to leave its ordinal. The others are
// exact in sum.
func (m *hotModel) compareCounts() {
	stats := m.h.Stats()
	m.compareCount(stats.Lookups, roster.Miss, m.counts.misses, true)
	m.compareCount(stats.Lookups, roster.Refused, m.counts.refused, true)
	m.compareCount(stats.Lookups, roster.Hit, m.counts.hits, !m.wide)
	m.compareCount(stats.Registrations, roster.Invalid, m.counts.invalid, true)
	m.compareCount(stats.Registrations, roster.Success, m.counts.success, !m.wide)
	m.compareCount(stats.Registrations, roster.Duplicate, m.counts.duplicate, !m.wide)
	var reloads, failed uint64
	for _, c := range stats.Reloads {
		if c.Outcome == roster.Success {
			reloads = c.N
		} else {
			failed = c.N
		}
	}
	assert.Equal(m.t, [2]uint64{reloads, failed}, [2]uint64{m.counts.reloads, m.counts.failed})
}

func (m *hotModel) compareCount(counts []roster.Count, outcome roster.Outcome, want map[string]uint64, byName bool) {
	var sum, wantSum uint64
	got := make(map[string]uint64)
	for _, c := range counts {
		if c.Outcome == outcome {
			got[c.Name] = c.N
			sum += c.N
		}
	}
	for name, n := range want {
		wantSum += n
		if got[name] > n && name != roster.OtherName {
			m.t.Errorf("%s of %q: got %d, want %d", outcome, name, got[name], n)
		}
	}
	if sum != wantSum {
		m.t.Fatalf("%s: got %d in all, want %d", outcome, sum, wantSum)
	}
	if byName && !maps.Equal(got, want) {
		m.t.Fatalf("%s: got %v, want %v", outcome, got, want)
	}
}
