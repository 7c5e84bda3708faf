package strong

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Memory is an [Engine] inside one process, for tests and for programs that are alone. All
// stores over one Memory are one store. [Memory.Member] gives a way to it that can be cut,
// as a region can be.
type Memory struct {
	mu      sync.Mutex // guards the fields below
	version Version
	entries map[string]Entry
	watches map[*memoryWatch]struct{}
}

// NewMemory returns an empty engine.
func NewMemory() *Memory {
	return &Memory{entries: make(map[string]Entry), watches: make(map[*memoryWatch]struct{})}
}

var _ Engine = (*Member)(nil)

// Member gives another way to the engine.
func (m *Memory) Member(name string) *Member { return &Member{memory: m, name: name} }

// A Member is a way to a [Memory].
type Member struct {
	memory *Memory
	name   string
	cut    bool // guarded by memory.mu
	mute   bool // guarded by memory.mu
}

var (
	errCut  = errors.New("the member is cut off")
	errMute = errors.New("the answer was lost")
)

// Cut cuts the member off from the quorum, until Mend.
func (m *Member) Cut() { m.set(true, false) }

// Mute lets requests through and loses the answers, until Mend.
func (m *Member) Mute() { m.set(false, true) }

// Mend ends Cut and Mute.
func (m *Member) Mend() { m.set(false, false) }

func (m *Member) set(cut, mute bool) {
	m.memory.mu.Lock()
	defer m.memory.mu.Unlock()
	m.cut, m.mute = cut, mute
	for w := range m.memory.watches {
		w.wake()
	}
}

// unreachable tells why a question gets no answer. The mutex is held.
func (m *Member) unreachable() error {
	switch {
	case m.cut:
		return &NoQuorumError{Asked: []string{m.name}, Err: errCut}
	case m.mute:
		return &NoQuorumError{Asked: []string{m.name}, Err: errMute}
	}
	return nil
}

// Get implements [Engine].
func (m *Member) Get(_ context.Context, key string) (entry Entry, found bool, err error) {
	m.memory.mu.Lock()
	defer m.memory.mu.Unlock()
	if err := m.unreachable(); err != nil {
		return Entry{}, false, err
	}
	entry, found = m.memory.entries[key]
	return entry, found, nil
}

// List implements [Engine].
func (m *Member) List(_ context.Context, prefix string) ([]Entry, Version, error) {
	m.memory.mu.Lock()
	defer m.memory.mu.Unlock()
	if err := m.unreachable(); err != nil {
		return nil, 0, err
	}
	return m.memory.list(prefix), m.memory.version, nil
}

// list gives entries, sorted. The mutex is held.
func (m *Memory) list(prefix string) []Entry {
	var entries []Entry
	for _, key := range slices.Sorted(maps.Keys(m.entries)) {
		if strings.HasPrefix(key, prefix) {
			entries = append(entries, m.entries[key])
		}
	}
	return entries
}

// Write implements [Engine].
func (m *Member) Write(ctx context.Context, w Write) (Version, error) {
	if err := ctx.Err(); err != nil {
		return 0, context.Cause(ctx)
	}
	m.memory.mu.Lock()
	defer m.memory.mu.Unlock()
	if m.cut {
		return 0, m.unreachable()
	}
	version, err := m.memory.write(w)
	if m.mute {
		return 0, &InDoubtError{Key: w.Key, Err: errMute}
	}
	return version, err
}

// write makes a write. The mutex is held.
func (m *Memory) write(w Write) (Version, error) {
	found, there := m.entries[w.Key]
	switch {
	case w.Guarded && found.Version != w.Expect:
		return 0, &ConflictError{Key: w.Key, Expected: w.Expect, Found: found}
	case w.Remove && !there:
		return m.version, nil
	}
	m.version++
	change := Change{Entry: Entry{Key: w.Key, Version: m.version}, Removed: w.Remove}
	if w.Remove {
		delete(m.entries, w.Key)
	} else {
		change.Value = bytes.Clone(w.Value)
		m.entries[w.Key] = change.Entry
	}
	for watch := range m.watches {
		watch.pending = append(watch.pending, change)
		watch.wake()
	}
	return m.version, nil
}

// memoryHeartbeat is how often a watch says that it is fresh.
const memoryHeartbeat = 100 * time.Millisecond

// A memoryWatch is one watch.
type memoryWatch struct {
	member  *Member
	pending []Change      // guarded by the mutex of Memory
	woken   chan struct{} // holds a value when there is something to look at
}

func (w *memoryWatch) wake() {
	select {
	case w.woken <- struct{}{}:
	default:
	}
}

// Watch implements [Engine].
func (m *Member) Watch(ctx context.Context, ask <-chan struct{}, sink Sink) error {
	w := &memoryWatch{member: m, woken: make(chan struct{}, 1)}
	beat := time.NewTicker(memoryHeartbeat)
	defer beat.Stop()
	defer func() {
		m.memory.mu.Lock()
		defer m.memory.mu.Unlock()
		delete(m.memory.watches, w)
	}()
	for synced := false; ; {
		asked := time.Now()
		m.memory.mu.Lock()
		lost := m.unreachable()
		m.memory.watches[w] = struct{}{}
		var changes []Change
		var entries []Entry
		version := m.memory.version
		switch {
		case lost != nil:
		case !synced:
			entries, w.pending = m.memory.list(""), nil
		default:
			changes, w.pending = w.pending, nil
		}
		m.memory.mu.Unlock()
		switch {
		case lost != nil:
			sink.Lost(&ContactError{Asked: []string{m.name}, Err: errors.Unwrap(lost)})
		case !synced:
			synced = true
			sink.Sync(version, entries)
			sink.Fresh(asked, version)
		default:
			if len(changes) > 0 {
				sink.Apply(changes[len(changes)-1].Version, changes)
			}
			sink.Fresh(asked, version)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-beat.C:
		case <-ask:
		case <-w.woken:
		}
	}
}
