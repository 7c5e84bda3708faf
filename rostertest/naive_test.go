package rostertest_test

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/roster-go/roster/rostertest"
)

// A naive is what programs write: a map, and a mutex since the race detector complained.
type naive struct {
	mu      sync.Mutex // guards entries
	entries map[string]any
}

func (n *naive) Register(name string, v any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.entries[name] = v
}

func (n *naive) Get(name string) (any, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	v, ok := n.entries[name]
	return v, ok
}

func (n *naive) Lookup(name string) (any, error) {
	if v, ok := n.Get(name); ok {
		return v, nil
	}
	return nil, fmt.Errorf("unknown codec %q (forgotten import?)", name)
}

func (n *naive) Names() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Collect(maps.Keys(n.entries))
}

func (n *naive) Unregister(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.entries, name)
}

func (n *naive) Reload(entries map[string]any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.entries = entries
}

func newNaive() rostertest.Registry {
	n := &naive{entries: make(map[string]any)}
	return rostertest.Registry{
		Register:   func(name string, v any) error { n.Register(name, v); return nil },
		Replace:    func(name string, v any) error { n.Register(name, v); return nil },
		Unregister: func(name string) error { n.Unregister(name); return nil },
		Reload:     func(entries map[string]any) error { n.Reload(entries); return nil },
		Get:        n.Get, Lookup: n.Lookup, Names: n.Names,
	}
}
