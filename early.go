package roster

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// An earlyLookup is a lookup in vain, made by a package's init function or
// variable initialiser. It learns who registers the name afterwards, because
// then the name was not missing: the order of initialisation was wrong.
type earlyLookup struct {
	home       string
	lookup     callers
	registered atomic.Pointer[callers]
}

func (e *earlyLookup) sites() (lookup, registered Site) {
	if c := e.registered.Load(); c != nil {
		registered = c.site(e.home)
	}
	return e.lookup.site(e.home), registered
}

// earlyLookups are those of one registry, at most maxLabels of them. The zero
// value is ready to use.
type earlyLookups struct {
	any atomic.Bool // whether byName holds something; spares a registration the lock

	mu     sync.Mutex // guards byName
	byName map[string]*earlyLookup
}

// note returns what is to be remembered of a lookup in vain at site, which is
// nil unless the calling goroutine is initialising a package.
func (l *earlyLookups) note(name string, c *core, site callers) *earlyLookup {
	if !initialising() {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if known := l.byName[name]; known != nil {
		return known
	}
	e := &earlyLookup{home: c.home(), lookup: site}
	if len(l.byName) < maxLabels {
		if l.byName == nil {
			l.byName = make(map[string]*earlyLookup)
		}
		l.byName[name] = e
		l.any.Store(true)
	}
	return e
}

// registered tells an early lookup of name that it was too early.
func (l *earlyLookups) registered(name string, site callers) {
	if !l.any.Load() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.byName[name]; e != nil {
		later := site // of its own, so that only this case allocates
		e.registered.CompareAndSwap(nil, &later)
	}
}

// initialising reports whether the calling goroutine is running a package's
// initialisation, as its stack tells. It is good for advice and no more: the
// function looked for is the runtime's own, and a goroutine that an init
// function started does not have it on its stack.
func initialising() bool {
	const initFunction = "runtime.doInit1"
	pcs := make([]uintptr, 64)
	for skip := 0; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs)
		if n == 0 {
			return false
		}
		frames := runtime.CallersFrames(pcs[:n])
		for {
			frame, more := frames.Next()
			if frame.Function == initFunction {
				return true
			}
			if !more {
				break
			}
		}
	}
}
