package access

import (
	"context"
	"errors"
	"sync"
	"time"
)

// recheckInterval is how long a stream goes on, at most, after its token was revoked.
const recheckInterval = 5 * time.Second

// errNotAnyMore is why the context of a request ends.
var errNotAnyMore = errors.New("access: the token was revoked, has expired, or its session is over")

// whileGood returns a context that ends when still says no, which it is asked each interval. A request
// that is over by then costs a timer and no goroutine. The caller stops it.
func whileGood(ctx context.Context, interval time.Duration, still func() bool) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	var (
		mu    sync.Mutex // guards timer
		timer *time.Timer
	)
	mu.Lock()
	defer mu.Unlock()
	timer = time.AfterFunc(interval, func() {
		if !still() {
			cancel(errNotAnyMore)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		if ctx.Err() == nil {
			timer.Reset(interval)
		}
	})
	return ctx, func() {
		cancel(nil)
		timer.Stop()
	}
}
