// Package codecs keeps codecs by name, as packages did before they used a
// registry.
package codecs

import "sync"

// A Codec turns a text into its encoded form.
type Codec func(text string) string

var (
	mu     sync.RWMutex
	codecs = map[string]Codec{}
)

// Register adds c under name.
func Register(name string, c Codec) {
	mu.Lock()
	defer mu.Unlock()
	codecs[name] = c
}

// Get returns the codec of name, or nil.
func Get(name string) Codec {
	mu.RLock()
	defer mu.RUnlock()
	return codecs[name]
}

// Encode encodes text with the codec of name, or leaves it as it is.
func Encode(name, text string) string {
	if c := Get(name); c != nil {
		return c(text)
	}
	return text
}
