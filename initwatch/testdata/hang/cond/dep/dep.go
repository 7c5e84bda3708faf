// Package dep waits for a condition that nobody signals.
package dep

import "sync"

var (
	mu    sync.Mutex
	ready = sync.NewCond(&mu)
	up    bool
)

func init() {
	await() // init.0: cond
}

func await() {
	mu.Lock()
	defer mu.Unlock()
	for !up {
		ready.Wait() // waits
	}
}
