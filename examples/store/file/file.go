// Package file registers "file", a store in one JSON file, for few keys and one
// process at a time.
package file

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"sync"

	"github.com/roster-go/roster/examples/store/kv"
	"github.com/roster-go/roster/factory"
)

func init() { factory.Register(kv.Stores, "file", open) }

// Config is what can be said of a store in a file.
type Config struct {
	Path string `json:"path" config:"required" url:"path" doc:"of the file, which is made if it is missing"`
}

type store struct {
	path string

	mu     sync.RWMutex // guards values and the file
	values map[string]string
}

func open(_ context.Context, c Config) (kv.Store, error) {
	s := &store{path: c.Path, values: make(map[string]string)}
	data, err := os.ReadFile(c.Path)
	if errors.Is(err, fs.ErrNotExist) {
		err = s.write(s.values) // to learn now whether it can be written
		return s, err
	}
	if err != nil {
		return nil, fmt.Errorf("file: %w", err)
	}
	if err := json.Unmarshal(data, &s.values); err != nil {
		return nil, fmt.Errorf("%s is not a store: %w", c.Path, err)
	}
	return s, nil
}

func (s *store) Get(_ context.Context, key string) (value string, ok bool, err error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	value, ok = s.values[key]
	return value, ok, nil
}

func (s *store) Set(_ context.Context, key, value string) error {
	return s.change(func(values map[string]string) { values[key] = value })
}

func (s *store) Delete(_ context.Context, key string) error {
	return s.change(func(values map[string]string) { delete(values, key) })
}

func (s *store) Close() error { return nil }

// change makes a change that is in the file, or nowhere.
func (s *store) change(f func(map[string]string)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := maps.Clone(s.values)
	if next == nil {
		next = make(map[string]string)
	}
	f(next)
	if err := s.write(next); err != nil {
		return err
	}
	s.values = next
	return nil
}

// write puts a new file in the place of the old one, so that a crash leaves one of
// the two whole.
func (s *store) write(values map[string]string) error {
	data, err := json.Marshal(values)
	if err != nil {
		return fmt.Errorf("file: %w", err)
	}
	temp, err := os.CreateTemp(filepath.Dir(s.path), filepath.Base(s.path)+".*")
	if err != nil {
		return fmt.Errorf("file: %w", err)
	}
	_, err = temp.Write(data)
	if err == nil {
		err = temp.Sync()
	}
	err = errors.Join(err, temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), s.path)
	}
	if err != nil {
		return fmt.Errorf("file: %w", errors.Join(err, os.Remove(temp.Name())))
	}
	return nil
}
