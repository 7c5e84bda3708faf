package roster

import (
	"cmp"
	"runtime"
	"slices"
	"sync"
	"weak"
)

// A Directory lists registries, so that what is registered where can be seen
// from outside: by metrics, by debug pages, by a person. It holds registries
// weakly: one that nobody else refers to is collected and leaves the list, and
// its counts stay in [Directory.Totals].
//
// A Directory is safe for concurrent use. Its methods take a lock, which
// lookups in the registries never touch.
type Directory struct {
	mu      sync.Mutex // guards the fields below, not the listed registries
	nextID  uint64
	listed  map[uint64]listing
	settled map[string]*ledger // by registry name: counts of registries that are gone

	suspended map[string]suspensions // by registry name; none is empty

	loads loadLogs // not guarded by mu
}

// maxSettled bounds the names of registries that are gone: the counts of later
// ones are added up under [OtherName].
const maxSettled = 1000

type listing struct {
	registry func() Inspector // nil once collected
	name     string
	counts   *stats
	suspend  func(suspensions) // does nothing once collected
}

var processWide = NewDirectory()

// DefaultDirectory is the process-wide directory, where registries are listed
// unless the option [In] says otherwise.
func DefaultDirectory() *Directory { return processWide }

// NewDirectory creates an empty directory of its own.
func NewDirectory() *Directory {
	return &Directory{
		listed: make(map[uint64]listing), settled: make(map[string]*ledger), suspended: make(map[string]suspensions),
	}
}

// list adds a registry to d until it is collected.
func list[R any, P interface {
	*R
	Inspector
	suspend(under suspensions)
}](d *Directory, registry P, c *core) {
	c.loads = &d.loads
	ref := weak.Make((*R)(registry))
	d.mu.Lock()
	defer d.mu.Unlock()
	id := d.nextID
	d.nextID++
	d.listed[id] = listing{name: c.name, counts: c.counts, registry: func() Inspector {
		if r := ref.Value(); r != nil {
			return P(r)
		}
		return nil
	}, suspend: func(under suspensions) {
		if r := ref.Value(); r != nil {
			P(r).suspend(under)
		}
	}}
	if under := d.suspended[c.name]; under != nil {
		registry.suspend(under)
	}
	runtime.AddCleanup((*R)(registry), d.settle, id)
}

// settle keeps the counts of a collected registry and drops it from the list.
func (d *Directory) settle(id uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	gone, ok := d.listed[id]
	if !ok {
		return
	}
	delete(d.listed, id)
	name := gone.name
	if d.settled[name] == nil {
		if len(d.settled) >= maxSettled {
			name = OtherName
		}
		if d.settled[name] == nil {
			d.settled[name] = new(ledger)
		}
	}
	d.settled[name].absorb(gone.counts)
}

// Registries returns the live registries sorted by name; those of one name, in
// the order they were created.
func (d *Directory) Registries() []Inspector {
	d.mu.Lock()
	defer d.mu.Unlock()
	type numbered struct {
		id uint64
		Inspector
	}
	var live []numbered
	for id, l := range d.listed {
		if r := l.registry(); r != nil {
			live = append(live, numbered{id, r})
		}
	}
	slices.SortFunc(live, func(a, b numbered) int {
		return cmp.Or(cmp.Compare(a.Name(), b.Name()), cmp.Compare(a.id, b.id))
	})
	registries := make([]Inspector, len(live))
	for i, l := range live {
		registries[i] = l.Inspector
	}
	return registries
}

// Totals are the counts of all registries of one name together: a scoped
// registry, such as one per tenant, is one line in the metrics.
type Totals struct {
	Registry string
	Live     int // registries of this name that exist
	Size     int // entries in them
	Stats        // counts, including those of registries that are gone
}

// Totals returns the counts by registry name, sorted by it. They never go down
// while the directory exists.
func (d *Directory) Totals() []Totals {
	d.mu.Lock()
	defer d.mu.Unlock()
	totals := make(map[string]*Totals)
	counts := make(map[string]*tabulation)
	of := func(name string) (*Totals, *tabulation) {
		if totals[name] == nil {
			totals[name] = &Totals{Registry: name}
			counts[name] = newTabulation()
		}
		return totals[name], counts[name]
	}
	for name, l := range d.settled {
		_, sum := of(name)
		sum.include(l, l.each)
	}
	for _, l := range d.listed {
		t, sum := of(l.name)
		sum.include(&l.counts.past, l.counts.each)
		if r := l.registry(); r != nil {
			t.Live++
			t.Size += r.Len()
		}
	}
	list := make([]Totals, 0, len(totals))
	for name, t := range totals {
		t.Stats = counts[name].stats()
		list = append(list, *t)
	}
	slices.SortFunc(list, func(a, b Totals) int { return cmp.Compare(a.Registry, b.Registry) })
	return list
}
