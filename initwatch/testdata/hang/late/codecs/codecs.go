// Package codecs registers in a goroutine, once somebody has configured it.
package codecs

import "sync"

var (
	configured = make(chan string)

	mu    sync.Mutex
	names = map[string]bool{}
)

func init() {
	go registerLater()
}

func registerLater() {
	for name := range configured {
		mu.Lock()
		names[name] = true
		mu.Unlock()
	}
}

// Configure has a codec registered.
func Configure(name string) { configured <- name }

// Has reports whether a codec is registered.
func Has(name string) bool {
	mu.Lock()
	defer mu.Unlock()
	return names[name]
}
