package rostertest

import (
	"fmt"
	"sync"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/hook"
)

// Override makes name stand for v in reg until the test ends, whatever reg's lifecycle is,
// whether or not the name is taken, and also after reg was sealed. It is for code that reads
// a shared registry and cannot be handed one of its own; where it can, roster.NewScope needs
// no cleanup and works in parallel tests.
//
// When the test ends, name stands for what it stood for before, or for nothing. A test below
// it may override the same name again; whichever of the two ends first, the other's value
// stays until its own end. Values that were looked up earlier are not affected.
//
// Override fails the test with t.Fatal if the test, or one above it, is parallel, since
// tests that run beside it would see v as well, and it makes a later t.Parallel panic. The
// tests below it may be parallel and see v. It also fails the test if name is malformed or v
// is nil, as registering them would, and if reg is not a registry of package roster.
func Override[T any](tb testing.TB, reg roster.View[T], name string, v T) {
	tb.Helper()
	alone(tb, fmt.Sprintf("override %q in registry %q", name, reg.Name()))

	at := place{reg, name}
	overrides.mu.Lock()
	restore, err := hook.Override(reg, name, v) // called from here: the value's provenance is Override's caller
	if err != nil {
		overrides.mu.Unlock()
		tb.Fatalf("rostertest: Override: %v", err)
	}
	l := overrides.push(at, restore)
	overrides.mu.Unlock()
	tb.Cleanup(func() { overrides.end(at, l) })
}

// A place is what an override changes: a name in a registry, which is a pointer.
type place struct {
	registry any
	name     string
}

// A layer is one override of a place.
type layer struct {
	restore func()
	ended   bool
}

// stacks holds the overrides that are in force. Each restores what it found, so they have to
// be taken off in the opposite order, whatever order their tests end in: an override that
// ends below another one stays until that one ends.
type stacks struct {
	mu     sync.Mutex // guards layers, and keeps the order of calls to the registry that of layers
	layers map[place][]*layer
}

var overrides = stacks{layers: make(map[place][]*layer)}

// push puts an override on top. The caller holds s.mu.
func (s *stacks) push(at place, restore func()) *layer {
	l := &layer{restore: restore}
	s.layers[at] = append(s.layers[at], l)
	return l
}

func (s *stacks) end(at place, l *layer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l.ended = true
	stack := s.layers[at]
	for len(stack) > 0 && stack[len(stack)-1].ended {
		stack[len(stack)-1].restore()
		stack = stack[:len(stack)-1]
	}
	if len(stack) == 0 {
		delete(s.layers, at)
		return
	}
	s.layers[at] = stack
}
