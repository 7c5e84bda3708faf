package access

import (
	"math"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits of failures. A failure is a request without an identity, or with a token or a session that is
// not good. Beyond the limit it is answered with 429 instead of 401, and leaves no line of its own in
// the audit log.
//
// A token that is good is never refused for the failures of others, not even from the same address:
// nobody guesses 256 bits, so locking out would protect nothing, and anybody behind the same proxy, or
// on the same machine, could keep an operator from a kill.
const (
	failuresPerAddress = 10               // at once; an IPv6 address counts as its /64
	addressInterval    = 6 * time.Second  // for one more
	failuresPerToken   = 20               // at once, of texts that begin with the id of one token
	tokenInterval      = 3 * time.Second  // for one more
	maxFailing         = 4096             // addresses, and ids, that are remembered
	forgetFailing      = 10 * time.Minute // after which one is as new
)

// A limiter counts failures by a key.
type limiter struct {
	burst int
	every time.Duration
	now   func() time.Time

	mu      sync.Mutex // guards failing
	failing map[string]*failing
}

type failing struct {
	*rate.Limiter

	last time.Time
}

func newLimiter(burst int, every time.Duration, now func() time.Time) *limiter {
	return &limiter{burst: burst, every: every, now: now, failing: make(map[string]*failing)}
}

// fail counts a failure and returns how long to wait before the next one: zero within the limit.
func (l *limiter) fail(key string) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	f := l.failing[key]
	if f == nil {
		l.makeRoom(now)
		f = &failing{Limiter: rate.NewLimiter(rate.Every(l.every), l.burst)}
		l.failing[key] = f
	}
	f.last = now
	if f.AllowN(now, 1) {
		return 0
	}
	missing := 1 - f.TokensAt(now)
	return time.Duration(math.Ceil(missing * float64(l.every)))
}

// makeRoom keeps the number of keys bounded. If all are recent, a quarter of them goes, whichever, so
// that a flood from many addresses does not look through all of them each time: those may fail a few
// times more, which harms nobody.
func (l *limiter) makeRoom(now time.Time) {
	if len(l.failing) < maxFailing {
		return
	}
	for key, f := range l.failing {
		if now.Sub(f.last) > forgetFailing {
			delete(l.failing, key)
		}
	}
	const room = maxFailing / 4
	for key := range l.failing {
		if len(l.failing) <= maxFailing-room {
			return
		}
		delete(l.failing, key)
	}
}

// addressKey is what counts as one address of a remote end host:port.
func addressKey(remote string) string {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		return remote
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is4() {
		return ip.String()
	}
	const network = 64 // what one customer has
	prefix, err := ip.Prefix(network)
	if err != nil {
		return ip.String()
	}
	return prefix.String()
}
