// Package dep has a variable whose initialiser enters a Once from inside it.
package dep

import "sync"

type settings struct {
	once   sync.Once
	values map[string]string
	more   func(*settings) string
}

// Setting is what was read.
var Setting = (&settings{more: (*settings).first}).first() // init: once

func (s *settings) first() string {
	s.load()
	return s.values["a"]
}

func (s *settings) load() {
	s.once.Do(func() { // waits
		s.values = map[string]string{"b": s.more(s)}
	})
}
