package roster_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
)

// patience bounds how long a test waits for what must happen at once.
const patience = 20 * time.Second

// A device is a value that knows whether it was retired.
type device struct {
	generation int
	closed     atomic.Bool
	gone       chan struct{} // closed when the device is
}

func newDevice(generation int) *device {
	return &device{generation: generation, gone: make(chan struct{})}
}

// inUse reports whether the device may be used.
func (p *device) inUse() bool { return !p.closed.Load() }

// retireDevices makes a registry close its devices, and a device that is retired
// twice a failure of the test.
func retireDevices(t *testing.T) roster.ChangingOption {
	t.Helper()
	return roster.OnRetire(func(name string, p *device) error {
		if p.closed.Swap(true) {
			t.Errorf("device %d was retired twice, now under %q", p.generation, name)
			return nil
		}
		close(p.gone)
		return nil
	})
}

// isRetired fails the test unless the device is retired soon.
func (p *device) isRetired(t *testing.T) {
	t.Helper()
	select {
	case <-p.gone:
	case <-time.After(patience):
		t.Fatalf("device %d is held by nobody and was not retired within %v", p.generation, patience)
	}
}

// drained fails the test unless nothing is held.
func drained[T any](t *testing.T, h *roster.Hot[T]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	assert.NoError(t, h.Drain(ctx))
}

// stuck returns why a drain cannot end, without waiting.
func stuck[T any](t *testing.T, h *roster.Hot[T]) *roster.StuckError {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return assert.ErrorAs[*roster.StuckError](t, h.Drain(ctx))
}
