package plugin

import (
	"encoding/json"
	"errors"
	"testing"
	"time"
)

// Hasten makes supervision fast enough for tests.
func (o Options) Hasten() Options {
	p := defaultPolicy()
	p.backoffMin, p.backoffMax = 5*time.Millisecond, 40*time.Millisecond
	p.circuitPause, p.circuitPatience = 300*time.Millisecond, 50*time.Millisecond
	p.healthInterval, p.healthTimeout = 100*time.Millisecond, 500*time.Millisecond
	o.policy = &p
	return o
}

// Tireless restarts at once and never gives up.
func (o Options) Tireless() Options {
	p := *o.Hasten().policy
	p.backoffMin, p.backoffMax, p.crashLimit = time.Millisecond, 2*time.Millisecond, 1<<30
	o.policy = &p
	return o
}

// NeverCheckHealth turns health checks off.
func (o Options) NeverCheckHealth() Options {
	p := *o.Hasten().policy
	p.healthInterval = time.Hour
	o.policy = &p
	return o
}

// SocketDir is the host's private directory.
func (h *Host) SocketDir() string { return h.dir }

// For tests of keys.
var (
	KeyOf        = keyOf
	NearestFirst = nearestFirst
	Outgoing     = request{}.outgoing
)

// For tests of configs.
var ReadyConfig = readyConfig

// MergeJSON is mergePatch of texts.
func MergeJSON(t *testing.T, target, patch string) string {
	t.Helper()
	a, err := parseJSON([]byte(target))
	b, err2 := parseJSON([]byte(patch))
	merged, err3 := json.Marshal(mergePatch(a, b))
	if err := errors.Join(err, err2, err3); err != nil {
		t.Fatal(err)
	}
	return string(merged)
}

// Calls is the number of calls that run on a plugin.
func (h *Host) Calls(name string) int {
	s, ok := h.plugins.Get(name)
	if !ok {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// Waiting is the number of plugins that are to take the place of others.
func (h *Host) Waiting() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.waiting)
}
