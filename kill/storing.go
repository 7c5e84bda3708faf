package kill

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// loadInterval is how often a hub reads its store, and storeTimeout bounds what it waits for.
	loadInterval = 30 * time.Second
	storeTimeout = 10 * time.Second
	storeRetry   = time.Second
)

// keepStore reads the store and writes to it until ctx ends. Nothing waits for it.
func (h *Hub) keepStore(ctx context.Context) {
	var loaded time.Time
	read := sync.OnceFunc(func() { close(h.storeRead) })
	defer read()
	for {
		err := h.exchangeWithStore(ctx, &loaded)
		read()
		if ctx.Err() != nil {
			return
		}
		h.mu.Lock()
		if (err == nil) != (h.storeErr == nil) {
			h.log.Info("kill: store", "error", err)
		}
		h.storeErr = err
		h.mu.Unlock()
		wait := loadInterval
		if err != nil {
			if !pause(ctx, storeRetry) {
				return
			}
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-h.toStore:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// exchangeWithStore loads if it is time to, and saves what the store is not known to have.
func (h *Hub) exchangeWithStore(ctx context.Context, loaded *time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	var loadErr error
	if time.Since(*loaded) >= loadInterval {
		var orders []Order
		orders, loadErr = h.options.Store.Load(ctx)
		switch {
		case loadErr != nil && len(orders) > 0: // one that cannot be read hides no other
			h.log.Error("kill: the store has orders that cannot be read", "error", loadErr)
			loadErr = nil
		case loadErr != nil && ctx.Err() != nil:
			return loadErr
		}
		if loadErr == nil { // otherwise all may be what cannot be read, which is no reason not to write
			*loaded = time.Now()
		}
		h.mu.Lock()
		h.saved = Set{}.Merge(orders...)
		h.mu.Unlock()
		if len(orders) > 0 {
			h.apply(h.options.StoreName, orders)
		}
	}
	h.mu.Lock()
	saved := h.saved
	h.mu.Unlock()
	var missing []Order
	for _, o := range h.sw.Set().Missing(saved) {
		if o.Target.Kind != KindCanary { // they are nobody's state
			missing = append(missing, o)
		}
	}
	if len(missing) == 0 {
		return loadErr
	}
	if err := h.options.Store.Save(ctx, missing); err != nil {
		return errors.Join(loadErr, err)
	}
	h.mu.Lock()
	h.saved = h.saved.Merge(missing...)
	h.mu.Unlock()
	return loadErr
}
