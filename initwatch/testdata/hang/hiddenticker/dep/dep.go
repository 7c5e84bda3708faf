// Package dep locks twice, and no detector says so since a ticker runs.
package dep

import (
	"sync"
	"time"
)

var (
	mu     sync.RWMutex
	ticker = time.NewTicker(time.Hour)
	ticks  int
)

func init() {
	go count()
	mu.RLock()
	upgrade() // init.0: lock
}

func upgrade() {
	mu.Lock() // waits
}

func count() {
	for range ticker.C {
		ticks++
	}
}
