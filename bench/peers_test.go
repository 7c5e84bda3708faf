package bench_test

import (
	"maps"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/alphadose/haxmap"
	"github.com/cockroachdb/swiss"
	iradix "github.com/hashicorp/go-immutable-radix/v2"
	"github.com/puzpuzpuz/xsync/v4"

	"github.com/roster-go/roster"
)

// A peer is a way to find a value by name. open fills it with the entries; set
// changes one of them while others may read, as far as the peer can do that at
// all; reload makes entries the whole content.
type peer struct {
	name string
	open func(entries map[string]int) lookup
}

type lookup struct {
	get    func(name string) (int, bool)
	set    func(name string, v int)
	reload func(entries map[string]int)
}

// bareMap is what ratios refer to. It must not change while it is read.
var bareMap = peer{"map", func(entries map[string]int) lookup {
	m := maps.Clone(entries)
	return lookup{get: func(name string) (int, bool) { v, ok := m[name]; return v, ok }}
}}

var peers = []peer{
	bareMap,
	{"RWMutex", func(entries map[string]int) lookup {
		var mu sync.RWMutex
		m := maps.Clone(entries)
		return lookup{
			get: func(name string) (int, bool) {
				mu.RLock()
				defer mu.RUnlock()
				v, ok := m[name]
				return v, ok
			},
			set: func(name string, v int) {
				mu.Lock()
				defer mu.Unlock()
				m[name] = v
			},
			reload: func(entries map[string]int) {
				next := maps.Clone(entries)
				mu.Lock()
				defer mu.Unlock()
				m = next
			},
		}
	}},
	{"atomic.Pointer", func(entries map[string]int) lookup {
		var current atomic.Pointer[map[string]int]
		reload := func(entries map[string]int) {
			next := maps.Clone(entries)
			current.Store(&next)
		}
		reload(entries)
		return lookup{
			get: func(name string) (int, bool) { v, ok := (*current.Load())[name]; return v, ok },
			set: func(name string, v int) {
				next := maps.Clone(*current.Load())
				next[name] = v
				current.Store(&next)
			},
			reload: reload,
		}
	}},
	{"sync.Map", func(entries map[string]int) lookup {
		m := new(sync.Map)
		for name, v := range entries {
			m.Store(name, v)
		}
		return lookup{
			get: func(name string) (int, bool) {
				v, ok := m.Load(name)
				if !ok {
					return 0, false
				}
				return v.(int), true
			},
			set: func(name string, v int) { m.Store(name, v) },
			reload: func(entries map[string]int) {
				for name, v := range entries {
					m.Store(name, v)
				}
			},
		}
	}},
	{"xsync", func(entries map[string]int) lookup {
		m := xsync.NewMap[string, int](xsync.WithPresize(len(entries)))
		for name, v := range entries {
			m.Store(name, v)
		}
		return lookup{get: m.Load, set: m.Store, reload: func(entries map[string]int) {
			for name, v := range entries {
				m.Store(name, v)
			}
		}}
	}},
	{"haxmap", func(entries map[string]int) lookup {
		m := haxmap.New[string, int](uintptr(len(entries)))
		for name, v := range entries {
			m.Set(name, v)
		}
		return lookup{get: m.Get, set: m.Set}
	}},
	{"swiss", func(entries map[string]int) lookup {
		m := swiss.New[string, int](len(entries))
		for name, v := range entries {
			m.Put(name, v)
		}
		return lookup{get: m.Get}
	}},
	{"iradix", func(entries map[string]int) lookup {
		txn := iradix.New[int]().Txn()
		for name, v := range entries {
			txn.Insert([]byte(name), v)
		}
		var tree atomic.Pointer[iradix.Tree[int]]
		tree.Store(txn.Commit())
		return lookup{
			get: func(name string) (int, bool) { return tree.Load().Get([]byte(name)) },
			set: func(name string, v int) {
				next, _, _ := tree.Load().Insert([]byte(name), v)
				tree.Store(next)
			},
		}
	}},
	{"Registry", openRegistry()},
	{"Registry-uncounted", openRegistry(roster.Uncounted())},
	{"Hot", openHot()},
	{"Hot-uncounted", openHot(roster.Uncounted())},
}

func openRegistry(opts ...roster.RegistryOption) func(entries map[string]int) lookup {
	return func(entries map[string]int) lookup {
		r := roster.New[int](append(opts, roster.Unlisted())...)
		for name, v := range entries {
			r.Register(name, v)
		}
		return lookup{get: r.Get}
	}
}

func openHot(opts ...roster.HotOption) func(entries map[string]int) lookup {
	return func(entries map[string]int) lookup {
		h := roster.NewHot[int](append(opts, roster.Unlisted())...)
		reload := func(entries map[string]int) { must(h.Reload(entries)) }
		reload(entries)
		return lookup{
			get:    h.Get,
			set:    func(name string, v int) { must(h.Replace(name, v)) },
			reload: reload,
		}
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// each runs a benchmark for every peer that select accepts.
func each(b *testing.B, can func(lookup) bool, entries map[string]int, run func(b *testing.B, l lookup)) {
	b.Helper()
	for _, p := range peers {
		l := p.open(entries)
		if !can(l) {
			continue
		}
		b.Run(p.name, func(b *testing.B) { run(b, l) })
	}
}

func reads(lookup) bool     { return true }
func writes(l lookup) bool  { return l.set != nil }
func reloads(l lookup) bool { return l.reload != nil }
