// Package dep calls Register from under the lock that Register takes.
package dep

import "sync"

var (
	mu    sync.Mutex
	names = map[string]int{}
)

func init() {
	registerAll() // init.0: lock
}

func registerAll() {
	mu.Lock()
	defer mu.Unlock()
	Register("json", 1)
}

// Register is a registry as many write it.
func Register(name string, value int) {
	mu.Lock() // waits
	defer mu.Unlock()
	names[name] = value
}
