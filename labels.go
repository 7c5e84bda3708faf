package roster

import (
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
	known atomic.Pointer[labelled] // nil until something was counted
	mu    sync.Mutex               // serialises the successions of known; counting does not need it
}

// labelled is the state of labels: ordinal 0 is OtherName.
type labelled struct {
	roll
	hits *hits
}

func (l *labels) add(name string, n uint64) {
	if n == 0 {
		return
	}
	if known := l.known.Load(); known != nil {
		if i, ok := known.find(name); ok {
			known.hits.cell(i).Add(n)
			return
		}
		if len(known.names) > maxLabels {
			known.hits.cell(0).Add(n)
			return
		}
	}
	known, i := l.insert(name)
	known.hits.cell(i).Add(n)
}

func (l *labels) insert(name string) (*labelled, int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.known.Load()
	if known == nil {
		none := newRoll()
		first, i := none.with(OtherName)
		known = &labelled{roll: first, hits: (*hits)(nil).wideEnough(i)}
	}
	if i, ok := known.find(name); ok {
		return known, i
	}
	if len(name) > MaxNameLen || len(known.names) > maxLabels {
		l.known.Store(known)
		return known, 0
	}
	next, i := known.with(strings.Clone(name)) // a caller's name may be a slice of something large
	known = &labelled{roll: next, hits: known.hits.wideEnough(i)}
	l.known.Store(known)
	return known, i
}

// each calls f with every counted name and OtherName, in no order.
func (l *labels) each(f func(name string, n uint64)) {
	known := l.known.Load()
	if known == nil {
		return
	}
	for i, name := range known.names {
		if n := known.hits.count(i); n > 0 {
			f(name, n)
		}
	}
}
