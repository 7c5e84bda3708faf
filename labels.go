package roster

import (
	"maps"
	"strings"
	"sync"
	"sync/atomic"
)

// OtherName stands in counts for all names beyond the first hundred that were
// looked up or registered in vain, so that outside input cannot grow a metric
// without bound.
const OtherName = "_other"

const maxLabels = 100

// labels counts events by name for at most maxLabels distinct names, and under
// OtherName for the rest. Adding to a known name takes no lock. The zero value
// is ready to use.
type labels struct {
	named atomic.Pointer[map[string]*atomic.Uint64] // the map is never changed, only succeeded
	other atomic.Uint64
	mu    sync.Mutex // serialises the successions of named; counting does not need it
}

func (l *labels) add(name string, n uint64) {
	l.cell(name).Add(n)
}

func (l *labels) cell(name string) *atomic.Uint64 {
	known := l.named.Load()
	if known != nil {
		if cell, ok := (*known)[name]; ok {
			return cell
		}
		if len(*known) >= maxLabels {
			return &l.other
		}
	}
	if len(name) > MaxNameLen || name == OtherName {
		return &l.other
	}
	return l.insert(name)
}

func (l *labels) insert(name string) *atomic.Uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := map[string]*atomic.Uint64{}
	if old := l.named.Load(); old != nil {
		if cell, ok := (*old)[name]; ok {
			return cell
		}
		if len(*old) >= maxLabels {
			return &l.other
		}
		known = maps.Clone(*old)
	}
	cell := new(atomic.Uint64)
	known[strings.Clone(name)] = cell // a caller's name may be a slice of something large
	l.named.Store(&known)
	return cell
}

// each calls f with every counted name and OtherName, in no order.
func (l *labels) each(f func(name string, n uint64)) {
	if known := l.named.Load(); known != nil {
		for name, cell := range *known {
			f(name, cell.Load())
		}
	}
	if n := l.other.Load(); n > 0 {
		f(OtherName, n)
	}
}
