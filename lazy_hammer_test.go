package roster_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/internal/assert"
)

// Whatever is looked up, forgotten, leased and cancelled at the same time, a
// value is the one of its name, nobody sees one that was retired while he leases
// it, and each is retired once.
func TestLazyConcurrentSafe(t *testing.T) {
	t.Parallel()
	type part struct {
		name    string
		retired atomic.Int64
	}
	const workers, rounds, names = 6, 400, 5
	var made sync.Map
	load := func(ctx context.Context, name string) (*part, error) {
		runtime.Gosched()
		if name == "n0" {
			return nil, errOutage
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		p := &part{name: name}
		made.Store(p, true)
		return p, nil
	}
	l := roster.NewLazy(load, quiet(), roster.RetryAfter(0), roster.OnRetire(func(name string, p *part) error {
		if p.retired.Add(1) != 1 || name != p.name {
			t.Errorf("%s is retired as %s, %d times", p.name, name, p.retired.Load())
		}
		return nil
	}))
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			defer func() {
				if v := recover(); v != nil {
					t.Errorf("panic: %v", v)
				}
			}()
			for i := range rounds {
				name := fmt.Sprint("n", (i+w)%names)
				ctx, cancel := context.WithCancel(t.Context())
				switch (i + w) % 7 {
				case 0:
					l.Forget(name)
				case 1:
					go cancel()
					_, _ = l.Load(ctx, name)
				case 2:
					if p, ok := l.Get(name); ok && p.name != name {
						t.Errorf("%s is %s", name, p.name)
					}
				default:
					lease, err := l.Lease(ctx, name)
					if (err != nil) != (name == "n0") {
						t.Errorf("%s: %v", name, err)
					}
					if err == nil {
						runtime.Gosched()
						if p := lease.Value(); p.name != name || p.retired.Load() != 0 {
							t.Errorf("%s leased as %s, retired %d times", p.name, name, p.retired.Load())
						}
						lease.Release()
					}
				}
				cancel()
			}
		})
	}
	wg.Wait()
	for _, name := range l.Names() {
		l.Forget(name)
	}
	assert.NoError(t, l.Drain(t.Context()))
	lost := 0
	assert.Eventually(t, func() bool { // loads that were abandoned may still be running
		lost = 0
		made.Range(func(p, _ any) bool {
			if part, _ := p.(*part); part.retired.Load() != 1 {
				lost++
			}
			return true
		})
		return lost == 0
	}, "everything that was made is retired")
}
