// Package memory registers "memory", a store that lasts as long as the process.
package memory

import (
	"context"
	"fmt"
	"sync"

	"github.com/roster-go/roster/examples/store/kv"
	"github.com/roster-go/roster/factory"
)

func init() {
	factory.Register(kv.Stores, "memory", open, factory.Defaults(Config{MaxKeys: 10_000}))
}

// Config is what can be said of a store in memory.
type Config struct {
	MaxKeys int `json:"max_keys" doc:"how many keys it may have"`
}

// Validate refuses a store that could not hold anything.
func (c Config) Validate() error {
	if c.MaxKeys < 1 {
		return fmt.Errorf("max_keys is %d, and must be at least 1", c.MaxKeys)
	}
	return nil
}

type store struct {
	max int

	mu     sync.RWMutex // guards values
	values map[string]string
}

func open(_ context.Context, c Config) (kv.Store, error) {
	return &store{max: c.MaxKeys, values: make(map[string]string)}, nil
}

func (s *store) Get(_ context.Context, key string) (value string, ok bool, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	value, ok = s.values[key]
	return value, ok, nil
}

func (s *store) Set(_ context.Context, key, value string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.values[key]; !ok && len(s.values) == s.max {
		return fmt.Errorf("memory: it has %d keys already; raise max_keys", s.max)
	}
	s.values[key] = value
	return nil
}

func (s *store) Delete(_ context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.values, key)
	return nil
}

func (s *store) Close() error { return nil }
