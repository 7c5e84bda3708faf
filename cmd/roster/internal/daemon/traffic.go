package daemon

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/roster-go/roster/plugin"
)

// maxTraffic bounds the pairs of a plugin and a capability that are counted apart.
const maxTraffic = 10_000

// traffic counts the calls that plugins take, by capability, so that their shares can be
// compared with their weights. It is safe for concurrent use; the zero value is ready.
type traffic struct {
	calls sync.Map // of trafficKey to *atomic.Uint64
	kinds atomic.Int64
}

type trafficKey struct{ plugin, capability string }

// A countingObserver passes on what it is told.
type countingObserver struct {
	traffic *traffic
	plugin.Observer
}

var _ plugin.Observer = countingObserver{}

// Call counts and passes on.
func (o countingObserver) Call(ctx context.Context, name, method string) (context.Context, func(code string, err error)) {
	o.traffic.add(name, method)
	return o.Observer.Call(ctx, name, method)
}

// add counts a call of a method: the capability of a function, or the full method of a service.
func (t *traffic) add(name, method string) {
	key := trafficKey{name, method}
	if service, isMethod := strings.CutPrefix(method, "/"); isMethod {
		key.capability, _, _ = strings.Cut(service, "/")
	}
	counter, known := t.calls.Load(key)
	if !known {
		if t.kinds.Load() >= maxTraffic {
			return
		}
		var there bool
		if counter, there = t.calls.LoadOrStore(key, new(atomic.Uint64)); !there {
			t.kinds.Add(1)
		}
	}
	counter.(*atomic.Uint64).Add(1) //nolint:forcetypeassert,errcheck // nothing else is stored
}

func (t *traffic) count(name, capability string) uint64 {
	counter, known := t.calls.Load(trafficKey{name, capability})
	if !known {
		return 0
	}
	return counter.(*atomic.Uint64).Load() //nolint:forcetypeassert,errcheck // nothing else is stored
}
